//! What bounds the tracker's memory, and what those bounds have cost.

use super::pending::Spare;

/// Named limits of the tracker's memory and patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Connections tracked at the same time; beyond, the oldest that nobody has answered is ended, else the
    /// least recently used one. At least 1.
    pub connections: usize,
    /// Closed connections kept for late retransmissions; beyond, the one that has been quiet for longest is reported at once.
    /// Nothing is lost by that unless a late packet does come, which [`Dropped::late_packets`] counts.
    pub closed_connections: usize,
    /// Seconds of packet time for which a closed connection is kept after its last packet.
    pub quiet_seconds: u32,
    /// Reported connections of which enough is kept to know a late packet of theirs.
    pub remembered_connections: usize,
    /// Bytes of one direction that wait behind a hole.
    pub out_of_order_bytes_per_direction: usize,
    /// Bytes of all connections that wait behind holes.
    pub out_of_order_bytes: usize,
    /// Runs of bytes of all connections that wait behind holes, whatever their length.
    pub out_of_order_segments: usize,
    /// Runs of bytes of one direction that wait behind a hole, whatever their length.
    pub segments_per_direction: usize,
    /// Delivered bytes of one direction that are kept to compare retransmissions with.
    pub history_bytes_per_direction: usize,
    /// Delivered bytes of all connections that are kept to compare retransmissions with.
    pub history_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 1 << 17,
            closed_connections: 1_024,
            quiet_seconds: 2,
            remembered_connections: 32_768,
            out_of_order_bytes_per_direction: 16 << 20,
            out_of_order_bytes: 256 << 20,
            out_of_order_segments: 1 << 20,
            segments_per_direction: 16_384,
            history_bytes_per_direction: 64 << 10,
            history_bytes: 64 << 20,
        }
    }
}

/// What the limits have cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// Connections that were ended while still open, because there were too many.
    pub connections: u64,
    /// Packets that repeated what a connection had said which was reported already.
    pub late_packets: u64,
    /// Holes that were given up early, because too much waited behind them.
    pub holes: u64,
    /// Delivered bytes that were not kept for comparison, because too many were kept already.
    pub history_bytes: u64,
    /// Captured bytes without a place in their stream: the sum of [`Half::dropped_bytes`](super::Half::dropped_bytes).
    pub bytes: u64,
}

/// Limits, their costs, and what is in use of those that all connections share.
#[derive(Debug, Default)]
pub(super) struct Budget {
    pub limits: Limits,
    pub dropped: Dropped,
    /// Bytes that wait behind holes, over all connections.
    pub out_of_order_bytes: usize,
    /// Runs of bytes that wait behind holes, over all connections.
    pub out_of_order_segments: usize,
    /// Delivered bytes that are kept, over all connections.
    pub history_bytes: usize,
    /// Buffers for bytes that wait behind holes.
    pub spare: Spare,
    /// Runs of bytes delivered so far, over all connections, and bytes.
    pub delivered: (u64, u64),
}
