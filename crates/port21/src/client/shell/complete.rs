//! Completion of commands, and of names on the server and here.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rustyline::completion::{Completer, Pair};
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};

use super::Shell;
use super::command::{self, Meaning};
use super::words::{self, Line, Word};
use crate::client::sessions::without_last_slash;
use crate::escape;

/// Longest time that somebody who presses Tab waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most names that are shown.
const MOST: usize = 1000;

/// Completes what stands before the cursor.
pub struct Completions<'a, 'b> {
    shell: &'b Rc<RefCell<Shell<'a>>>,
    /// The directory that was listed last, so that one Tab after the other asks the server once.
    listed: RefCell<Option<Listed>>,
}

struct Listed {
    directory: Vec<u8>,
    /// Names, and whether each is a directory.
    names: Vec<(String, bool)>,
}

impl<'a, 'b> Completions<'a, 'b> {
    /// Completions at the place of the shell.
    pub fn new(shell: &'b Rc<RefCell<Shell<'a>>>) -> Self {
        Self { shell, listed: RefCell::new(None) }
    }

    /// A command may have changed what there is.
    pub fn forget(&mut self) {
        *self.listed.borrow_mut() = None;
    }

    /// The names in a directory on the server, as a word names it.
    fn remote(&self, directory: &str) -> Vec<(String, bool)> {
        let Ok(mut shell) = self.shell.try_borrow_mut() else { return Vec::new() };
        let Some(place) = &shell.place else { return Vec::new() };
        let url = if directory.is_empty() { place.url() } else { place.resolve(directory, None) };
        if let Some(listed) = self.listed.borrow().as_ref()
            && listed.directory == url.path
        {
            return listed.names.clone();
        }
        let listed = shell.unless(super::ended, |shell| {
            Box::pin(async move {
                let listing = async {
                    let client = shell.sessions.get(&url).await?;
                    anyhow::Ok((client.list(without_last_slash(&url.path)).await?, url.path))
                };
                tokio::time::timeout(PATIENCE, listing).await?
            })
        });
        let Ok((entries, directory)) = listed else { return Vec::new() };
        let name = |entry: ftp_client::Entry| {
            let is_directory = entry.is_directory();
            Some((String::from_utf8(entry.name).ok()?, is_directory))
        };
        let names: Vec<_> = entries.into_iter().filter_map(name).collect();
        *self.listed.borrow_mut() = Some(Listed { directory, names: names.clone() });
        names
    }
}

/// The names in a folder here, as a word names it.
fn local(folder: &str) -> Vec<(String, bool)> {
    let listed = std::fs::read_dir(if folder.is_empty() { Path::new(".") } else { Path::new(folder) });
    let entries = listed.into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir()))).collect()
}

/// The word before the cursor: where it begins, and what it says; and the words before it, from the command's name on.
fn under_way(line: &str) -> Option<(usize, String, Vec<String>)> {
    // Behind a quote that is open a word begins with it.
    let (mut command, mut start) = (0, 0);
    let mut escaped = false;
    let mut quote = None;
    for (at, character) in line.char_indices() {
        let next = at.saturating_add(character.len_utf8());
        match (quote, character) {
            _ if escaped => escaped = false,
            (None | Some('"'), '\\') => escaped = true,
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, ';') => (command, start) = (next, next),
            (None, ' ' | '\t') => start = next,
            _ => {}
        }
    }
    let (before, word) = line.split_at_checked(start)?;
    // Names that have no more in common may end in the backslash before what differs.
    let word = if escaped { word.strip_suffix('\\')? } else { word };
    let closed = match quote {
        Some(open) => format!("{word}{open}"),
        None => word.to_owned(),
    };
    let word = match words::parse(&closed).ok()?.pop() {
        Some(Line::Words(words)) => words.last().map(Word::text)?,
        Some(Line::System(_)) => return None,
        None => String::new(),
    };
    let before = match words::parse(before.get(command..)?).ok()?.pop() {
        Some(Line::Words(words)) => words.iter().map(Word::text).collect(),
        Some(Line::System(_)) => return None,
        None => Vec::new(),
    };
    Some((start, word, before))
}

