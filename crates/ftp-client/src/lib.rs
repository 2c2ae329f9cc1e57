//! A client of the File Transfer Protocol.
//!
//! Takes a server's name and what is wanted of it, gives files, listings and replies, or an error that names the culprit.
//!
//! ```text
//!  caller ── Client ──▶ driver (tokio) ── bytes, events, time ──▶ session ── Action ──▶ driver ──▶ sockets, TLS
//! ```
//!
//! The [`session`] does no IO, reads no clock and draws no random number; the driver does.

pub mod error;
pub mod features;
pub mod note;
pub mod session;
mod text;

pub use error::Error;
pub use features::Features;
pub use note::Note;
