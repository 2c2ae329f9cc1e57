//! URLs of FTP (RFC 1738 section 3.2): `ftp://user:password@host:port/path;type=i`.

use std::fmt;

use crate::error::Error;
use crate::session::{Representation, Security};

/// A URL of FTP.
#[derive(Clone, PartialEq, Eq)]
pub struct FtpUrl {
    /// How the scheme has it: `ftp` leaves it to the caller, `ftpes` is explicit TLS, `ftps` implicit.
    pub scheme: Scheme,
    /// The user, if one is named.
    pub user: Option<String>,
    /// The password, if it stands there.
    pub password: Option<String>,
    /// The host: a name, or an address without brackets.
    pub host: String,
    /// The port, if it is named.
    pub port: Option<u16>,
    /// The path, relative to the login directory; absolute if it begins with `/` (written `%2F`). Of any bytes but CR, LF and NUL.
    pub path: Vec<u8>,
    /// `;type=`: a file as it is, or as text.
    pub representation: Option<Representation>,
    /// `;type=d`, or a slash at the end: a directory.
    pub is_directory: bool,
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `ftp`.
    Ftp,
    /// `ftpes`: AUTH TLS first.
    Ftpes,
    /// `ftps`: TLS from the first byte on.
    Ftps,
}

impl FtpUrl {
    /// Reads a URL.
    ///
    /// ```
    /// use ftp_client::url::FtpUrl;
    /// let url = FtpUrl::parse("ftp://joe@[::1]:2121/%2Fetc/a%20b;type=a").unwrap();
    /// assert_eq!((url.host.as_str(), url.port), ("::1", Some(2121)));
    /// assert_eq!(url.path, b"/etc/a b");
    /// ```
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong =
            |reason: &str| Error::Settings(format!("{} is no URL of FTP: {reason}", without_password(text)));
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("it does not begin with ftp://, as ftp://HOST/PATH does"))?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "ftp" => Scheme::Ftp,
            "ftpes" => Scheme::Ftpes,
            "ftps" => Scheme::Ftps,
            _ => return Err(wrong("the schemes are ftp, ftpes and ftps")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (host, port) =
            host_and_port(place).ok_or_else(|| wrong("it has no host, or no port where one is due"))?;
        let text_of = |part: &str| {
            String::from_utf8(decode(part)?)
                .map_err(|_| Error::Settings("user and password must be UTF-8".into()))
        };
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, "\0"))) {
            None => (None, None),
            Some((user, "\0")) => (Some(text_of(user)?), None),
            Some((user, password)) => (Some(text_of(user)?), Some(text_of(password)?)),
        };
        let (path, kind) = match path.rsplit_once(";type=") {
            Some((path, kind)) => (path, Some(kind)),
            None => (path, None),
        };
        let (representation, listed) = match kind.map(str::to_ascii_lowercase).as_deref() {
            None => (None, false),
            Some("a") => (Some(Representation::Ascii), false),
            Some("i") => (Some(Representation::Image), false),
            Some("d") => (None, true),
            Some(_) => return Err(wrong("the types are a, i and d")),
        };
        let path = decode(path)?;
        if path.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            return Err(wrong("the path holds CR, LF or NUL"));
        }
        let is_directory = listed || path.last().is_none_or(|&last| last == b'/');
        Ok(Self { scheme, user, password, host, port, path, representation, is_directory })
    }

    /// The port, by default 21 or, with implicit TLS, 990.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == Scheme::Ftps { 990 } else { 21 })
    }

    /// The protection that the scheme asks for; `otherwise` for `ftp`.
    pub fn security(&self, otherwise: Security) -> Security {
        match self.scheme {
            Scheme::Ftp => otherwise,
            Scheme::Ftpes => Security::Require,
            Scheme::Ftps => Security::Implicit,
        }
    }
}

/// The URL without the password, for people.
impl fmt::Display for FtpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            Scheme::Ftp => "ftp",
            Scheme::Ftpes => "ftpes",
            Scheme::Ftps => "ftps",
        };
        write!(formatter, "{scheme}://")?;
        if let Some(user) = &self.user {
            write!(formatter, "{}@", encode(user.as_bytes(), false))?;
        }
        let bracketed = self.host.contains(':');
        if bracketed {
            write!(formatter, "[{}]", self.host)?
        } else {
            formatter.write_str(&self.host)?
        }
        if let Some(port) = self.port {
            write!(formatter, ":{port}")?;
        }
        let path = encode(&self.path, true);
        match path.strip_prefix('/') {
            Some(rest) => write!(formatter, "/%2F{rest}"),
            None => write!(formatter, "/{path}"),
        }
    }
}

