//! From packets to the story of every FTP session.
//!
//! Takes decoded packets, one after the other, gives a report: FTP sessions with every command, reply, data
//! connection and file, each with the packet numbers that prove it. Never prints, never reads a file or a
//! clock: time is the packets' own.
//!
//! ```text
//! Decoded ──▶ tcp (streams in order, gaps, quality) ──▶ ftp (sessions, transfers) ──▶ findings ──▶ report
//!    └──────▶ names (DNS answers) ───────────────────────┘                                └─▶ answers
//! ```

pub mod analysis;
pub mod answers;
pub mod community_id;
pub mod digest;
pub mod findings;
mod ftp;
mod hex;
pub mod limits;
mod names;
pub mod report;
pub mod tcp;
pub mod time;

#[cfg(test)]
mod sample;
mod wording;
