//! A server of the File Transfer Protocol.
//!
//! Takes bytes of a control connection and what became of the actions asked for, gives replies and further actions.
//! The session never does IO, reads a clock or draws a random number; the driver does.
//!
//! ```text
//!  control connection ── bytes ──▶ session ── Action ──▶ driver ──▶ sockets, TLS
//!                                     ▲                    │
//!                                     └────── Event ───────┤
//!                                                          ├──▶ account: who is this, and what may he do
//!                                                          └──▶ store: files beneath a root
//! ```

pub mod account;
pub mod codec;
pub mod driver;
pub mod hash;
pub mod limit;
pub mod listing;
pub mod record;
pub mod session;
pub mod store;
