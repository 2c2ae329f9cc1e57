//! Names of servers, from DNS answers in the capture (RFC 1035), over UDP and TCP.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{Name, RData};
use port21_capture::Timestamp;

use crate::analysis::{DnsAnswer, DnsTransaction};
use crate::limits::{Dropped, Loss, NameLimits};
use crate::report::NameSource;
use crate::tcp::{Chunk, End, Endpoint};

/// The port of DNS.
pub const DNS_PORT: u16 = 53;

/// So many aliases are followed from an address to the name that was asked for.
const ALIASES: usize = 16;

/// Names remembered of one address.
const NAMES_PER_ADDRESS: usize = 8;

/// A name that an answer gave to an address.
#[derive(Debug, Clone)]
struct Answered {
    name: String,
    client: IpAddr,
    packet: u64,
    query_packet: Option<u64>,
}

/// A question, as an answer repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    client: (IpAddr, u16),
    server: (IpAddr, u16),
    id: u16,
}

/// Who sent a DNS message, and in which packet.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// Sender.
    pub source: (IpAddr, u16),
    /// Receiver.
    pub destination: (IpAddr, u16),
    /// "udp" or "tcp".
    pub transport: &'static str,
    /// Packet that completes the message.
    pub packet: u64,
    /// Its time.
    pub time: Timestamp,
}

/// What the beginning of a message says (RFC 1035, sections 4.1.1 and 4.1.2).
struct Head<'a> {
    id: u16,
    /// The second word: kind, flags and response code (RFC 1035, section 4.1.1).
    flags: u16,
    is_response: bool,
    has_answers: bool,
    /// The name of the first question as it stands there, label by label; empty where there is none.
    name: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(bytes: &'a [u8]) -> Option<Head<'a>> {
        let ([i0, i1, flags, code, q0, q1, a0, a1, ..], rest) = bytes.split_first_chunk::<12>()?;
        let name = if (*q0, *q1) == (0, 0) { &[] } else { first_name(rest).unwrap_or_default() };
        Some(Head {
            id: u16::from_be_bytes([*i0, *i1]),
            flags: u16::from_be_bytes([*flags, *code]),
            is_response: flags & 0x80 != 0,
            has_answers: (*a0, *a1) != (0, 0),
            name,
        })
    }

    /// The question that the message asks or answers.
    fn question(&self, envelope: Envelope) -> Question {
        let (client, server) = match self.is_response {
            true => (envelope.destination, envelope.source),
            false => (envelope.source, envelope.destination),
        };
        Question { client, server, id: self.id }
    }
}

/// The name at the beginning of `bytes`, which is the first of its message and so cannot point to another.
fn first_name(bytes: &[u8]) -> Option<&[u8]> {
    const LONGEST_LABEL: u8 = 63;
    const LONGEST_NAME: usize = 255;
    let mut length = 0usize;
    loop {
        let label = *bytes.get(length)?;
        if label > LONGEST_LABEL || length >= LONGEST_NAME {
            return None;
        }
        length += 1 + usize::from(label);
        if label == 0 {
            return bytes.get(..length);
        }
    }
}

/// Names by address, as DNS answers told them.
#[derive(Debug)]
pub struct Names {
    record: bool,
    limits: NameLimits,
    questions: HashMap<Question, Asked>,
    /// Questions in the order in which they were asked, with the packet. Some have been answered.
    order: VecDeque<(Question, u64)>,
    by_address: HashMap<IpAddr, VecDeque<Answered>>,
    /// Addresses in the order in which they were named; each stands here for one name.
    named: VecDeque<IpAddr>,
    transactions: Vec<DnsTransaction>,
    /// Bytes of messages over TCP that are not whole.
    buffered: usize,
    /// What limits have cost.
    pub dropped: Dropped,
}

/// A question that waits for its answer.
#[derive(Debug)]
struct Asked {
    packet: u64,
    time: Timestamp,
    query: Vec<u8>,
    /// All that was asked, if it is to be reported.
    transaction: Option<Box<DnsTransaction>>,
}

impl Names {
    /// No names yet; `record`: keep every transaction for [`Names::take_transactions`].
    pub fn new(record: bool, limits: NameLimits) -> Self {
        Names {
            record,
            limits,
            questions: HashMap::new(),
            order: VecDeque::new(),
            by_address: HashMap::new(),
            named: VecDeque::new(),
            transactions: Vec::new(),
            buffered: 0,
            dropped: Dropped::default(),
        }
    }

