//! FTP sessions: TCP's streams in, the story of every session out.
//!
//! Takes the events of [`crate::tcp`], gives [`crate::report::Session`] values. Recognises control connections by what
//! is said on them, on any port; finds the data connections that they announce; never looks at a packet.
//!
//! ```text
//! sink: what TCP says, at once     events: the same, a batch later on another thread
//! stage ─┬─ recognise   is it a control connection?
//!        ├─ stranger    connections of which that is not known yet       pairs: whom they are between
//!        ├─ control     two byte streams -> what was said, in order      tls: stretches that cannot be read
//!        ├─ session     dialogue: which reply answers what    effects: what it changes    transfer: what it moves
//!        ├─ watch       announcements and connections, whichever comes first
//!        ├─ expectations  announced data connections       content: what crossed them
//!        ├─ transcript  all that was said, in little room     memory: what came of each command
//!        └─ build       the session as the report writes it
//! ```

mod build;
mod conclude;
mod content;
mod control;
mod dialogue;
mod effects;
mod events;
mod expectations;
mod listing;
mod memory;
mod pairs;
mod recognise;
mod session;
mod sink;
mod stage;
mod stranger;
mod strangers;
mod tls;
mod transcript;
mod transfer;
mod watch;

pub use conclude::Concluded;
pub use events::Events;
pub use session::ServerName;
pub use sink::{AtOnce, Hearer, Unwanted};
pub use stage::Stage;
