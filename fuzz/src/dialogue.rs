//! FTP: conversations put together from the words of the protocol, so that most of them get somewhere.

use std::net::{IpAddr, Ipv4Addr};

use arbitrary::{Arbitrary, Unstructured};
use port21_analysis::analysis::{Analysis, Options, Share, Tally};
use port21_analysis::answers;
use port21_analysis::limits::{LIMITS, Limits};
use port21_capture::decode::TcpOptions;
use port21_capture::{Decoded, Flags, Scope, Segment, Timestamp, Transport};

/// What happens next on one of a few connections.
#[derive(Debug, Arbitrary)]
struct Event {
    /// Two bits of client port, two of server port, one of direction, one of who connects.
    ends: u8,
    what: What,
    /// Tenths of a second until then.
    later: u8,
}

#[derive(Debug, Arbitrary)]
enum What {
    Open,
    Command(u8, u8),
    Reply(u8),
    Bytes(u8, u8),
    Lost(u16),
    Again,
    Acknowledge,
    Finish,
    Reset,
}

const COMMANDS: [&str; 24] = [
    "USER bob",
    "USER anonymous",
    "PASS secret",
    "ACCT x",
    "PORT 10,0,0,1,156,66",
    "PASV",
    "EPSV",
    "EPSV ALL",
    "EPRT |1|10.0.0.1|40002|",
    "RETR file",
    "STOR file",
    "STOU",
    "LIST",
    "MLSD",
    "NLST",
    "SIZE file",
    "REST 3",
    "TYPE I",
    "CWD dir",
    "QUIT",
    "REIN",
    "ABOR",
    "AUTH TLS",
    "ALLO 5",
];

const REPLIES: [&str; 28] = [
    "220 FTP ready",
    "120 wait",
    "331 password?",
    "230 welcome",
    "530 no",
    "200 ok",
    "227 at (10,0,0,2,156,66)",
    "229 at (|||40002|)",
    "227 at (10,0,0,9,156,66)",
    "125 go",
    "150 go (12 bytes)",
    "226 done",
    "250 done",
    "213 12",
    "350 go on",
    "425 no connection",
    "426 broken",
    "451 no",
    "500 what?",
    "550 no such file",
    "421 bye",
    "221 bye",
    "257 \"/dir\"",
    "234 TLS",
    "220-more\r\n text\r\n220 end",
    "text without a code",
    "550-open",
    "999 odd",
];

/// Ports that announcements name, and others.
const CLIENT_PORTS: [u16; 4] = [40_000, 40_001, 40_002, 20];
const SERVER_PORTS: [u16; 4] = [21, 40_002, 20, 2121];

/// Analyses a conversation under limits that bite, twice: the same input, the same output.
pub fn dialogue(bytes: &[u8]) {
    assert_eq!(told(bytes), told(bytes), "the same input gives the same output");
}

fn told(bytes: &[u8]) -> String {
    let mut source = Unstructured::new(bytes);
    let mut limits = Limits::default();
    for limit in LIMITS {
        let value = usize::from(source.arbitrary::<u8>().unwrap_or(255));
        // Most of them high enough not to hide the others.
        if value < 64 {
            *(limit.place)(&mut limits) = value;
        }
    }
    let tally = Tally::new(&limits);
    let options = Options { limits, record_connections: true, record_dns: true, ..Options::default() };
    let mut talk =
        Talk { analysis: Analysis::new(options), offsets: [[0; 2]; 16], packet: 0, time: Timestamp(0) };
    while !source.is_empty() {
        let Ok(event) = Event::arbitrary(&mut source) else { break };
        talk.happen(&event);
    }
    talk.conclude(tally)
}

struct Talk {
    analysis: Analysis,
    /// How far client and server have spoken, by connection.
    offsets: [[u32; 2]; 16],
    packet: u64,
    time: Timestamp,
}

