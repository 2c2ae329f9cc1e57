//! Arguments of `serve`. Each option is also a key of the configuration file, by the same name, in the table of its group.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::serve::values::{Listen, PassiveFor, PassiveHost, Peers, Ports, Rate, Time, Umask};

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Without options the current folder is served on 127.0.0.1:2121, read-only, to guests. Accounts with quotas, rates and rights for each \
directory stand in a file (--accounts); `port21 serve passwd` sets their passwords. SIGHUP reads accounts, certificate and logs anew; \
SIGTERM lets transfers end, then stops with 0.

Examples:
  port21 serve
  port21 serve /srv/ftp --listen 0.0.0.0:21 --passive-ports 50000-50100 --user ftp
  port21 serve --account ada:secret --write --tls-self-signed .
  port21 serve --print-config > port21.toml
  port21 serve --config port21.toml --check

Exit codes: 0 stopped when asked to; 2 wrong arguments or configuration; 3 could not listen."
)]
pub struct ServeArguments {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// Folder to serve to guests and to --account; the current one if none is given
    #[arg(value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Configuration file; the command line wins over it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Write a configuration file with all defaults and what they mean, and end
    #[arg(long)]
    pub print_config: bool,
    /// Say whether the configuration is right, and end
    #[arg(long)]
    pub check: bool,
    /// An account for trying, in memory only; the list of processes shows its password
    #[arg(long, value_name = "NAME:PASSWORD")]
    pub account: Vec<String>,
    #[command(flatten)]
    pub settings: Settings,
}

/// Other things that `serve` does.
#[derive(Debug, Subcommand)]
pub enum ServeCommand {
    /// Set the password of an account in an accounts file
    Passwd(PasswdArguments),
}

/// Arguments of `serve passwd`.
#[derive(Debug, Args)]
#[command(after_help = "\
The password is asked for, or read from standard input where that is no terminal. An account that is not there yet is made, with the \
home that --home names. Comments and the order of the file stay as they are.")]
pub struct PasswdArguments {
    /// Accounts file; made if it is not there
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Name of the account
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Home of an account that is made
    #[arg(long, value_name = "DIR")]
    pub home: Option<PathBuf>,
}

