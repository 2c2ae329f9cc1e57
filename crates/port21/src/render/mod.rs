//! Renderers: from the report's values to bytes.

pub mod clock;
pub mod eve;
pub mod json;
pub mod zeek;
