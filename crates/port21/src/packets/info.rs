//! The words of the list: what Wireshark writes in its Info column.

use std::fmt::Write;

use port21_analysis::tcp::{Judgement, Mark};
use port21_capture::dissect::{Layers, dissect};
use port21_capture::{Flags, Packet, Segment};

/// What Wireshark writes before the rest where a segment is odd, each in its brackets; empty where it is not.
pub fn analysis(judgement: &Judgement) -> String {
    let mut text = String::new();
    for mark in shown(judgement) {
        let _ = match (mark, judgement.duplicate_of) {
            (Mark::DuplicateAck, Some((first, count))) => write!(text, "[TCP Dup ACK {first}#{count}] "),
            _ => write!(text, "[{}] ", name(mark)),
        };
    }
    text
}

/// What is odd, without what Wireshark does not name, or names otherwise already.
fn shown(judgement: &Judgement) -> impl Iterator<Item = Mark> {
    let marks = judgement.marks;
    let more = marks.has(Mark::FastRetransmission) || marks.has(Mark::SpuriousRetransmission);
    marks.iter().filter(move |mark| match mark {
        Mark::Retransmission => !more,
        Mark::Urgent => false,
        _ => true,
    })
}

/// A mark in Wireshark's words; the last three are ours.
fn name(mark: Mark) -> &'static str {
    match mark {
        Mark::Retransmission => "TCP Retransmission",
        Mark::FastRetransmission => "TCP Fast Retransmission",
        Mark::SpuriousRetransmission => "TCP Spurious Retransmission",
        Mark::OutOfOrder => "TCP Out-Of-Order",
        Mark::DuplicateAck => "TCP Dup ACK",
        Mark::LostSegment => "TCP Previous segment not captured",
        Mark::AckedUnseen => "TCP ACKed unseen segment",
        Mark::KeepAlive => "TCP Keep-Alive",
        Mark::KeepAliveAck => "TCP Keep-Alive ACK",
        Mark::ZeroWindow => "TCP ZeroWindow",
        Mark::ZeroWindowProbe => "TCP ZeroWindowProbe",
        Mark::ZeroWindowProbeAck => "TCP ZeroWindowProbeAck",
        Mark::WindowUpdate => "TCP Window Update",
        Mark::WindowFull => "TCP Window Full",
        Mark::ReusedPorts => "TCP Port numbers reused",
        Mark::DuplicateFrame => "captured twice",
        Mark::DataAfterClose => "data after close",
        Mark::Urgent => "urgent data",
    }
}

/// Wireshark's names for what is odd ("tcp.analysis.retransmission"); ours where it has none.
pub fn flags(judgement: &Judgement) -> Vec<&'static str> {
    judgement
        .marks
        .iter()
        .map(|mark| match mark {
            Mark::Retransmission => "tcp.analysis.retransmission",
            Mark::FastRetransmission => "tcp.analysis.fast_retransmission",
            Mark::SpuriousRetransmission => "tcp.analysis.spurious_retransmission",
            Mark::OutOfOrder => "tcp.analysis.out_of_order",
            Mark::DuplicateAck => "tcp.analysis.duplicate_ack",
            Mark::LostSegment => "tcp.analysis.lost_segment",
            Mark::AckedUnseen => "tcp.analysis.ack_lost_segment",
            Mark::KeepAlive => "tcp.analysis.keep_alive",
            Mark::KeepAliveAck => "tcp.analysis.keep_alive_ack",
            Mark::ZeroWindow => "tcp.analysis.zero_window",
            Mark::ZeroWindowProbe => "tcp.analysis.zero_window_probe",
            Mark::ZeroWindowProbeAck => "tcp.analysis.zero_window_probe_ack",
            Mark::WindowUpdate => "tcp.analysis.window_update",
            Mark::WindowFull => "tcp.analysis.window_full",
            Mark::ReusedPorts => "tcp.analysis.reused_ports",
            Mark::DuplicateFrame => "duplicate_frame",
            Mark::DataAfterClose => "data_after_close",
            Mark::Urgent => "urgent",
        })
        .collect()
}

/// Whether Wireshark leaves the payload to TCP: it was sent before, comes late, or only keeps the connection alive.
pub fn is_repetition(judgement: &Judgement) -> bool {
    use Mark::{KeepAlive, OutOfOrder, Retransmission, ZeroWindowProbe};
    [Retransmission, OutOfOrder, KeepAlive, ZeroWindowProbe].iter().any(|mark| judgement.marks.has(*mark))
}

/// Names of control bits, as "FIN, ACK".
pub fn control_bits(flags: Flags) -> String {
    if flags.0 == 0 { "<None>".to_owned() } else { flags.names().join(", ") }
}

/// Ports, flags, numbers and options of a segment; `order`: the kinds of its options in their order, if they are known.
pub fn segment(
    segment: &Segment<'_>,
    order: &[u8],
    sequence: u32,
    acknowledgement: u32,
    window: Option<u64>,
) -> String {
    let mut text = format!(
        "{} → {} [{}] Seq={sequence}",
        segment.source_port,
        segment.destination_port,
        control_bits(segment.flags)
    );
    if segment.flags.contains(Flags::ACK) {
        let _ = write!(text, " Ack={acknowledgement}");
    }
    let _ = write!(text, " Win={}", window.unwrap_or(u64::from(segment.window)));
    if segment.flags.contains(Flags::URG) {
        let _ = write!(text, " Urg={}", segment.urgent_pointer);
    }
    let _ = write!(text, " Len={}", segment.payload_length);
    for option in options(segment, order, acknowledgement) {
        let _ = write!(text, " {option}");
    }
    text
}

/// The options, in the order of the header where that is known, else in the usual one.
fn options(segment: &Segment<'_>, order: &[u8], acknowledgement: u32) -> Vec<String> {
    const USUAL: [u8; 5] = [2, 3, 4, 8, 5];
    let options = &segment.options;
    let relative = |edge: u32| edge.wrapping_sub(segment.acknowledgement).wrapping_add(acknowledgement);
    let blocks = options.sack_blocks.iter().take(usize::from(options.sack_count));
    let blocks: Vec<String> =
        blocks.map(|(left, right)| format!("SLE={} SRE={}", relative(*left), relative(*right))).collect();
    let told = |kind: &u8| match kind {
        2 => options.maximum_segment_size.map(|size| format!("MSS={size}")),
        3 => options.window_scale.map(|shift| format!("WS={}", 1_u32 << shift.min(14))),
        4 => options.sack_permitted.then(|| "SACK_PERM".to_owned()),
        5 => (!blocks.is_empty()).then(|| blocks.join(" ")),
        8 => options.timestamps.map(|(value, echo)| format!("TSval={value} TSecr={echo}")),
        _ => None,
    };
    let order = if order.is_empty() { &USUAL } else { order };
    order.iter().filter_map(told).collect()
}

/// The kinds of a packet's TCP options, in their order.
pub fn option_kinds(packet: &Packet<'_>) -> Vec<u8> {
    let dissection = dissect(packet);
    let Some(options) = dissection.layers.field("tcp.options") else { return Vec::new() };
    options.children.iter().filter_map(|option| packet.data.get(option.offset).copied()).collect()
}