/// The names that begin with `last`, in their order. Of too many, those in the middle are left out: the first and the last tell how much
/// all have in common.
fn matching(mut names: Vec<(String, bool)>, last: &str) -> Vec<(String, bool)> {
    let is_meant = |name: &str| name.starts_with(last) && (last.starts_with('.') || !name.starts_with('.'));
    names.retain(|(name, _)| is_meant(name) && is_harmless(name));
    names.sort();
    if let Some(end) = names.pop() {
        names.truncate(MOST.saturating_sub(1));
        names.push(end);
    }
    names
}

/// Whether it holds nothing that a terminal would obey, or that reads as another name than it is.
fn is_harmless(name: &str) -> bool {
    !name.chars().any(|character| character.is_control() || escape::misleads(character))
}

impl Completer for Completions<'_, '_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let Some((start, word, before)) = line.get(..cursor).and_then(under_way) else {
            return Ok((cursor, Vec::new()));
        };
        let (directory, last) = match word.rfind('/') {
            Some(slash) => word.split_at_checked(slash.saturating_add(1)).unwrap_or((&word, "")),
            None => ("", word.as_str()),
        };
        let meaning = (!before.is_empty()).then(|| command::meaning(&before));
        let names = match meaning {
            None => command::names().into_iter().map(|name| (name, false)).collect(),
            Some(Meaning::Remote) => self.remote(directory),
            Some(Meaning::Local) => local(directory),
            Some(Meaning::Other) => Vec::new(),
        };
        let directory = if before.is_empty() { "" } else { directory };
        let mut pairs: Vec<Pair> = matching(names, last)
            .into_iter()
            .map(|(name, is_directory)| {
                let end = if is_directory { "/" } else { "" };
                let replacement = words::quote(&format!("{directory}{name}{end}"));
                Pair { display: format!("{name}{end}"), replacement }
            })
            .collect();
        // The only one is whole, so that the next word may follow.
        if let [only] = pairs.as_mut_slice()
            && !only.replacement.ends_with('/')
        {
            only.replacement.push(' ');
        }
        Ok((start, pairs))
    }
}

impl Hinter for Completions<'_, '_> {
    type Hint = String;
}

impl Highlighter for Completions<'_, '_> {}

impl Validator for Completions<'_, '_> {}

impl Helper for Completions<'_, '_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_before_the_cursor_is_found_with_its_command() {
        let found = |line: &str| under_way(line).map(|(start, word, before)| (start, word, before.join(" ")));
        for (line, start, word, command) in [
            ("", 0, "", ""),
            ("ge", 0, "ge", ""),
            ("get ", 4, "", "get"),
            ("get a\\ b", 4, "a b", "get"),
            ("get \"a b", 4, "a b", "get"),
            ("get x 'pub/a", 6, "pub/a", "get x"),
            ("ls; mirror -P 2 a", 16, "a", "mirror -P 2"),
            ("pwd; cd ü", 8, "ü", "cd"),
            ("pwd;c", 4, "c", ""),
            ("put 'a;b' c", 10, "c", "put a;b"),
            ("put a\\;b c", 9, "c", "put a;b"),
            ("get a\\", 4, "a", "get"),
        ] {
            assert_eq!(found(line), Some((start, word.to_owned(), command.to_owned())), "{line}");
        }
        assert_eq!(found("!ls a"), None);
    }

    #[test]
    fn of_too_many_names_those_stay_that_tell_what_all_have_in_common() {
        let many = (0..2 * MOST).map(|number| format!("aa{number:05}"));
        let names = many.chain(["ab".into(), ".a".into(), "b".into()]).map(|name| (name, false)).collect();
        let shown = matching(names, "a");
        let ends = (shown.first().unwrap().0.as_str(), shown.last().unwrap().0.as_str());
        assert_eq!((shown.len(), ends), (MOST, ("aa00000", "ab")));
        assert_eq!(matching(vec![(".a".into(), false), ("b".into(), true)], ""), [("b".to_owned(), true)]);
        assert!(matching(Vec::new(), "").is_empty());
    }

    #[test]
    fn names_that_a_terminal_obeys_or_an_eye_mistakes_are_not_put_there() {
        assert!(is_harmless("ü 世.txt"));
        for name in ["a\x1b[2J", "a\u{9b}2J", "gpj\u{202e}exe", "a\u{200b}b"] {
            assert!(!is_harmless(name), "{name:?}");
        }
    }
}
