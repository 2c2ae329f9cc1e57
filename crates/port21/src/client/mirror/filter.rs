//! Which names are mirrored: patterns that are asked in their order, the first that matches decides.

use clap::{Arg, ArgAction, ArgMatches, Args, FromArgMatches};

use crate::client::pattern::Glob;

/// Patterns in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    include: bool,
    pattern: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    glob: Glob,
    /// From the root on, not at any depth.
    anchored: bool,
    folders_only: bool,
}

impl Filter {
    /// Whether what is at `path`, below the folder that is mirrored, is left out. A folder that is left out is not gone into.
    pub fn leaves_out(&self, path: &[u8], is_folder: bool) -> bool {
        let deciding = self.0.iter().find(|rule| rule.pattern.matches(path, is_folder));
        match deciding {
            Some(rule) => !rule.include,
            // With nothing but --include, it is only those files that are wanted.
            None => !is_folder && !self.0.is_empty() && self.0.iter().all(|rule| rule.include),
        }
    }

    fn add(&mut self, include: bool, text: &str) {
        self.0.push(Rule { include, pattern: Pattern::new(text.as_bytes()) });
    }
}

impl Pattern {
    fn new(text: &[u8]) -> Self {
        let (text, folders_only) = match text.strip_suffix(b"/") {
            Some(rest) if !rest.is_empty() => (rest, true),
            _ => (text, false),
        };
        let (text, anchored) = match text.strip_prefix(b"/") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        Self { glob: Glob::of_path(text), anchored, folders_only }
    }

    fn matches(&self, path: &[u8], is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        if self.anchored {
            return self.glob.matches(path);
        }
        let behind_slashes = path.iter().enumerate().filter(|&(_, &byte)| byte == b'/');
        let starts = std::iter::once(0).chain(behind_slashes.map(|(at, _)| at.saturating_add(1)));
        starts.into_iter().any(|start| self.glob.matches(path.get(start..).unwrap_or_default()))
    }
}

/// The options, whose order counts beyond each other's.
impl Args for Filter {
    fn augment_args(command: clap::Command) -> clap::Command {
        let option = |name: &'static str, short| {
            let option = Arg::new(name).short(short).long(name);
            option.value_name("PATTERN").action(ArgAction::Append)
        };
        command
            .arg(
                option("include", 'I')
                    .help("Mirror what matches; the first match of all --include, --exclude decides"),
            )
            .arg(
                option("exclude", 'X')
                    .help("Leave out what matches: *.o anywhere, /a/b from the top, a/ folders, **"),
            )
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Filter {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |name: &str, include: bool| -> Vec<(usize, bool, String)> {
            let indices = matches.indices_of(name).into_iter().flatten();
            let values = matches.get_many::<String>(name).into_iter().flatten();
            indices.zip(values).map(|(index, text)| (index, include, text.clone())).collect()
        };
        let mut rules = [given("include", true), given("exclude", false)].concat();
        rules.sort();
        let mut filter = Self::default();
        rules.iter().for_each(|(_, include, text)| filter.add(*include, text));
        Ok(filter)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
impl Filter {
    /// Patterns behind `+` and `-`.
    pub fn of(rules: &[&str]) -> Self {
        let mut filter = Self::default();
        rules.iter().for_each(|rule| filter.add(rule.starts_with('+'), &rule[1..]));
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names_at_any_depth_or_paths_from_the_root() {
        for (pattern, path, expected) in [
            ("*.o", "a.o", true),
            ("*.o", "src/a.o", true),
            ("*.o", "src/a.o/x", false),
            ("*", ".hidden", true),
            ("/a", "a", true),
            ("/a", "b/a", false),
            ("a/b", "a/b", true),
            ("a/b", "x/a/b", true),
            ("a/b", "xa/b", false),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/**", "a/b/c", true),
            ("/**/x", "a/b/x", true),
            ("/a*****/x", "a/b/x", true),
            ("/a***x", "a/b/x", true),
            ("[a-c]?", "bz", true),
            ("[!a-c]?", "bz", false),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a?c", "a/c", false),
            ("", "a", false),
        ] {
            let found = Pattern::new(pattern.as_bytes()).matches(path.as_bytes(), false);
            assert_eq!(found, expected, "{pattern} {path}");
        }
        assert!(Pattern::new(b"build/").matches(b"a/build", true));
        assert!(!Pattern::new(b"build/").matches(b"a/build", false));
    }

    #[test]
    fn first_pattern_that_matches_decides() {
        let filter = Filter::of(&["+keep.o", "-*.o", "-tmp/"]);
        assert!(!filter.leaves_out(b"a/keep.o", false));
        assert!(filter.leaves_out(b"a/other.o", false));
        assert!(filter.leaves_out(b"tmp", true) && !filter.leaves_out(b"tmp", false));
        assert!(!filter.leaves_out(b"a.c", false));
        let rsync = Filter::of(&["+*/", "+*.txt", "-*"]);
        assert!(
            !rsync.leaves_out(b"d", true)
                && !rsync.leaves_out(b"d/a.txt", false)
                && rsync.leaves_out(b"a", false)
        );
    }

    #[test]
    fn with_nothing_but_includes_other_files_are_left_out_and_folders_are_not() {
        let filter = Filter::of(&["+*.txt"]);
        assert!(
            filter.leaves_out(b"a.c", false)
                && !filter.leaves_out(b"d", true)
                && !filter.leaves_out(b"d/a.txt", false)
        );
    }

    #[test]
    fn hostile_pattern_takes_no_time() {
        let pattern = Pattern::new(&[b"*a".repeat(500), b"b".to_vec()].concat());
        assert!(!pattern.matches(&vec![b'a'; 4096], false));
    }
}
