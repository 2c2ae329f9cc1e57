//! TCP connections: decoded segments in, bytes in order out.
//!
//! Takes segments in capture order, gives each connection's bytes in sequence order, its gaps, and what
//! Wireshark's TCP analysis would say of each segment. Treats all connections alike; never looks into the bytes.

mod closing;
mod connection;
mod duplicates;
mod forgotten;
mod handshake;
mod history;
mod holes;
mod letters;
mod limits;
mod live;
mod marks;
mod observer;
mod outstanding;
mod pending;
mod reassembly;
mod sequence;
mod stalls;
mod start;
mod table;
#[cfg(test)]
mod tests;
mod tracker;
mod verdict;

pub use connection::{
    Chunk, ClosingSegment, Conflict, Connection, End, Endpoint, Gap, Half, HandshakeSegment, Interest,
    Quality, RareQuality, Sink, Stall, StallCause, State, Unneeded,
};
pub use letters::Letters;
pub use limits::{Dropped, Limits};
pub use marks::{Mark, Marks};
pub use observer::Judgement;
pub use sequence::SequenceNumber;
pub use tracker::Tracker;
