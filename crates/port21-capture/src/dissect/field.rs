//! A field, and trees of them.

/// A field of a packet, or a layer with its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// As Wireshark displays it ("Sequence Number (raw)").
    pub name: &'static str,
    /// Wireshark's name for it in display filters ("tcp.seq_raw"); empty where it has none.
    pub filter: &'static str,
    /// What it says, for people. Text that stands in the packet is not escaped.
    pub value: String,
    /// Its first byte, from the start of the packet. A field of bits names the bytes that hold them.
    pub offset: usize,
    /// Its bytes that the capture holds; 0 where it is concluded from others.
    pub length: usize,
    /// The fields that it consists of; each lies within it.
    pub children: Vec<Field>,
}

impl Field {
    /// A field without a value.
    pub fn new(name: &'static str, filter: &'static str, offset: usize, length: usize) -> Field {
        Field { name, filter, value: String::new(), offset, length, children: Vec::new() }
    }

    /// Where it ends (exclusive).
    pub fn end(&self) -> usize {
        self.offset.saturating_add(self.length)
    }

    /// The first field with this filter name: this one, or one that it consists of.
    pub fn find(&self, filter: &str) -> Option<&Field> {
        if self.filter == filter {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(filter))
    }

    /// Calls `see` with this field and all that it consists of, outside first; the number is the depth.
    pub fn walk(&self, depth: usize, see: &mut impl FnMut(&Field, usize)) {
        see(self, depth);
        for child in &self.children {
            child.walk(depth + 1, see);
        }
    }
}

/// What is asked of the layers of a packet.
pub trait Layers {
    /// The first field with this filter name.
    fn field(&self, filter: &str) -> Option<&Field>;
}

impl Layers for [Field] {
    fn field(&self, filter: &str) -> Option<&Field> {
        self.iter().find_map(|layer| layer.find(filter))
    }
}
