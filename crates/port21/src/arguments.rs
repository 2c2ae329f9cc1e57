//! The command line, as one definition for parsing, help, completions and the manual.

pub mod client;
mod limits;
pub mod mirror;
mod serve;

use std::path::PathBuf;
use std::thread;

use clap::{Args, Parser, Subcommand, ValueEnum};
use port21_analysis::analysis::Options;
use port21_analysis::digest::Hashing;

use crate::input::{Effort, Examined};
use crate::outcome::no_such_session;
pub use limits::LimitArguments;
pub use serve::*;

use crate::packets::range::Ranges;

/// FTP over TCP, seen whole
///
/// Explains packet captures of FTP: every session from the DNS answer that named the server to the last FIN or RST,
/// each statement with the numbers of the packets that prove it. And an FTP client that says what went wrong and whose fault it is.
#[derive(Debug, Parser)]
#[command(name = "port21", version, arg_required_else_help = true, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Captures are pcap or pcapng, also compressed with gzip or zstd; several files are read as one \
capture, in the order of time; - is standard input.

Exit codes: 0 done; 1 done, but something is incomplete (extract: a file has holes; elsewhere only with --strict); \
2 wrong arguments; 3 an input could not be read at all. The client: 1 something was not done or not transferred whole; \
3 could not connect or log in.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell the story of every FTP session in a capture
    Explain(ExplainArguments),
    /// Answer the questions of the laboratory "TCP & FTP" for one session
    Answer(AnswerArguments),
    /// List the packets, or take one apart field by field
    Packets(PacketsArguments),
    /// Show both sides of one TCP stream
    Follow(FollowArguments),
    /// Write the transferred files, with a manifest
    Extract(ExtractArguments),
    /// Serve a folder by FTP
    Serve(Box<ServeArguments>),
    /// List a directory on an FTP server
    Ls(client::LsArguments),
    /// Write files from an FTP server to standard output
    Cat(client::CatArguments),
    /// Fetch files from an FTP server
    Get(client::GetArguments),
    /// Send files to an FTP server
    Put(client::PutArguments),
    /// Make a folder like a directory on an FTP server, or the other way round
    Mirror(Box<mirror::MirrorArguments>),
    /// Remove files or empty directories on an FTP server
    Rm(client::RmArguments),
    /// Rename on an FTP server
    Mv(client::MvArguments),
    /// Make directories on an FTP server
    Mkdir(client::MkdirArguments),
    /// Send commands to an FTP server, and show the replies
    Raw(client::RawArguments),
    /// Work on an FTP server, command by command
    Shell(client::ShellArguments),
    /// Keep names for FTP servers and directories
    Bookmark(client::BookmarkArguments),
    /// Write completions for a shell
    Completions(CompletionsArguments),
    /// Write the manual pages
    Man(ManArguments),
}

