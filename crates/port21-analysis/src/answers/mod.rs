//! The laboratory "TCP & FTP": its 25 questions answered for any session.
//!
//! Takes a session of the report, gives answers: prose, facts and the packets that prove them. Every fact is computed
//! from the session; what the capture cannot tell is `null` in the facts and said in the prose. Never looks at packets.
//!
//! ```text
//! Session ──▶ Context (the login, the transfer, the ends that the questions are about) ──▶ question 1 to 25
//! ```

mod acknowledging;
mod arrangement;
mod closing;
mod context;
mod data;
mod dialogue;
mod handshakes;
mod leaving;
mod login;
mod names;
mod numbers;
mod ready;

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::Session;
use context::Context;

pub use acknowledging::SharedAcknowledgement;
pub use arrangement::{Arrangement, Opener};
pub use closing::{Closer, ClosingSegments};
pub use data::{DataBytes, DataCommand, EndsOfConnection, Transferred, TwoConnections};
pub use dialogue::{Dialogue, Line};
pub use handshakes::{AckNumber, Handshakes, Opening, SynAckNumbers, SynNumber};
pub use leaving::{Leaving, LeavingAnswer, LeavingFlags};
pub use login::{Exposure, LoginPackets, Password};
pub use names::{Ports, ServerName};
pub use numbers::{InitialNumbers, RelativeAndRaw, Sequences};
pub use ready::{Ready, ReadyProof};

/// The name and version of this format.
pub const SCHEMA: &str = "port21.answers/1";

/// How many questions the laboratory has.
pub const QUESTIONS: u8 = 25;

/// Most packet numbers given beside one answer.
const PACKETS_LIMIT: usize = 64;

/// All answers about one session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Answers {
    /// Always "port21.answers/1".
    pub schema: &'static str,
    /// The capture, as given on the command line.
    pub capture: String,
    /// Id of the session that the answers are about.
    pub session: u64,
    /// One for each question, in order.
    pub answers: Vec<Answer>,
}

/// The answer to one question.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Answer {
    /// Number of the question, from 1.
    pub question: u8,
    /// Plain prose; text from the wire in it is not escaped.
    pub answer: String,
    /// The same as values; what the capture cannot tell is `null`.
    pub facts: Facts,
    /// Packets that prove it, ascending, at most 64.
    pub packets: Vec<u64>,
    /// RFC and section that it rests on.
    pub rule: String,
}

/// The facts of an answer: each question has its own.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Facts {
    /// Question 1.
    ServerName(ServerName),
    /// Questions 2 and 3.
    Ports(Ports),
    /// Question 4.
    Handshakes(Handshakes),
    /// Question 5.
    Opening(Opening),
    /// Question 6.
    Ready(Ready),
    /// Question 7.
    ReadyProof(ReadyProof),
    /// Question 8.
    LoginPackets(LoginPackets),
    /// Question 9.
    Password(Password),
    /// Question 10.
    Exposure(Exposure),
    /// Question 11.
    DataCommand(DataCommand),
    /// Question 12.
    DataBytes(DataBytes),
    /// Question 13.
    TwoConnections(TwoConnections),
    /// Question 14.
    Leaving(Leaving),
    /// Question 15.
    LeavingFlags(LeavingFlags),
    /// Question 16.
    LeavingAnswer(LeavingAnswer),
    /// Question 17.
    ClosingSegments(ClosingSegments),
    /// Question 18.
    Closer(Closer),
    /// Question 19.
    Sequences(Sequences),
    /// Question 20.
    RelativeAndRaw(RelativeAndRaw),
    /// Question 21.
    Dialogue(Dialogue),
    /// Question 22.
    Transferred(Transferred),
    /// Question 23.
    Opener(Opener),
    /// Question 24.
    Arrangement(Arrangement),
    /// Question 25.
    SharedAcknowledgement(SharedAcknowledgement),
}

/// Answers every question for `session`, which was read from `capture`.
pub fn answer(session: &Session, capture: &str) -> Answers {
    let context = &Context::new(session);
    let answers = vec![
        names::server_name(context),
        names::server_ports(context),
        names::client_ports(context),
        handshakes::packets(context),
        handshakes::meaning(context),
        ready::packet(context),
        ready::proof(context),
        login::packets(context),
        login::password(context),
        login::exposure(context),
        data::command(context),
        data::packets(context),
        data::two_connections(context),
        leaving::command(context),
        leaving::flags(context),
        leaving::reply(context),
        closing::segments(context),
        closing::closer(context),
        numbers::sequences(context),
        numbers::relative_and_raw(context),
        dialogue::stream(context),
        data::transferred(context),
        arrangement::opener(context),
        arrangement::announcement(context),
        acknowledging::shared(context),
    ];
    Answers { schema: SCHEMA, capture: capture.to_owned(), session: session.id, answers }
}

impl Answer {
    fn new(question: u8, answer: String, facts: Facts, mut packets: Vec<u64>, rule: &str) -> Answer {
        packets.sort_unstable();
        packets.dedup();
        packets.truncate(PACKETS_LIMIT);
        Answer { question, answer, facts, packets, rule: rule.to_owned() }
    }
}

#[cfg(test)]
mod tests;
