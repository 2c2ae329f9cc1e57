//! Facts that servers put into the text of replies without any rule: sizes, names, host names.
//!
//! No document fixes these texts, so what is found here is a hint to be labelled as such.

use memchr::memmem;

/// The exact size that an opening reply (125, 150) announces, as in `Opening BINARY mode data connection for x (1234
/// bytes).`, in bytes.
///
/// `None` for rounded sizes (`1.2 kbytes`, `37.5 bytes`). After REST some servers tell the whole file's size, others
/// the rest's.
pub fn announced_size(text: &[u8]) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    // The name comes before the size and may itself hold such words, so the last one counts.
    let before = text.get(..memmem::rfind(&text, b"byte")?)?;
    let before = before.trim_ascii_end();
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b',').count();
    let (prefix, number) = before.split_at_checked(before.len().checked_sub(digits)?)?;
    let standing_free = prefix.last().is_none_or(|byte| matches!(byte, b'(' | b' ' | b'[' | b'=' | b':'));
    if !standing_free { None } else { grouped_number(number) }
}

/// A decimal number, whole or with commas between groups of three digits.
fn grouped_number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let mut groups = text.split(',');
    let first = groups.next()?;
    let mut digits = first.to_owned();
    for group in groups {
        if first.len() > 3 || first.is_empty() || group.len() != 3 {
            return None;
        }
        digits.push_str(group);
    }
    digits.parse().ok()
}

/// The path that an opening reply (125, 150) names, as in `Opening BINARY mode data connection for 'x' (1234
/// bytes).`; for STOU also `FILE: x` (RFC 1123 section 4.1.2.9) and `unique file name: x`.
pub fn announced_path(text: &[u8]) -> Option<Vec<u8>> {
    let lower = text.to_ascii_lowercase();
    let behind = |marker: &[u8]| {
        let at = memmem::find(&lower, marker)?.checked_add(marker.len())?;
        text.get(at..).map(<[u8]>::trim_ascii)
    };
    if let Some(rest) = lower.starts_with(b"file: ").then(|| text.get(6..)).flatten() {
        return non_empty(rest.trim_ascii());
    }
    if let Some(rest) = behind(b"unique file name:") {
        let rest = rest.strip_suffix(b".").unwrap_or(rest);
        return non_empty(rest.strip_suffix(b")").unwrap_or(rest));
    }
    let rest = behind(b"connection for ").or_else(|| behind(b"channel for "))?;
    for quote in [b'\'', b'"', b'`'] {
        if let Some(quoted) = rest.strip_prefix(&[quote]) {
            let close = if quote == b'`' { b'\'' } else { quote };
            let end = quoted.iter().rposition(|&byte| byte == close)?;
            return name_in(quoted.get(..end)?);
        }
    }
    name_in(without_remarks(rest))
}

/// The name, unless it is what servers write there for a listing or for any file.
fn name_in(name: &[u8]) -> Option<Vec<u8>> {
    let prose = [
        &b"file list"[..],
        b"directory list",
        b"directory listing",
        b"file transfer",
        b"/bin/ls",
        b"mlsd",
        b"list",
    ];
    let is_prose = prose.iter().any(|prose| name.eq_ignore_ascii_case(prose));
    if is_prose { None } else { non_empty(name) }
}

/// Cuts what servers write behind the name: `(n bytes)`, `(address,port)`, `using SSL/TLS`, a full stop.
fn without_remarks(text: &[u8]) -> &[u8] {
    let mut rest = text.trim_ascii();
    for _ in 0..4 {
        let stopless = rest.strip_suffix(b".").unwrap_or(rest);
        let secured = stopless.strip_suffix(b" using SSL/TLS").unwrap_or(stopless);
        let open = memmem::rfind(secured, b" (").filter(|_| secured.ends_with(b")"));
        let inside = open.and_then(|open| secured.get(open.saturating_add(2)..)).unwrap_or_default();
        let remark = inside.first().is_some_and(u8::is_ascii_digit)
            && (memmem::find(&inside.to_ascii_lowercase(), b"byte").is_some() || inside.contains(&b','));
        let next = match open {
            Some(open) if remark => secured.get(..open).unwrap_or_default().trim_ascii_end(),
            _ if secured.len() < stopless.len() => secured,
            // A full stop alone is cut only where a remark stood behind the name or nothing else did.
            _ => return if rest.len() == text.trim_ascii().len() { stopless } else { rest },
        };
        rest = next;
    }
    rest
}

fn non_empty(bytes: &[u8]) -> Option<Vec<u8>> {
    (!bytes.is_empty()).then(|| bytes.to_vec())
}

/// Last labels that are no top-level domain where they end a word of a greeting: ends of file names.
const FILE_ENDINGS: &[&str] = &[
    "gz", "tar", "tgz", "zip", "txt", "exe", "conf", "cfg", "ini", "js", "rs", "html", "htm", "php", "msg",
    "log",
];

/// A fully qualified host name in a greeting's text, as in `ftp.NetBSD.org FTP server ready`: the first word with a
/// dot whose last label is alphabetic. Addresses of pages and people, versions, file names and `localhost.localdomain` do not count.
pub fn greeting_host(text: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(text);
    let mut before = "";
    for word in text.split_whitespace() {
        let invites =
            ["visit", "see", "e-mail", "mail", "email"].iter().any(|verb| before.eq_ignore_ascii_case(verb));
        before = word;
        let name = word.trim_matches(|character: char| !character.is_ascii_alphanumeric());
        let local = name.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case("localhost"));
        if !invites && !local && is_host_name(name) && !word.contains(['/', '@', '\\']) {
            return Some(name.to_owned());
        }
    }
    None
}

