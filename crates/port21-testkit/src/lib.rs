//! Takes a conversation written down by a test, gives the capture of it and what the program says of it; knows nothing of
//! how the analysis works.
//!
//! ```text
//!  Ftp (a dialogue)  ->  Connection (a TCP connection)  ->  Network (time, frames)  ->  bytes of a pcap file
//! ```
//!
//! The pieces share one [`Network`], so that several connections interleave in the order of the calls:
//!
//! ```
//! use port21_testkit::{Network, Side};
//!
//! let network = Network::new();
//! let control = network.connect("192.168.1.10:2011", "156.21.1.54:21");
//! control.server("220 ready\r\n").client("USER anonymous\r\n").server("331 Password?\r\n");
//! let data = network.connect("156.21.1.54:20", "192.168.1.10:5001");
//! data.send(Side::Initiator, b"some bytes").close(Side::Initiator);
//! let capture: Vec<u8> = network.pcap();
//! assert_eq!(data.stream(Side::Initiator), b"some bytes");
//! # assert!(capture.len() > 24);
//! ```
//!
//! What an application writes and what the network shows are separate: [`Connection::write`] adds to the stream,
//! [`Connection::emit`] puts a range of the stream into one segment. A lost segment is a range that nobody emits, a
//! retransmission one that is emitted twice, reordering an order of calls. [`Network::forget_last`] takes a frame
//! out of the capture that the receiver has got.

// Only tests and the benchmark use this crate: a mistake in a test's conversation should stop the test where it is made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod chatter;
mod connection;
mod dns;
mod frame;
mod ftp;
#[cfg(feature = "program")]
mod log;
mod network;
#[cfg(feature = "program")]
mod program;
#[cfg(feature = "program")]
mod running;
mod server;
mod shared;

pub use chatter::chatter;
pub use connection::{Connection, Segment, Side};
pub use frame::{Envelope, TcpHeader, flag};
pub use ftp::{Ftp, pattern};
#[cfg(feature = "program")]
pub use log::records;
pub use network::Network;
#[cfg(feature = "program")]
pub use program::{Program, assert_conforms};
#[cfg(feature = "program")]
pub use running::{Ended, Running, wait_until};
pub use server::{Aside, FtpServer, LOST, Manners};
pub use shared::{manifest, note, shared};
