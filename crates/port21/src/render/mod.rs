//! Renderers: from the report's values to bytes.

pub mod clock;
pub mod compact;
pub mod document;
pub mod eve;
#[cfg(test)]
mod fixture;
pub mod groups;
pub mod json;
pub mod markdown;
mod spool;
mod story;
pub mod text;
mod totals;
pub mod words;
pub mod zeek;