    /// The name of `server`: the latest answer that `client` got, else the latest that anyone got.
    pub fn lookup(&self, server: IpAddr, client: IpAddr) -> Option<crate::ftp::ServerName> {
        let names = self.by_address.get(&server)?;
        let asked_by_client = names.iter().rfind(|answered| answered.client == client);
        let answered = asked_by_client.or(names.back())?;
        Some(crate::ftp::ServerName {
            name: answered.name.clone(),
            packet: answered.packet,
            query_packet: answered.query_packet,
            source: NameSource::Dns,
        })
    }

    /// Whether there are transactions to take.
    pub fn has_transactions(&self) -> bool {
        !self.transactions.is_empty()
    }

    /// Transactions that were answered, or given up, since the last call; `all`: also those that still wait.
    pub fn take_transactions(&mut self, all: bool) -> Vec<DnsTransaction> {
        if all {
            for (question, _) in std::mem::take(&mut self.order) {
                let asked = self.questions.remove(&question);
                self.transactions.extend(asked.and_then(|asked| asked.transaction).map(|all| *all));
            }
        }
        std::mem::take(&mut self.transactions)
    }

    /// A DNS message. What cannot be read is passed over: it names nobody.
    pub fn message(&mut self, envelope: Envelope, bytes: &[u8]) {
        let Some(head) = Head::read(bytes) else { return };
        // Most messages name nobody, and need not be taken apart.
        let names_somebody = head.is_response && head.has_answers;
        if !(self.record || names_somebody) {
            if head.is_response {
                self.questions.remove(&head.question(envelope));
            } else {
                self.asked(envelope, &head, None);
            }
            return;
        }
        let Ok(message) = Message::from_vec(bytes) else { return };
        match message.metadata.message_type {
            MessageType::Query => self.asked(envelope, &head, Some(&message)),
            MessageType::Response => self.answered(envelope, &head, &message),
        }
    }

    /// A question; `message` where every transaction is kept.
    fn asked(&mut self, envelope: Envelope, head: &Head<'_>, message: Option<&Message>) {
        let question = head.question(envelope);
        // A question that is repeated keeps its first packet.
        if self.questions.contains_key(&question) {
            return;
        }
        let all = message.filter(|_| self.record).map(|message| {
            let mut all = transaction(&question, envelope.transport, head, message);
            all.asked = Some((envelope.packet, envelope.time));
            Box::new(all)
        });
        let Envelope { packet, time, .. } = envelope;
        let query = head.name.to_ascii_lowercase();
        self.order.push_back((question.clone(), packet));
        self.questions.insert(question, Asked { packet, time, query, transaction: all });
        while self.order.len() > self.limits.questions
            && let Some((oldest, packet)) = self.order.pop_front()
        {
            if self.questions.get(&oldest).is_some_and(|asked| asked.packet == packet)
                && let Some(given_up) = self.questions.remove(&oldest)
            {
                self.dropped.add(Loss::Questions);
                self.transactions.extend(given_up.transaction.map(|all| *all));
            }
        }
    }

    fn answered(&mut self, envelope: Envelope, head: &Head<'_>, message: &Message) {
        let question = head.question(envelope);
        let asked = self.questions.remove(&question).filter(|asked| {
            asked.query.is_empty() || head.name.is_empty() || head.name.eq_ignore_ascii_case(&asked.query)
        });
        let query_packet = asked.as_ref().map(|asked| asked.packet);
        let names = names_of(message);
        for (address, name) in names {
            self.remember(
                address,
                Answered { name, client: question.client.0, packet: envelope.packet, query_packet },
            );
        }
        if self.record {
            let mut done = transaction(&question, envelope.transport, head, message);
            done.asked = asked.map(|asked| (asked.packet, asked.time));
            done.answered = Some((envelope.packet, envelope.time));
            self.transactions.push(done);
        }
    }

    fn remember(&mut self, address: IpAddr, answered: Answered) {
        let names = self.by_address.entry(address).or_default();
        names.push_back(answered);
        if names.len() > NAMES_PER_ADDRESS {
            // Its place in the order stands for the new one.
            names.pop_front();
            return;
        }
        self.named.push_back(address);
        while self.named.len() > self.limits.names
            && let Some(oldest) = self.named.pop_front()
        {
            self.dropped.add(Loss::Names);
            if let Some(names) = self.by_address.get_mut(&oldest) {
                names.pop_front();
                if names.is_empty() {
                    self.by_address.remove(&oldest);
                }
            }
        }
    }

