//! One control connection, without IO.
//!
//! Takes what the client sent and what became of earlier actions, gives actions. Time is an argument.
//!
//! ```text
//! handle_bytes(now, ..)   ─┐                    ┌─▶ poll_action() -> Action   (until there is none)
//! handle_event(now, ..)   ─┼─▶  the session  ───┤
//! handle_timeout(now)     ─┘                    └─▶ poll_timeout() -> when to call handle_timeout
//! ```
//!
//! After each call the driver takes all actions and carries them out in order; an answer, where one is due, comes back as
//! an [`Event`].

mod action;
mod event;

pub use action::{Action, Answered, Connection, Content, Form, ListFormat, Operation, Transfer, TransferId};
pub use event::{Done, Event, TransferError, Transferred};