impl Command {
    /// Whether a signal is how it ordinarily ends.
    pub fn is_ended_by_signals(&self) -> bool {
        match self {
            Command::Explain(explain) => explain.follow,
            Command::Serve(_) => true,
            _ => false,
        }
    }
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 explain samples/ftp-lab.pcap
  port21 explain --summary day.pcap.0 day.pcap.1 day.pcap.2
  port21 explain --format json capture.pcapng | jq '.sessions[].transfers[].path'
  port21 explain --format zeek -o logs/ capture.pcap.gz
  port21 explain --follow --format jsonl growing.pcap
  tcpdump -U -w - 'host 192.0.2.1' | port21 explain --format jsonl -")]
pub struct ExplainArguments {
    /// Captures to read, as one; - is standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub format: Format,
    /// File to write, or for zeek the folder (one file a log); otherwise standard output
    #[arg(short, long, value_name = "FILE_OR_DIR")]
    pub output: Option<PathBuf>,
    /// Only totals, and findings grouped by kind (jsonl: one finding a line)
    #[arg(long)]
    pub summary: bool,
    /// Go on when the capture ends, as it still grows; sessions are told as they end, until SIGINT or SIGTERM
    #[arg(long)]
    pub follow: bool,
    /// Zeek logs as JSON, one object a line, instead of tab-separated values
    #[arg(long)]
    pub zeek_json: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Formats of `explain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The story, for people
    Text,
    /// One report, "port21.report/1"
    Json,
    /// One session a line, as it ends
    Jsonl,
    /// The story as a document
    Markdown,
    /// Logs conn, ftp, files and dns as Zeek writes them
    Zeek,
    /// Events ftp, ftp_data, fileinfo, flow, dns and anomaly as Suricata writes them
    Eve,
}

/// Arguments of `answer`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 answer samples/ftp-lab.pcap
  port21 answer --session 2 --format json capture.pcapng | jq '.answers[4].facts'")]
pub struct AnswerArguments {
    /// Captures to read, as one; - is standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t = AnswerFormat::Markdown, value_name = "FORMAT")]
    pub format: AnswerFormat,
    #[command(flatten)]
    pub common: Common,
}

/// Formats of `answer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// A document for people
    Markdown,
    /// "port21.answers/1"
    Json,
}

/// Arguments of `packets`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 packets samples/ftp-lab.pcap
  port21 packets samples/ftp-lab.pcap 124
  port21 packets --ftp --packets 70-190 samples/ftp-lab.pcap
  port21 packets --stream 6 --raw day.pcap.0 day.pcap.1
  port21 packets --format jsonl capture.pcapng | jq -r 'select(.tcp.analysis != []) | .info'")]
pub struct PacketsArguments {
    /// Captures to read, as one; - is standard input. A number at the end is the packet to take apart; a file whose name is
    /// only digits is written ./5
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// Only packets of this TCP stream, numbered as in Wireshark's tcp.stream
    #[arg(long, value_name = "N")]
    pub stream: Option<u64>,
    /// Only packets of FTP sessions: control and data connections, and the DNS messages that named the server
    #[arg(long)]
    pub ftp: bool,
    /// Only these packets: numbers and ranges, as 70-90 or 1,5,70-90
    #[arg(long, value_name = "RANGES", allow_hyphen_values = true)]
    pub packets: Option<Ranges>,
    /// At most so many packets
    #[arg(long, value_name = "COUNT")]
    pub limit: Option<u64>,
    /// Sequence and acknowledgment numbers as they stand in the headers, not relative to the first
    #[arg(long)]
    pub raw: bool,
    /// Date and time of day in UTC, not seconds since the first packet
    #[arg(long)]
    pub absolute: bool,
    /// What to write
    #[arg(long, value_enum, default_value_t = PacketsFormat::Text, value_name = "FORMAT")]
    pub format: PacketsFormat,
    #[command(flatten)]
    pub common: Common,
}

/// Formats of `packets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PacketsFormat {
    /// A line a packet, for people
    Text,
    /// "port21.packets/1", or "port21.packet/1" for one packet
    Json,
    /// One packet a line
    Jsonl,
}

/// Arguments of `follow`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 follow samples/ftp-lab.pcap --stream 9
  port21 follow capture.pcap --stream 4 --as raw --side server > file")]
pub struct FollowArguments {
    /// Captures to read, as one; - is standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// The TCP stream, numbered as in Wireshark's tcp.stream
    #[arg(long, value_name = "N")]
    pub stream: u64,
    /// How to write the bytes
    #[arg(long = "as", value_enum, default_value_t = FollowFormat::Text, value_name = "FORM")]
    pub form: FollowFormat,
    /// Only what this end sent; the client is the end that sent the SYN
    #[arg(long, value_enum, value_name = "SIDE")]
    pub side: Option<FollowSide>,
    #[command(flatten)]
    pub common: Common,
}

/// Forms of `follow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FollowFormat {
    /// Lines with their packet numbers, escaped for a terminal
    Text,
    /// Offsets, hexadecimal and ASCII
    Hex,
    /// The bytes as they were sent
    Raw,
    /// One run of bytes a line, with its packet number
    Json,
}

/// Ends of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FollowSide {
    /// The end that opened the connection
    Client,
    /// The other end
    Server,
}

/// Arguments of `extract`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 extract samples/ftp-lab.pcap -o files/
  port21 extract --session 2 day.pcap.0 day.pcap.1 -o files/ && jq . files/manifest.json")]