    /// Bytes of a TCP connection to a DNS server: messages with their length before them.
    pub fn stream_data(&mut self, stream: &mut DnsStream, from: End, chunk: &Chunk<'_>) {
        let envelope = stream.envelope(from, chunk);
        let [initiator, responder] = &mut stream.buffers;
        let place = if from == End::Initiator { initiator } else { responder };
        let Some(buffer) = place else { return };
        let more = chunk.bytes.len();
        if self.buffered.saturating_add(more) > self.limits.message_bytes {
            self.dropped.add(Loss::MessageBytes);
            self.buffered = self.buffered.saturating_sub(buffer.len());
            *place = None;
            return;
        }
        let before = buffer.len();
        buffer.extend_from_slice(chunk.bytes);
        let mut at = 0;
        while let Some(([high, low], rest)) = buffer.get(at..).and_then(|rest| rest.split_first_chunk::<2>())
        {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(message) = rest.get(..length) else { break };
            self.message(envelope, message);
            at += 2 + length;
        }
        buffer.drain(..at);
        self.buffered = self.buffered.saturating_sub(before).saturating_add(buffer.len());
    }

    /// Bytes of one direction of such a connection are missing, and with them the places where messages begin.
    pub fn lose(&mut self, stream: &mut DnsStream, from: End) {
        let [initiator, responder] = &mut stream.buffers;
        let lost = if from == End::Initiator { initiator } else { responder }.take();
        self.buffered = self.buffered.saturating_sub(lost.map_or(0, |buffer| buffer.len()));
    }

    /// Such a connection has ended.
    pub fn stream_ended(&mut self, mut stream: DnsStream) {
        self.lose(&mut stream, End::Initiator);
        self.lose(&mut stream, End::Responder);
    }
}

/// What is not yet a whole message, by direction; `None`: bytes were lost, and with them the places where messages begin.
#[derive(Debug)]
pub struct DnsStream {
    /// Initiator and responder of the connection.
    ends: [Endpoint; 2],
    turned: bool,
    buffers: [Option<Vec<u8>>; 2],
}

impl DnsStream {
    /// Of a connection between these ends, on which nothing was said yet.
    pub fn new(ends: [Endpoint; 2]) -> Self {
        DnsStream { ends, turned: false, buffers: [Some(Vec::new()), Some(Vec::new())] }
    }

    /// Whether the ends were taken for each other at first; nothing was said before that shows.
    pub fn set_turned(&mut self, turned: bool) {
        if std::mem::replace(&mut self.turned, turned) != turned {
            self.ends.reverse();
        }
    }

    fn envelope(&self, from: End, chunk: &Chunk<'_>) -> Envelope {
        let [initiator, responder] = self.ends.map(|end| (end.address, end.port));
        let (source, destination) = match from {
            End::Initiator => (initiator, responder),
            End::Responder => (responder, initiator),
        };
        Envelope { source, destination, transport: "tcp", packet: chunk.packet, time: chunk.time }
    }
}

fn text(name: &Name) -> String {
    let text = name.to_ascii();
    text.strip_suffix('.').map(str::to_owned).unwrap_or(text)
}

/// Addresses with the names that lead to them: the name asked for, where a chain of CNAMEs connects the two.
fn names_of(message: &Message) -> Vec<(IpAddr, String)> {
    let mut alias_of: HashMap<&Name, &Name> = HashMap::new();
    for record in &message.answers {
        if let RData::CNAME(target) = &record.data {
            alias_of.insert(&target.0, &record.name);
        }
    }
    let named = |owner: &Name| {
        let mut name = owner;
        // A chain may be a circle.
        for _ in 0..ALIASES {
            match alias_of.get(name) {
                Some(alias) => name = alias,
                None => break,
            }
        }
        text(name)
    };
    let address = |data: &RData| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    };
    message.answers.iter().filter_map(|record| Some((address(&record.data)?, named(&record.name)))).collect()
}

fn transaction(
    question: &Question,
    transport: &'static str,
    head: &Head<'_>,
    message: &Message,
) -> DnsTransaction {
    let metadata = &message.metadata;
    let query = message.queries.first();
    let answered = metadata.message_type == MessageType::Response;
    DnsTransaction {
        client: question.client,
        server: question.server,
        transport,
        id: metadata.id,
        query: query.map(|query| text(query.name())).unwrap_or_default(),
        query_type: query.map(|query| query.query_type().to_string()).unwrap_or_default(),
        query_type_number: query.map(|query| u16::from(query.query_type())).unwrap_or_default(),
        asked: None,
        answered: None,
        response_code: answered.then(|| u16::from(metadata.response_code)),
        answers: message
            .answers
            .iter()
            .map(|record| DnsAnswer {
                name: text(&record.name),
                kind: record.record_type().to_string(),
                data: record.data.to_string(),
                time_to_live: record.ttl,
            })
            .collect(),
        header_flags: head.flags,
        flags: [
            metadata.authoritative,
            metadata.truncation,
            metadata.recursion_desired,
            metadata.recursion_available,
        ],
    }
}
