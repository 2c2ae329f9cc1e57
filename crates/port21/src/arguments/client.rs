//! Arguments of the client's commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use ftp_client::session::Security;
use ftp_client::url::FtpUrl;
use ftp_client::{Proxy, TlsVersions, Trust};

use crate::client::bookmarks;
use crate::client::recording::Recording;

fn url(text: &str) -> Result<FtpUrl, String> {
    bookmarks::parse_url(text)
}

fn proxy(text: &str) -> Result<Proxy, String> {
    Proxy::parse(text).map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is due".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Bytes a second, with k, M or G behind it for powers of 1000.
fn rate(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(['k', 'K', 'M', 'G']);
    let unit = match text.get(digits.len()..).unwrap_or_default() {
        "" => 1,
        "k" | "K" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        _ => 0,
    };
    let rate =
        digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).filter(|&rate| rate > 0);
    rate.ok_or_else(|| "bytes a second are due, as 500k or 2M".to_owned())
}

/// Arguments of `ls`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 ls ftp://ftp.example.org/pub/
  port21 ls --json ftpes://joe@ftp.example.org/%2Fsrv/data/
  port21 ls --names 'ftp://ftp.example.org/pub/*.tar.gz'
  port21 ls -R ftp://ftp.example.org/pub/")]
