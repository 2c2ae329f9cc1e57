//! The log of a running server.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The records of a log (`--log`) so far, one JSON object each; none if there is no log yet. A line that is not whole yet is left for later.
pub fn records(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
