//! The File Transfer Protocol as values.
//!
//! Takes bytes of a control connection or a listing, gives lines, commands, replies, data addresses, entries and
//! paths, and writes them back. Never does IO, reads a clock or prints.
//!
//! ```text
//! bytes -> line::LineReader -> Line -> command::Command
//!                                   -> reply::ReplyReader -> Reply -> address, path, text
//! sequence: which replies may follow which command
//! bytes of a data connection -> listing
//! ```
//!
//! Reading is tolerant: it gives a value and what was odd about it, whatever the bytes are. Writing is strict: it
//! refuses what RFC 959 does not allow on the wire.

pub mod address;
pub mod command;
pub mod line;
pub mod path;
pub mod reply;
pub mod verb;

pub use command::Command;
pub use line::{Line, LineReader, Terminator};
pub use reply::{Reply, ReplyReader};
pub use verb::Verb;
