//! Transfers that were cut short, or that changed what they carried.

use std::collections::BTreeSet;

use super::{Kind, sender_side, transfer_name};
use crate::report::{
    Closing, Connection, ConnectionState, Direction, FailureCause, Finding, Kind as Carries, Reply, Session,
    Severity, Transfer, Type,
};
use crate::wording::{code_and_packet, counted, number, packets as named};

/// RST on the data connection before the sender's FIN.
pub const TRANSFER_RESET: Kind = Kind {
    code: "transfer-reset",
    severity: Severity::Medium,
    title: "transfer cut short by a reset",
    meaning: "The data connection was ended by RST before its sender had closed it in order: the rest is lost.",
    rule: "RFC 9293, section 3.5.3; RFC 959, section 3.4.1",
    advice: "Look at the log of the end that sent the reset, and at firewalls and limits on the way; resume with REST.",
};

/// 4yz or 5yz after the transfer had begun, without ABOR.
pub const TRANSFER_FAILED: Kind = Kind {
    code: "transfer-failed",
    severity: Severity::Medium,
    title: "transfer failed",
    meaning: "The server ended a transfer that had begun with a failure (426 connection closed, 451 error at the server, \
              452 or 552 no room, and others), and no ABOR had asked for it.",
    rule: "RFC 959, section 5.4",
    advice: "Read the server's text and log; 4yz codes are worth another try.",
};

/// ABOR while the transfer ran.
pub const TRANSFER_ABORTED: Kind = Kind {
    code: "transfer-aborted",
    severity: Severity::Low,
    title: "transfer aborted by the client",
    meaning: "The client sent ABOR while the transfer ran, and not all of it came through.",
    rule: "RFC 959, section 4.1.3",
    advice: "If it was not meant, look why the client gave up: limits of time, a full disk, a user's key.",
};

/// The control connection was closed, all of the server's bytes on it seen, without a reply that ends the transfer.
pub const TRANSFER_UNCONFIRMED: Kind = Kind {
    code: "transfer-unconfirmed",
    severity: Severity::Low,
    title: "transfer never confirmed",
    meaning: "Data crossed, but the server never said that the transfer is complete, though the capture holds all of the \
              control connection up to its end.",
    rule: "RFC 959, sections 3.4.1 and 5.4",
    advice: "Do not trust the file before its size or hash has been compared.",
};

/// Fewer bytes than announced, where both count the same and the sender had ended.
pub const TRANSFER_SHORT: Kind = Kind {
    code: "transfer-short",
    severity: Severity::Medium,
    title: "fewer bytes than announced",
    meaning: "The sender closed the data connection in order, but after fewer bytes than SIZE, the opening reply or MLSD \
              had announced. Only for downloads in image type, or that the server says to send as binary, without TLS: \
              otherwise bytes on the wire count differently.",
    rule: "RFC 3659, sections 4 and 7.5.7; RFC 959, section 3.4.1",
    advice: "Fetch the rest with REST, and look at the server's log for why it stopped.",
};

/// More bytes than announced.
pub const TRANSFER_LONG: Kind = Kind {
    code: "transfer-long",
    severity: Severity::Low,
    title: "more bytes than announced",
    meaning: "More bytes crossed than SIZE, the opening reply or MLSD had announced, by the same counting as above: the \
              file grew meanwhile, or the announcement is wrong.",
    rule: "RFC 3659, sections 4 and 7.5.7",
    advice: "If the file is still being written, fetch it again when it is finished.",
};

/// A file with a binary format's extension, in ASCII type.
pub const ASCII_TYPE_BINARY_FILE: Kind = Kind {
    code: "ascii-type-binary-file",
    severity: Severity::Medium,
    title: "binary file sent in ASCII type",
    meaning: "A file whose name ends like an archive, image, program or the like was transferred in ASCII type, which \
              changes line ends and so damages it. The type is known: TYPE was seen, or the session was seen from its start \
              without one, and ASCII is the default.",
    rule: "RFC 959, sections 3.1.1.1 and 5.1",
    advice: "Have the client send TYPE I, and transfer the file again: what arrived may be damaged.",
};

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    let aborts = aborts(session);
    let binary = said_binary(session);
    for (position, transfer) in session.transfers.iter().enumerate() {
        let next = session.transfers.get(position.saturating_add(1));
        let abort = abort_of(transfer, next, &aborts);
        match abort.filter(|_| !transfer.complete) {
            Some(packet) => found.push(aborted(session, transfer, packet)),
            None => {
                found.extend(reset(session, transfer));
                found.extend(failed(session, transfer));
            }
        }
        found.extend(unconfirmed(session, transfer));
        found.extend(other_length(session, transfer, &binary));
        found.extend(binary_in_ascii(session, transfer));
    }
}

