//! Bytes to the client: a file without copying where that is possible, or through a buffer and what TYPE and MODE ask for.

use std::fs::File;
use std::io;
use std::ops::Range;

use super::data::Data;
use super::form::Encoder;
use super::meter::Meter;
use super::socket::{Socket, retry};
use super::walk::Walk;
use crate::session::{Form, TransferError};
use crate::store::{ReadFile, StoreError};

/// Most bytes that the kernel is asked to send at once.
const SENT_AT_ONCE: usize = 4 << 20;

/// Bytes of a file that are read at once.
const READ_AT_ONCE: usize = 256 << 10;

/// The smallest buffer, for small files.
const SMALLEST_BUFFER: usize = 4 << 10;

/// Sends a part of a file.
pub(super) async fn send_file(
    data: &mut Data,
    file: &dyn ReadFile,
    range: Range<u64>,
    form: Form,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut from = range.start;
    if let (Data::Clear(socket) | Data::Kernel { socket, .. }, Some(descriptor), true) =
        (&mut *data, file.as_file(), form == Form::default())
    {
        match send_uncopied(socket, descriptor, &mut from, range.end, meter).await {
            // This file system cannot; it said so before anything was sent.
            Err(Uncopied::Unsupported) => {}
            Err(Uncopied::Failed(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
    }
    send_copied(data, file, from..range.end, form, meter).await
}

enum Uncopied {
    Unsupported,
    Failed(TransferError),
}

impl From<TransferError> for Uncopied {
    fn from(error: TransferError) -> Self {
        Self::Failed(error)
    }
}

async fn send_uncopied(
    socket: &mut Socket,
    file: &File,
    from: &mut u64,
    to: u64,
    meter: &mut Meter,
) -> Result<(), Uncopied> {
    while *from < to {
        let left = usize::try_from(to.saturating_sub(*from)).unwrap_or(SENT_AT_ONCE);
        let wanted = meter.piece(SENT_AT_ONCE).min(left);
        let mut at = *from;
        let step = async {
            socket
                .when_writable(|target| retry(|| rustix::fs::sendfile(target, file, Some(&mut at), wanted)))
                .await
                .map_err(classify)
        };
        let sent = match meter.watch(step).await? {
            0 => return Err(Uncopied::Failed(became_shorter())),
            sent => sent,
        };
        *from = from.saturating_add(u64::try_from(sent).unwrap_or(u64::MAX));
        meter.stored(sent);
        meter.crossed(sent).await?;
    }
    Ok(())
}

/// Whether the file or the connection is to blame.
fn classify(error: io::Error) -> Uncopied {
    match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Uncopied::Unsupported,
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::TimedOut => Uncopied::Failed(TransferError::Broken),
        _ => Uncopied::Failed(TransferError::Store(StoreError::Io(error))),
    }
}

fn became_shorter() -> TransferError {
    TransferError::Store(StoreError::Io(io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the file became shorter while it was sent",
    )))
}

async fn send_copied(
    data: &mut Data,
    file: &dyn ReadFile,
    range: Range<u64>,
    form: Form,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut encoder = Encoder::new(form);
    let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(READ_AT_ONCE);
    let mut buffer = vec![0; length.clamp(SMALLEST_BUFFER, READ_AT_ONCE)];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end.saturating_sub(at)).unwrap_or(READ_AT_ONCE);
        let wanted = meter.piece(buffer.len()).min(left);
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = file.read_at(part, at)?;
        if read == 0 {
            return Err(became_shorter());
        }
        let part = part.get(..read).unwrap_or_default();
        write_all(data, encoder.encode(part)?, meter).await?;
        meter.stored(read);
        meter.take_turns().await;
        at = at.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
    }
    write_all(data, encoder.finish()?, meter).await
}

/// Sends a listing. Its lines end in CR LF already.
pub(super) async fn send_listing(
    data: &mut Data,
    walk: &mut Walk,
    form: Form,
    meter: &mut Meter,
) -> Result<(), TransferError> {
    let mut encoder = Encoder::new(Form { ascii: false, ..form });
    let mut lines = Vec::new();
    loop {
        let more = walk.fill(&mut lines);
        // Also what came before something that could not be read: the reply tells that it is not all.
        meter.stored(lines.len());
        write_all(data, encoder.encode(&lines)?, meter).await?;
        lines.clear();
        if !more? {
            break;
        }
        // Entries that match nothing are looked at as well.
        tokio::task::consume_budget().await;
    }
    write_all(data, encoder.finish()?, meter).await
}

async fn write_all(data: &mut Data, bytes: &[u8], meter: &mut Meter) -> Result<(), TransferError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let piece = rest.get(..meter.piece(rest.len())).unwrap_or(rest);
        let written = meter.watch(data.write(piece)).await?;
        if written == 0 {
            return Err(TransferError::Broken);
        }
        rest = rest.get(written..).unwrap_or_default();
        meter.crossed(written).await?;
    }
    Ok(())
}
