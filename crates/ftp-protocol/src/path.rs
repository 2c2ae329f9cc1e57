//! Paths on the server, as bytes: RFC 959 leaves their meaning to the server, practice is that of Unix.

/// The path that `path` means in `directory`, without `.`, `..` and doubled slashes.
///
/// An absolute `path` stands for itself. Without a known directory a relative path stays relative, and a `..` that
/// leads out of it is kept. Nothing leads above `/`.
pub fn resolve(directory: Option<&[u8]>, path: &[u8]) -> Vec<u8> {
    let base = if path.starts_with(b"/") { &[][..] } else { directory.unwrap_or_default() };
    let absolute = path.starts_with(b"/") || base.starts_with(b"/");
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in base.split(|&byte| byte == b'/').chain(path.split(|&byte| byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => match parts.last() {
                Some(&last) if last != b".." => {
                    parts.pop();
                }
                _ if absolute => {}
                _ => parts.push(part),
            },
            name => parts.push(name),
        }
    }
    let mut resolved = if absolute { b"/".to_vec() } else { Vec::new() };
    resolved.extend(parts.join(&b'/'));
    if resolved.is_empty() { b".".to_vec() } else { resolved }
}

/// The path between double quotes in a 257 reply's text; two quotes stand for one (RFC 959 appendix II).
///
/// `None` without an opening and a closing quote, or with nothing between them.
pub fn parse_quoted(text: &[u8]) -> Option<Vec<u8>> {
    let open = text.iter().position(|&byte| byte == b'"')?;
    let mut path = Vec::new();
    let mut rest = text.get(open.checked_add(1)?..)?.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'"' {
            path.push(byte);
        } else if rest.next_if_eq(&b'"').is_some() {
            path.push(b'"');
        } else {
            return (!path.is_empty()).then_some(path);
        }
    }
    None
}

/// Writes `path` between double quotes for a 257 reply, with each quote in it doubled (RFC 959 appendix II).
pub fn quote(path: &[u8]) -> Vec<u8> {
    let mut quoted = vec![b'"'];
    for &byte in path {
        quoted.push(byte);
        if byte == b'"' {
            quoted.push(b'"');
        }
    }
    quoted.push(b'"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_joined() {
        for (directory, path, expected) in [
            (Some("/"), "a", "/a"),
            (Some("/pub"), "a", "/pub/a"),
            (Some("/pub/"), "a/b", "/pub/a/b"),
            (Some("/pub"), "/etc", "/etc"),
            (Some("/pub"), "", "/pub"),
            (Some("/pub"), ".", "/pub"),
            (Some("/pub"), "..", "/"),
            (Some("/pub/x"), "../y", "/pub/y"),
            (Some("/pub"), "../../..", "/"),
            (Some("/"), "//a//b/", "/a/b"),
            (Some("/a"), "./b/./c", "/a/b/c"),
            (Some("/a"), "b c ", "/a/b c "),
            (Some("home"), "x", "home/x"),
            (Some("home"), "../x", "x"),
            (None, "x", "x"),
            (None, "x/../y", "y"),
            (None, "../x", "../x"),
            (None, "../../x", "../../x"),
            (None, "/x/..", "/"),
            (None, "", "."),
            (None, "x/..", "."),
            (Some("/a"), "...", "/a/..."),
        ] {
            let resolved = resolve(directory.map(str::as_bytes), path.as_bytes());
            assert_eq!(String::from_utf8_lossy(&resolved), expected, "{directory:?} {path}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        assert_eq!(resolve(Some(b"/"), b"\xe9"), b"/\xe9");
    }

    #[test]
    fn quoted_paths_are_read() {
        for (text, expected) in [
            (r#""/" is current directory."#, Some("/")),
            (r#""/a ""b"" c" created"#, Some(r#"/a "b" c"#)),
            (r#"Created "x""#, Some("x")),
            (r#""/a""#, Some("/a")),
            (r#""/a"b"#, Some("/a")),
            (r#""/a"#, None),
            (r#""" is empty"#, None),
            ("/home is current directory", None),
            ("", None),
        ] {
            assert_eq!(
                parse_quoted(text.as_bytes()),
                expected.map(|path| path.as_bytes().to_vec()),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn quoted_path_is_read_again(path in prop::collection::vec(any::<u8>(), 1..30)) {
            prop_assert_eq!(parse_quoted(&quote(&path)), Some(path));
        }

        #[test]
        fn resolving_twice_changes_nothing(directory in "[/a.]{0,12}", path in "[/a.]{0,12}") {
            let once = resolve(Some(directory.as_bytes()), path.as_bytes());
            prop_assert_eq!(resolve(None, &once), once.clone());
            prop_assert!(once.len() <= directory.len() + path.len() + 2);
        }
    }
}