/// Packets of every ABOR, ascending.
fn aborts(session: &Session) -> Vec<u64> {
    let commands = session.exchanges.iter().filter_map(|exchange| exchange.command.as_ref());
    commands
        .filter(|command| command.verb == "ABOR")
        .filter_map(|command| command.packets.first().copied())
        .collect()
}

/// The ABOR that was sent while `transfer` ran.
fn abort_of(transfer: &Transfer, next: Option<&Transfer>, aborts: &[u64]) -> Option<u64> {
    let begin = transfer.command_packet?;
    let end = transfer.closing_reply.map(|reply| reply.packet).or(next.and_then(|next| next.command_packet));
    let first = aborts.partition_point(|packet| *packet <= begin);
    aborts.get(first).copied().filter(|packet| end.is_none_or(|end| *packet < end))
}

fn aborted(session: &Session, transfer: &Transfer, packet: u64) -> Finding {
    let mut packets = vec![packet];
    packets.extend(transfer.closing_reply.map(|reply| reply.packet));
    let detail = format!(
        "{} was aborted by ABOR in #{packet} after {}.",
        transfer_name(transfer),
        counted(transfer.bytes, "byte")
    );
    TRANSFER_ABORTED.of(session, packets, detail)
}

fn has(segment: &Closing, flag: &str) -> bool {
    segment.flags.contains(&flag)
}

fn sender_fin<'a>(session: &Session, transfer: &Transfer, data: &'a Connection) -> Option<&'a Closing> {
    let sender = sender_side(session, transfer)?;
    data.closing.iter().find(|segment| segment.from == sender && has(segment, "FIN"))
}

fn reset(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let data = transfer.data.as_ref()?;
    if transfer.complete || transfer.failure.is_some() || data.state != ConnectionState::Reset {
        return None;
    }
    sender_side(session, transfer)?;
    let reset = data.closing.iter().find(|segment| has(segment, "RST"))?;
    if sender_fin(session, transfer, data).is_some_and(|fin| fin.packet < reset.packet) {
        return None;
    }
    let by = super::data_party(session, transfer, reset.from);
    let of = match (transfer.expected_bytes, transfer.expected_from.as_deref()) {
        (Some(expected), Some(from)) => format!(" of {} announced ({from})", number(expected)),
        _ => String::new(),
    };
    let detail = format!(
        "{}: RST in #{} by the {by} ({}) after {}{of}.",
        transfer_name(transfer),
        reset.packet,
        data.endpoint(reset.from),
        counted(transfer.bytes, "byte")
    );
    let mut packets = vec![reset.packet];
    packets.extend(transfer.command_packet);
    packets.extend(transfer.closing_reply.map(|reply| reply.packet));
    Some(TRANSFER_RESET.of(session, packets, detail))
}

fn failed(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let closing = transfer.closing_reply?;
    let code = closing.code.filter(|code| (400..600).contains(code) && *code != 425)?;
    // 426 says so itself.
    let began = transfer.opening_reply.is_some() || transfer.bytes > 0 || code == 426;
    // Why a data connection failed is told elsewhere, where the capture shows it.
    let told = transfer.failure.as_ref().is_some_and(|failure| failure.cause != FailureCause::NotSeen);
    if !began || told {
        return None;
    }
    let means = match code {
        426 => ": the data connection was closed",
        451 => ": an error at the server",
        452 => ": no room at the server",
        552 => ": more than its quota allows",
        _ => "",
    };
    let detail = format!(
        "{} ended with {}{means}, after {}.",
        transfer_name(transfer),
        code_and_packet(closing.code, closing.packet),
        counted(transfer.bytes, "byte")
    );
    let mut packets = vec![closing.packet];
    packets.extend(transfer.command_packet);
    Some(TRANSFER_FAILED.of(session, packets, detail))
}

