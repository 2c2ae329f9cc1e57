//! Paths as a client sees them: beneath the account's root, absolute, without `.` and `..`.

use ftp_protocol::path;

/// Longest path in bytes.
pub const LONGEST_PATH: usize = 4096;

/// Longest component in bytes.
pub const LONGEST_NAME: usize = 255;

/// An absolute path beneath the account's root, in bytes as the client wrote them. Holds no NUL, CR or LF, no empty
/// component and neither `.` nor `..`; how links on the way are followed is the store's matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VirtualPath(Vec<u8>);

/// Why bytes are no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PathError {
    /// CR, LF or NUL (RFC 959 section 5.3.1 has them in no pathname).
    #[error("a path cannot hold the byte {0}")]
    ForbiddenByte(u8),
    /// More than [`LONGEST_PATH`] bytes, or a component of more than [`LONGEST_NAME`].
    #[error("the path is too long")]
    TooLong,
}

impl VirtualPath {
    /// The root, `/`.
    pub fn root() -> Self {
        Self(b"/".to_vec())
    }

    /// What `path` means in the directory `self`; `..` leads no higher than the root.
    pub fn join(&self, path: &[u8]) -> Result<Self, PathError> {
        if let Some(&byte) = path.iter().find(|byte| matches!(byte, b'\0' | b'\r' | b'\n')) {
            return Err(PathError::ForbiddenByte(byte));
        }
        let resolved = path::resolve(Some(&self.0), path);
        let too_long = |name: &[u8]| name.len() > LONGEST_NAME;
        if resolved.len() > LONGEST_PATH || resolved.split(|&byte| byte == b'/').any(too_long) {
            return Err(PathError::TooLong);
        }
        Ok(Self(resolved))
    }

    /// The path from the root on, with a `/` at its beginning.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same without the `/` at its beginning: empty for the root.
    pub fn relative(&self) -> &[u8] {
        self.0.strip_prefix(b"/").unwrap_or(&self.0)
    }

    /// The components from the root on.
    pub fn components(&self) -> impl Iterator<Item = &[u8]> {
        self.relative().split(|&byte| byte == b'/').filter(|name| !name.is_empty())
    }

    /// The last component; `None` for the root.
    pub fn name(&self) -> Option<&[u8]> {
        self.components().last()
    }

    /// The directory that holds it; of the root the root.
    pub fn parent(&self) -> Self {
        let end = self.0.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
        Self(self.0.get(..end.max(1)).unwrap_or(b"/").to_vec())
    }

    /// Whether it is `directory` or lies beneath it.
    pub fn is_within(&self, directory: &Self) -> bool {
        match self.0.strip_prefix(directory.0.as_slice()) {
            Some(rest) => rest.is_empty() || rest.starts_with(b"/") || directory.0 == b"/",
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> VirtualPath {
        VirtualPath::root().join(text.as_bytes()).unwrap()
    }

    #[test]
    fn nothing_leads_above_the_root() {
        assert_eq!(path("/a").join(b"../../../etc/passwd").unwrap().as_bytes(), b"/etc/passwd");
        assert_eq!(path("..").as_bytes(), b"/");
    }

    #[test]
    fn line_ends_and_nul_are_in_no_path() {
        for byte in [b'\0', b'\r', b'\n'] {
            assert_eq!(VirtualPath::root().join(&[b'a', byte]), Err(PathError::ForbiddenByte(byte)));
        }
    }

    #[test]
    fn a_path_knows_its_parent_and_name() {
        assert_eq!(path("/a/b").parent(), path("/a"));
        assert_eq!(path("/a").parent(), VirtualPath::root());
        assert_eq!(VirtualPath::root().parent(), VirtualPath::root());
        assert_eq!(path("/a/b").name(), Some(&b"b"[..]));
        assert_eq!(VirtualPath::root().name(), None);
    }

    #[test]
    fn within_means_whole_components() {
        assert!(path("/a/b").is_within(&path("/a")));
        assert!(path("/a").is_within(&path("/a")));
        assert!(path("/a").is_within(&VirtualPath::root()));
        assert!(!path("/ab").is_within(&path("/a")));
    }
}
