//! Bytes from the client into a file.

use super::data::Data;
use super::form::Decoder;
use super::meter::Meter;
use crate::session::{Form, TransferError};
use crate::store::WriteFile;

/// Bytes that are read at once to begin with. A client that sends more than fits gets a larger buffer, so that many slow clients do
/// not hold much.
const FIRST_BUFFER: usize = 16 << 10;

/// The largest buffer.
const LARGEST_BUFFER: usize = 512 << 10;

/// Takes a file until the client ends it.
pub(super) async fn receive(
    data: &mut Data,
    file: &mut dyn WriteFile,
    form: Form,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut decoder = Decoder::new(form);
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let piece = meter.piece(buffer.len());
        let part = buffer.get_mut(..piece).unwrap_or_default();
        let read = meter.watch(data.read(part)).await?;
        if read == 0 {
            break;
        }
        let part = buffer.get(..read).unwrap_or_default();
        decoder.decode(part, |bytes| {
            file.write(bytes)?;
            meter.stored(bytes.len());
            Ok(())
        })?;
        meter.crossed(read).await?;
        if read == buffer.len() && read < LARGEST_BUFFER {
            buffer.resize(read.saturating_mul(2).min(LARGEST_BUFFER), 0);
        }
    }
    decoder.finish(|bytes| {
        file.write(bytes)?;
        meter.stored(bytes.len());
        Ok(())
    })
}