pub struct ExtractArguments {
    /// Captures to read, as one; - is standard input
    #[arg(value_name = "CAPTURE", required = true)]
    pub captures: Vec<PathBuf>,
    /// Folder to write to; it is made if need be, and nothing in it is overwritten
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Write directory listings too, as .listing.txt
    #[arg(long)]
    pub listings: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 completions bash > ~/.local/share/bash-completion/completions/port21
  port21 completions zsh > ~/.zfunc/_port21")]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 man | man -l -
  port21 man ~/.local/share/man/man1")]
pub struct ManArguments {
    /// Folder to write one page a command to; without it, the page of port21 goes to standard output
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Options that every command on captures has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// Only this FTP session, numbered as explain numbers them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub session: Option<u64>,
    /// Show the passwords of all accounts, not only of guests
    #[arg(long)]
    pub show_passwords: bool,
    /// Do not compute SHA-256 of what was transferred
    #[arg(long)]
    pub no_hash: bool,
    /// End with exit code 1 if anything is incomplete: a damaged capture, a hole, a transfer cut short
    #[arg(long)]
    pub strict: bool,
    /// At most this many threads [default: as many as there are processors]; the output never depends on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// When to use colours; auto also respects NO_COLOR
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    #[command(flatten)]
    pub limits: LimitArguments,
}

impl Common {
    /// What the analysis is asked to do.
    pub fn effort(&self) -> Effort {
        let options = Options {
            show_passwords: self.show_passwords,
            hash: if self.no_hash { Hashing::Off } else { Hashing::Now },
            limits: self.limits.analysis,
            ..Options::default()
        };
        let processors = || thread::available_parallelism().map_or(1, usize::from);
        Effort { options, threads: self.threads.map_or_else(processors, usize::from) }
    }

    /// Refuses a session that was asked for and is not there; what a signal cut short may still have held it.
    pub fn check_session(&self, examined: &Examined) -> anyhow::Result<()> {
        match self.session {
            Some(session) if session > examined.totals.sessions && !examined.reading.stopped => {
                Err(no_such_session(session, examined.totals.sessions).into())
            }
            _ => Ok(()),
        }
    }

    /// Whether `session` was asked for: all are, unless one was named.
    pub fn wants_session(&self, session: u64) -> bool {
        self.session.is_none_or(|wanted| wanted == session)
    }
}

/// When to write colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl ColorChoice {
    /// Whether to write colours to something that is, or is not, a terminal (<https://no-color.org>).
    pub fn resolve(self, is_terminal: bool) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                is_terminal && !is_set("NO_COLOR") && !dumb
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn examples_in_help_can_be_parsed() {
        let mut count = 0;
        for command in Arguments::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            // Examples are indented; what stands between them is prose.
            let examples = help.lines().filter(|line| line.starts_with("  "));
            for line in examples.filter_map(|line| line.split("port21 ").nth(1)) {
                // A bookmark is whoever's it is, and nobody's here.
                let words = words_of(&line.replace(" web:", " ftp://web/").replace("bookmark:", "ftp:"));
                let parsed = Arguments::try_parse_from(std::iter::once("port21".to_owned()).chain(words));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                count += 1;
            }
        }
        assert!(count >= 16, "only {count} examples found");
    }

    /// Words as a system's shell takes them: up to a pipe, a redirection or another command, apostrophes holding together.
    fn words_of(line: &str) -> Vec<String> {
        let (mut words, mut is_quoted, mut begun) = (vec![String::new()], false, false);
        for letter in line.chars() {
            match letter {
                '\'' => is_quoted = !is_quoted,
                '|' | '>' | '&' if !is_quoted => break,
                ' ' if !is_quoted && begun => words.push(String::new()),
                ' ' if !is_quoted => {}
                letter => words.last_mut().unwrap().push(letter),
            }
            begun = letter != ' ' || is_quoted;
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn words_are_those_of_a_shell() {
        assert_eq!(words_of("shell -c 'cd a; ls'  b | head"), ["shell", "-c", "cd a; ls", "b"]);
        assert_eq!(words_of("get x > 'a b'"), ["get", "x"]);
    }
}
