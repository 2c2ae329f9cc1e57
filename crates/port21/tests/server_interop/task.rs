//! What a client is to do, what must be there before, and how it is seen afterwards that it was done.

use std::fs;
use std::path::Path;

use crate::run::Place;

/// A piece of daily work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// The names of what is there are told.
    List,
    Get,
    Put,
    GetEmpty,
    PutEmpty,
    /// 100 MB.
    GetLarge,
    PutLarge,
    /// A download whose first part is there is continued, not begun anew.
    ResumeGet,
    ResumePut,
    Rename,
    Delete,
    MakeDirectory,
    MirrorDown,
    MirrorUp,
    /// A name with spaces, there and back.
    GetSpaces,
    PutSpaces,
    GetUtf8,
    PutUtf8,
    /// A name in bytes that are no UTF-8.
    GetLatin1,
}

/// Length of the file of ordinary tasks: more than a socket's buffer, and no multiple of anything.
const ORDINARY: usize = 300_007;

/// Where a resumed transfer goes on.
pub const RESUMED_AT: usize = 100_003;

const LARGE: usize = 100_000_000;

/// Files of the tree that is mirrored.
const TREE: [(&str, usize); 7] = [
    ("top.txt", 1200),
    ("empty", 0),
    ("a/one.bin", 70_001),
    ("a/two words.txt", 33),
    ("a/b/three.bin", 4096),
    ("a/b/c/deep.txt", 1),
    ("d/four.bin", 65_536),
];

impl Task {
    pub const ALL: &'static [Self] = &[
        Self::List,
        Self::Get,
        Self::Put,
        Self::GetEmpty,
        Self::PutEmpty,
        Self::GetLarge,
        Self::PutLarge,
        Self::ResumeGet,
        Self::ResumePut,
        Self::Rename,
        Self::Delete,
        Self::MakeDirectory,
        Self::MirrorDown,
        Self::MirrorUp,
        Self::GetSpaces,
        Self::PutSpaces,
        Self::GetUtf8,
        Self::PutUtf8,
        Self::GetLatin1,
    ];

    /// Whether it moves so much that once for each protection is enough.
    pub fn is_large(self) -> bool {
        matches!(self, Self::GetLarge | Self::PutLarge)
    }

    /// Whether a file is downloaded under its own name; resumed ones are told apart by the caller.
    pub fn is_get(self) -> bool {
        matches!(
            self,
            Self::Get | Self::GetEmpty | Self::GetLarge | Self::GetSpaces | Self::GetUtf8 | Self::GetLatin1
        )
    }

    /// Whether a file is uploaded under its own name.
    pub fn is_put(self) -> bool {
        matches!(self, Self::Put | Self::PutEmpty | Self::PutLarge | Self::PutSpaces | Self::PutUtf8)
    }

    /// The name of the file that it is about, in bytes.
    pub fn file(self) -> &'static [u8] {
        match self {
            Self::GetSpaces | Self::PutSpaces => b"name with  spaces.bin",
            Self::GetUtf8 | Self::PutUtf8 => "F\u{fc}\u{df}e \u{65e5}\u{672c}.bin".as_bytes(),
            Self::GetLatin1 => b"caf\xe9.bin",
            _ => b"file.bin",
        }
    }

    fn length(self) -> usize {
        match self {
            Self::GetEmpty | Self::PutEmpty => 0,
            Self::GetLarge | Self::PutLarge => LARGE,
            _ => ORDINARY,
        }
    }

    /// Puts in place what the client will find.
    pub fn prepare(self, place: &Place) {
        match self {
            Self::List => {
                fs::write(place.remote.join("alpha.txt"), "a").unwrap();
                fs::write(place.remote.join("beta.bin"), "b").unwrap();
                fs::create_dir(place.remote.join("gamma")).unwrap();
            }
            Self::ResumeGet | Self::ResumePut => {
                let (source, target) = place.source_and_target(self);
                fs::write(source.join("file.bin"), noise(ORDINARY)).unwrap();
                // Other bytes than the source's: only who begins anew replaces them.
                fs::write(target.join("file.bin"), vec![b'#'; RESUMED_AT]).unwrap();
            }
            Self::Rename | Self::Delete => fs::write(place.remote.join("old.txt"), "content").unwrap(),
            Self::MakeDirectory => {}
            Self::MirrorDown | Self::MirrorUp => {
                let (source, _) = place.source_and_target(self);
                for (name, length) in TREE {
                    let file = source.join("tree").join(name);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    fs::write(file, noise(length)).unwrap();
                }
            }
            _ => {
                let (source, _) = place.source_and_target(self);
                fs::write(source.join(os(self.file())), noise(self.length())).unwrap();
            }
        }
    }

    /// Says what is wrong with what the client left, or with what it printed.
    pub fn verdict(self, place: &Place, printed: &[u8]) -> Result<(), String> {
        match self {
            Self::List => {
                let printed = String::from_utf8_lossy(printed);
                let missing: Vec<_> = ["alpha.txt", "beta.bin", "gamma"]
                    .into_iter()
                    .filter(|name| !printed.contains(name))
                    .collect();
                if missing.is_empty() { Ok(()) } else { Err(format!("the listing lacks {missing:?}")) }
            }
            Self::ResumeGet | Self::ResumePut => {
                let mut expected = noise(ORDINARY);
                expected[..RESUMED_AT].fill(b'#');
                same(&place.source_and_target(self).1.join("file.bin"), &expected)
            }
            Self::Rename => {
                same(&place.remote.join("new.txt"), b"content")?;
                if place.remote.join("old.txt").exists() {
                    Err("the old name is still there".into())
                } else {
                    Ok(())
                }
            }
            Self::Delete if place.remote.join("old.txt").exists() => Err("the file is still there".into()),
            Self::Delete => Ok(()),
            Self::MakeDirectory if place.remote.join("made").is_dir() => Ok(()),
            Self::MakeDirectory => Err("the directory was not made".into()),
            Self::MirrorDown | Self::MirrorUp => {
                let target = place.source_and_target(self).1.join("tree");
                TREE.iter().try_for_each(|(name, length)| same(&target.join(name), &noise(*length)))
            }
            _ => same(&place.source_and_target(self).1.join(os(self.file())), &noise(self.length())),
        }
    }

    /// Whether bytes go to the server.
    pub fn is_upward(self) -> bool {
        self.is_put() || matches!(self, Self::ResumePut | Self::MirrorUp)
    }
}

fn os(bytes: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

/// What every file of these tasks begins with: bytes without a pattern, CR and LF among them, the same each time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn same(path: &Path, expected: &[u8]) -> Result<(), String> {
    let found = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).position(|(left, right)| left != right);
    Err(format!(
        "{} has {} bytes of {}, and differs first at {at:?}",
        path.display(),
        found.len(),
        expected.len()
    ))
}
