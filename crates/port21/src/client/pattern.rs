//! Patterns for names: `*`, `?` and `[a-z]`, as the shell has them.

/// Whether the last part of a path is a pattern.
pub fn is_pattern(path: &[u8]) -> bool {
    literal(path).is_none()
}

/// The one path that `path` means, unless its last part is a pattern: there, `*`, `?` and `[` in brackets mean themselves.
pub fn literal(path: &[u8]) -> Option<Vec<u8>> {
    let (directory, mut last) = split(path);
    let mut literal = directory.to_vec();
    loop {
        last = match last {
            [] => return Some(literal),
            [b'[', byte @ (b'*' | b'?' | b'['), b']', rest @ ..] => {
                literal.push(*byte);
                rest
            }
            [b'*' | b'?' | b'[', ..] => return None,
            [byte, rest @ ..] => {
                literal.push(*byte);
                rest
            }
        };
    }
}

/// A path's directory, with the slash at its end, and its last part.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let behind = path.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at.saturating_add(1));
    path.split_at_checked(behind).unwrap_or((path, &[]))
}

/// Whether `name` is one that `pattern` means. A dot at its beginning must be written. The work is at most the product of both
/// lengths.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // Where to go on if the last star has to take one byte more.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix(b"*") {
            again = Some((rest, name));
            pattern = rest;
            continue;
        }
        let next = match name.split_first() {
            None if pattern.is_empty() => return true,
            None => return false,
            Some((&byte, behind)) => one(pattern, byte).map(|rest| (rest, behind)),
        };
        (pattern, name) = match (next, again) {
            (Some(next), _) => next,
            (None, Some((star, rest))) => {
                let Some((_, rest)) = rest.split_first() else { return false };
                again = Some((star, rest));
                (star, rest)
            }
            (None, None) => return false,
        };
    }
}

/// The pattern behind what means `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern.split_first()? {
        (b'?', rest) => Some(rest),
        (b'[', rest) => match set(rest, byte) {
            Some((rest, true)) => Some(rest),
            Some((_, false)) => None,
            None => (byte == b'[').then_some(rest),
        },
        (&literal, rest) => (literal == byte).then_some(rest),
    }
}

/// What stands behind the set, and whether `byte` is in it; `None` if the set is not closed.
fn set(pattern: &[u8], byte: u8) -> Option<(&[u8], bool)> {
    let (negated, members) = match pattern.split_first()? {
        (b'!' | b'^', rest) => (true, rest),
        _ => (false, pattern),
    };
    // A bracket that stands first is a member.
    let close = members.iter().skip(1).position(|&member| member == b']')?.checked_add(1)?;
    let (mut members, rest) = members.split_at_checked(close)?;
    let mut found = false;
    while let Some((&first, behind)) = members.split_first() {
        if let [b'-', last, rest @ ..] = behind {
            found |= (first..=*last).contains(&byte);
            members = rest;
        } else {
            found |= first == byte;
            members = behind;
        }
    }
    Some((rest.get(1..)?, found != negated))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_the_shell() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", "", true),
            ("*", ".hidden", false),
            (".*", ".hidden", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "a.txt.gz", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "", false),
            ("?.c", "a.c", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[", "[", true),
            ("[ab", "[ab", true),
            ("a", "b", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn hostile_pattern_takes_no_time() {
        let name = vec![b'a'; 4096];
        let pattern: Vec<u8> = b"*a".repeat(1000).into_iter().chain(*b"*b").collect();
        assert!(!matches(&pattern, &name));
    }

    #[test]
    fn paths_are_split_before_the_last_part() {
        assert_eq!(split(b"a/b/*.c"), (&b"a/b/"[..], &b"*.c"[..]));
        assert_eq!(split(b"x"), (&b""[..], &b"x"[..]));
        assert!(is_pattern(b"a/*") && !is_pattern(b"a*/b"));
        for (path, expected) in [
            ("a[*]b[?][[]1]", Some("a*b?[1]")),
            ("x [1]/[*]", Some("x [1]/*")),
            ("a]", Some("a]")),
            ("[a]", None),
            ("[*", None),
            ("[**]", None),
        ] {
            assert_eq!(literal(path.as_bytes()).as_deref(), expected.map(str::as_bytes), "{path}");
        }
    }
}
