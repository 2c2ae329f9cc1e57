//! The folder on this side: what it holds, and how names of bytes become paths.

use std::borrow::Cow;
use std::ffi::OsStr;
#[cfg(unix)]
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::PathBuf;

use cap_std::fs::Metadata;

use super::item::{Item, Kind, Stamp};
use crate::client::local::Folder;

/// Bytes as the system's names have them.
pub fn name(bytes: &[u8]) -> Cow<'_, OsStr> {
    #[cfg(unix)]
    return Cow::Borrowed(std::os::unix::ffi::OsStrExt::from_bytes(bytes));
    #[cfg(not(unix))]
    return Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into());
}

/// A path with slashes as the system's.
pub fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(name(bytes).into_owned())
}

/// What the folder at `place` holds; with `follow`, links are what they lead to, as far as that is beneath `root`.
pub fn list(root: &Folder, place: &[u8], follow: bool) -> io::Result<Vec<Item>> {
    let folder = root.at(&path(place))?;
    let mut items = Vec::new();
    for entry in folder.dir().entries()? {
        let entry = entry?;
        let name = entry.file_name().as_encoded_bytes().to_vec();
        let mut metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            // Removed just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if follow && metadata.is_symlink() {
            let target = root.dir().metadata(path(&join(place, &name)));
            // What leads nowhere, or out of here, stays a link, and is left out as one.
            metadata = target.unwrap_or(metadata);
        }
        items.push(item(name, &metadata));
    }
    Ok(items)
}

/// What the folder at `place` is known by, whichever way leads to it; `None` where the system does not tell.
#[cfg(unix)]
pub fn identity(root: &Folder, place: &[u8]) -> io::Result<Option<u64>> {
    use cap_std::fs::MetadataExt;
    let metadata = root.at(&path(place))?.dir().dir_metadata()?;
    let mut hasher = DefaultHasher::new();
    (metadata.dev(), metadata.ino()).hash(&mut hasher);
    Ok(Some(hasher.finish()))
}

#[cfg(not(unix))]
pub fn identity(_: &Folder, _: &[u8]) -> io::Result<Option<u64>> {
    Ok(None)
}

/// `name` in `place`, which is empty or a path without a slash at its end.
pub fn join(place: &[u8], name: &[u8]) -> Vec<u8> {
    if place.is_empty() { name.to_vec() } else { [place, b"/", name].concat() }
}

/// The place and the name that [`join`] makes a path of.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(at) => {
            (path.get(..at).unwrap_or_default(), path.get(at.saturating_add(1)..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

/// A file as it is just now.
pub fn item(name: Vec<u8>, metadata: &Metadata) -> Item {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_symlink() => Kind::Link,
        _ => Kind::Other,
    };
    let time = metadata.modified().ok().map(|time| Stamp::of(time.into_std()));
    Item { name, kind, size: Some(metadata.len()), time, mode: mode(metadata) }
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    use cap_std::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

/// The bits that new files of this process lack.
#[cfg(unix)]
#[allow(clippy::useless_conversion, reason = "not every system's modes have 32 bits")]
pub fn umask() -> u32 {
    use nix::sys::stat::{Mode, umask};
    // It can only be read by setting it.
    let mask = umask(Mode::from_bits_truncate(0o077));
    umask(mask);
    u32::from(mask.bits())
}

/// There are no such bits.
#[cfg(not(unix))]
pub fn umask() -> u32 {
    0
}