impl Talk {
    fn happen(&mut self, event: &Event) {
        self.time.0 += i64::from(event.later) * 100_000_000;
        let from_server = event.ends & 16 != 0;
        match &event.what {
            What::Open => {
                self.offsets[usize::from(event.ends & 15)] = [0; 2];
                self.send(event, false, 0x02, 0xffff_ffff, b"");
                self.send(event, true, 0x12, 0xffff_ffff, b"");
            }
            What::Command(index, noise) => {
                let command = COMMANDS[usize::from(*index) % COMMANDS.len()];
                let text =
                    if *noise < 230 { format!("{command}\r\n") } else { format!("{command}{noise}\n") };
                self.say(event, false, text.as_bytes());
            }
            What::Reply(index) => {
                let text = format!("{}\r\n", REPLIES[usize::from(*index) % REPLIES.len()]);
                self.say(event, true, text.as_bytes());
            }
            What::Bytes(filling, length) => {
                self.say(event, from_server, &vec![*filling; usize::from(*length)])
            }
            What::Lost(length) => *self.offset(event, from_server) += u32::from(*length),
            What::Again => {
                let before = self.offset(event, from_server).saturating_sub(4);
                self.send(event, from_server, 0x18, before, b"\r\nQU");
            }
            What::Acknowledge => self.say(event, from_server, b""),
            What::Finish => {
                let offset = *self.offset(event, from_server);
                self.send(event, from_server, 0x11, offset, b"");
            }
            What::Reset => {
                let offset = *self.offset(event, from_server);
                self.send(event, from_server, 0x14, offset, b"");
            }
        }
    }

    fn offset(&mut self, event: &Event, from_server: bool) -> &mut u32 {
        &mut self.offsets[usize::from(event.ends & 15)][usize::from(from_server)]
    }

    fn say(&mut self, event: &Event, from_server: bool, bytes: &[u8]) {
        let offset = *self.offset(event, from_server);
        self.send(event, from_server, 0x18, offset, bytes);
        *self.offset(event, from_server) += bytes.len() as u32;
    }

    /// One segment; `offset` counts from the first byte behind the SYN.
    fn send(&mut self, event: &Event, from_server: bool, flags: u16, offset: u32, payload: &[u8]) {
        let heard = *self.offset(event, !from_server);
        let [client, server] = [1, 2].map(|host| IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)));
        let ports =
            (CLIENT_PORTS[usize::from(event.ends & 3)], SERVER_PORTS[usize::from(event.ends >> 2 & 3)]);
        let (addresses, (source_port, destination_port)) =
            if from_server { ((server, client), (ports.1, ports.0)) } else { ((client, server), ports) };
        self.packet += 1;
        let segment = Segment {
            source_port,
            destination_port,
            sequence: offset.wrapping_add(1000),
            acknowledgement: heard.wrapping_add(1000),
            flags: Flags(flags),
            window: 60_000,
            urgent_pointer: 0,
            options: TcpOptions::default(),
            payload,
            payload_length: payload.len() as u32,
        };
        self.analysis.packet(&Decoded {
            packet: self.packet,
            time: self.time,
            scope: Scope::default(),
            addresses: Some(addresses),
            hop_limit: 64,
            identification: 0,
            ip_length: 40 + payload.len() as u32,
            transport: Some(Transport::Tcp(segment)),
            reassembled: None,
            stopped: None,
        });
    }

    /// Everything that can be told.
    fn conclude(mut self, mut tally: Tally) -> String {
        self.analysis.end();
        let (sessions, connections, _) = super::sorted(self.analysis.take_news());
        sessions.iter().for_each(|session| tally.add(Share::of(session)));
        let answers: Vec<_> = sessions.iter().map(|session| answers::answer(session, "input")).collect();
        let conclusion = self.analysis.conclude(tally);
        let told = (&sessions, &answers, &conclusion.totals, &conclusion.findings, connections);
        serde_json::to_string(&told).expect("everything can be written as JSON")
    }
}
