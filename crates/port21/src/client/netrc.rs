//! `~/.netrc`: users and passwords by host.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::escape;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// An entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The host; `None` is any (`default`).
    machine: Option<String>,
    /// The user.
    pub login: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The account (ACCT).
    pub account: Option<String>,
}

/// The user's file: `$NETRC`, or `.netrc` in the home folder.
pub fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("NETRC") {
        return Some(path.into());
    }
    Some(Path::new(&std::env::var_os("HOME").filter(|home| !home.is_empty())?).join(".netrc"))
}

/// The entry for `host` and, if it is named, `user`. A file that others may read is refused.
pub fn look_up(path: &Path, host: &str, user: Option<&str>) -> anyhow::Result<Option<Entry>> {
    let shown = escape::terminal(&path.to_string_lossy());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
    };
    anyhow::ensure!(metadata.len() <= LARGEST, "{shown} is too large to be a .netrc");
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
    let found = find(&parse(&text), host, user);
    if found.as_ref().is_some_and(|entry| entry.password.is_some()) {
        check_permissions(&metadata, &shown)?;
    }
    Ok(found)
}

#[cfg(unix)]
fn check_permissions(metadata: &std::fs::Metadata, shown: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mode = metadata.mode() & 0o777;
    anyhow::ensure!(
        mode & 0o077 == 0,
        "{shown} holds a password and can be read by others (mode {mode:o}): chmod 600 {shown}"
    );
    Ok(())
}

#[cfg(not(unix))]
fn check_permissions(_: &std::fs::Metadata, _: &str) -> anyhow::Result<()> {
    Ok(())
}

fn find(entries: &[Entry], host: &str, user: Option<&str>) -> Option<Entry> {
    let fits = |entry: &&Entry| {
        let host_fits = entry.machine.as_ref().is_none_or(|machine| machine.eq_ignore_ascii_case(host));
        host_fits && user.is_none_or(|user| entry.login.as_deref().is_none_or(|login| login == user))
    };
    entries.iter().find(fits).cloned()
}

fn parse(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        // A macro ends with an empty line.
        if in_macro {
            in_macro = !line.trim().is_empty();
            continue;
        }
        let mut words = words(line).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "machine" => entries.push(Entry { machine: words.next(), ..Entry::default() }),
                "default" => entries.push(Entry::default()),
                "macdef" => {
                    in_macro = true;
                    break;
                }
                keyword => {
                    let Some(entry) = entries.last_mut() else { continue };
                    match keyword {
                        "login" => entry.login = words.next(),
                        "password" => entry.password = words.next(),
                        "account" => entry.account = words.next(),
                        _ => {}
                    }
                }
            }
        }
    }
    entries
}

/// The words of a line; those in double quotes may hold spaces, and a backslash keeps the next character.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut characters = line.chars().peekable();
    loop {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let Some(&first) = characters.peek() else { return words };
        // A comment; but a password may begin with a number sign.
        if first == '#' && words.last().is_none_or(|word: &String| word != "password") {
            return words;
        }
        let quoted = characters.next_if_eq(&'"').is_some();
        let mut word = String::new();
        while let Some(character) = characters.next() {
            match character {
                '\\' => word.extend(characters.next()),
                '"' if quoted => break,
                character if !quoted && character.is_whitespace() => break,
                character => word.push(character),
            }
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# mine\nmachine a.example login joe password \"p w\" account x\nmachine b.example\n\tlogin ann\n\
        password #1\\\"\nmacdef init\ncd /\nmachine evil\n\ndefault login anonymous password me@\n";

    #[test]
    fn entries_are_found_by_host_and_user() {
        let entries = parse(TEXT);
        let found = |host, user| find(&entries, host, user).and_then(|entry| entry.password);
        assert_eq!(found("A.example", None).as_deref(), Some("p w"));
        assert_eq!(found("b.example", Some("ann")).as_deref(), Some("#1\""));
        assert_eq!(found("b.example", Some("joe")), None);
        assert_eq!(found("evil", None).as_deref(), Some("me@"));
        assert_eq!(entries[0].account.as_deref(), Some("x"));
    }

    #[cfg(unix)]
    #[test]
    fn file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), TEXT).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o644)).unwrap();
        assert!(look_up(file.path(), "a.example", None).is_err());
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(0o600)).unwrap();
        assert!(look_up(file.path(), "a.example", None).unwrap().is_some());
    }
}
