//! The report: what `explain` says, as values.
//!
//! The names and shapes here are a contract ("port21.report/1"): scripts read them. What is unknown is `null`,
//! never left out. Text that is not UTF-8 has U+FFFD in the place of unknown bytes, with all its bytes in hexadecimal
//! in the field of the same name with `_bytes` appended.

pub mod convert;
mod model;
mod rare;
mod roles;

pub use model::*;
pub use rare::RareQuality;
pub use roles::Party;
