//! From a path on the wire to a path that is safe on any disk.
//!
//! A path from the wire is a wish. What comes out stays below its folder, means the same on Unix, macOS and Windows,
//! shows in a terminal as what it is, and is not mistaken for an option, a device or a hidden file.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

/// Longest name in bytes: below every file system's 255, with room for a number and ".partial".
pub const NAME_LIMIT: usize = 200;

/// Longest path in bytes; a longer one keeps only its last name. Windows allows 260 with the folder before it.
pub const PATH_LIMIT: usize = 200;

/// What is kept of a name's extension when the name is cut.
const EXTENSION_LIMIT: usize = 20;

/// The folders and the name that `path` becomes; `otherwise` is the name where nothing is left.
pub fn safe_path(path: &[u8], otherwise: &str) -> Vec<String> {
    let parts = path.split(|byte| matches!(byte, b'/' | b'\\'));
    let parts = parts.filter(|part| !matches!(*part, b"" | b"." | b"..") && !is_drive(part));
    let mut names: Vec<String> = parts.map(safe_name).collect();
    if path.last().is_none_or(|last| matches!(last, b'/' | b'\\')) || names.is_empty() {
        names.push(otherwise.to_owned());
    }
    let length = names.iter().fold(0usize, |sum, name| sum.saturating_add(name.len()).saturating_add(1));
    if length > PATH_LIMIT {
        names.drain(..names.len().saturating_sub(1));
    }
    names
}

/// One name, without folders.
fn safe_name(wish: &[u8]) -> String {
    let mut name = String::with_capacity(wish.len());
    for chunk in wish.utf8_chunks() {
        name.extend(
            chunk.valid().chars().map(|character| if is_unsafe(character) { '_' } else { character }),
        );
        for byte in chunk.invalid() {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    // Two bytes for what the rules below may add.
    let name = shortened(&name, NAME_LIMIT - 2);
    // Windows drops dots and spaces at the end; at the beginning they hide a file or pass for an option.
    let behind = name.trim_end_matches(['.', ' ']).len();
    let name: String =
        name.char_indices().map(|(at, character)| if at >= behind { '_' } else { character }).collect();
    let name = match name.chars().next() {
        Some(first @ ('.' | '-' | ' ' | '~')) => {
            format!("_{}", name.get(first.len_utf8()..).unwrap_or_default())
        }
        _ => name,
    };
    let name = if is_device(&name) { format!("_{name}") } else { name };
    // The suffix says that port21 is still writing; a peer must not be able to say so.
    if name.to_ascii_lowercase().ends_with(".partial") { name + "_" } else { name }
}

/// "C:" names a drive on Windows.
fn is_drive(part: &[u8]) -> bool {
    matches!(part, [letter, b':'] if letter.is_ascii_alphabetic())
}

/// Characters that some system forbids in names, and those that a terminal obeys or that mislead the eye.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\u{fffd}')
        || crate::escape::misleads(character)
}

/// Names of devices on Windows, whatever extension they have.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = |prefix: &str| {
        let number = stem.strip_prefix(prefix).unwrap_or_default();
        matches!(number, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
}

/// The name cut to `limit` bytes, with its extension.
fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let end = stem.floor_char_boundary(limit.saturating_sub(extension.len()));
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

/// "a.tar", ".gz". An extension that is too long to be one is none.
fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= EXTENSION_LIMIT => name.split_at(at),
        _ => (name, ""),
    }
}

/// What has been named below one folder. Names that differ only in case count as the same, because some disks say so.
#[derive(Debug, Default)]
pub struct Names {
    /// Paths of files and folders, in lower case.
    taken: HashSet<String>,
    /// What a wished folder has become.
    folders: HashMap<String, String>,
    /// The number to try next for a wish that is taken.
    next: HashMap<String, u32>,
}

impl Names {
    /// Knows of a file or folder that is there already.
    pub fn occupy(&mut self, name: &str) {
        self.taken.insert(name.to_lowercase());
    }

    /// A path for a file that nobody has yet, made of folders and a name; those that clash get a number.
    pub fn claim_file(&mut self, names: &[String]) -> String {
        let Some((name, folders)) = names.split_last() else { return String::new() };
        let mut path = String::new();
        for folder in folders {
            let wish = join(&path, folder);
            path = match self.folders.get(&wish) {
                Some(path) => path.clone(),
                None => {
                    let path =
                        self.claim_numbered(&path, folder, |name, number| suffixed(name, &mark(number)));
                    self.folders.insert(wish, path.clone());
                    path
                }
            };
        }
        self.claim(&path, name)
    }

    /// A path in `folder` for one more file of this name.
    pub fn claim(&mut self, folder: &str, name: &str) -> String {
        self.claim_numbered(folder, name, numbered)
    }

