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
fn assert_hidden(name: &str, network: &Network, password: &str) {
    let pcap = network.pcap();
    let count = rows(&pcap, &["-"]).len();
    for format in ["text", "json", "jsonl"] {
        let list = packets(&pcap, &["-", "--format", format]);
        let each = (1..=count)
            .map(|number| (number, packets(&pcap, &["-", &number.to_string(), "--format", format])));
        for (number, text) in std::iter::once((0, list)).chain(each) {
            for trace in traces(password) {
                assert!(!text.contains(&trace), "{name}, {format}, packet {number} shows {trace}:\n{text}");
            }
        }
    }
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
    assert_hidden("one segment", &network, PASSWORD);
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
    assert_hidden("pieces", &network, PASSWORD);
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
    assert_hidden("late", &network, PASSWORD);
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

#[test]
fn recorded_captures_show_no_password_of_an_account() {
    for path in super::recorded() {
        let name = path.display().to_string();
        let report = PORT21.run(&["explain", "--show-passwords", "--format", "json", &name]);
        let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
        let sessions = report["sessions"].as_array().unwrap();
        let logins = sessions.iter().flat_map(|session| session["logins"].as_array().unwrap());
        let secret =
            logins.filter(|login| login["guest"] == false).filter_map(|login| login["password"].as_str());
        for password in secret {
            let list = packets(b"", &[&name]);
            assert!(!list.contains(&format!("PASS {password}")), "{name} shows {password}");
        }
    }
}