fn unconfirmed(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let command = transfer.command_packet?;
    let last = transfer.data_packets.last?;
    let end = session.control.closing.first()?;
    let server = session.control_side_of_client().other();
    let whole = session.control.quality.gaps.iter().all(|gap| gap.from != server);
    // In a TLS session the reply may be there and unreadable; before the data's end there is another finding for it.
    if transfer.closing_reply.is_some() || session.tls.is_some() || !whole || end.packet < last {
        return None;
    }
    let detail = format!(
        "{} moved {}, the last in #{last}; the control connection is closed from #{} on without a reply that ends it.",
        transfer_name(transfer),
        counted(transfer.bytes, "byte"),
        end.packet
    );
    Some(TRANSFER_UNCONFIRMED.of(session, vec![command, last, end.packet], detail))
}

fn other_length(session: &Session, transfer: &Transfer, binary: &BTreeSet<u64>) -> Option<Finding> {
    let expected = transfer.expected_bytes?;
    let from = transfer.expected_from.as_deref().filter(|from| *from != "ALLO")?;
    let data = transfer.data.as_ref()?;
    let comparable = transfer.direction == Some(Direction::Download)
        && (transfer.representation == Type::Image && transfer.type_seen || says_binary(transfer, binary))
        && !transfer.protected;
    if !comparable || expected == transfer.bytes {
        return None;
    }
    let (kind, fin) = if transfer.bytes > expected {
        (TRANSFER_LONG, None)
    } else {
        (TRANSFER_SHORT, Some(sender_fin(session, transfer, data)?))
    };
    let ended = fin
        .map(|fin| format!(" The server closed the data connection in #{}.", fin.packet))
        .unwrap_or_default();
    let detail = format!(
        "{}: {} crossed, {} were announced by {from}{}.{ended}",
        transfer_name(transfer),
        counted(transfer.bytes, "byte"),
        number(expected),
        transfer.expected_packet.map(|packet| format!(" in #{packet}")).unwrap_or_default()
    );
    let mut packets: Vec<u64> =
        [transfer.expected_packet, transfer.command_packet].into_iter().flatten().collect();
    packets.extend(fin.map(|fin| fin.packet));
    packets.extend(transfer.data_packets.last);
    Some(kind.of(session, packets, detail))
}

/// Whether the reply that announced the length is one of those.
fn says_binary(transfer: &Transfer, binary: &BTreeSet<u64>) -> bool {
    let announced = transfer.expected_from.as_deref().is_some_and(|from| matches!(from, "125" | "150"));
    announced && transfer.expected_packet.is_some_and(|packet| binary.contains(&packet))
}

/// Packets of the replies that opened a transfer and said that the bytes go as they are, whatever TYPE came before.
fn said_binary(session: &Session) -> BTreeSet<u64> {
    let says = |reply: &&Reply| {
        matches!(reply.code, Some(125 | 150))
            && reply.lines.iter().any(|line| line.to_ascii_uppercase().contains("BINARY"))
    };
    let replies = session.exchanges.iter().flat_map(|exchange| &exchange.replies);
    replies.filter(says).map(|reply| reply.packet).collect()
}

/// Extensions of formats whose bytes are not lines of text.
const BINARY_EXTENSIONS: [&str; 54] = [
    "7z", "apk", "avi", "bin", "bmp", "bz2", "cab", "class", "deb", "dll", "dmg", "doc", "docx", "exe",
    "flac", "gif", "gz", "ico", "img", "iso", "jar", "jpeg", "jpg", "lz4", "lzma", "m4a", "mkv", "mov",
    "mp3", "mp4", "mpeg", "mpg", "msi", "ogg", "parquet", "pcap", "pcapng", "png", "ppt", "pptx", "rar",
    "rpm", "sqlite", "tar", "tgz", "tif", "tiff", "wav", "webp", "xls", "xlsx", "xz", "zip", "zst",
];