    fn claim_numbered(&mut self, folder: &str, name: &str, numbered: fn(&str, u32) -> String) -> String {
        let wish = join(folder, name).to_lowercase();
        let mut number = self.next.get(&wish).copied().unwrap_or(1);
        let path = loop {
            let path = if number == 1 { join(folder, name) } else { join(folder, &numbered(name, number)) };
            number = number.saturating_add(1);
            if self.taken.insert(path.to_lowercase()) {
                break path;
            }
        };
        self.next.insert(wish, number);
        path
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn mark(number: u32) -> String {
    format!(" ({number})")
}

/// "name (2).txt".
fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = split_extension(name);
    let mark = mark(number);
    let end = stem.floor_char_boundary(NAME_LIMIT.saturating_sub(extension.len() + mark.len()));
    format!("{}{mark}{extension}", stem.get(..end).unwrap_or_default())
}

/// The name with more behind it, still within the limit: "a.txt", ".part-1000".
pub fn suffixed(name: &str, suffix: &str) -> String {
    let shortened = shortened(name, NAME_LIMIT.saturating_sub(suffix.len()));
    format!("{shortened}{suffix}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn safe(path: &str) -> String {
        safe_path(path.as_bytes(), "unnamed").join("/")
    }

    #[test]
    fn hostile_paths_stay_below_their_folder() {
        for (wish, expected) in [
            ("a.txt", "a.txt"),
            ("/pub/a.txt", "pub/a.txt"),
            ("../../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("..", "unnamed"),
            (".", "unnamed"),
            ("", "unnamed"),
            ("/", "unnamed"),
            ("a/", "a/unnamed"),
            ("a//b/./c/../d", "a/b/c/d"),
            ("..\\..\\windows\\system.ini", "windows/system.ini"),
            ("C:\\boot.ini", "boot.ini"),
            ("C:/boot.ini", "boot.ini"),
            ("C:boot.ini", "C_boot.ini"),
            ("\\\\server\\share\\x", "server/share/x"),
            ("a:stream", "a_stream"),
            ("a\0b", "a_b"),
            ("a\nb\r\x1b[2J", "a_b__[2J"),
            ("photo\u{202e}gpj.exe", "photo_gpj.exe"),
            ("a\u{200b}b\u{feff}", "a_b_"),
            ("-rf", "_rf"),
            (".bashrc", "_bashrc"),
            ("...", "___"),
            ("~root", "_root"),
            (" a ", "_a_"),
            ("a.", "a_"),
            ("a. . ", "a____"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("NUL.tar.gz", "_NUL.tar.gz"),
            ("nul /x", "nul_/x"),
            ("COM1", "_COM1"),
            ("LPT9.log", "_LPT9.log"),
            ("COM10", "COM10"),
            ("COM¹", "_COM¹"),
            ("CONIN$", "_CONIN$"),
            ("console", "console"),
            ("a<b>c\"d|e?f*g", "a_b_c_d_e_f_g"),
            ("x.partial", "x.partial_"),
            ("x.PARTIAL", "x.PARTIAL_"),
            ("Grüße 世界 (1).txt", "Grüße 世界 (1).txt"),
        ] {
            assert_eq!(safe(wish), expected, "{wish:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_kept_as_percent_escapes() {
        assert_eq!(safe_path(b"caf\xe9.txt", "x"), ["caf%E9.txt"]);
    }

    #[test]
    fn over_long_name_keeps_its_extension() {
        let name = safe(&format!("{}.tar", "é".repeat(300)));
        assert!(name.len() <= NAME_LIMIT && name.ends_with("é.tar"), "{name}");
    }

    #[test]
    fn over_long_path_loses_its_folders() {
        assert_eq!(safe(&format!("{}a.txt", "folder/".repeat(100))), "a.txt");
    }

    #[test]
    fn names_that_clash_get_a_number() {
        let mut names = Names::default();
        let mut claim =
            |path: &str| names.claim_file(&path.split('/').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(claim("a.txt"), "a.txt");
        assert_eq!(claim("a.txt"), "a (2).txt");
        assert_eq!(claim("A.TXT"), "A (3).TXT");
        assert_eq!(claim("a (2).txt"), "a (2) (2).txt");
    }

    #[test]
    fn folders_are_shared_and_never_files() {
        let mut names = Names::default();
        let mut claim =
            |path: &str| names.claim_file(&path.split('/').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(claim("pub/a"), "pub/a");
        assert_eq!(claim("pub/b"), "pub/b");
        assert_eq!(claim("pub"), "pub (2)");
        assert_eq!(claim("pub/a/c"), "pub/a (2)/c");
        assert_eq!(claim("pub/a/d"), "pub/a (2)/d");
        assert_eq!(claim("pub/b"), "pub/b (2)");
        assert_eq!(claim("x.y"), "x.y");
        assert_eq!(claim("x.y/z"), "x.y (2)/z");
    }

    proptest! {
        #[test]
        fn whatever_was_wished_the_path_is_safe(wish in prop::collection::vec(any::<u8>(), 0..300)) {
            let names = safe_path(&wish, "unnamed");
            prop_assert!(!names.is_empty());
            for name in &names {
                prop_assert!(!name.is_empty() && name.len() <= NAME_LIMIT, "{name:?}");
                prop_assert!(!name.contains(['/', '\\', '\0', ':']), "{name:?}");
                prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
                prop_assert!(!is_device(name), "{name:?}");
                prop_assert!(!name.chars().any(is_unsafe), "{name:?}");
            }
        }

        #[test]
        fn numbers_never_make_a_name_too_long(name in "[a-zé.]{1,300}", number in 2u32..) {
            prop_assert!(numbered(&name, number).len() <= NAME_LIMIT);
        }
    }
}
