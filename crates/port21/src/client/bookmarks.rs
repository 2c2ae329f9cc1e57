//! `port21 bookmark`: names for servers and directories, which stand wherever a URL does.
//!
//! They are kept in `port21/bookmarks.toml` in the user's folder for configuration, which only its owner may read:
//!
//! ```toml
//! [web]
//! url = "ftpes://joe@ftp.example.org/www/"
//! ```

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use ftp_client::url::FtpUrl;
use toml_edit::{DocumentMut, Item, Table, value};

use super::folders;
use crate::arguments::client::{BookmarkArguments, BookmarkCommand};
use crate::escape;
use crate::outcome::{Failure, Outcome};
use crate::output::complain;

/// The scheme of a URL that begins with a bookmark's name.
const SCHEME: &str = "bookmark://";

/// Longest name in bytes.
const LONGEST_NAME: usize = 64;

/// The bookmarks, with where they are kept.
struct Bookmarks {
    path: PathBuf,
    document: DocumentMut,
}

/// Adds, lists or removes bookmarks.
pub fn run(arguments: &BookmarkArguments) -> anyhow::Result<Outcome> {
    let wrong = |text: String| anyhow::Error::from(Failure::Arguments(text));
    let mut bookmarks = Bookmarks::read()?;
    match &arguments.command {
        BookmarkCommand::Add { name, url, save_password } => {
            if !is_name(name) {
                let shown = escape::terminal(name);
                return Err(wrong(format!(
                    "{shown} is no name: letters, digits, - and _ are, {LONGEST_NAME} at most"
                )));
            }
            if url.password.is_some() && !save_password {
                complain("note: the password is not kept; --save-password would, as it stands");
            }
            bookmarks.add(name, url, *save_password);
            bookmarks.write()?;
        }
        BookmarkCommand::List => {
            let mut output = std::io::stdout().lock();
            for name in bookmarks.names() {
                match bookmarks.url(name) {
                    // As it is shown it has no password.
                    Ok(url) => writeln!(
                        output,
                        "{:16} {}",
                        escape::terminal(name),
                        escape::terminal(&url.to_string())
                    )?,
                    Err(wrong) => complain(&wrong),
                }
            }
        }
        BookmarkCommand::Rm { name } => {
            if bookmarks.document.remove(name).is_none() {
                return Err(wrong(format!("there is no bookmark {}", escape::terminal(name))));
            }
            bookmarks.write()?;
        }
    }
    Ok(Outcome::Complete)
}

/// Reads a URL, `bookmark://NAME/path` or `NAME:path`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse_url(text: &str) -> Result<FtpUrl, String> {
    if let Some(rest) = text.strip_prefix(SCHEME) {
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        let base =
            look_up(name)?.ok_or_else(|| format!("there is no bookmark {}", escape::terminal(name)))?;
        // The path is written as in any URL.
        let relative = FtpUrl::parse(&format!("ftp://host/{path}")).map_err(|error| error.to_string())?;
        return Ok(FtpUrl { representation: relative.representation, ..beneath(base, &relative.path) });
    }
    let wrong = |error: ftp_client::Error| error.to_string();
    match text.split_once(':') {
        Some((name, path)) if is_name(name) && !text.contains("://") => match look_up(name)? {
            Some(base) => Ok(beneath(base, path.as_bytes())),
            None => {
                FtpUrl::parse(text).map_err(|error| format!("{}, nor is {name} a bookmark", wrong(error)))
            }
        },
        _ => FtpUrl::parse(text).map_err(wrong),
    }
}

/// The URL of a bookmark, with its password if that is kept.
fn look_up(name: &str) -> Result<Option<FtpUrl>, String> {
    if !is_name(name) {
        return Ok(None);
    }
    let bookmarks = Bookmarks::read().map_err(|error| format!("{error:#}"))?;
    if !bookmarks.document.contains_key(name) {
        return Ok(None);
    }
    bookmarks.url(name).map(Some)
}

/// A path beneath the directory of a bookmark; one that begins with `/` is the server's own.
fn beneath(base: FtpUrl, path: &[u8]) -> FtpUrl {
    let joined = match path.first() {
        None => base.path,
        Some(b'/') => path.to_vec(),
        Some(_) if base.path.is_empty() || base.path.ends_with(b"/") => [&base.path, path].concat(),
        Some(_) => [&base.path, &b"/"[..], path].concat(),
    };
    let is_directory = joined.last().is_none_or(|&last| last == b'/');
    FtpUrl { path: joined, is_directory, ..base }
}