impl fmt::Debug for FtpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

fn host_and_port(place: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, behind) = rest.split_once(']')?;
        // RFC 6874 writes the zone's percent sign as %25.
        (
            host.replace("%25", "%"),
            behind.strip_prefix(':').or(if behind.is_empty() { Some("") } else { None })?,
        )
    } else {
        let (host, port) = place.split_once(':').unwrap_or((place, ""));
        (String::from_utf8(decode(host).ok()?).ok()?, port)
    };
    let sane = !host.is_empty()
        && host.bytes().all(|byte| byte > b' ' && !matches!(byte, b'/' | b'\\' | b'@' | 127));
    let port = if port.is_empty() { None } else { Some(port.parse().ok().filter(|&port| port != 0)?) };
    sane.then_some((host, port))
}

fn decode(text: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let value = digit(rest.next()).zip(digit(rest.next())).map(|(high, low)| high * 16 + low);
        let wrong = || {
            Error::Settings(
                "a percent sign in a URL needs two hexadecimal digits (%25 is the sign itself)".into(),
            )
        };
        bytes.push(value.and_then(|value| u8::try_from(value).ok()).ok_or_else(wrong)?);
    }
    Ok(bytes)
}

/// Percent-encodes what has a meaning in URLs, and what is no printable ASCII.
fn encode(bytes: &[u8], slash: bool) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=".contains(&byte) || slash && byte == b'/' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// What was given, without what stands before the last `@`.
fn without_password(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let shown = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let shown = if scheme.is_empty() { shown.to_owned() } else { format!("{scheme}://{shown}") };
    crate::text::shown(shown.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        let url = FtpUrl::parse("ftp://host").unwrap();
        assert_eq!((url.user, url.path.len(), url.is_directory), (None, 0, true));
        let url = FtpUrl::parse("ftpes://j%40x:p%3Aw@host:2121/a/b%20c;type=i").unwrap();
        assert_eq!((url.user.as_deref(), url.password.as_deref()), (Some("j@x"), Some("p:w")));
        assert_eq!(
            (url.scheme, url.port_or_default(), url.path.as_slice()),
            (Scheme::Ftpes, 2121, &b"a/b c"[..])
        );
        assert_eq!(url.representation, Some(Representation::Image));
        let url = FtpUrl::parse("FTPS://[fe80::1%25eth0]/%2Fetc/motd").unwrap();
        assert_eq!(
            (url.host.as_str(), url.port_or_default(), url.path.as_slice()),
            ("fe80::1%eth0", 990, &b"/etc/motd"[..])
        );
        assert_eq!(FtpUrl::parse("ftp://joe:@h/").unwrap().password.as_deref(), Some(""));
        assert!(FtpUrl::parse("ftp://h/d/").unwrap().is_directory);
        assert!(FtpUrl::parse("ftp://h/d;type=d").unwrap().is_directory);
        assert_eq!(FtpUrl::parse("ftp://h/%e9").unwrap().path, b"\xe9");
    }

    #[test]
    fn wrong_urls_are_refused_without_telling_the_password() {
        for wrong in [
            "host/path",
            "http://host/",
            "ftp://",
            "ftp:///x",
            "ftp://h:x/",
            "ftp://h:0/",
            "ftp://h:99999/",
            "ftp://h/a%0d%0aDELE%20x",
            "ftp://h/%zz",
            "ftp://h/%2",
            "ftp://h/x;type=e",
            "ftp://a b/",
            "ftp://[::1/x",
        ] {
            assert!(FtpUrl::parse(wrong).is_err(), "{wrong}");
        }
        let error = FtpUrl::parse("ftp://joe:secret@h:x/").unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn urls_are_written_so_that_they_can_be_read_again() {
        for text in ["ftp://h/a/b%20c", "ftpes://j%40x@[::1]:21/%2Fetc/a%3Bb", "ftps://h/%E9%25"] {
            assert_eq!(FtpUrl::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(FtpUrl::parse("ftp://joe:secret@h/x").unwrap().to_string(), "ftp://joe@h/x");
    }
}
