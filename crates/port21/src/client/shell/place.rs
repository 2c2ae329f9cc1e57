//! Where the shell is: a server, a user, a directory.

use ftp_client::session::Representation;
use ftp_client::url::FtpUrl;

use super::words::Word;

/// A server, a user, and the directory that names are relative to.
#[derive(Debug, Clone)]
pub struct Place {
    url: FtpUrl,
    /// The directory after login.
    home: Vec<u8>,
    /// The directory now. Empty where the server does not tell its name: then it is that after login.
    directory: Vec<u8>,
}

impl Place {
    /// Where a login at the server of `url` leads, once that has told its directory.
    pub fn new(url: FtpUrl, home: Vec<u8>) -> Self {
        Self { url, directory: home.clone(), home }
    }

    /// The URL of the directory.
    pub fn url(&self) -> FtpUrl {
        self.url_of(with_slash(self.directory.clone()), None)
    }

    /// The URL of a name, as it was typed; its last part may be a pattern.
    pub fn resolve(&self, word: &str, representation: Option<Representation>) -> FtpUrl {
        self.url_of(self.path(Word::from_parsed(word).pattern().as_bytes()), representation)
    }

    /// The URL of a name, as it was typed, that is no pattern.
    pub fn resolve_name(&self, word: &str, representation: Option<Representation>) -> FtpUrl {
        self.url_of(self.path_of(word), representation)
    }

    /// The path of a name, as it was typed, without patterns.
    pub fn path_of(&self, word: &str) -> Vec<u8> {
        self.path(Word::from_parsed(word).text().as_bytes())
    }

    /// The directory now.
    pub fn directory(&self) -> &[u8] {
        &self.directory
    }

    /// The directory after login.
    pub fn home(&self) -> &[u8] {
        &self.home
    }

    /// Goes to a directory.
    pub fn enter(&mut self, directory: Vec<u8>) {
        self.directory = directory;
    }

    /// The same place for somebody else.
    pub fn as_user(&self, user: String, password: Option<String>) -> FtpUrl {
        FtpUrl { user: Some(user), password, ..self.url_of(Vec::new(), None) }
    }

    fn url_of(&self, path: Vec<u8>, representation: Option<Representation>) -> FtpUrl {
        let is_directory = path.last().is_none_or(|&last| last == b'/');
        FtpUrl { path, representation, is_directory, ..self.url.clone() }
    }

    /// `..` is taken away with the directory before it, as shells do.
    fn path(&self, name: &[u8]) -> Vec<u8> {
        let joined = match name.first() {
            Some(b'/') => name.to_vec(),
            _ if self.directory.is_empty() => name.to_vec(),
            _ => [with_slash(self.directory.clone()).as_slice(), name].concat(),
        };
        if !joined.starts_with(b"/") {
            return joined;
        }
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut ends_as_directory = false;
        for part in joined.split(|&byte| byte == b'/') {
            ends_as_directory = matches!(part, b"" | b"." | b"..");
            match part {
                b"" | b"." => {}
                b".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        let mut path = vec![b'/'];
        path.extend(parts.join(&b'/'));
        if ends_as_directory { with_slash(path) } else { path }
    }
}

fn with_slash(mut path: Vec<u8>) -> Vec<u8> {
    if path.last().is_some_and(|&last| last != b'/') {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(directory: &str) -> Place {
        Place::new(FtpUrl::parse("ftp://joe@host:2121/").unwrap(), directory.as_bytes().to_vec())
    }

    #[test]
    fn names_are_relative_to_the_directory() {
        let place = place("/pub/data");
        for (name, path) in [
            ("a", "/pub/data/a"),
            ("/etc/a", "/etc/a"),
            ("../a", "/pub/a"),
            ("..", "/pub/"),
            ("../../../..", "/"),
            (".", "/pub/data/"),
            ("a//b/./c/", "/pub/data/a/b/c/"),
            ("*.c", "/pub/data/*.c"),
            ("\u{1}*.c", "/pub/data/[*].c"),
            ("\u{1}[a]/*", "/pub/data/[a]/*"),
            ("\u{1}[a]/", "/pub/data/[a]/"),
        ] {
            assert_eq!(place.resolve(name, None).path, path.as_bytes(), "{name}");
        }
        assert_eq!(place.path_of("\u{1}*.c"), b"/pub/data/*.c");
        let url = place.resolve_name("\u{1}[a]/", Some(Representation::Ascii));
        assert_eq!((url.path.as_slice(), url.is_directory), (&b"/pub/data/[a]/"[..], true));
        assert_eq!(place.url().to_string(), "ftp://joe@host:2121/%2Fpub/data/");
        assert!(place.url().is_directory && !place.resolve("a", None).is_directory);
    }

    #[test]
    fn directory_without_a_name_is_the_one_after_login() {
        let place = place("");
        assert_eq!(place.resolve("../a", None).path, b"../a");
        assert_eq!(place.url().path, b"");
    }
}
