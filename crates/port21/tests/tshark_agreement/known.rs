//! Where tshark and we differ, and why ours is right.

/// (what is compared, capture, places, reason).
pub const DIFFERENCES: &[(&str, &str, &str, &str)] = &[];
