//! Reads packet captures.
//!
//! Takes the bytes of capture files, gives numbered packets and, of each, the decoded headers down to
//! TCP and UDP; and the way back, for conversations that were seen at sockets. Knows nothing of connections or of FTP, and never fails on content: what could be read
//! is returned together with what was odd about it.
//!
//! ```text
//! file, pipe ──▶ read (pcap, pcapng, gzip, zstd) ──▶ Packet ──▶ decode ──▶ Decoded (IP, TCP, UDP)
//!                └───────── ahead: both, on another thread, a few batches before ──────────┘
//! ```

pub mod ahead;
pub mod decode;
pub mod dissect;
pub mod executor;
pub mod link_type;
pub mod packet;
pub mod read;
pub mod write;

pub use ahead::{Ahead, Batch};
pub use decode::{Decoded, Decoder, Flags, Scope, Segment, Transport};
pub use executor::{Executor, Job};
pub use link_type::link_type_name;
pub use packet::{LinkType, Packet, Timestamp};
pub use read::{Capture, Captures, OpenError};
