//! Arguments of `mirror`, on the command line and in the shell.

use std::path::PathBuf;

use clap::Args;

use super::client::{ConnectionArguments, TransferArguments};
use crate::client::Filter;

/// Arguments of `mirror`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  port21 mirror ftp://ftp.example.org/pub/data/ data
  port21 mirror --delete --dry-run --exclude '*.tmp' site ftpes://joe@ftp.example.org/www/
  port21 mirror -P 8 --include '*.iso' --json ftp://ftp.example.org/isos/ isos")]
pub struct MirrorArguments {
    /// What to copy, with all below it: a URL or a folder
    #[arg(value_name = "FROM")]
    pub from: String,
    /// What becomes like it: a folder or a URL, the other of both; made if it is not there
    #[arg(value_name = "TO")]
    pub to: String,
    #[command(flatten)]
    pub options: MirrorOptions,
    #[command(flatten)]
    pub connection: ConnectionArguments,
}

/// Options of `mirror`, here and in the shell.
#[derive(Debug, Args)]
pub struct MirrorOptions {
    /// Sessions at a time, at most; fewer if the server takes fewer
    #[arg(short = 'P', long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub parallel: u16,
    #[command(flatten)]
    pub filter: Filter,
    /// Transfer what differs in size, whatever its time
    #[arg(long, group = "comparison")]
    pub size_only: bool,
    /// Transfer what is newer than what is there, whatever its size
    #[arg(long, group = "comparison")]
    pub newer: bool,
    /// Transfer what differs in size or checksum, if the server tells checksums
    #[arg(long, group = "comparison")]
    pub checksum: bool,
    /// Transfer all files, also those that are the same by size and time
    #[arg(long, group = "comparison")]
    pub ignore_times: bool,
    /// Delete what the source does not have, if all of it could be listed
    #[arg(short = 'e', long)]
    pub delete: bool,
    /// Delete nothing if it would be more than so many files and folders
    #[arg(long, value_name = "N", requires = "delete")]
    pub max_delete: Option<usize>,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Compare checksums after each transfer, where the server offers them
    #[arg(long)]
    pub verify: bool,
    /// Leave modes as they come
    #[arg(long)]
    pub no_perms: bool,
    /// Leave times as they come
    #[arg(long)]
    pub no_times: bool,
    /// Mirror what symbolic links lead to, which are left out otherwise
    #[arg(short = 'L', long)]
    pub follow_links: bool,
    /// Levels of folders; 1 is the files in the source only
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub depth: u16,
    /// Send under files' own names at once, not under NAME.partial first
    #[arg(long)]
    pub in_place: bool,
    /// What the next run must know [default: a hidden file in the folder]
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Name each file, too
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub transfer: TransferArguments,
}
