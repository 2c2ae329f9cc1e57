//! A client of the File Transfer Protocol.
//!
//! Takes a server's name and what is wanted of it, gives files, listings and replies, or an error that names the culprit.
//!
//! ```text
//!  caller ── Client ──▶ driver (tokio) ── bytes, events, time ──▶ session ── Action ──▶ driver ──▶ sockets, TLS
//! ```
//!
//! The [`session`] does no IO, reads no clock and draws no random number; the driver does.
//!
//! # Common tasks
//!
//! The server of these examples is one for tests, with a file `notes.txt`.
//!
//! Log in, look around, and fetch a file:
//!
//! ```
//! # use port21_testkit::{FtpServer, Manners};
//! # let server = FtpServer::start(Manners::default(), &[("notes.txt", b"some notes")]);
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use ftp_client::session::{Credentials, Security};
//! use ftp_client::{Connector, Fetch, unwatched};
//!
//! let mut connector = Connector::new("127.0.0.1");
//! # connector.port = Some(server.address().port());
//! connector.security = Security::Off; // Security::Require in earnest
//! connector.credentials = Credentials::new("joe", "secret");
//! let mut client = connector.connect().await?;
//! for entry in client.list("").await? {
//!     assert_eq!((entry.name.as_slice(), entry.size), (&b"notes.txt"[..], Some(10)));
//! }
//! let mut notes = Vec::new();
//! client.download("notes.txt", Fetch::default(), &mut notes, &mut unwatched).await?;
//! assert_eq!(notes, b"some notes");
//! client.quit().await?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Go on in the middle of a file, watch the progress, and end it when there is enough:
//!
//! ```
//! # use port21_testkit::{FtpServer, Manners};
//! # let server = FtpServer::start(Manners::default(), &[("notes.txt", b"some notes")]);
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! # let mut connector = ftp_client::Connector::new("127.0.0.1");
//! # connector.port = Some(server.address().port());
//! # connector.security = ftp_client::session::Security::Off;
//! # let mut client = connector.connect().await?;
//! use std::ops::ControlFlow;
//! use ftp_client::{Error, Fetch};
//!
//! let mut rest = Vec::new();
//! let how = Fetch { offset: 5, ..Fetch::default() };
//! let mut watch = |progress: ftp_client::Progress| {
//!     println!("{} of {:?}", progress.bytes, progress.total);
//!     ControlFlow::Continue(())
//! };
//! client.download("notes.txt", how, &mut rest, &mut watch).await?;
//! assert_eq!(rest, b"notes");
//!
//! let mut enough = |_| ControlFlow::Break(());
//! let ended = client.download("notes.txt", how, &mut rest, &mut enough).await;
//! assert!(matches!(ended, Err(Error::Cancelled)));
//! assert_eq!(client.size("notes.txt").await?, Some(10)); // the session goes on
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Send a file, rename and remove it, and learn what went wrong and who refused what:
//!
//! ```
//! # use port21_testkit::{FtpServer, Manners};
//! # let server = FtpServer::start(Manners::default(), &[("notes.txt", b"some notes")]);
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! # let mut connector = ftp_client::Connector::new("127.0.0.1");
//! # connector.port = Some(server.address().port());
//! # connector.security = ftp_client::session::Security::Off;
//! # let mut client = connector.connect().await?;
//! use std::io::Cursor;
//! use ftp_client::{Error, Store, unwatched};
//!
//! let mut source = Cursor::new(b"a report".to_vec());
//! client.upload("report.txt", Store::default(), &mut source, &mut unwatched).await?;
//! client.rename("report.txt", "old.txt").await?;
//! client.remove_file("old.txt").await?;
//! match client.remove_file("old.txt").await {
//!     Err(Error::Refused { command, reply }) => {
//!         assert_eq!(format!("{command}: {reply}"), "DELE old.txt: 550 no such file");
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod ascii;
mod attributes;
pub mod checksum;
mod client;
mod connector;
mod download;
mod driver;
mod entry;
pub mod error;
pub mod features;
pub mod note;
mod range;
pub mod retry;
mod scan;
pub mod session;
pub mod tap;
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
pub use scan::Scanned;
pub use upload::{Store, TEMPORARY_SUFFIX, Upload};