/// Declares a group of options, each of which may also be given by the file.
macro_rules! group {
    ($(#[$attribute:meta])* $name:ident { $($(#[$field:meta])* $option:ident: $value:ident $(<$inner:ident>)?,)* }) => {
        #[derive(Debug, Default, Clone, Args, Deserialize)]
        $(#[$attribute])*
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct $name { $($(#[$field])* pub $option: Option<$value $(<$inner>)?>,)* }

        impl $name {
            /// What stands here, or else in `other`.
            fn or(self, other: Self) -> Self {
                Self { $($option: self.$option.or(other.$option),)* }
            }

            /// Names of its options.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($option)),*];
        }
    };
}

/// All options that may also stand in the configuration file.
#[derive(Debug, Default, Clone, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Folder to serve, where the command line names none.
    #[arg(skip)]
    pub root: Option<PathBuf>,
    #[command(flatten)]
    pub network: Network,
    #[command(flatten)]
    pub access: Access,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub data: Data,
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub timeouts: Timeouts,
    #[command(flatten)]
    pub logs: Logs,
    #[command(flatten)]
    pub process: Process,
}

impl Settings {
    /// What stands here, or else in `other`.
    pub fn or(self, other: Self) -> Self {
        Self {
            root: self.root.or(other.root),
            network: self.network.or(other.network),
            access: self.access.or(other.access),
            tls: self.tls.or(other.tls),
            data: self.data.or(other.data),
            files: self.files.or(other.files),
            limits: self.limits.or(other.limits),
            timeouts: self.timeouts.or(other.timeouts),
            logs: self.logs.or(other.logs),
            process: self.process.or(other.process),
        }
    }

    /// Tables of the file and the names of their keys, with _ for -.
    pub const GROUPS: [(&'static str, &'static [&'static str]); 9] = [
        ("network", Network::NAMES),
        ("access", Access::NAMES),
        ("tls", TlsOptions::NAMES),
        ("data", Data::NAMES),
        ("files", Files::NAMES),
        ("limits", Limits::NAMES),
        ("timeouts", Timeouts::NAMES),
        ("logs", Logs::NAMES),
        ("process", Process::NAMES),
    ];
}

group! {
    /// Where it listens, and what it says first.
    #[command(next_help_heading = "Network")]
    Network {
        /// Address and port to listen on; may be given several times; port 0 takes a free one [default: 127.0.0.1:2121]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Vec<Listen>,
        /// The same for implicit TLS (port 990)
        #[arg(long, value_name = "ADDRESS:PORT")]
        implicit_tls: Vec<Listen>,
        /// Network of proxies that send the PROXY protocol, v1 or v2; their header is asked for and believed
        #[arg(long, value_name = "NETWORK")]
        proxy: Vec<Peers>,
        /// Line of the greeting; may be given several times
        #[arg(long, value_name = "TEXT")]
        banner: Vec<String>,
    }
}

group! {
    /// Who may do what.
    #[command(next_help_heading = "Access")]
    Access {
        /// Admit guests: anonymous and ftp, with any password [default: only where there are no accounts]
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        anonymous: bool,
        /// Let guests and --account write, rename and delete too
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        write: bool,
        /// Accounts file (TOML); SIGHUP reads it anew
        #[arg(long, value_name = "FILE")]
        accounts: PathBuf,
        /// Network that may connect; others may not
        #[arg(long, value_name = "NETWORK")]
        allow: Vec<Peers>,
        /// Network that may not connect, unless a narrower one of --allow holds it
        #[arg(long, value_name = "NETWORK")]
        deny: Vec<Peers>,
    }
}

group! {
    /// Certificate, and what has to be protected.
    #[command(next_help_heading = "TLS")]
    TlsOptions {
        /// Certificate with its chain, PEM; read anew when it changes
        #[arg(long, value_name = "FILE")]
        tls_cert: PathBuf,
        /// Private key, PEM [default: in the file of --tls-cert]
        #[arg(long, value_name = "FILE")]
        tls_key: PathBuf,
        /// Make a certificate at the start, for trying
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        tls_self_signed: bool,
        /// Refuse logins and transfers without TLS
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        require_tls: bool,
        /// Whether data connections resume the control connection's TLS session [default: prefer]
        #[arg(long, value_enum, value_name = "WHETHER")]
        tls_reuse: Reuse,
        /// Take uploads as whole whose TLS ends without close_notify, for old clients
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        tls_lenient_close: bool,
        /// Have the kernel encrypt what large downloads send, if it can [default: true]
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        tls_kernel: bool,
        /// Let CCC end the protection of the control connection (RFC 4217)
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        allow_ccc: bool,
    }
}

group! {
    /// Data connections.
    #[command(next_help_heading = "Data connections")]
    Data {
        /// Ports that passive data connections come to [default: any free one]
        #[arg(long, value_name = "A-B")]
        passive_ports: Ports,
        /// Address or name that clients are told for passive data connections [default: the one they reached]
        #[arg(long, value_name = "ADDRESS|NAME")]
        passive_address: PassiveHost,
        /// The same for clients of a network; the narrowest that holds the client counts
        #[arg(long, value_name = "NETWORK=ADDRESS|NAME")]
        passive_address_for: Vec<PassiveFor>,
        /// Port that active data connections come from; 20 needs the right to bind it [default: any]
        #[arg(long, value_name = "PORT")]
        active_port: u16,
        /// Refuse PORT and EPRT
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        no_active: bool,
        /// Refuse PASV and EPSV
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        no_passive: bool,
    }
}

group! {
    /// How files are kept.
    #[command(next_help_heading = "Files")]
    Files {
        /// Symbolic links: followed beneath the root, or never [default: beneath]
        #[arg(long, value_enum, value_name = "WHICH")]
        links: LinkPolicy,
        /// Permission bits that new files and directories lack [default: 022]
        #[arg(long, value_name = "OCTAL")]
        umask: Umask,
        /// What is on the disk before an upload is acknowledged [default: data-and-directory]
        #[arg(long, value_enum, value_name = "WHAT")]
        fsync: Fsync,
        /// How APPE, and STOR behind REST, add to a file [default: in-place]
        #[arg(long, value_enum, value_name = "HOW")]
        resume: ResumePolicy,
        /// Give cut uploads their name all the same, in place of what was there, so that clients may resume them
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        keep_cut_uploads: bool,
    }
}

group! {
    /// How many, how often, how fast.
    #[command(next_help_heading = "Limits")]
    Limits {
        /// Connections at once; 0 is no limit [default: 10000]
        #[arg(long, value_name = "N")]
        max_connections: usize,
        /// Connections of one address at once; 0 is no limit [default: 50]
        #[arg(long, value_name = "N")]
        max_connections_per_address: usize,
        /// New connections of one address in a second, after a burst of five times as many [default: 20]
        #[arg(long, value_name = "N")]
        max_connection_rate: u32,
        /// Sessions of guests at once [default: no limit]
        #[arg(long, value_name = "N")]
        max_guests: usize,
        /// Failed logins after which a connection is closed [default: 3]
        #[arg(long, value_name = "N")]
        max_failed_logins: u32,
        /// Failed logins of one address that cost it nothing; then it waits, twice as long each time; 0 bans nobody [default: 5]
        #[arg(long, value_name = "N")]
        ban_after: u32,
        /// The longest that an address waits [default: 1h]
        #[arg(long, value_name = "TIME")]
        longest_ban: Time,
        /// Bytes a second that a transfer has to reach, on average over --stall-timeout of waiting for the client; 0 is any [default: 16]
        #[arg(long, value_name = "N")]
        least_rate: u64,
        /// Bytes a second to the client, of each session [default: no limit, as for all rates]
        #[arg(long, value_name = "BYTES")]
        download_rate: Rate,
        /// Bytes a second from the client, of each session
        #[arg(long, value_name = "BYTES")]
        upload_rate: Rate,
        /// Bytes a second to all sessions of one address
        #[arg(long, value_name = "BYTES")]
        address_download_rate: Rate,
        /// Bytes a second from all sessions of one address
        #[arg(long, value_name = "BYTES")]
        address_upload_rate: Rate,
        /// Bytes a second to all sessions of guests
        #[arg(long, value_name = "BYTES")]
        guest_download_rate: Rate,
        /// Bytes a second from all sessions of guests
        #[arg(long, value_name = "BYTES")]
        guest_upload_rate: Rate,
        /// Bytes a second to all clients
        #[arg(long, value_name = "BYTES")]
        total_download_rate: Rate,
        /// Bytes a second from all clients
        #[arg(long, value_name = "BYTES")]
        total_upload_rate: Rate,
    }
}

group! {
    /// How long things may take.
    #[command(next_help_heading = "Timeouts")]
    Timeouts {
        /// Without a command [default: 5m]
        #[arg(long, value_name = "TIME")]
        idle_timeout: Time,
        /// From the connection to the login [default: 1m]
        #[arg(long, value_name = "TIME")]
        login_timeout: Time,
        /// Until a data connection is open [default: 10s]
        #[arg(long, value_name = "TIME")]
        data_timeout: Time,
        /// Without a byte in a transfer [default: 1m]
        #[arg(long, value_name = "TIME")]
        stall_timeout: Time,
        /// For transfers under way when the server is stopped [default: 30s]
        #[arg(long, value_name = "TIME")]
        drain_timeout: Time,
    }
}

group! {
    /// What is written down.
    #[command(next_help_heading = "Logs")]
    Logs {
        /// Log, one JSON object a line; - is standard output
        #[arg(long, value_name = "FILE")]
        log: PathBuf,
        /// Write each command and reply into the log too, without passwords
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        log_dialogue: bool,
        /// Log of transfers as wu-ftpd and its heirs write it
        #[arg(long, value_name = "FILE")]
        xferlog: PathBuf,
        /// Address and port for /metrics (Prometheus) and /health by HTTP
        #[arg(long, value_name = "ADDRESS:PORT")]
        status: Listen,
        /// Write all dialogues as a capture that port21 and Wireshark open, with the passwords in them; of data connections it has when they were there and how much crossed, not the bytes
        #[arg(long, value_name = "FILE")]
        pcap: PathBuf,
        /// Program to run after each whole upload; it finds in its environment what came
        #[arg(long, value_name = "PROGRAM")]
        upload_hook: PathBuf,
    }
}

group! {
    /// The process.
    #[command(next_help_heading = "Process")]
    Process {
        /// User to become once all ports are bound, if started as root
        #[arg(long, value_name = "NAME")]
        user: String,
        /// Have the kernel (Landlock) shut this process off from all files but those that it serves and needs [default: true]
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "true|false")]
        sandbox: bool,
    }
}

/// Whether data connections resume the control connection's TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reuse {
    /// They cannot
    Off,
    /// They may
    Prefer,
    /// Others are refused: whoever has them has not logged in
    Require,
}

/// What becomes of symbolic links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkPolicy {
    /// None is followed
    Never,
    /// Followed as long as they stay beneath the root
    Beneath,
}

/// What is on the disk before an upload is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fsync {
    /// Whatever the system has written by then
    Never,
    /// The file's bytes
    Data,
    /// The file's bytes and its name
    DataAndDirectory,
}

/// How APPE, and STOR behind REST, add to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResumePolicy {
    /// Into the file itself; a cut upload keeps what came
    InPlace,
    /// Into a copy that replaces it when the upload is whole
    Copy,
}
