//! Patterns for names and paths: `*`, `?` and `[a-z]`, as the shell has them, and `**`.

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

/// Whether `name` is one that `pattern` means. A dot at its beginning must be written.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let is_hidden = name.first() == Some(&b'.') && pattern.first() != Some(&b'.');
    !is_hidden && Glob::of_name(pattern).matches(name)
}

/// A pattern that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Token>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Byte(u8),
    /// `?`
    One,
    /// `[a-z]`, `[!a-z]`
    Set {
        negated: bool,
        ranges: Vec<(u8, u8)>,
    },
    /// `*`
    Star,
    /// `**`
    Everything,
}

impl Glob {
    /// A pattern for names, in which a backslash is one.
    pub fn of_name(text: &[u8]) -> Self {
        Self(tokens(text, false))
    }

    /// A pattern for paths: nothing but `**` goes beyond a slash, and a backslash lets the byte behind it mean itself.
    pub fn of_path(text: &[u8]) -> Self {
        Self(tokens(text, true))
    }

    /// Whether it means the whole of `text`. All places in the pattern that the text so far may have led to are followed at once, so the
    /// work is at most the product of both lengths.
    pub fn matches(&self, text: &[u8]) -> bool {
        let Self(tokens) = self;
        let mut places = vec![false; tokens.len().saturating_add(1)];
        let mut next = places.clone();
        reach(tokens, &mut places, 0);
        for &byte in text {
            next.fill(false);
            for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| places.get(at) == Some(&true)) {
                if token.stays(byte) {
                    reach(tokens, &mut next, at);
                } else if token.is(byte) {
                    reach(tokens, &mut next, at.saturating_add(1));
                }
            }
            std::mem::swap(&mut places, &mut next);
        }
        places.last() == Some(&true)
    }
}

impl Token {
    fn is_star(&self) -> bool {
        matches!(self, Self::Star | Self::Everything)
    }

    /// Whether it takes the byte and any behind it.
    fn stays(&self, byte: u8) -> bool {
        matches!(self, Self::Everything) || matches!(self, Self::Star) && byte != b'/'
    }

    /// Whether it is the byte.
    fn is(&self, byte: u8) -> bool {
        match self {
            Self::Byte(wanted) => *wanted == byte,
            Self::One => byte != b'/',
            Self::Set { negated, ranges } => {
                byte != b'/' && ranges.iter().any(|&(first, last)| (first..=last).contains(&byte)) != *negated
            }
            Self::Star | Self::Everything => false,
        }
    }
}

/// Marks a place, and the one behind a star there, which may stand for nothing.
fn reach(tokens: &[Token], places: &mut [bool], from: usize) {
    let count = if tokens.get(from).is_some_and(Token::is_star) { 2 } else { 1 };
    places.iter_mut().skip(from).take(count).for_each(|place| *place = true);
}

fn tokens(mut text: &[u8], is_path: bool) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    while let Some((&byte, rest)) = text.split_first() {
        text = rest;
        let token = match (byte, rest) {
            (b'*', [b'*', behind @ ..]) if is_path => {
                text = behind;
                Token::Everything
            }
            (b'*', _) => Token::Star,
            (b'?', _) => Token::One,
            (b'[', _) => match set(rest) {
                Some((token, behind)) => {
                    text = behind;
                    token
                }
                None => Token::Byte(byte),
            },
            (b'\\', [escaped, behind @ ..]) if is_path => {
                text = behind;
                Token::Byte(*escaped)
            }
            _ => Token::Byte(byte),
        };
        // Stars in a row mean no more than the one of them that means most.
        match tokens.last_mut().filter(|last| last.is_star() && token.is_star()) {
            Some(last) if token == Token::Everything => *last = token,
            Some(_) => {}
            None => tokens.push(token),
        }
    }
    tokens
}

/// A set, and what stands behind its bracket; `None` if it is not closed.
fn set(text: &[u8]) -> Option<(Token, &[u8])> {
    let (negated, mut rest) = match text.split_first()? {
        (b'!' | b'^', rest) => (true, rest),
        _ => (false, text),
    };
    let mut ranges = Vec::new();
    loop {
        let (&first, behind) = rest.split_first()?;
        rest = match (first, behind) {
            // A bracket that stands first is a member.
            (b']', behind) if !ranges.is_empty() => return Some((Token::Set { negated, ranges }, behind)),
            (_, [b'-', last, behind @ ..]) if *last != b']' => {
                ranges.push((first, *last));
                behind
            }
            _ => {
                ranges.push((first, first));
                behind
            }
        };
    }
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
            ("**", "a", true),
            ("a\\*", "a\\b", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn hostile_pattern_takes_no_time() {
        let name = vec![b'a'; 4096];
        let pattern: Vec<u8> = b"*a".repeat(1000).into_iter().chain(*b"*b").collect();
        assert!(!matches(&pattern, &name));
        assert!(!matches(&[vec![b'*'; 4096], b"b".to_vec()].concat(), &name));
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
