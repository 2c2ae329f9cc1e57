//! How bytes of a file become bytes of a data connection, and back.
//!
//! Takes pieces of any length, appends what they become. The same bytes give the same result however they are cut. Never
//! reads or writes anything itself, and takes no more memory for more input.
//!
//! ```text
//!  download   store ──▶ ascii::ToNetwork ──▶ deflate::Deflater ──▶ data connection
//!  upload     store ◀── ascii::FromNetwork ◀── deflate::Inflater ◀── data connection
//! ```

pub mod ascii;
pub mod deflate;
