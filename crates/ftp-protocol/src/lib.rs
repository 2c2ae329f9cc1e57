//! The File Transfer Protocol as values.
//!
//! Takes bytes of a control connection or a listing, gives lines, commands, replies, data addresses, entries and
//! paths, and writes them back. Never does IO, reads a clock or prints.
//!
//! ```text
//! bytes -> line::LineReader -> Line -> command::Command
//!                                   -> reply::ReplyReader -> Reply -> address, path, listing
//! bytes of a data connection -> listing
//! sequence: which replies may follow which command, and what their text tells
//! ```
//!
//! Reading is tolerant: it gives a value and what was odd about it, whatever the bytes are. Writing is strict: it
//! refuses what RFC 959 does not allow on the wire.

pub mod address;
pub mod command;
pub mod line;
pub mod listing;
pub mod path;
pub mod reply;
pub mod sequence;
pub mod verb;

pub use command::Command;
pub use line::{Line, LineReader, Terminator};
pub use reply::{Reply, ReplyReader};
pub use verb::Verb;
