//! Bytes of a packet together with how many there were on the wire.

/// What is left of a packet: the bytes that the capture holds, and how long they were on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// Captured bytes.
    pub(super) data: &'a [u8],
    /// Length on the wire in bytes: more than `data.len()` where the capture cut the packet.
    pub(super) wire: usize,
}

impl<'a> View<'a> {
    pub(super) fn new(data: &'a [u8], original_length: u32) -> Self {
        View { data, wire: data.len().max(original_length as usize) }
    }

    /// The bytes after the first `length`, which must all have been captured.
    #[inline]
    pub(super) fn after(self, length: usize) -> Option<Self> {
        let data = self.data.get(length..)?;
        Some(View { data, wire: self.wire.saturating_sub(length) })
    }

    /// The bytes after the first `length`, none where those were not all captured.
    #[inline]
    pub(super) fn after_or_none(self, length: usize) -> Self {
        View { data: self.data.get(length..).unwrap_or_default(), wire: self.wire.saturating_sub(length) }
    }

    /// What a header's length field leaves: `length` bytes on the wire, without the padding behind them. A header cannot
    /// have more than the one around it: senders that pad a frame have been seen to count the padding in the inner length.
    #[inline]
    pub(super) fn of_length(self, length: usize) -> Self {
        View { data: self.data.get(..length).unwrap_or(self.data), wire: length.min(self.wire) }
    }

    /// The first `N` bytes.
    #[inline]
    pub(super) fn first<const N: usize>(self) -> Option<&'a [u8; N]> {
        self.data.first_chunk()
    }

    /// The byte at `offset`.
    #[inline]
    pub(super) fn byte(self, offset: usize) -> Option<u8> {
        self.data.get(offset).copied()
    }

    /// The 16-bit number at `offset`, in network byte order.
    #[inline]
    pub(super) fn u16(self, offset: usize) -> Option<u16> {
        self.data.get(offset..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// The 32-bit number at `offset`, in network byte order.
    #[inline]
    pub(super) fn u32(self, offset: usize) -> Option<u32> {
        self.data.get(offset..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }
}
