//! Bytes from the client into a file: without copying them where that is possible and worth a pipe, or through a buffer.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use super::data::Data;
use super::form::Decoder;
use super::meter::Meter;
use super::socket::{Socket, retry};
use crate::session::{Form, TransferError};
use crate::store::{StoreError, WriteFile};

/// Bytes that are read at once to begin with. A client that sends more than fits gets a larger buffer, so that many slow clients do
/// not hold much.
const FIRST_BUFFER: usize = 16 << 10;

/// The largest buffer.
const LARGEST_BUFFER: usize = 512 << 10;

/// Bytes that a pipe is asked to hold: the most that the system grants to everybody (pipe(7), `pipe-max-size`).
const PIPE: usize = 1 << 20;

/// Takes a file until the client ends it.
pub(super) async fn receive(
    data: &mut Data,
    file: &mut dyn WriteFile,
    form: Form,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut decoder = Decoder::new(form);
    let may_be_moved = form == Form::default() && matches!(data, Data::Clear(_));
    let whole = receive_copied(data, &mut decoder, file, meter, may_be_moved).await?;
    if let (false, Data::Clear(socket)) = (whole, &mut *data)
        && !receive_uncopied(socket, file, meter).await?
    {
        receive_copied(data, &mut decoder, file, meter, false).await?;
    }
    decoder.finish(|bytes| store(bytes, file, meter))
}

/// Takes what comes through a buffer. Gives `false` before the end, if the client is fast and the rest may be taken otherwise.
async fn receive_copied(
    data: &mut Data,
    decoder: &mut Decoder,
    file: &mut dyn WriteFile,
    meter: &mut Meter,
    until_fast: bool,
) -> Result<bool, TransferError> {
    let mut buffer = vec![0; FIRST_BUFFER];
    loop {
        let piece = meter.piece(buffer.len());
        let part = buffer.get_mut(..piece).unwrap_or_default();
        let read = meter.watch(data.read(part)).await?;
        if read == 0 {
            return Ok(true);
        }
        let part = buffer.get(..read).unwrap_or_default();
        decoder.decode(part, |bytes| store(bytes, file, meter))?;
        meter.crossed(read).await?;
        if read == buffer.len() && read < LARGEST_BUFFER {
            buffer.resize(read.saturating_mul(2).min(LARGEST_BUFFER), 0);
        } else if read == buffer.len() && until_fast {
            return Ok(false);
        }
    }
}

/// Has the kernel move what comes from the socket into the file. Gives `false` if it cannot, with nothing lost.
async fn receive_uncopied(
    socket: &mut Socket,
    file: &mut dyn WriteFile,
    meter: &mut Meter,
) -> Result<bool, TransferError> {
    // Without descriptors or memory for it there is still the buffer.
    let Ok((pipe, entrance)) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK) else { return Ok(false) };
    // What is granted may be less, and has to do.
    let _ = fcntl_setpipe_size(&entrance, PIPE);
    loop {
        let piece = meter.piece(PIPE);
        let received = async { Ok(socket.receive_into(&entrance, piece).await) };
        let read = match meter.watch::<_, TransferError>(received).await? {
            Ok(0) => return Ok(true),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => return Ok(false),
            Err(_) => return Err(TransferError::Broken),
        };
        let mut left = read;
        while left > 0 {
            match file.write_from(pipe.as_fd(), left) {
                Ok(moved @ 1..) => {
                    meter.stored(moved);
                    left = left.saturating_sub(moved);
                }
                // The file cannot be written so.
                Ok(_) | Err(StoreError::Unsupported) => {
                    empty(&pipe, left, file, meter)?;
                    meter.crossed(read).await?;
                    return Ok(false);
                }
                Err(error) => return Err(error.into()),
            }
        }
        meter.crossed(read).await?;
    }
}

/// Writes what is left in a pipe.
fn empty(
    pipe: &OwnedFd,
    mut left: usize,
    file: &mut dyn WriteFile,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut buffer = vec![0; left.min(LARGEST_BUFFER)];
    while left > 0 {
        let read = retry(|| rustix::io::read(pipe, &mut buffer)).map_err(StoreError::Io)?;
        if read == 0 {
            return Err(TransferError::Broken);
        }
        store(buffer.get(..read).unwrap_or_default(), file, meter)?;
        left = left.saturating_sub(read);
    }
    Ok(())
}

fn store(bytes: &[u8], file: &mut dyn WriteFile, meter: &mut Meter) -> Result<(), TransferError> {
    file.write(bytes)?;
    meter.stored(bytes.len());
    Ok(())
}
