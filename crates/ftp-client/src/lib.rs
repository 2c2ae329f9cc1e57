//! A client of the File Transfer Protocol.
//!
//! Takes a server's name and what is wanted of it, gives files, listings and replies, or an error that names the culprit.
//!
//! ```text
//!  caller ── Client ──▶ driver (tokio) ── bytes, events, time ──▶ session ── Action ──▶ driver ──▶ sockets, TLS
//! ```
//!
//! The [`session`] does no IO, reads no clock and draws no random number; the driver does.

pub mod ascii;
mod client;
mod connector;
mod download;
mod driver;
mod entry;
pub mod error;
pub mod features;
pub mod note;
pub mod retry;
pub mod session;
mod text;
pub mod time;
mod upload;
pub mod url;

pub use client::Client;
pub use connector::Connector;
pub use download::{Download, Fetch, MAXIMUM_LISTING, OnProgress, Progress, unwatched};
pub use driver::dial::Family;
pub use driver::proxy::{Proxy, ProxyKind};
pub use driver::tls::{TlsVersions, Trust};
pub use entry::Entry;
pub use error::Error;
pub use features::Features;
pub use ftp_protocol::listing::EntryKind;
pub use note::Note;
pub use retry::Retry;
pub use upload::{Store, TEMPORARY_SUFFIX, Upload};
