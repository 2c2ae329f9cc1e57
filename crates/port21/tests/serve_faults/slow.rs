//! Clients that are slow on purpose. Each waits for the server's answer between its bytes, which is all the pacing that there is.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::client::PATIENCE;
use crate::watched::{FILE, Watched};

/// Between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends one byte after the other to `target`, until the control connection says something. Gives what it says.
fn trickle(control: &TcpStream, mut target: &TcpStream, bytes: impl Iterator<Item = u8>) -> String {
    control.set_read_timeout(Some(PAUSE)).unwrap();
    let mut told = [0; 512];
    for byte in bytes {
        // It may be closed already.
        let _ = target.write_all(&[byte]);
        match (&mut &*control).read(&mut told) {
            Ok(read) => return String::from_utf8_lossy(&told[..read]).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it took all that slowness");
}

/// As many bytes as take far longer than the server waits.
fn many(byte: u8) -> impl Iterator<Item = u8> {
    std::iter::repeat_n(byte, usize::try_from(PATIENCE.as_millis() / PAUSE.as_millis()).unwrap())
}

#[test]
fn a_login_byte_by_byte_is_cut_short() {
    let watched = Watched::start(&["--login-timeout", "1s"]);
    let client = watched.server.client();
    let told = trickle(client.socket(), client.socket(), b"USER ".iter().copied().chain(many(b'a')));
    assert!(told.starts_with("421"), "{told}");
    watched.waits_for(1, "disconnected", "reason", "nobody logged in in time");
    watched.serves_another();
}

#[test]
fn a_command_byte_by_byte_is_no_command_in_time() {
    let watched = Watched::start(&["--idle-timeout", "1s"]);
    let client = watched.log_in();
    let told = trickle(client.socket(), client.socket(), b"SIZE ".iter().copied().chain(many(b'a')));
    assert!(told.starts_with("421"), "{told}");
    watched.waits_for(1, "disconnected", "reason", "no command came in time");
    watched.serves_another();
}

#[test]
fn an_upload_below_the_least_rate_is_ended() {
    let watched = Watched::start(&["--stall-timeout", "1s", "--least-rate", "1000"]);
    let mut slow = watched.log_in();
    let data = slow.data();
    assert!(slow.says("STOR slow").starts_with("150"));
    let told = trickle(slow.socket(), &data, many(b'a'));
    assert!(told.starts_with("426"), "{told}");
    watched.waits_for(1, "transferred", "error", "it went slower than transfers have to");
    assert!(!watched.root().join("slow").exists());
    // Only the transfer is over.
    slow.socket().set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(slow.says("NOOP").starts_with("200"));
}

#[test]
fn an_upload_above_the_least_rate_lasts() {
    let watched = Watched::start(&["--stall-timeout", "500ms", "--least-rate", "20"]);
    let mut client = watched.log_in();
    let mut data = client.data();
    assert!(client.says("STOR steady").starts_with("150"));
    client.socket().set_read_timeout(Some(PAUSE)).unwrap();
    // Over several windows of waiting, each at fifty times the least rate, or less on a busy machine.
    let piece = [b'x'; 50];
    for _ in 0..40 {
        data.write_all(&piece).unwrap();
        let told = client.socket().read(&mut [0; 512]);
        assert!(
            told.as_ref()
                .is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{told:?}"
        );
    }
    drop(data);
    client.socket().set_read_timeout(Some(PATIENCE)).unwrap();
    let told = client.reply();
    assert!(told.starts_with("226"), "{told}");
    assert_eq!(watched.root().join("steady").metadata().unwrap().len(), 2000);
}

#[test]
fn a_client_that_stops_reading_its_file_is_shed_while_others_are_served() {
    let watched = Watched::start(&["--stall-timeout", "1s"]);
    std::fs::write(watched.root().join("large"), vec![b'x'; 50_000_000]).unwrap();
    let descriptors = watched.descriptors();
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut client = watched.log_in();
        client.says("TYPE I");
        let data = client.data();
        assert!(client.says("RETR large").starts_with("150"));
        readers.push((client, data));
    }
    watched.serves_another();
    for (client, data) in &mut readers {
        let told = client.reply();
        assert!(told.starts_with("426"), "{told}");
        let mut rest = Vec::new();
        // What the sockets held, and no more.
        let _ = data.read_to_end(&mut rest);
        assert!(rest.len() < 50_000_000);
    }
    watched.waits_for(20, "transferred", "error", "nothing moved for too long");
    assert!(watched.descriptors() <= descriptors + 20 + 8, "only the dialogues are left");
    let (client, _) = &mut readers[0];
    assert_eq!(client.gets(FILE.0), FILE.1);
}
