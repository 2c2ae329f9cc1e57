//! A session as a story: what to say, in which order, in which words; how it looks is the renderers' work.
//!
//! Takes a session of the report, gives facts, steps and closing words. All text in a story is escaped for a
//! terminal already.

mod closing;
mod dialogue;
mod opening;
mod transfer;

use port21_analysis::report::{Connection, Finding, Mode, Session, Side};

pub use transfer::{mode_name, path, whole};

use crate::escape;
use crate::render::words;

/// The story of one session.
#[derive(Debug)]
pub struct Story<'a> {
    /// Number of the session.
    pub id: u64,
    /// Ends and name: "192.0.2.1:2011 -> ftp.example (192.0.2.2:21)".
    pub ends: String,
    /// Who logged in, or what became of it.
    pub user: String,
    /// How long it took.
    pub duration: String,
    /// What came before the dialogue: time, name, handshake.
    pub facts: Vec<Fact>,
    /// The dialogue, with data connections and TLS at their place.
    pub steps: Vec<Step>,
    /// What came after it: closing, TCP's troubles, notes.
    pub aftermath: Vec<Fact>,
    /// The session's findings, worst first.
    pub findings: Vec<&'a Finding>,
}

/// A labelled statement; `lines` of more than one belong together.
#[derive(Debug, PartialEq, Eq)]
pub struct Fact {
    /// One word.
    pub label: &'static str,
    /// What is to be said.
    pub lines: Vec<String>,
}

impl Fact {
    fn new(label: &'static str, line: String) -> Fact {
        Fact { label, lines: vec![line] }
    }
}

/// Who said something in the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The FTP client.
    Client,
    /// The FTP server.
    Server,
}

impl Speaker {
    /// "client" or "server".
    pub fn name(self) -> &'static str {
        match self {
            Speaker::Client => "client",
            Speaker::Server => "server",
        }
    }
}

/// A step of the dialogue.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// A command or a reply.
    Said {
        /// Packets that carry it.
        packets: Vec<u64>,
        /// Who said it.
        from: Speaker,
        /// Its lines.
        lines: Vec<String>,
        /// What the words mean, or what is remarkable.
        hints: Vec<String>,
    },
    /// Something beside the dialogue: a data connection, TLS.
    Aside {
        /// What: "data", "TLS".
        label: &'static str,
        /// Sentences, the most important first.
        lines: Vec<String>,
    },
    /// Exchanges that say the same as the one before.
    Repeated {
        /// How many.
        times: u64,
        /// What each of them says, with all packets: ("NOOP", packets), ("200", packets).
        parts: Vec<(String, Vec<u64>)>,
    },
}

/// Tells a session.
pub fn tell(session: &Session) -> Story<'_> {
    Story {
        id: session.id,
        ends: opening::ends(session),
        user: opening::user(session),
        duration: words::seconds(session.duration),
        facts: opening::facts(session),
        steps: dialogue::steps(session),
        aftermath: closing::aftermath(session),
        findings: worst_first(&session.findings),
    }
}

/// Findings by severity, then by their first packet.
pub fn worst_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut sorted: Vec<_> = findings.iter().collect();
    sorted.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.packets.first().copied()));
    sorted
}

/// Who an end of a control or data connection of this session is: "the client", "the server", or, where neither has
/// that address, its address. `mode` tells them apart where both have the same one.
fn who(session: &Session, connection: &Connection, side: Side, mode: Option<Mode>) -> String {
    let end = match side {
        Side::Initiator => &connection.initiator,
        Side::Responder => &connection.responder,
    };
    let is_client = if connection.stream == session.control.stream {
        // The client is whoever talks like one, even where it did not send the SYN.
        Some(*end == session.client)
    } else if session.client.address == session.server.address {
        mode.map(|mode| (side == Side::Responder) == matches!(mode, Mode::Active | Mode::ExtendedActive))
            .filter(|_| end.address == session.client.address)
    } else if end.address == session.client.address {
        Some(true)
    } else {
        (end.address == session.server.address).then_some(false)
    };
    match is_client {
        Some(true) => "the client".into(),
        Some(false) => "the server".into(),
        None => words::endpoint(end),
    }
}

/// A path, a name or a line from the wire.
fn wire(text: &str, bytes: Option<&String>) -> String {
    escape::wire(text, bytes.map(String::as_str))
}