/// The name could stand in the DNS (RFC 1123 section 2.1), has a dot and ends with an alphabetic label in one case.
fn is_host_name(name: &str) -> bool {
    let Some((_, top)) = name.rsplit_once('.') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let one_case = top.bytes().all(|byte| byte.is_ascii_lowercase())
        || top.bytes().all(|byte| byte.is_ascii_uppercase());
    let ending = FILE_ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending));
    name.len() <= 253 && name.split('.').all(label) && top.len() >= 2 && one_case && !ending
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exact_sizes_are_read() {
        for (text, size) in [
            ("Opening BINARY mode data connection for x (1234 bytes).", Some(1234)),
            ("Opening BINARY mode data connection for 'x (5 bytes)' (9 bytes).", Some(9)),
            ("Opening BINARY mode data connection for x (1 byte)", Some(1)),
            ("Opening BINARY mode data connection for x (0 Bytes).", Some(0)),
            ("Opening data connection for x (1,234,567 bytes)", Some(1_234_567)),
            ("Sending x: 77 bytes", Some(77)),
            ("12 bytes", Some(12)),
            ("Opening data connection for x (1.2 kbytes)", None),
            ("37.5 bytes", None),
            ("1234.5 kbytes to download", None),
            ("(12,34 bytes)", None),
            ("(1234,567 bytes)", None),
            ("(,567 bytes)", None),
            ("x1234 bytes", None),
            ("some bytes", None),
            ("(99999999999999999999 bytes)", None),
            ("bytes", None),
            ("Here comes the directory listing.", None),
            ("", None),
        ] {
            assert_eq!(announced_size(text.as_bytes()), size, "{text}");
        }
    }

    #[test]
    fn names_are_read() {
        for (text, path) in [
            ("Opening BINARY mode data connection for x.txt (1234 bytes).", Some("x.txt")),
            ("Opening BINARY mode data connection for 'a b' (1234 bytes).", Some("a b")),
            ("Opening BINARY mode data connection for 'it's' (1 bytes)", Some("it's")),
            ("Opening ASCII mode data connection for x (10.0.0.1,5001) (12 bytes).", Some("x")),
            ("Opening BINARY mode data connection for x using SSL/TLS.", Some("x")),
            ("Opening ASCII mode data connection for a (old) (3 bytes)", Some("a (old)")),
            ("Opening data channel for x.", Some("x")),
            ("FILE: stou.12", Some("stou.12")),
            ("Transfer complete (unique file name:x.1).", Some("x.1")),
            ("Opening ASCII mode data connection for file list", None),
            ("Opening ASCII mode data connection for file list.", None),
            ("Opening ASCII mode data connection for /bin/ls (0 bytes).", None),
            ("Opening ASCII mode data connection for '/bin/ls'.", None),
            ("Opening BINARY mode data connection for file transfer.", None),
            ("Opening BINARY mode data connection for secret_file.txt.", Some("secret_file.txt")),
            ("Opening BINARY mode data connection for README", Some("README")),
            ("Opening data channel for directory listing of \"/\"", Some("directory listing of \"/\"")),
            ("Here comes the directory listing.", None),
            ("Opening data connection for ", None),
            ("", None),
        ] {
            assert_eq!(announced_path(text.as_bytes()), path.map(|path| path.as_bytes().to_vec()), "{text}");
        }
    }

    #[test]
    fn host_names_are_read() {
        for (text, host) in [
            ("ftp.ftpplanet.com FTP Server ready to serve you", Some("ftp.ftpplanet.com")),
            ("ftp.NetBSD.org FTP server (NetBSD-ftpd 20180428) ready.", Some("ftp.NetBSD.org")),
            ("ProFTPD 1.3.5 Server (ProFTPD) [ftp.example.org]", Some("ftp.example.org")),
            ("Welcome to ftp.example.org.", Some("ftp.example.org")),
            ("Welcome to 163.com!", Some("163.com")),
            ("     Welcome to FTP.JPIX.ad.jp,", Some("FTP.JPIX.ad.jp")),
            ("ProFTPD Server In ECI Telecom (ftp.ecitele.com) ", Some("ftp.ecitele.com")),
            ("localhost.localdomain FTP server (Version 6.4/OpenBSD/Linux-ftpd-0.17) ready.", None),
            ("         http://www.jpix.ad.jp/               http://www.iri.co.jp/", None),
            ("ProFTPD 1.3.0a Server (ProFTPD Anonymous Server) [10.0.1.9]", None),
            ("alpha GridFTP Server 6.14 (gcc64dbg, 1338-83) [Globus Toolkit 5.2.2] ready.", None),
            ("And, Maintenanced by Internet Research Institute, Inc.", None),
            ("(vsFTPd 3.0.3)", None),
            ("FTP server (Version 6.4/OpenBSD/Linux-ftpd-0.17) ready.", None),
            ("ftpd-1.2.tar.gz", None),
            ("Please visit https://filezilla-project.org/", None),
            ("Please visit www.example.com", None),
            ("write to root@example.com", None),
            ("Welcome here.Please log in", None),
            ("read README.TXT", None),
            ("10.0.0.1 ready", None),
            ("e.g. i.e. a.m.", None),
            ("bad-.example.org", None),
            ("a..com", None),
            ("Serv-U FTP Server v6.4 for WinSock ready...", None),
            ("", None),
        ] {
            assert_eq!(greeting_host(text.as_bytes()).as_deref(), host, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_searched(text in prop::collection::vec(prop::sample::select(b"a1,.( )'byte fork\xff".to_vec()), 0..80)) {
            let _ = (announced_size(&text), announced_path(&text), greeting_host(&text));
        }

        #[test]
        fn any_size_is_read_back(size in any::<u64>()) {
            prop_assert_eq!(announced_size(format!("for x ({size} bytes)").as_bytes()), Some(size));
        }
    }
}
