//! What is said: FTP sessions, and the other traffic of a network.

use std::net::{Ipv4Addr, SocketAddr};

use port21_testkit::Side::{Initiator, Responder};

use super::conversation::Act;
use super::random::Random;

/// What an FTP session does after its login.
#[derive(Debug, Clone, Copy)]
pub enum Errand {
    /// LIST of so many entries.
    List(u64),
    /// RETR of so many bytes.
    Retrieve(u64),
    /// STOR of so many bytes.
    Store(u64),
}

/// An end; `host` tells hosts apart.
pub fn end(network: u8, host: u64, port: u16) -> SocketAddr {
    let [_, _, _, _, _, _, high, low] = host.to_be_bytes();
    SocketAddr::new(Ipv4Addr::new(10, network, high, low).into(), port)
}

/// An FTP session of `user` with these errands, in passive or active mode by turns.
pub fn ftp(ends: [SocketAddr; 2], user: &str, errands: &[Errand], random: &mut Random) -> Vec<Act> {
    let [client, server] = ends;
    let mut acts = vec![Act::Dial];
    let say = |acts: &mut Vec<Act>, command: &str, reply: &str| {
        if !command.is_empty() {
            acts.push(Act::Say(Initiator, format!("{command}\r\n")));
        }
        acts.push(Act::Say(Responder, format!("{reply}\r\n")));
    };
    say(&mut acts, "", "220 FTP server ready");
    say(&mut acts, &format!("USER {user}"), "331 Password required");
    say(&mut acts, &format!("PASS {user}@example.org"), "230 Logged in");
    say(&mut acts, "TYPE I", "200 Type set to I");
    for (index, errand) in errands.iter().enumerate() {
        let port = u16::try_from(random.between(20_000, 60_000)).unwrap_or(20_000);
        let active = index % 2 == 1;
        let (opener, listener) = if active {
            (SocketAddr::new(server.ip(), 20), SocketAddr::new(client.ip(), port))
        } else {
            let own = u16::try_from(random.between(1025, 19_999)).unwrap_or(1025);
            (SocketAddr::new(client.ip(), own), SocketAddr::new(server.ip(), port))
        };
        let numbers =
            format!("{},{},{}", listener.ip().to_string().replace('.', ","), port >> 8, port & 0xff);
        match active {
            true => say(&mut acts, &format!("PORT {numbers}"), "200 PORT command successful"),
            false => say(&mut acts, "PASV", &format!("227 Entering Passive Mode ({numbers})")),
        }
        let command = match errand {
            Errand::List(_) => "LIST".to_owned(),
            Errand::Retrieve(_) => format!("RETR file{index}.bin"),
            Errand::Store(_) => format!("STOR file{index}.bin"),
        };
        acts.push(Act::Say(Initiator, format!("{command}\r\n")));
        acts.push(Act::DialData(opener, listener));
        acts.push(Act::Say(Responder, "150 Opening data connection\r\n".into()));
        let (server_side, client_side) = if active { (Initiator, Responder) } else { (Responder, Initiator) };
        let sender = if matches!(errand, Errand::Store(_)) { client_side } else { server_side };
        acts.push(match errand {
            Errand::List(entries) => Act::DataText(sender, listing(*entries, random)),
            Errand::Retrieve(bytes) | Errand::Store(bytes) => Act::Data(sender, *bytes),
        });
        acts.push(Act::HangUpData(sender));
        acts.push(Act::Say(Responder, "226 Transfer complete\r\n".into()));
    }
    say(&mut acts, "QUIT", "221 Goodbye");
    acts.push(Act::HangUp(Responder));
    acts
}

fn listing(entries: u64, random: &mut Random) -> String {
    let entry = |index: u64, size: u64| {
        format!("-rw-r--r--   1 ftp      ftp      {size:>10} Mar 14 09:26 report-{index:04}.txt\r\n")
    };
    (0..entries).map(|index| entry(index, random.between(100, 1_000_000))).collect()
}

/// A request and an answer of HTTP.
pub fn http(bytes: u64) -> Vec<Act> {
    let request = "GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nAccept: */*\r\n\r\n".to_owned();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: {bytes}\r\n\r\n");
    let answer = [Act::Say(Responder, head), Act::Send(Responder, bytes), Act::HangUp(Responder)];
    [Act::Dial, Act::Say(Initiator, request)].into_iter().chain(answer).collect()
}

/// Something that looks like TLS from outside.
pub fn tls(bytes: u64) -> Vec<Act> {
    // ClientHello and ServerHello records whose contents nobody looks into.
    let record =
        |length: u8| format!("\u{16}\u{3}\u{1}\0{}{}", char::from(length), "\u{1}".repeat(length.into()));
    let hellos = [Act::Dial, Act::Say(Initiator, record(120)), Act::Say(Responder, record(80))];
    hellos.into_iter().chain([Act::Send(Responder, bytes), Act::HangUp(Initiator)]).collect()
}

/// A question and an answer of DNS (RFC 1035, section 4.1).
pub fn dns(host: u64, random: &mut Random) -> Vec<Act> {
    let id = random.number() as u16;
    let name = format!("host{host}");
    let mut question = Vec::new();
    for label in [name.as_str(), "example", "org"] {
        question.push(u8::try_from(label.len()).unwrap_or(0));
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    let message = |flags: u16, answers: u16| {
        let header = [id, flags, 1, answers, 0, 0].map(u16::to_be_bytes).concat();
        [header, question.clone()].concat()
    };
    let address = end(3, host, 0).ip();
    let octets = if let std::net::IpAddr::V4(address) = address { address.octets() } else { [0; 4] };
    let record = [&[0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0, 0, 4][..], &octets].concat();
    let answer = [message(0x8180, 1), record].concat();
    vec![Act::Datagram(Initiator, message(0x0100, 0)), Act::Wait(12), Act::Datagram(Responder, answer)]
}

/// A stream of datagrams, most of them from the responder.
pub fn datagrams(count: u64, random: &mut Random) -> Vec<Act> {
    let mut datagram = |index: u64| match index % 10 {
        0 => Act::Datagram(Initiator, random.bytes(60)),
        _ => Act::Datagram(Responder, random.bytes(1200)),
    };
    (0..count).map(&mut datagram).collect()
}
