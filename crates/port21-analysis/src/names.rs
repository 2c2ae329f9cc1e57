//! Names of servers, from DNS answers in the capture (RFC 1035), over UDP and TCP.

use std::collections::VecDeque;
use std::net::IpAddr;

use hashbrown::HashMap;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{Name, RData};
use port21_capture::Timestamp;

use crate::analysis::DnsTransaction;
use crate::report::NameSource;
use crate::tcp::{Chunk, Connection, End};

/// The port of DNS.
pub const DNS_PORT: u16 = 53;

/// Questions that wait for an answer.
const QUESTION_LIMIT: usize = 1 << 16;

/// Addresses whose names are remembered.
const ADDRESS_LIMIT: usize = 1 << 16;

/// Names remembered of one address.
const NAMES_PER_ADDRESS: usize = 8;

/// Longest DNS message over TCP: its length field has 16 bits (RFC 1035, section 4.2.2).
const MESSAGE_LIMIT: usize = 1 << 16;

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

/// Names by address, as DNS answers told them.
#[derive(Debug)]
pub struct Names {
    record: bool,
    questions: HashMap<Question, DnsTransaction>,
    order: VecDeque<Question>,
    by_address: HashMap<IpAddr, Vec<Answered>>,
    transactions: Vec<DnsTransaction>,
    /// Answers that were not remembered because there were too many.
    pub dropped: u64,
}

impl Names {
    /// No names yet; `record`: keep every transaction for [`Names::take_transactions`].
    pub fn new(record: bool) -> Self {
        Names {
            record,
            questions: HashMap::new(),
            order: VecDeque::new(),
            by_address: HashMap::new(),
            transactions: Vec::new(),
            dropped: 0,
        }
    }

    /// The name of `server`: the latest answer that `client` got, else the latest that anyone got.
    pub fn lookup(&self, server: IpAddr, client: IpAddr) -> Option<crate::ftp::ServerName> {
        let names = self.by_address.get(&server)?;
        let asked_by_client = names.iter().rfind(|answered| answered.client == client);
        let answered = asked_by_client.or(names.last())?;
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
            for question in std::mem::take(&mut self.order) {
                self.transactions.extend(self.questions.remove(&question));
            }
        }
        std::mem::take(&mut self.transactions)
    }

    /// A DNS message. What cannot be read is passed over: it names nobody.
    pub fn message(&mut self, envelope: Envelope, bytes: &[u8]) {
        let Ok(message) = Message::from_vec(bytes) else { return };
        match message.metadata.message_type {
            MessageType::Query => self.asked(envelope, &message),
            MessageType::Response => self.answered(envelope, &message),
        }
    }

    fn asked(&mut self, envelope: Envelope, message: &Message) {
        let question =
            Question { client: envelope.source, server: envelope.destination, id: message.metadata.id };
        let mut transaction = transaction(&question, envelope.transport, message);
        transaction.asked = Some((envelope.packet, envelope.time));
        // A question that is repeated keeps its first packet.
        if self.questions.contains_key(&question) {
            return;
        }
        if self.order.len() >= QUESTION_LIMIT {
            let given_up = self.order.pop_front().and_then(|oldest| self.questions.remove(&oldest));
            self.transactions.extend(given_up.filter(|_| self.record));
        }
        self.order.push_back(question.clone());
        self.questions.insert(question, transaction);
    }

    fn answered(&mut self, envelope: Envelope, message: &Message) {
        let question =
            Question { client: envelope.destination, server: envelope.source, id: message.metadata.id };
        let asked = self.questions.remove(&question).filter(|asked| {
            asked.query.is_empty() || message.queries.first().is_none_or(|q| text(q.name()) == asked.query)
        });
        let query_packet = asked.as_ref().and_then(|asked| asked.asked).map(|(packet, _)| packet);
        let names = names_of(message);
        for (address, name) in names {
            self.remember(
                address,
                Answered { name, client: question.client.0, packet: envelope.packet, query_packet },
            );
        }
        if self.record {
            let mut done = transaction(&question, envelope.transport, message);
            done.asked = asked.and_then(|asked| asked.asked);
            done.answered = Some((envelope.packet, envelope.time));
            self.transactions.push(done);
        }
    }

    fn remember(&mut self, address: IpAddr, answered: Answered) {
        if self.by_address.len() >= ADDRESS_LIMIT && !self.by_address.contains_key(&address) {
            self.dropped += 1;
            return;
        }
        let names = self.by_address.entry(address).or_default();
        if names.len() >= NAMES_PER_ADDRESS {
            names.remove(0);
        }
        names.push(answered);
    }

    /// Bytes of a TCP connection to a DNS server: messages with their length before them.
    pub fn stream_data(
        &mut self,
        stream: &mut DnsStream,
        connection: &Connection,
        from: End,
        chunk: &Chunk<'_>,
    ) {
        let [initiator, responder] = &mut stream.buffers;
        let Some(buffer) = (if from == End::Initiator { initiator } else { responder }) else { return };
        buffer.extend_from_slice(chunk.bytes);
        let end = |end| {
            let endpoint = connection.end(end);
            (endpoint.address, endpoint.port)
        };
        let envelope = Envelope {
            source: end(from),
            destination: end(from.other()),
            transport: "tcp",
            packet: chunk.packet,
            time: chunk.time,
        };
        let mut at = 0;
        while let Some(([high, low], rest)) = buffer.get(at..).and_then(|rest| rest.split_first_chunk::<2>())
        {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let Some(message) = rest.get(..length) else { break };
            self.message(envelope, message);
            at += 2 + length;
        }
        buffer.drain(..at);
        if buffer.len() > MESSAGE_LIMIT + 2 {
            buffer.clear();
        }
    }
}

/// What is not yet a whole message, by direction; `None`: bytes were lost, and with them the places where messages begin.
#[derive(Debug)]
pub struct DnsStream {
    buffers: [Option<Vec<u8>>; 2],
}

impl Default for DnsStream {
    fn default() -> Self {
        DnsStream { buffers: [Some(Vec::new()), Some(Vec::new())] }
    }
}

impl DnsStream {
    /// Bytes of one direction are missing.
    pub fn lose(&mut self, from: End) {
        let [initiator, responder] = &mut self.buffers;
        *(if from == End::Initiator { initiator } else { responder }) = None;
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
        // No longer than the answer: a chain may be a circle.
        for _ in 0..message.answers.len() {
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

fn transaction(question: &Question, transport: &'static str, message: &Message) -> DnsTransaction {
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
        answers: message.answers.iter().map(|record| (record.data.to_string(), record.ttl)).collect(),
        flags: [
            metadata.authoritative,
            metadata.truncation,
            metadata.recursion_desired,
            metadata.recursion_available,
        ],
    }
}
