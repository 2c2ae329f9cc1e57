//! Names with `*`, `?` and `[...]`, as LIST and NLST take them.

/// A pattern of one path component. Matching takes time in proportion to pattern times name, whatever the pattern is;
/// there is no `**`, no brace and no path in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<u8>);

impl Pattern {
    /// Takes any bytes; an unclosed `[` stands for itself.
    pub fn new(pattern: &[u8]) -> Self {
        Self(pattern.to_vec())
    }

    /// Whether a name fits: as a pattern, or as the same bytes, so that a name that holds such characters can be named. A dot at
    /// a name's beginning has to be named.
    pub fn matches(&self, name: &[u8]) -> bool {
        if self.0 == name {
            return true;
        }
        if name.starts_with(b".") && !self.0.starts_with(b".") {
            return false;
        }
        glob(&self.0, name)
    }
}

/// Only the last star is ever gone back to: an earlier one has taken no more than it must, which leaves the most to the
/// rest.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Behind the last star, and what of the name it has not yet taken.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some(behind) = pattern.strip_prefix(b"*") {
            star = Some((behind, name));
            pattern = behind;
            continue;
        }
        let Some((&byte, rest)) = name.split_first() else { return pattern.is_empty() };
        match one(pattern, byte) {
            Some(behind) => (pattern, name) = (behind, rest),
            None => {
                let Some((behind, from)) = star else { return false };
                let Some((_, shorter)) = from.split_first() else { return false };
                star = Some((behind, shorter));
                (pattern, name) = (behind, shorter);
            }
        }
    }
}

/// What of the pattern is left when its first element fits the byte.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (&first, rest) = pattern.split_first()?;
    match first {
        b'?' => Some(rest),
        b'[' => match set(rest, byte) {
            Some((fits, behind)) => fits.then_some(behind),
            None => (byte == b'[').then_some(rest),
        },
        b'\\' if !rest.is_empty() => {
            rest.split_first().filter(|(escaped, _)| **escaped == byte).map(|(_, behind)| behind)
        }
        _ => (first == byte).then_some(rest),
    }
}

/// Whether the set behind `[` holds the byte, and what is behind its `]`; `None` if it is not closed.
fn set(text: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (inverted, mut rest) = match text.split_first() {
        Some((b'!' | b'^', rest)) => (true, rest),
        _ => (false, text),
    };
    let mut holds = false;
    let mut first = true;
    loop {
        let (&low, behind) = rest.split_first()?;
        if low == b']' && !first {
            return Some((holds != inverted, behind));
        }
        first = false;
        match behind {
            [b'-', high, behind @ ..] if *high != b']' => {
                holds |= (low..=*high).contains(&byte);
                rest = behind;
            }
            _ => {
                holds |= low == byte;
                rest = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern.as_bytes()).matches(name.as_bytes())
    }

    #[test]
    fn stars_marks_and_sets_match() {
        for (pattern, name) in [
            ("*", "a"),
            ("*.txt", "a.txt"),
            ("a*b*c", "a1b2c"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[^a]", "b"),
            ("[]]", "]"),
            ("[a-]", "-"),
            ("a[", "a["),
            ("\\*", "*"),
            (".*", ".a"),
            ("a[1].txt", "a[1].txt"),
            ("***a", "a"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*.txt", "a.txt2"),
            ("?", ""),
            ("?", "ab"),
            ("[a-c]", "d"),
            ("*", ".hidden"),
            ("a*", "ba"),
            ("\\*", "a"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_their_length() {
        // With one more star each, a matcher that goes back to every star would need years.
        let pattern = "a*".repeat(1000) + "b";
        assert!(!fits(&pattern, &"a".repeat(4000)));
    }

    /// The definition, which may take its time.
    fn slow(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|at| slow(rest, &name[at..])),
            Some(_) => name
                .split_first()
                .is_some_and(|(&byte, tail)| one(pattern, byte).is_some_and(|behind| slow(behind, tail))),
        }
    }

    proptest! {
        #[test]
        fn the_fast_matcher_agrees_with_the_definition(pattern in "[ab*?\\[\\]!-]{0,8}", name in "[ab\\]-]{0,8}") {
            prop_assert_eq!(glob(pattern.as_bytes(), name.as_bytes()), slow(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
