//! A line of the shell as words: quotes, backslashes, `;` between commands, `#` before comments, `!` before a command for the system.

/// Stands before a character that was quoted and means nothing but itself. No line can hold it: control characters are refused.
const QUOTED: char = '\u{1}';

/// One command of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Words of ours; at least one.
    Words(Vec<Word>),
    /// Something for the system's shell.
    System(String),
}

/// A word. Quoted characters are told from others, since only the others make a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word(String);

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// A quote is not closed.
    OpenQuote,
    /// It holds a control character.
    Control,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::OpenQuote => "a quote is not closed",
            Self::Control => "a line cannot hold control characters",
        })
    }
}

impl Word {
    /// Takes a word back that went through the argument parser.
    pub fn from_parsed(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it goes through the argument parser.
    pub fn as_parsed(&self) -> &str {
        &self.0
    }

    /// What it says.
    pub fn text(&self) -> String {
        self.0.replace(QUOTED, "")
    }

    /// As a path whose last part may be a pattern, in which quoted characters stand in brackets; the parts before it are names.
    pub fn pattern(&self) -> String {
        let behind = self.0.rfind('/').map_or(0, |at| at.saturating_add(1));
        let (directory, last) = self.0.split_at_checked(behind).unwrap_or(("", &self.0));
        let mut pattern = directory.replace(QUOTED, "");
        let mut quoted = false;
        for character in last.chars() {
            match character {
                QUOTED => {}
                '*' | '?' | '[' if quoted => pattern.extend(['[', character, ']']),
                _ => pattern.push(character),
            }
            quoted = character == QUOTED;
        }
        pattern
    }
}

/// Reads lines into commands.
pub fn parse(text: &str) -> Result<Vec<Line>, Wrong> {
    let mut lines = Vec::new();
    for line in text.lines() {
        parse_line(line, &mut lines)?;
    }
    Ok(lines)
}

fn parse_line(line: &str, lines: &mut Vec<Line>) -> Result<(), Wrong> {
    if line.chars().any(|character| character.is_control() && character != '\t') {
        return Err(Wrong::Control);
    }
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        let starts = word.is_none();
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (Some('\''), _) => push_quoted(&mut word, character),
            (_, '\\') => {
                let (_, next) = characters.next().ok_or(Wrong::OpenQuote)?;
                push_quoted(&mut word, next);
            }
            (Some(_), _) => push_quoted(&mut word, character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, ';') => {
                words.extend(word.take());
                end(&mut words, lines);
            }
            (None, '#') if starts && words.is_empty() => break,
            (None, '!') if starts && words.is_empty() => {
                let command = line.get(at.saturating_add(1)..).unwrap_or_default().trim();
                lines.push(Line::System(command.to_owned()));
                return Ok(());
            }
            (None, _) => word.get_or_insert_default().0.push(character),
        }
    }
    if quote.is_some() {
        return Err(Wrong::OpenQuote);
    }
    words.extend(word);
    end(&mut words, lines);
    Ok(())
}

fn push_quoted(word: &mut Option<Word>, character: char) {
    let text = &mut word.get_or_insert_default().0;
    if matches!(character, '*' | '?' | '[') {
        text.push(QUOTED);
    }
    text.push(character);
}

fn end(words: &mut Vec<Word>, lines: &mut Vec<Line>) {
    if !words.is_empty() {
        lines.push(Line::Words(std::mem::take(words)));
    }
}

/// `name` so that a line means it and nothing else, also where an option could stand.
pub fn quote(name: &str) -> String {
    let special = |character: char| " \t\\'\"*?[;#!".contains(character);
    let mut quoted = String::from(if name.starts_with('-') { "./" } else { "" });
    for character in name.chars() {
        if special(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        match parse(line).unwrap().as_slice() {
            [Line::Words(words)] => words.iter().map(Word::text).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn quotes_and_backslashes_keep_blanks() {
        assert_eq!(words(r#"get "a b" c\ d 'e "f' g"h"i"#), ["get", "a b", "c d", "e \"f", "ghi"]);
        assert_eq!(words("get ''"), ["get", ""]);
        assert_eq!(words("  ls\t-l "), ["ls", "-l"]);
        assert_eq!(words("get a#b x!"), ["get", "a#b", "x!"]);
    }

    #[test]
    fn semicolons_and_line_ends_end_commands() {
        let lines = parse("cd a; ls 'b;c';\n# nothing\n\n!ls; pwd\nquit").unwrap();
        let shown: Vec<String> = lines
            .iter()
            .map(|line| match line {
                Line::Words(words) => words.iter().map(Word::text).collect::<Vec<_>>().join("|"),
                Line::System(command) => format!("!{command}"),
            })
            .collect();
        assert_eq!(shown, ["cd|a", "ls|b;c", "!ls; pwd", "quit"]);
    }

    #[test]
    fn quoted_stars_are_no_pattern() {
        let Some(Line::Words(words)) = parse(r#"rm *.c "*.c" \[a] '\*' "[a]/"*"#).unwrap().pop() else {
            panic!()
        };
        let patterns: Vec<String> = words.iter().skip(1).map(Word::pattern).collect();
        assert_eq!(patterns, ["*.c", "[*].c", "[[]a]", "\\[*]", "[a]/*"]);
        assert_eq!(words[2].text(), "*.c");
    }

    #[test]
    fn lines_that_mean_nothing_are_refused() {
        assert_eq!(parse("get 'a"), Err(Wrong::OpenQuote));
        assert_eq!(parse("get a\\"), Err(Wrong::OpenQuote));
        assert_eq!(parse("get \x01*"), Err(Wrong::Control));
        assert_eq!(parse("get a\x1b[2J"), Err(Wrong::Control));
    }

    #[test]
    fn what_is_quoted_is_read_as_it_was() {
        for name in ["a b", "*", "a'b\"c\\d", "#x", "!x", "[x];y", "ü 世"] {
            assert_eq!(words(&format!("get {}", quote(name))), ["get", name]);
        }
        assert_eq!(quote("-c *"), "./-c\\ \\*");
    }
}