fn is_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !name.is_empty() && name.len() <= LONGEST_NAME && name.bytes().all(is_part)
}

impl Bookmarks {
    fn read() -> anyhow::Result<Self> {
        let folder = folders::configuration().context("there is no home directory for bookmarks")?;
        Self::read_from(folder.join("bookmarks.toml"))
    }

    fn read_from(path: PathBuf) -> anyhow::Result<Self> {
        let shown = escape::terminal(&path.to_string_lossy());
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("{shown} cannot be read")),
        };
        let document = text.parse::<DocumentMut>().map_err(|error| {
            // The line itself may hold a password.
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            Failure::Arguments(format!("{shown}, line {line}: {}", escape::terminal(error.message())))
        })?;
        Ok(Self { path, document })
    }

    fn add(&mut self, name: &str, url: &FtpUrl, save_password: bool) {
        let mut entry = Table::new();
        // The URL as it is shown has no password.
        entry.insert("url", value(url.to_string()));
        if let Some(password) = url.password.as_ref().filter(|_| save_password) {
            entry.insert("password", value(password));
        }
        self.document.insert(name, Item::Table(entry));
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.document.iter().map(|(name, _)| name)
    }

    /// The URL of a bookmark, with its password if that is kept, or what is wrong with it.
    fn url(&self, name: &str) -> Result<FtpUrl, String> {
        let shown = escape::terminal(name);
        let field =
            |key: &str| self.document.get(name).and_then(|entry| entry.get(key)).and_then(Item::as_str);
        let url = field("url").ok_or_else(|| format!("the bookmark {shown} has no url"))?;
        let url = FtpUrl::parse(url).map_err(|error| format!("the bookmark {shown}: {error}"))?;
        let password = field("password").map(str::to_owned).or(url.password);
        Ok(FtpUrl { password, ..url })
    }

    /// Replaces the file, so that there is always a whole one.
    fn write(&self) -> anyhow::Result<()> {
        let shown = escape::terminal(&self.path.to_string_lossy());
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let write = || {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let new = self.path.with_extension("toml.new");
            let _ = fs::remove_file(&new);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(self.document.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        write().with_context(|| format!("{shown} cannot be written"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_beneath_the_bookmarks_directory_unless_they_are_absolute() {
        for (base, path, expected) in [
            ("ftp://h/www/", "a/b", "ftp://h/www/a/b"),
            ("ftp://h/www", "a", "ftp://h/www/a"),
            ("ftp://h/", "a", "ftp://h/a"),
            ("ftp://h/www/", "", "ftp://h/www/"),
            ("ftp://h/www/", "/etc/x", "ftp://h/%2Fetc/x"),
        ] {
            let found = beneath(FtpUrl::parse(base).unwrap(), path.as_bytes());
            assert_eq!(found.to_string(), expected, "{base} {path}");
        }
        assert!(beneath(FtpUrl::parse("ftp://h/www/").unwrap(), b"x/").is_directory);
    }

    #[test]
    fn comments_and_other_bookmarks_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("port21/bookmarks.toml");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, "# mine\n[one]\nurl = \"ftp://one/\"\n").unwrap();
        let mut bookmarks = Bookmarks::read_from(path.clone()).unwrap();
        bookmarks.add("two", &FtpUrl::parse("ftp://joe:secret@two/").unwrap(), false);
        bookmarks.write().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine") && text.contains("[two]") && !text.contains("secret"), "{text}");
        let again = Bookmarks::read_from(path).unwrap();
        let shown: Vec<_> = again.names().map(|name| (name, again.url(name).unwrap().to_string())).collect();
        assert_eq!(shown, [("one", "ftp://one/".to_owned()), ("two", "ftp://joe@two/".to_owned())]);
    }

    #[test]
    fn error_names_the_line_and_does_not_show_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "[one]\nurl = \"ftp://joe:open-sesame@host/\n").unwrap();
        let Err(error) = Bookmarks::read_from(file.path().to_owned()) else { panic!("it is read") };
        let text = error.to_string();
        assert!(text.contains("line 2") && !text.contains("sesame"), "{text}");
    }

    #[test]
    fn names_are_plain() {
        assert!(
            is_name("my-web_1")
                && !is_name("")
                && !is_name("a/b")
                && !is_name("a.b")
                && !is_name(&"a".repeat(65))
        );
    }
}
