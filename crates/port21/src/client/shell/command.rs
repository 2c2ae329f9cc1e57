//! The commands of the shell, as one definition for parsing and help; and what their words mean, for completion.

use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};

use super::words::Word;
use crate::arguments::client::{GetOptions, PutOptions};
use crate::arguments::mirror::MirrorOptions;
use crate::client::secret;
use crate::escape;

/// The name of a command whose words mean one thing or the other.
const MIRROR: &str = "mirror";

/// A command, as it is typed.
#[derive(Debug, Parser)]
#[command(
    name = "port21 shell",
    no_binary_name = true,
    override_usage = "COMMAND [ARGUMENT]...",
    disable_help_flag = true,
    help_template = "{subcommands}\n\n{after-help}",
    after_help = "\
`help COMMAND` says more. !COMMAND runs something here; ; separates commands. Names may be patterns with * ? [a-z]; quotes and \
backslashes make them mean themselves. Ctrl-C ends a transfer, Ctrl-D the shell."
)]
struct Line {
    #[command(subcommand)]
    command: ShellCommand,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum ShellCommand {
    #[command(flatten)]
    AtPlace(PlaceCommand),
    /// Change the directory here
    Lcd {
        /// Directory [default: the home directory]
        directory: Option<PathBuf>,
    },
    /// Show the directory here
    Lpwd,
    /// Transfer files as they are; the default
    #[command(visible_aliases = ["bin", "image"])]
    Binary,
    /// Transfer files as text, with the line ends of the receiving side
    Ascii,
    /// Connect to another server
    Open {
        /// ftp://USER@HOST:PORT/PATH, also ftpes:// and ftps://, or a bookmark as NAME:
        url: String,
    },
    /// Log in as somebody else
    User {
        /// Name
        name: String,
        /// Password; asked for if it does not stand here
        password: Option<String>,
    },
    /// End the session
    #[command(visible_alias = "disconnect")]
    Close,
    /// End the session and the shell
    #[command(visible_aliases = ["bye", "exit"])]
    Quit,
}

/// A command that needs a session, and a directory that names are relative to.
#[derive(Debug, Subcommand)]
pub enum PlaceCommand {
    /// List directories or files
    #[command(visible_alias = "dir")]
    Ls {
        /// Directories or files [default: the current directory]
        names: Vec<String>,
        /// Names only
        #[arg(long)]
        names_only: bool,
        /// With all below the directories, as paths
        #[arg(short = 'R', long)]
        recursive: bool,
        /// Hidden files, too, where the server leaves them out otherwise
        #[arg(short, long)]
        all: bool,
        /// What it does anyway, for whoever types -l
        #[arg(short, conflicts_with = "names_only", hide = true)]
        long: bool,
    },
    /// Change the directory on the server
    Cd {
        /// Directory [default: the one after login]
        directory: Option<String>,
    },
    /// Show the directory on the server
    Pwd,
    /// Fetch files
    #[command(visible_alias = "mget")]
    Get(GetLine),
    /// Send files
    #[command(visible_alias = "mput")]
    Put(PutLine),
    /// Make a folder here like a directory on the server, or with -R the other way round
    Mirror(Box<MirrorLine>),
    /// Remove files
    #[command(visible_aliases = ["mrm", "delete"])]
    Rm {
        /// Files
        #[arg(required = true)]
        names: Vec<String>,
        /// Directories, too, with all that they hold
        #[arg(short, long)]
        recursive: bool,
    },
    /// Rename
    #[command(visible_alias = "rename")]
    Mv {
        /// What to rename
        from: String,
        /// Its new name, or with / at its end the directory to move it to
        to: String,
    },
    /// Make directories
    Mkdir {
        /// Directories
        #[arg(required = true)]
        names: Vec<String>,
        /// Make those above them, too
        #[arg(short, long)]
        parents: bool,
    },
    /// Remove empty directories
    Rmdir {
        /// Directories
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show files
    Cat {
        /// Files
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show files page by page ($PAGER)
    #[command(visible_alias = "less")]
    More {
        /// Files
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Show the sizes of files, in bytes
    Size {
        /// Files
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Change permissions (SITE CHMOD)
    Chmod {
        /// As in 644
        mode: String,
        /// Files or directories
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Send a command as it is
    #[command(visible_aliases = ["raw", "literal"])]
    Quote {
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Send SITE and a command of the server's own
    Site {
        /// The command
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Ask the server for its state, or that of a file
    Stat {
        /// File or directory
        name: Option<String>,
    },
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct GetLine {
    /// Files
    #[arg(required = true)]
    pub names: Vec<String>,
    #[command(flatten)]
    pub options: GetOptions,
}

/// Arguments of `put`.
#[derive(Debug, Args)]
pub struct PutLine {
    /// Files here
    #[arg(required = true)]
    pub names: Vec<String>,
    /// Name on the server, or with / at its end a directory [default: the current directory]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<String>,
    #[command(flatten)]
    pub options: PutOptions,
}

/// Arguments of `mirror`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  mirror pub/data                 the directory pub/data into the folder data
  mirror -R site /www/            the folder site into the directory /www/site
  mirror -R -e --dry-run . /www   what that would delete and send
  mirror -X '*.tmp' -X .git/      all below the current directory but these")]
pub struct MirrorLine {
    /// What to copy, with all below it: a directory on the server, with -R a folder here [default: the current one]
    pub source: Option<String>,
    /// What becomes like it, or with / at its end what it is put into [default: the name of the source, in the current one]
    pub target: Option<String>,
    /// From here to the server
    #[arg(short = 'R', long)]
    pub reverse: bool,
    /// What it does anyway, for whoever types -c
    #[arg(short = 'c', long = "continue", hide = true)]
    pub resume: bool,
    #[command(flatten)]
    pub options: MirrorOptions,
}

/// What a word of a command means, for completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A file or directory on the server.
    Remote,
    /// A file or directory here.
    Local,
    /// Nothing that could be completed.
    Other,
}

/// Reads a command.
///
/// # Errors
/// What is wrong with it, or help that was asked for.
pub fn parse(words: &[Word]) -> Result<ShellCommand, clap::Error> {
    // Its words are names and patterns of its own, so that none is told from a quoted one.
    if words.first().is_some_and(|name| name.as_parsed() == MIRROR) {
        return Line::try_parse_from(words.iter().map(Word::text)).map(|line| line.command);
    }
    Line::try_parse_from(words.iter().map(Word::as_parsed)).map(|line| line.command)
}

/// What is said of a command that there is not, with the nearest of those that there are.
pub fn unknown(error: &clap::Error) -> Option<String> {
    // Of several names the last is the nearest.
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(escape::terminal(name)),
        Some(ContextValue::Strings(names)) => names.last().map(|name| escape::terminal(name)),
        _ => None,
    };
    let wrong = named(ContextKind::InvalidSubcommand)?;
    let near = named(ContextKind::SuggestedSubcommand).map(|near| format!("did you mean {near}? "));
    Some(format!("there is no command {wrong}; {}`help` lists all", near.unwrap_or_default()))
}

/// Whether a command holds a password, or may hold or be one since it is no command.
pub fn holds_secret(words: &[Word]) -> bool {
    let texts: Vec<String> = words.iter().map(Word::text).collect();
    let in_raw = |words: &[String]| secret::in_command(words.join(" ").as_bytes()).is_some();
    let holds = match parse(words) {
        Ok(ShellCommand::User { password, .. }) => password.is_some(),
        Ok(ShellCommand::AtPlace(PlaceCommand::Quote { .. })) => in_raw(texts.get(1..).unwrap_or_default()),
        Ok(ShellCommand::AtPlace(PlaceCommand::Site { .. })) => {
            in_raw(&[&["SITE".to_owned()], texts.get(1..).unwrap_or_default()].concat())
        }
        Ok(_) => false,
        // A password that was typed where a command was due.
        Err(error) if error.kind() == ErrorKind::InvalidSubcommand => true,
        Err(_) => texts.first().is_some_and(|name| name == "user"),
    };
    holds || texts.iter().any(|text| secret::in_url(text))
}

/// The names of all commands.
pub fn names() -> Vec<String> {
    let command = Line::command();
    let mut names: Vec<String> = command
        .get_subcommands()
        .flat_map(|command| {
            std::iter::once(command.get_name())
                .chain(command.get_visible_aliases())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .chain(["help".to_owned()])
        .collect();
    names.sort();
    names
}

/// What the word behind these means, of which the first is a command's name.
pub fn meaning(before: &[String]) -> Meaning {
    match before.first().map(String::as_str).unwrap_or_default() {
        MIRROR => meaning_for_mirror(before),
        "ls" | "dir" | "cd" | "get" | "mget" | "rm" | "mrm" | "delete" | "mv" | "rename" | "mkdir"
        | "rmdir" | "cat" | "more" | "less" | "size" | "chmod" | "stat" => Meaning::Remote,
        "put" | "mput" | "lcd" => Meaning::Local,
        _ => Meaning::Other,
    }
}

/// The source is there and the target here, or with -R the other way round.
fn meaning_for_mirror(before: &[String]) -> Meaning {
    let command = Line::command();
    let options = command.find_subcommand(MIRROR).into_iter().flat_map(clap::Command::get_opts);
    let with_values: Vec<String> = options
        .filter(|option| option.get_action().takes_values())
        .flat_map(|option| {
            let long = option.get_long().map(|name| format!("--{name}"));
            long.into_iter().chain(option.get_short().map(|name| format!("-{name}")))
        })
        .collect();
    let (mut names, mut sends, mut value) = (0_usize, false, false);
    for word in before.iter().skip(1) {
        let is_name = !value && !word.starts_with('-');
        names = names.saturating_add(usize::from(is_name));
        sends |= !value && !word.starts_with("--") && word.starts_with('-') && word.contains('R');
        sends |= word == "--reverse";
        value = !value && with_values.contains(word);
    }
    match (value, names, sends) {
        (false, 0, false) | (false, 1, true) => Meaning::Remote,
        (false, 0, true) | (false, 1, false) => Meaning::Local,
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::shell::words::{self, Line as Parsed};

    fn parsed(line: &str) -> Result<ShellCommand, clap::Error> {
        match words::parse(line).unwrap().as_slice() {
            [Parsed::Words(words)] => parse(words),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn names_that_other_clients_have_are_known() {
        for name in [
            "ls", "dir", "cd", "pwd", "lcd", "lpwd", "get", "mget", "put", "mput", "rm", "mrm", "mv",
            "mkdir", "rmdir", "cat", "more", "less", "size", "chmod", "quote", "raw", "site", "stat",
            "mirror", "binary", "bin", "ascii", "open", "user", "close", "help", "bye", "quit", "exit",
        ] {
            assert!(names().contains(&name.to_owned()), "{name}");
        }
    }

    #[test]
    fn words_mean_the_same_behind_every_name_of_a_command() {
        for command in Line::command().get_subcommands() {
            for alias in command.get_visible_aliases() {
                let meaning = |name: &str| meaning(&[name.to_owned()]);
                assert_eq!(meaning(alias), meaning(command.get_name()), "{alias}");
            }
        }
    }

    #[test]
    fn words_of_mirror_are_there_or_here() {
        for (line, expected) in [
            ("mirror", Meaning::Remote),
            ("mirror a", Meaning::Local),
            ("mirror a b", Meaning::Other),
            ("mirror -R", Meaning::Local),
            ("mirror -R a", Meaning::Remote),
            ("mirror -eR --verbose", Meaning::Local),
            ("mirror --reverse a", Meaning::Remote),
            ("mirror -P 8 -X R* a", Meaning::Local),
            ("mirror -P", Meaning::Other),
            ("mirror --state", Meaning::Other),
            ("mirror a --exclude -R", Meaning::Local),
            ("mirror a -R", Meaning::Remote),
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(meaning(&words), expected, "{line}");
        }
    }

    #[test]
    fn command_that_there_is_not_is_told_with_the_nearest() {
        let said = |line| unknown(&parsed(line).unwrap_err());
        for (line, text) in [
            ("mgte *", "there is no command mgte; did you mean mget? `help` lists all"),
            ("frobnicate", "there is no command frobnicate; `help` lists all"),
        ] {
            assert_eq!(said(line).as_deref(), Some(text));
        }
        assert_eq!(said("get"), None);
    }

    #[test]
    fn commands_take_what_they_need_and_no_more() {
        assert!(
            matches!(parsed("mget -c *.iso"), Ok(ShellCommand::AtPlace(PlaceCommand::Get(line))) if line.options.resume && line.names == ["*.iso"])
        );
        assert!(
            matches!(parsed("quote SITE -x y"), Ok(ShellCommand::AtPlace(PlaceCommand::Quote { words })) if words == ["SITE", "-x", "y"])
        );
        assert!(matches!(
            parsed("ls -la"),
            Ok(ShellCommand::AtPlace(PlaceCommand::Ls { all: true, names_only: false, .. }))
        ));
        assert!(parsed("get").is_err() && parsed("pwd x").is_err() && parsed("nothing").is_err());
    }
}
