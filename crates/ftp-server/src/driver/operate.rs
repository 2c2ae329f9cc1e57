//! What a session asks of a store without a data connection.

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::walk::Walk;
use crate::account::Permissions;
use crate::codec::ascii::ToNetwork;
use crate::hash::Hasher;
use crate::session::{Answered, Done, Operation, STATUS_LINES};
use crate::store::{Disposition, Store, StoreError, VirtualPath};

/// Bytes of a file that are read at once.
const READ_AT_ONCE: usize = 256 << 10;

/// Whether the operation may take long: it reads files or whole directories.
pub(super) fn is_slow(operation: &Operation) -> bool {
    match operation {
        Operation::List { .. }
        | Operation::AsciiSize(_)
        | Operation::Hash { .. }
        | Operation::Combine { .. } => true,
        Operation::Inspect(_)
        | Operation::MakeDirectory(_)
        | Operation::RemoveDirectory(_)
        | Operation::RemoveFile(_)
        | Operation::Rename { .. }
        | Operation::SetMode(..)
        | Operation::SetModified(..)
        | Operation::Space(_) => false,
    }
}

/// Does it.
pub(super) fn operate(store: &Arc<dyn Store>, permissions: &Permissions, operation: Operation) -> Done {
    match operation {
        Operation::Inspect(path) => store.metadata(&path).map(Answered::Metadata),
        Operation::List { path, pattern, format } => {
            let now = SystemTime::now();
            let walk =
                Walk::open(Arc::clone(store), permissions.clone(), path, pattern.as_deref(), format, now)?;
            lines(walk)
        }
        Operation::AsciiSize(path) => ascii_size(store.as_ref(), &path),
        Operation::MakeDirectory(path) => store.make_directory(&path).map(|()| Answered::Done),
        Operation::RemoveDirectory(path) => store.remove_directory(&path).map(|()| Answered::Done),
        Operation::RemoveFile(path) => store.remove_file(&path).map(|()| Answered::Done),
        Operation::Rename { from, to } => store.rename(&from, &to).map(|()| Answered::Done),
        Operation::SetMode(path, mode) => store.set_mode(&path, mode).map(|()| Answered::Done),
        Operation::SetModified(path, time) => store.set_modified(&path, time).map(|()| Answered::Done),
        Operation::Space(path) => Ok(Answered::Space(store.space(&path)?.map(|space| space.available))),
        Operation::Hash { path, algorithm, start, end } => {
            let mut hasher = Hasher::new(algorithm);
            let end = read_range(store.as_ref(), &path, start, end, |bytes| hasher.update(bytes))?;
            Ok(Answered::Hash { digest: hasher.finish(), start, end })
        }
        Operation::Combine { target, sources } => combine(store.as_ref(), &target, &sources),
    }
}

fn lines(mut walk: Walk) -> Done {
    let mut text = Vec::new();
    let mut lines = Vec::new();
    // One more than is sent tells that some are left out.
    while lines.len() <= STATUS_LINES && walk.fill(&mut text)? {
        lines.extend(text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).map(without_return));
        text.clear();
    }
    let cut = lines.len() > STATUS_LINES;
    lines.truncate(STATUS_LINES);
    Ok(Answered::Lines { lines, cut })
}

fn without_return(line: &[u8]) -> Vec<u8> {
    line.strip_suffix(b"\r").unwrap_or(line).to_vec()
}

/// Length of the file in TYPE A.
fn ascii_size(store: &dyn Store, path: &VirtualPath) -> Done {
    let mut lines = ToNetwork::new();
    let mut size = 0_u64;
    read_range(store, path, 0, None, |bytes| size = size.saturating_add(lines.length(bytes)))?;
    Ok(Answered::Size(size))
}

/// Gives the bytes of a part of a file; tells where it ended.
fn read_range(
    store: &dyn Store,
    path: &VirtualPath,
    start: u64,
    end: Option<u64>,
    mut take: impl FnMut(&[u8]),
) -> Result<u64, StoreError> {
    let file = store.read(path)?;
    let length = file.metadata().size;
    let end = end.unwrap_or(length).min(length);
    let mut at = start.min(end);
    let mut buffer = vec![0; READ_AT_ONCE];
    while at < end {
        let wanted = usize::try_from(end.saturating_sub(at)).unwrap_or(READ_AT_ONCE).min(READ_AT_ONCE);
        let part = buffer.get_mut(..wanted).unwrap_or_default();
        let read = file.read_at(part, at)?;
        if read == 0 {
            return Err(StoreError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        take(part.get(..read).unwrap_or_default());
        at = at.saturating_add(widened(read));
    }
    Ok(at)
}

/// COMB. The sources are removed once the target is whole, so that nothing is lost whenever this ends.
fn combine(store: &dyn Store, target: &VirtualPath, sources: &[VirtualPath]) -> Done {
    let mut writer = store.write(target, Disposition::Append)?;
    let mut failure = None;
    for source in sources {
        let copied = read_range(store, source, 0, None, |bytes| {
            if failure.is_none() {
                failure = writer.write(bytes).err();
            }
        });
        if let Some(error) = failure.take().or(copied.err()) {
            // The first error is the one to tell.
            let _ = writer.abandon();
            return Err(error);
        }
    }
    writer.finish()?;
    for source in sources.iter().filter(|source| *source != target) {
        store.remove_file(source)?;
    }
    Ok(Answered::Done)
}

fn widened(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
