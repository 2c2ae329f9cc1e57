//! Fields as JSON has them.

use port21_capture::dissect::Field;
use serde::Serialize;

/// A field and those that it consists of.
#[derive(Debug, Serialize)]
pub struct Tree<'a> {
    name: &'a str,
    /// Wireshark's name in display filters; `null` where it has none.
    filter: Option<&'a str>,
    value: &'a str,
    offset: usize,
    length: usize,
    children: Vec<Tree<'a>>,
}

impl<'a> Tree<'a> {
    /// The tree of a field.
    pub fn of(field: &'a Field) -> Tree<'a> {
        Tree {
            name: field.name,
            filter: Some(field.filter).filter(|filter| !filter.is_empty()),
            value: &field.value,
            offset: field.offset,
            length: field.length,
            children: field.children.iter().map(Tree::of).collect(),
        }
    }
}