fn binary_in_ascii(session: &Session, transfer: &Transfer) -> Option<Finding> {
    let path = transfer.path.as_deref().or(transfer.argument.as_deref())?;
    let (name, extension) = path.rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    let is_binary = !name.is_empty() && BINARY_EXTENSIONS.binary_search(&extension.as_str()).is_ok();
    let from_the_start =
        session.greeting.is_some() && session.control.quality.gaps.is_empty() && session.tls.is_none();
    let type_known = transfer.type_seen || from_the_start;
    let is_ascii = transfer.representation == Type::Ascii && transfer.kind == Some(Carries::File);
    if !is_binary || !type_known || !is_ascii || transfer.bytes == 0 {
        return None;
    }
    let because = if transfer.type_seen {
        "TYPE A was in force"
    } else {
        "no TYPE was sent before, so that ASCII, the default, was in force"
    };
    let mut packets: Vec<u64> = transfer.command_packet.into_iter().collect();
    packets.extend(transfer.data_packets.first);
    let detail = format!(
        "{}: {because}, and the name ends in .{extension}, a format that is not text. {} moved, from {} on.",
        transfer_name(transfer),
        counted(transfer.bytes, "byte"),
        named(&packets)
    );
    Some(ASCII_TYPE_BINARY_FILE.of(session, packets, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, finding, raises};
    use crate::report::{Failure, Gap, ReplyRef, Side};
    use crate::sample::{closing, download, exchange, greeted};

    fn fetched() -> Session {
        let mut session = greeted();
        session.transfers = vec![download(&session)];
        session
    }

    fn cut(session: &mut Session, closing: Vec<Closing>) {
        let transfer = &mut session.transfers[0];
        transfer.complete = false;
        let data = transfer.data.as_mut().unwrap();
        data.state = ConnectionState::Reset;
        data.closing = closing;
    }

    #[test]
    fn a_whole_transfer_is_nothing_to_tell() {
        assert_eq!(codes(&fetched()), ["files-in-clear"]);
    }

    #[test]
    fn a_reset_before_the_sender_s_fin_cuts_short_and_names_its_sender() {
        let mut session = fetched();
        cut(&mut session, vec![closing(179, Side::Initiator, &["RST"], (1, 1), 0)]);
        session.transfers[0].expected_bytes = Some(9000);
        session.transfers[0].expected_from = Some("SIZE".to_owned());
        let found = finding(&session, "transfer-reset");
        assert!(found.detail.contains("RST in #179 by the client"), "{}", found.detail);
        assert!(found.detail.contains("5,000 bytes of 9,000 announced (SIZE)"), "{}", found.detail);
    }

    #[test]
    fn a_reset_after_the_sender_s_fin_loses_nothing() {
        let mut session = fetched();
        cut(
            &mut session,
            vec![
                closing(179, Side::Responder, &["FIN", "ACK"], (5001, 1), 1),
                closing(180, Side::Initiator, &["RST"], (1, 1), 0),
            ],
        );
        assert!(!raises(&session, "transfer-reset"));
    }

    #[test]
    fn a_failure_reply_after_the_beginning_is_told_with_its_meaning() {
        let mut session = fetched();
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(552) });
        assert!(
            finding(&session, "transfer-failed").detail.contains("552 (#180): more than its quota allows")
        );
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(250) });
        assert!(!raises(&session, "transfer-failed"));
    }

    #[test]
    fn a_connection_that_was_closed_before_anything_crossed_is_a_failure_too() {
        let mut session = fetched();
        session.transfers[0].opening_reply = None;
        session.transfers[0].bytes = 0;
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(426) });
        assert!(raises(&session, "transfer-failed"));
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(226) });
        assert!(!raises(&session, "transfer-failed"));
    }

    #[test]
    fn a_failure_that_the_client_asked_for_is_an_abort() {
        let mut session = fetched();
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(426) });
        session.transfers[0].complete = false;
        session.exchanges = vec![exchange(175, "ABOR", None, &[(181, 226, "done")])];
        assert!(raises(&session, "transfer-aborted"));
        assert!(!raises(&session, "transfer-failed"));
    }

    #[test]
    fn an_abort_after_the_end_aborts_nothing() {
        let mut session = fetched();
        session.exchanges = vec![exchange(190, "ABOR", None, &[(191, 226, "done")])];
        assert!(!raises(&session, "transfer-aborted"));
    }

    #[test]
    fn a_transfer_is_unconfirmed_only_if_the_capture_goes_on_to_the_end() {
        let mut session = fetched();
        session.transfers[0].closing_reply = None;
        assert!(!raises(&session, "transfer-unconfirmed"));
        session.control.closing = vec![closing(200, Side::Responder, &["FIN", "ACK"], (9, 9), 9)];
        assert!(raises(&session, "transfer-unconfirmed"));
        session.control.quality.gaps =
            vec![Gap { from: Side::Responder, sequence: 50, length: 24, acknowledged: true }];
        assert!(!raises(&session, "transfer-unconfirmed"));
    }

    #[test]
    fn fewer_bytes_count_only_if_the_sender_ended_in_order() {
        let mut session = fetched();
        session.transfers[0].expected_bytes = Some(6000);
        session.transfers[0].expected_from = Some("150".to_owned());
        assert!(
            finding(&session, "transfer-short")
                .detail
                .contains("5,000 bytes crossed, 6,000 were announced by 150")
        );
        session.transfers[0].data.as_mut().unwrap().closing.clear();
        assert!(!raises(&session, "transfer-short"));
    }

    #[test]
    fn lengths_are_not_compared_in_ascii_type_or_under_tls_or_with_a_reservation() {
        let mut session = fetched();
        session.transfers[0].expected_bytes = Some(6000);
        session.transfers[0].expected_from = Some("ALLO".to_owned());
        assert!(!raises(&session, "transfer-short"));
        session.transfers[0].expected_from = Some("SIZE".to_owned());
        session.transfers[0].representation = Type::Ascii;
        assert!(!raises(&session, "transfer-short"));
        session.transfers[0].representation = Type::Image;
        session.transfers[0].protected = true;
        assert!(!raises(&session, "transfer-short"));
    }

    #[test]
    fn a_server_that_announces_binary_counts_like_the_wire_whatever_type_was_seen() {
        for (text, raised) in
            [("Opening BINARY mode for a (6000 bytes)", true), ("Opening a (6000 bytes)", false)]
        {
            let mut session = fetched();
            session.exchanges = vec![exchange(170, "RETR", Some("a"), &[(172, 150, text)])];
            let transfer = &mut session.transfers[0];
            transfer.type_seen = false;
            transfer.representation = Type::Ascii;
            transfer.expected_bytes = Some(6000);
            transfer.expected_from = Some("150".to_owned());
            transfer.expected_packet = Some(172);
            assert_eq!(raises(&session, "transfer-short"), raised, "{text}");
        }
    }

    #[test]
    fn a_failure_whose_data_connection_nobody_saw_is_told_all_the_same() {
        let mut session = fetched();
        let transfer = &mut session.transfers[0];
        transfer.closing_reply = Some(ReplyRef { packet: 180, code: Some(451) });
        transfer.failure = Some(Failure { cause: FailureCause::NotSeen, packets: Vec::new() });
        assert!(raises(&session, "transfer-failed"));
        session.transfers[0].failure = Some(Failure { cause: FailureCause::Refused, packets: vec![171] });
        assert!(!raises(&session, "transfer-failed"));
    }

    #[test]
    fn more_bytes_than_announced_are_told() {
        let mut session = fetched();
        session.transfers[0].expected_bytes = Some(5000);
        session.transfers[0].expected_from = Some("SIZE".to_owned());
        assert!(!raises(&session, "transfer-long"));
        session.transfers[0].expected_bytes = Some(4999);
        assert!(raises(&session, "transfer-long"));
    }

    #[test]
    fn a_binary_name_in_ascii_type_is_told_with_how_the_type_is_known() {
        let mut session = fetched();
        session.transfers[0].path = Some("/pub/Backup.TAR.GZ".to_owned());
        assert!(!raises(&session, "ascii-type-binary-file"));
        session.transfers[0].representation = Type::Ascii;
        assert!(finding(&session, "ascii-type-binary-file").detail.contains("TYPE A was in force"));
        session.transfers[0].type_seen = false;
        assert!(finding(&session, "ascii-type-binary-file").detail.contains("no TYPE was sent before"));
        session.greeting = None;
        assert!(!raises(&session, "ascii-type-binary-file"));
    }

    #[test]
    fn text_in_ascii_type_is_as_it_should_be() {
        let mut session = fetched();
        session.transfers[0].representation = Type::Ascii;
        assert!(!raises(&session, "ascii-type-binary-file"));
    }

    #[test]
    fn extensions_are_in_order_for_the_search() {
        assert!(BINARY_EXTENSIONS.is_sorted());
    }
}
