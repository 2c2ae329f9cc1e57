//! No password of an account is in the output, in any form, of the list or of any packet.

use port21_testkit::{Network, Side};

use super::{PORT21, packets, rows};

/// Forms in which a password could be seen in an output: as text, as hexadecimal digits with and without spaces. Pieces of
/// four bytes count too, because dumps break lines.
fn traces(password: &str) -> Vec<String> {
    let mut found = Vec::new();
    for piece in password.as_bytes().windows(4) {
        let digits: Vec<String> = piece.iter().map(|byte| format!("{byte:02x}")).collect();
        found.push(String::from_utf8(piece.to_vec()).unwrap());
        found.push(digits.join(" "));
        found.push(digits.concat());
    }
    found
}

/// Looks for `password` in the list and in every packet, in every format.
fn assert_hidden(name: &str, pcap: &[u8], password: &str) {
    let count = rows(pcap, &["-"]).len();
    let traces = traces(password);
    let look = |format: &str| {
        let list = packets(pcap, &["-", "--format", format]);
        let each = (1..=count)
            .map(|number| (number, packets(pcap, &["-", &number.to_string(), "--format", format])));
        for (number, text) in std::iter::once((0, list)).chain(each) {
            for trace in &traces {
                assert!(!text.contains(trace), "{name}, {format}, packet {number} shows {trace}:\n{text}");
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| look("text"));
        look("json");
    });
    let lines = packets(pcap, &["-", "--format", "jsonl"]);
    assert!(!traces.iter().any(|trace| lines.contains(trace)), "{name}: {lines}");
}

const PASSWORD: &str = "Xq7ZvKw9";

fn session() -> (Network, port21_testkit::Ftp) {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.say("USER bob", "331 password?");
    (network, ftp)
}

#[test]
fn password_in_one_segment_is_hidden() {
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome").quit();
    assert_hidden("one segment", &network.pcap(), PASSWORD);
    let text = packets(&network.pcap(), &["-"]);
    assert!(text.contains("Request: PASS <hidden>\n"), "{text}");
}

#[test]
fn password_in_pieces_out_of_order_and_sent_again_is_hidden() {
    let (network, ftp) = session();
    let sent = ftp.control.write(Side::Initiator, format!("PASS {PASSWORD}\r\n"));
    let middle = sent.start + 8;
    ftp.control.emit(Side::Initiator, middle..sent.end);
    ftp.control.emit(Side::Initiator, sent.start..middle);
    network.wait_milliseconds(900);
    ftp.control.emit(Side::Initiator, sent.start + 3..sent.end);
    ftp.control.emit(Side::Initiator, middle + 1..sent.end);
    ftp.control.server("230 welcome\r\n");
    assert_hidden("pieces", &network.pcap(), PASSWORD);
}

#[test]
fn password_whose_hole_was_given_up_is_hidden_when_it_comes_after_all() {
    let (network, ftp) = session();
    let sent = ftp.control.write(Side::Initiator, format!("PASS {PASSWORD}\r\nSYST\r\n"));
    ftp.control.emit(Side::Initiator, sent.end - 6..sent.end);
    ftp.control.ack(Side::Responder);
    network.wait_milliseconds(600);
    ftp.control.server("230 welcome\r\n");
    network.wait_milliseconds(600);
    ftp.control.server("215 UNIX\r\n");
    ftp.control.emit(Side::Initiator, sent.start..sent.end - 6);
    assert_hidden("late", &network.pcap(), PASSWORD);
}

#[test]
fn passwords_of_guests_and_files_are_shown_and_all_are_on_demand() {
    let network = Network::new();
    let ftp = network.ftp_between("10.0.0.1:40000", "10.0.0.2:21");
    ftp.login("anonymous", "me@example").store("notes", 50_001, b"PASS the salt\r\n").quit();
    assert!(packets(&network.pcap(), &["-"]).contains("PASS me@example"));
    let data = rows(&network.pcap(), &["-"]).into_iter().find(|row| row["protocol"] == "FTP-DATA").unwrap();
    let text = packets(&network.pcap(), &["-", &data["number"].to_string()]);
    assert!(text.contains("PASS the s"), "{text}");
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome");
    let text = packets(&network.pcap(), &["-", "--show-passwords"]);
    assert!(text.contains(&format!("PASS {PASSWORD}")), "{text}");
}

#[test]
fn hidden_bytes_are_said_to_be_hidden() {
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome");
    let row = rows(&network.pcap(), &["-"])
        .into_iter()
        .find(|row| row["info"] == "Request: PASS <hidden>")
        .unwrap();
    let text = packets(&network.pcap(), &["-", &row["number"].to_string()]);
    assert!(text.contains("8 bytes that may be a password are hidden"), "{text}");
    assert!(text.contains("--show-passwords"), "{text}");
    assert!(text.contains("50 41 53 53 20 ** ** **"), "{text}");
}

/// The frames of a little-endian pcap, each with the times of its record.
fn frames(pcap: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut found = Vec::new();
    let mut rest = &pcap[24..];
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        found.push((&rest[..8], &rest[16..16 + length]));
        rest = &rest[16 + length..];
    }
    found
}

