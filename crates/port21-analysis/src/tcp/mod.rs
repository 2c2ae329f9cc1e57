//! TCP connections: decoded segments in, bytes in order out.
//!
//! Takes segments in capture order, gives each connection's bytes in sequence order, its gaps, and what
//! Wireshark's TCP analysis would say of each segment. Treats all connections alike; never looks into the bytes.

mod connection;
mod letters;

pub use letters::Letters;

pub use connection::{
    Chunk, ClosingSegment, Conflict, Connection, End, Endpoint, Gap, Half, HandshakeSegment, Interest,
    Quality, Sink, Stall, StallCause, State,
};
