//! Builds the field of one layer: reads numbers from its bytes and notes where they stand.

use std::fmt::Write;

use super::field::Field;

/// A part of the packet's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Its first byte.
    pub start: usize,
    /// How many bytes of it the capture holds.
    pub captured: usize,
    /// How many there were on the wire.
    pub wire: usize,
}

impl Span {
    /// What follows the first `length` bytes.
    pub fn skip(self, length: usize) -> Span {
        let captured = self.captured.saturating_sub(length);
        let start = self.start.saturating_add(length.min(self.captured));
        Span { start, captured, wire: self.wire.saturating_sub(length) }
    }

    /// The first `length` bytes, as a header's length field says. It may promise more than there is.
    pub fn of_length(self, length: usize) -> Span {
        Span { captured: self.captured.min(length), wire: length, ..self }
    }

    /// Where the captured bytes end.
    pub fn end(self) -> usize {
        self.start.saturating_add(self.captured)
    }
}

/// A layer under construction. Places (`at`) count from its first byte.
pub(super) struct Layer<'a> {
    bytes: &'a [u8],
    span: Span,
    field: Field,
}

impl<'a> Layer<'a> {
    pub fn new(data: &'a [u8], span: Span, name: &'static str, filter: &'static str) -> Layer<'a> {
        let bytes = data.get(span.start..span.end()).unwrap_or_default();
        Layer { bytes, span, field: Field::new(name, filter, span.start, 0) }
    }

    /// All bytes from the layer's start to the end of what the layer above left to it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Offset of its first byte in the packet.
    pub fn start(&self) -> usize {
        self.span.start
    }

    pub fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        self.bytes.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub fn array<const N: usize>(&self, at: usize) -> Option<[u8; N]> {
        self.bytes.get(at..)?.first_chunk().copied()
    }

    /// A field with a value of its own. Of one that is cut, what there is of its bytes; nothing where there are none.
    pub fn text(
        &mut self,
        name: &'static str,
        filter: &'static str,
        at: usize,
        length: usize,
        value: impl Into<String>,
    ) -> Option<&mut Field> {
        let field = self.place(name, filter, at, length, value.into())?;
        self.field.children.push(field);
        self.field.children.last_mut()
    }

    /// As [`Layer::text`], beneath the field added last.
    pub fn beneath(
        &mut self,
        name: &'static str,
        filter: &'static str,
        at: usize,
        length: usize,
        value: impl Into<String>,
    ) {
        let Some(field) = self.place(name, filter, at, length, value.into()) else { return };
        if let Some(parent) = self.field.children.last_mut()
            && parent.offset <= field.offset
            && field.end() <= parent.end()
        {
            parent.children.push(field);
        }
    }

    /// A number of one byte.
    pub fn number_8(&mut self, name: &'static str, filter: &'static str, at: usize) -> Option<u8> {
        let number = self.byte(at)?;
        self.text(name, filter, at, 1, number.to_string());
        Some(number)
    }

    /// A number of two bytes.
    pub fn number_16(&mut self, name: &'static str, filter: &'static str, at: usize) -> Option<u16> {
        let number = self.u16(at)?;
        self.text(name, filter, at, 2, number.to_string());
        Some(number)
    }

    /// A number of four bytes.
    pub fn number_32(&mut self, name: &'static str, filter: &'static str, at: usize) -> Option<u32> {
        let number = self.u32(at)?;
        self.text(name, filter, at, 4, number.to_string());
        Some(number)
    }

    /// A number of two bytes, in hexadecimal.
    pub fn hex_16(&mut self, name: &'static str, filter: &'static str, at: usize) -> Option<u16> {
        let number = self.u16(at)?;
        self.text(name, filter, at, 2, format!("0x{number:04x}"));
        Some(number)
    }

    /// A number of four bytes, in hexadecimal.
    pub fn hex_32(&mut self, name: &'static str, filter: &'static str, at: usize) -> Option<u32> {
        let number = self.u32(at)?;
        self.text(name, filter, at, 4, format!("0x{number:08x}"));
        Some(number)
    }

    /// An address of six bytes.
    pub fn ethernet_address(
        &mut self,
        name: &'static str,
        filter: &'static str,
        at: usize,
    ) -> Option<String> {
        let address = ethernet_address(&self.array::<6>(at)?);
        self.text(name, filter, at, 6, address.clone());
        Some(address)
    }

    /// Adds a field that was built elsewhere, if it lies within the captured bytes.
    pub fn add(&mut self, field: Field) {
        if field.offset >= self.span.start && field.end() <= self.span.end() {
            self.field.children.push(field);
        }
    }

    /// What the layer says of itself in its heading.
    pub fn title(&mut self, value: impl Into<String>) {
        self.field.value = value.into();
    }

    /// The layer of `length` bytes, less what the capture does not hold, and what follows it.
    pub fn end(mut self, length: usize) -> (Field, Span) {
        let children = self.field.children.iter().map(Field::end).max().unwrap_or(self.span.start);
        let least = children.saturating_sub(self.span.start);
        self.field.length = length.min(self.span.captured).max(least);
        (self.field, self.span.skip(length.max(least)))
    }

    fn place(
        &self,
        name: &'static str,
        filter: &'static str,
        at: usize,
        length: usize,
        value: String,
    ) -> Option<Field> {
        let there = self.bytes.len().checked_sub(at)?;
        if there == 0 && length > 0 {
            return None;
        }
        let offset = self.span.start.saturating_add(at);
        Some(Field { value, ..Field::new(name, filter, offset, length.min(there)) })
    }
}

/// Six bytes, or any number of them, as "00:0c:f1:2a:5b:10".
pub(super) fn ethernet_address(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        let _ = write!(text, "{}{byte:02x}", if index == 0 { "" } else { ":" });
    }
    text
}

/// "Set" or "Not set", as Wireshark writes a bit.
pub(super) fn set(bit: bool) -> &'static str {
    if bit { "Set" } else { "Not set" }
}