/// The same capture with other frames in the place of each.
fn replaced(pcap: &[u8], frames_for: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<u8> {
    let mut whole = pcap[..24].to_vec();
    for (times, frame) in frames(pcap) {
        for frame in frames_for(frame) {
            let length = (frame.len() as u32).to_le_bytes();
            whole.extend([times, &length, &length, &frame].concat());
        }
    }
    whole
}

fn holds(bytes: &[u8], piece: &[u8]) -> bool {
    bytes.windows(piece.len()).any(|window| window == piece)
}

/// The bytes of an IPv4 packet in Ethernet from `start` to `end` of what follows its header, as a fragment (RFC 791, section 3.2).
fn fragment(frame: &[u8], start: usize, end: usize) -> Vec<u8> {
    let (header, body) = frame[14..].split_at(20);
    let mut header = header.to_vec();
    header[2..4].copy_from_slice(&((20 + end - start) as u16).to_be_bytes());
    let more = if end < body.len() { 0x2000 } else { 0 };
    header[6..8].copy_from_slice(&(more | (start / 8) as u16).to_be_bytes());
    [&frame[..14], &header, &body[start..end]].concat()
}

#[test]
fn password_in_fragments_is_hidden() {
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome").quit();
    // Behind 20 bytes of TCP header: before the space, and within the password; in order and not.
    for (cut, swapped) in [(24, false), (24, true), (32, false), (32, true)] {
        let pcap = replaced(&network.pcap(), |frame| {
            if !holds(frame, PASSWORD.as_bytes()) {
                return vec![frame.to_vec()];
            }
            let mut both = vec![fragment(frame, 0, cut), fragment(frame, cut, frame.len() - 34)];
            if swapped {
                both.reverse();
            }
            both
        });
        assert_eq!(frames(&pcap).len(), frames(&network.pcap()).len() + 1);
        assert!(packets(&pcap, &["-"]).contains("Request: PASS <hidden>\n"), "{cut}, {swapped}");
        assert_hidden(&format!("fragments at {cut}, swapped: {swapped}"), &pcap, PASSWORD);
    }
}

/// Careless drivers pad short frames with what was in memory before: here, what the frame with the password had there.
#[test]
fn password_in_the_padding_of_other_frames_is_hidden() {
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome").quit();
    let line = format!("PASS {PASSWORD}\r\n");
    for trailer in [line.as_str(), &line[2..], &line[6..12]] {
        let pcap = replaced(&network.pcap(), |frame| {
            let short = frame.len() == 54;
            vec![[frame, if short { trailer.as_bytes() } else { b"" }].concat()]
        });
        let padded: Vec<usize> = (0..)
            .zip(frames(&pcap))
            .filter(|(_, f)| f.1.ends_with(trailer.as_bytes()))
            .map(|(n, _)| n + 1)
            .collect();
        assert!(padded.len() > 3, "{padded:?}");
        let one = packets(&pcap, &["-", &padded[1].to_string()]);
        assert!(one.contains("Padding and trailer of the link layer"), "{one}");
        assert_hidden(&format!("padding {trailer:?}"), &pcap, PASSWORD);
    }
}

#[test]
fn icmp_message_that_quotes_a_password_hides_it() {
    let (network, ftp) = session();
    ftp.say(&format!("PASS {PASSWORD}"), "230 welcome");
    let pcap = network.pcap();
    // The frame with the password, as a pcap record, quoted by a router.
    let at = pcap.windows(5).position(|window| window == b"PASS ").unwrap();
    let ip = at - 40;
    let quoted = &pcap[ip..at + 5 + PASSWORD.len() + 2];
    let total = (28 + quoted.len()) as u16;
    let header =
        [&[0x45, 0][..], &total.to_be_bytes(), &[0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1]].concat();
    let frame = [&pcap[ip - 14..ip], &header, &[3, 1, 0, 0, 0, 0, 0, 0], quoted].concat();
    let length = (frame.len() as u32).to_le_bytes();
    let record = [&pcap[ip - 30..ip - 22], &length, &length, &frame].concat();
    let with_message = [&pcap[..], &record].concat();
    let number = rows(&with_message, &["-"]).len().to_string();
    let text = packets(&with_message, &["-", &number]);
    assert!(text.contains("Destination unreachable (Host unreachable)"), "{text}");
    for trace in traces(PASSWORD) {
        assert!(!text.contains(&trace), "{trace}: {text}");
    }
}

/// Puts `new` in every place of `old`, as long; returns how many there were.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> usize {
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old)).collect();
    places.iter().for_each(|at| bytes[*at..at + old.len()].copy_from_slice(new));
    places.len()
}

/// The recorded captures, with an account in the place of guests, and passwords that look like nothing else in them.
#[test]
fn recorded_captures_show_no_password_of_an_account() {
    let mut with_password = 0;
    for path in super::recorded() {
        let name = path.display().to_string();
        let mut pcap = std::fs::read(&path).unwrap();
        let report = PORT21.run(&["explain", "--show-passwords", "--format", "json", &name]);
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        let sessions = report["sessions"].as_array().unwrap();
        for login in sessions.iter().flat_map(|session| session["logins"].as_array().unwrap()) {
            let password = login["password"].as_str().unwrap();
            let secret = &"Zq7#Kw9vTr!mXp3LcYf5%Hb"[..password.len()];
            replace(&mut pcap, b"USER anonymous", b"USER operator1");
            let lines = [password, secret].map(|password| format!("PASS {password}"));
            assert_eq!(replace(&mut pcap, lines[0].as_bytes(), lines[1].as_bytes()), 1);
            with_password += 1;
            assert_hidden(&name, &pcap, secret);
            assert!(packets(&pcap, &["-"]).contains("Request: PASS <hidden>"), "{name}");
        }
    }
    assert!(with_password >= 8, "{with_password} logins in the clear");
}