pub struct LsArguments {
    /// Directories or files; the last part may be a pattern with * ? [a-z]
    #[arg(value_name = "URL", required = true, value_parser = url)]
    pub urls: Vec<FtpUrl>,
    /// With all below the directories, as paths
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Hidden files, too, where the server leaves them out otherwise (LIST -a)
    #[arg(short, long)]
    pub all: bool,
    /// What it does anyway, for whoever types -l
    #[arg(short, conflicts_with = "names", hide = true)]
    pub long: bool,
    /// Names only
    #[arg(long)]
    pub names: bool,
    /// One JSON object an entry
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `cat`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 cat ftp://ftp.example.org/pub/README
  port21 cat 'ftp://ftp.example.org/notes.txt;type=a'

On a terminal, control characters that it would obey are shown as ^X or M-^X, as `cat -v` does; a pipe or a file gets the bytes as they \
are.")]
pub struct CatArguments {
    /// Files, written to standard output one after the other
    #[arg(value_name = "URL", required = true, value_parser = url)]
    pub urls: Vec<FtpUrl>,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `get`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 get ftp://ftp.example.org/pub/big.iso
  port21 get -c -o isos/ 'ftp://ftp.example.org/pub/*.iso'
  port21 get --segments 4 ftp://ftp.example.org/pub/big.iso
  port21 get --json --limit-rate 2M ftpes://joe@ftp.example.org/data.bin -o today.bin")]
pub struct GetArguments {
    /// Files; the last part of a path may be a pattern with * ? [a-z]
    #[arg(value_name = "URL", required = true, value_parser = url)]
    pub urls: Vec<FtpUrl>,
    #[command(flatten)]
    pub options: GetOptions,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `put`.
#[derive(Debug, Args)]
#[command(
    override_usage = "port21 put [OPTIONS] FILE... URL",
    after_help = "\
Examples:
  port21 put report.pdf ftpes://joe@ftp.example.org/incoming/
  port21 put -c big.iso ftp://joe@ftp.example.org/big.iso
  port21 put --json *.csv ftp://joe@ftp.example.org/%2Fsrv/data/"
)]
pub struct PutArguments {
    /// Files, and last the URL: of the file to write, or of a directory, with / at its end
    #[arg(value_name = "FILE... URL", required = true)]
    pub files_and_url: Vec<String>,
    #[command(flatten)]
    pub options: PutOptions,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `rm`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 rm ftp://joe@ftp.example.org/old.txt
  port21 rm 'ftp://joe@ftp.example.org/logs/*.log'
  port21 rm ftp://joe@ftp.example.org/empty-folder/
  port21 rm -r ftp://joe@ftp.example.org/full-folder/")]
pub struct RmArguments {
    /// Files, or with / at its end an empty directory; the last part may be a pattern
    #[arg(value_name = "URL", required = true, value_parser = url)]
    pub urls: Vec<FtpUrl>,
    /// Directories, too, with all that they hold; links are removed and not followed
    #[arg(short, long)]
    pub recursive: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `mv`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 mv ftp://joe@ftp.example.org/a.txt ftp://joe@ftp.example.org/b.txt")]
pub struct MvArguments {
    /// What to rename
    #[arg(value_name = "FROM", value_parser = url)]
    pub from: FtpUrl,
    /// Its new name on the same server, or with / at its end the directory to move it to
    #[arg(value_name = "TO", value_parser = url)]
    pub to: FtpUrl,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `mkdir`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 mkdir ftp://joe@ftp.example.org/2024
  port21 mkdir --parents ftp://joe@ftp.example.org/a/b/c")]
pub struct MkdirArguments {
    /// Directories to make
    #[arg(value_name = "URL", required = true, value_parser = url)]
    pub urls: Vec<FtpUrl>,
    /// Make those above it, too, and be content with what is there
    #[arg(short, long)]
    pub parents: bool,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `raw`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 raw ftp://ftp.example.org/ FEAT
  port21 raw ftp://joe@ftp.example.org/ 'SITE CHMOD 640 a.txt' 'STAT a.txt'")]
pub struct RawArguments {
    /// The server; a path is the directory to be in
    #[arg(value_name = "URL", value_parser = url)]
    pub url: FtpUrl,
    /// Commands, each in one word for the shell
    #[arg(value_name = "COMMAND", required = true)]
    pub commands: Vec<String>,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `shell`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 shell ftpes://joe@ftp.example.org/www/
  port21 shell -c 'cd pub; ls; get -c *.iso' ftp://ftp.example.org/
  port21 shell -f nightly.port21 --password-file secret ftpes://joe@ftp.example.org/

`help` in the shell lists its commands. From a file, -c or a pipe, the first command that fails ends the shell, and its exit code is \
the command's.")]
pub struct ShellArguments {
    /// Where to begin; `open` in the shell goes elsewhere
    #[arg(value_name = "URL", value_parser = url)]
    pub url: Option<FtpUrl>,
    /// Commands to carry out, with ; between them
    #[arg(short, long, value_name = "COMMANDS", conflicts_with = "file")]
    pub commands: Option<String>,
    /// File with commands, one a line; - is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Arguments of `bookmark`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 bookmark add web ftpes://joe@ftp.example.org/www/
  port21 ls web:
  port21 get web:logs/today.txt bookmark://web/logs/yesterday.txt

A bookmark stands wherever a URL does, as NAME:PATH (written as it is) or bookmark://NAME/PATH (written as in a URL). PATH is beneath \
the bookmark's directory, or the server's own if it begins with /.")]
pub struct BookmarkArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: BookmarkCommand,
}

/// Commands of `bookmark`.
#[derive(Debug, Subcommand)]
pub enum BookmarkCommand {
    /// Add a bookmark, or replace it
    Add {
        /// Letters, digits, - and _
        name: String,
        /// Server, user and directory
        #[arg(value_parser = url)]
        url: FtpUrl,
        /// Keep the URL's password, too, in a file that only you may read
        #[arg(long)]
        save_password: bool,
    },
    /// List all bookmarks
    List,
    /// Remove a bookmark
    Rm {
        /// Its name
        name: String,
    },
}

/// Options of `get`, here and in the shell.
#[derive(Debug, Args)]
pub struct GetOptions {
    /// File to write, or a folder; - is standard output, as with `cat` [default: the current folder]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// Go on where an earlier run ended, if the server's file is the same by size and time
    #[arg(short = 'c', long)]
    pub resume: bool,
    /// Compare checksums afterwards, where the server offers them (HASH, XCRC, XMD5, XSHA)
    #[arg(long)]
    pub verify: bool,
    /// Fetch large files in so many parts at once, each over a session of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub segments: u16,
    #[command(flatten)]
    pub transfer: TransferArguments,
}

/// Options of `put`, here and in the shell.
#[derive(Debug, Args)]
pub struct PutOptions {
    /// Go on where an earlier run ended, if the server has a shorter file that is not older
    #[arg(short = 'c', long)]
    pub resume: bool,
    /// Compare checksums afterwards, where the server offers them (HASH, XCRC, XMD5, XSHA)
    #[arg(long)]
    pub verify: bool,
    /// Write under the file's own name at once, not under NAME.partial first
    #[arg(long)]
    pub in_place: bool,
    /// At the end of the server's file
    #[arg(long, conflicts_with = "resume")]
    pub append: bool,
    #[command(flatten)]
    pub transfer: TransferArguments,
}

/// Options of transfers.
#[derive(Debug, Clone, Args)]
pub struct TransferArguments {
    /// At most so many bytes a second, as 500k or 2M
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit_rate: Option<u64>,
    /// How often to try again in a row, after growing pauses
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub retries: u32,
    /// One JSON object a file
    #[arg(long)]
    pub json: bool,
}

/// Options that every command of the client has.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArguments {
    /// The server opens data connections (EPRT, PORT)
    #[arg(long, conflicts_with = "passive")]
    pub active: bool,
    /// The client opens data connections (EPSV, PASV); the default
    #[arg(long)]
    pub passive: bool,
    /// Over IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Over IPv6 only
    #[arg(short = '6', long)]
    pub ipv6: bool,
    /// TLS for ftp:// URLs: off, prefer or require; ftpes:// and ftps:// require it [default: prefer]
    #[arg(long, value_enum, value_name = "WHEN", hide_possible_values = true)]
    pub tls: Option<TlsChoice>,
    /// Versions of TLS
    #[arg(long, value_enum, value_name = "VERSION", hide_possible_values = true)]
    pub tls_version: Option<TlsVersionChoice>,
    /// Accept the certificates in this PEM file, or those they signed, or the one with this SHA-256, in place of the system's
    #[arg(long, value_name = "FILE|SHA-256", conflicts_with = "insecure")]
    pub trust: Option<Trusted>,
    /// Accept any certificate: the server may be anyone
    #[arg(long)]
    pub insecure: bool,
    /// File whose first line is the password; also PORT21_PASSWORD, or ~/.netrc
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Do not look into ~/.netrc
    #[arg(long)]
    pub no_netrc: bool,
    /// socks5://HOST:PORT or http://HOST:PORT
    #[arg(long, value_name = "URL", value_parser = proxy)]
    pub proxy: Option<Proxy>,
    /// PASV and PORT at once, without EPSV and EPRT
    #[arg(long)]
    pub no_extended: bool,
    /// Use the address in the reply to PASV, even if it is not the server's
    #[arg(long)]
    pub use_announced_address: bool,
    /// Seconds to wait for connections, replies and moving data
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// If something fails, let the analyser look at the session, and say what it finds
    #[arg(long)]
    pub explain: bool,
    /// Record the session, without passwords, as a capture for `port21 explain`
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
    /// Neither progress nor notes
    #[arg(short, long)]
    pub quiet: bool,
    /// What is recorded, for all sessions of the run.
    #[arg(skip)]
    pub recording: Recording,
}

/// Whose certificates are accepted.
#[derive(Debug, Clone)]
pub enum Trusted {
    /// Those of a file in PEM.
    File(PathBuf),
    /// The one of a fingerprint.
    Fingerprint(Trust),
}

impl From<std::ffi::OsString> for Trusted {
    fn from(text: std::ffi::OsString) -> Self {
        let fingerprint = text.to_str().and_then(Trust::from_fingerprint);
        fingerprint.map_or_else(|| Self::File(text.into()), Self::Fingerprint)
    }
}

/// When to protect `ftp://`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TlsChoice {
    /// Never
    Off,
    /// If the server has it, whatever its certificate
    Prefer,
    /// Or nothing is sent
    Require,
}

impl From<TlsChoice> for Security {
    fn from(choice: TlsChoice) -> Self {
        match choice {
            TlsChoice::Off => Self::Off,
            TlsChoice::Prefer => Self::Prefer,
            TlsChoice::Require => Self::Require,
        }
    }
}

/// Versions of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TlsVersionChoice {
    /// 1.2 only
    #[value(name = "1.2")]
    Only12,
    /// 1.3 only
    #[value(name = "1.3")]
    Only13,
}

impl From<TlsVersionChoice> for TlsVersions {
    fn from(choice: TlsVersionChoice) -> Self {
        match choice {
            TlsVersionChoice::Only12 => Self::Only12,
            TlsVersionChoice::Only13 => Self::Only13,
        }
    }
}
