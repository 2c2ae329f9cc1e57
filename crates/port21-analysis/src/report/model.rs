//! The shapes of the report.

use std::borrow::Cow;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use smallvec::SmallVec;
use smol_str::SmolStr;

use super::rare::RareQuality;

/// The name and version of this format.
pub const SCHEMA: &str = "port21.report/1";

/// The report of one input.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Always "port21.report/1".
    pub schema: &'static str,
    /// Every file that was read, in the order given.
    pub captures: Vec<Capture>,
    /// Sums over everything.
    pub totals: Totals,
    /// FTP sessions, in the order in which they ended.
    pub sessions: Vec<Session>,
    /// Findings that belong to no session.
    pub findings: Vec<Finding>,
}

/// One input file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Capture {
    /// As given on the command line; "-" for standard input.
    pub path: String,
    /// "pcap" or "pcapng".
    pub format: String,
    /// Names of the link types that occurred ("EN10MB", "LINUX_SLL2", "LINKTYPE_160").
    pub link_types: Vec<String>,
    /// Packets read.
    pub packets: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// RFC 3339 time of the first packet, UTC.
    pub first_time: Option<String>,
    /// RFC 3339 time of the last packet, UTC.
    pub last_time: Option<String>,
    /// What was wrong with the file.
    pub problems: Vec<Problem>,
}

/// Something wrong with an input.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Problem {
    /// Number of the packet concerned, or of the last one before the problem.
    pub packet: Option<u64>,
    /// One sentence: what, where, what follows.
    pub text: String,
}

/// Sums over all inputs.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Totals {
    /// Packets read.
    pub packets: u64,
    /// Packets with a TCP header.
    pub tcp_packets: u64,
    /// TCP connections.
    pub connections: u64,
    /// FTP sessions.
    pub sessions: u64,
    /// Transfers in them.
    pub transfers: u64,
    /// Packets whose headers could not be read to the end.
    pub undecoded_packets: u64,
    /// Why, and how many each.
    pub undecoded_reasons: Vec<Count>,
    /// What was left out, because a limit was reached or because it fits nowhere, and how much; mostly empty.
    pub dropped: Vec<Count>,
}

/// A named number.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Count {
    /// What was counted.
    pub what: String,
    /// How many.
    pub count: u64,
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP port.
    pub port: u16,
}

/// The server of a session.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Server {
    /// IPv4 or IPv6 address.
    pub address: IpAddr,
    /// TCP port of the control connection.
    pub port: u16,
    /// Its name, where the capture tells.
    pub name: Option<String>,
    /// The packet that told: the DNS answer, the greeting, or the TLS ClientHello.
    pub name_packet: Option<u64>,
    /// The packet that asked DNS for it.
    pub name_query_packet: Option<u64>,
    /// "dns", "greeting" (the server says so of itself) or "tls-server-name".
    pub name_source: Option<NameSource>,
}

/// Where a server's name is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NameSource {
    /// A DNS answer in the capture.
    Dns,
    /// The text of the server's greeting.
    Greeting,
    /// The server name indication of TLS (RFC 6066, section 3).
    TlsServerName,
}

/// How the control connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// In the clear.
    Ftp,
    /// AUTH TLS was accepted (RFC 4217).
    FtpsExplicit,
    /// TLS from the first byte, port 990.
    FtpsImplicit,
}

/// One FTP session: a control connection and everything that belongs to it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Session {
    /// 1-based, in the order in which sessions were recognised.
    pub id: u64,
    /// The client's end of the control connection.
    pub client: Endpoint,
    /// The server's end of it.
    pub server: Server,
    /// Clear or TLS.
    pub protocol: Protocol,
    /// RFC 3339 time of the control connection's first packet.
    pub first_time: String,
    /// Seconds from the first to the last packet of the session, data connections included.
    pub duration: f64,
    /// The control connection.
    pub control: Connection,
    /// The server's first reply (220, RFC 959, section 5.4).
    pub greeting: Option<Reply>,
    /// Every USER, with what became of it.
    pub logins: Vec<Login>,
    /// Every command with its replies, in order.
    pub exchanges: Vec<Exchange>,
    /// Every transfer that was begun or asked for and not refused outright.
    pub transfers: Vec<Transfer>,
    /// Data connections that were opened, or tried in vain (`state` tells), as announced, and used by no transfer.
    pub unused_data_connections: Vec<Connection>,
    /// TLS on the control connection.
    pub tls: Option<Tls>,
    /// Working directory when last known.
    pub directory: Option<String>,
    /// What was odd and harmless: replies that break the grammar and how they were read.
    pub notes: Vec<Note>,
    /// Commands and replies that are not told here because a limit was reached.
    pub dropped_exchanges: u64,
    /// Findings about this session.
    pub findings: Vec<Finding>,
}

/// TLS on a control connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Tls {
    /// Packet of the AUTH command; `null` for implicit TLS.
    pub auth_packet: Option<u64>,
    /// First packet with TLS bytes.
    pub first_packet: Option<u64>,
    /// Version of the ServerHello ("TLS 1.2", "TLS 1.3").
    pub version: Option<String>,
    /// Server name indication (RFC 6066, section 3).
    pub server_name: Option<String>,
    /// First packet in the clear again, after CCC (RFC 4217, section 12.3).
    pub cleared_packet: Option<u64>,
    /// TLS bytes of the client and of the server.
    pub bytes: PerSide,
}

/// A number for each side of a dialogue.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub struct PerSide {
    /// The client's.
    pub client: u64,
    /// The server's.
    pub server: u64,
}

/// A remark with its packet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Note {
    /// Packet number.
    pub packet: Option<u64>,
    /// One sentence.
    pub text: String,
}

/// One attempt to log in.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Login {
    /// Argument of USER; `null` where only PASS was seen.
    pub user: Option<String>,
    /// Bytes of `user` where it is not UTF-8.
    pub user_bytes: Option<String>,
    /// Packet of USER.
    pub user_packet: Option<u64>,
    /// Argument of PASS; `<hidden>` for anything but a guest login unless asked for.
    pub password: Option<String>,
    /// Packet of PASS.
    pub password_packet: Option<u64>,
    /// Whether it is a guest login (anonymous, ftp, guest).
    pub guest: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// Packet of the reply that decided.
    pub reply_packet: Option<u64>,
    /// Its code.
    pub reply_code: Option<u16>,
}

/// What became of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// 230 or 232.
    Accepted,
    /// 4yz or 5yz.
    Rejected,
    /// The deciding reply is not in the capture.
    Unknown,
}

/// A command with the replies to it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Exchange {
    /// `null`: replies to a command that is not in the capture, or to none.
    pub command: Option<Command>,
    /// Every reply, in order; empty: never answered.
    pub replies: Vec<Reply>,
}

/// Numbers of packets: nearly always one.
pub type Packets = SmallVec<[u64; 1]>;

/// A command as sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Command {
    /// Packets that carry its line.
    pub packets: Packets,
    /// Seconds since the first packet of the capture.
    pub time: f64,
    /// In upper case.
    pub verb: Cow<'static, str>,
    /// As sent, without the line end; `<hidden>` for passwords.
    pub argument: Option<SmolStr>,
    /// Bytes of `argument` where it is not UTF-8.
    pub argument_bytes: Option<String>,
    /// Whether the verb is known, and from which document ("RFC 959"); `null`: unknown.
    pub defined_in: Option<&'static str>,
    /// TCP flags of the packet that completes the line.
    pub flags: &'static [&'static str],
    /// Relative sequence number of its first byte.
    pub sequence: u64,
    /// Relative sequence number behind its last byte.
    pub next_sequence: u64,
    /// First packet of the server that acknowledges all of it.
    pub acknowledged_by: Option<u64>,
    /// It was too long: only this many of its bytes are given here.
    pub truncated_from: Option<u64>,
}

/// A reply as sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Reply {
    /// First packet (`packets[0]`).
    pub packet: u64,
    /// Packets that carry its lines.
    pub packets: Packets,
    /// Seconds since the first packet of the capture.
    pub time: f64,
    /// Three digits; `null` where the line has none.
    pub code: Option<u16>,
    /// Text of each line, without code, separator and line end.
    pub lines: SmallVec<[SmolStr; 1]>,
    /// Bytes of each line where one is not UTF-8.
    pub lines_bytes: Option<Vec<String>>,
    /// Relative sequence number of its first byte.
    pub sequence: u64,
    /// Relative sequence number behind its last byte.
    pub next_sequence: u64,
    /// First packet of the client that acknowledges all of it.
    pub acknowledged_by: Option<u64>,
    /// Relative acknowledgment number in that packet.
    pub acknowledgement: Option<u64>,
    /// It was too long: only this many of its bytes are given here.
    pub truncated_from: Option<u64>,
}

/// What a transfer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// RETR, STOR, STOU, APPE.
    File,
    /// LIST, NLST, MLSD.
    Listing,
}

/// Which way a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Server to client.
    Download,
    /// Client to server.
    Upload,
    /// Between two servers (RFC 959, section 5.2, figure 3).
    ServerToServer,
}

/// How the data connection was arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// PORT or LPRT, or the default data port.
    Active,
    /// PASV or LPSV.
    Passive,
    /// EPRT.
    ExtendedActive,
    /// EPSV.
    ExtendedPassive,
}

/// How a data connection was found for its transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// It went to the announced address and port, after the announcement.
    Exact,
    /// It went to the announced port, but another address than announced: address translation.
    AddressTranslated,
    /// It was seen before its announcement.
    Late,
    /// No announcement tells; time, addresses and direction fit nothing else.
    Guessed,
}

/// Representation type (RFC 959, section 3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// TYPE A: the default.
    Ascii,
    /// TYPE I.
    Image,
    /// TYPE E.
    Ebcdic,
    /// TYPE L.
    Local,
}

/// The announcement of a data connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Setup {
    /// "PORT", "PASV", "EPRT", "EPSV", "LPRT", "LPSV", "SPSV", or "default" (RFC 959, section 3.2).
    pub verb: String,
    /// Packet of the command; `null` where it is not in the capture.
    pub command_packet: Option<u64>,
    /// Packet of its reply.
    pub reply_packet: Option<u64>,
    /// Announced address; for EPSV, which announces none, the server's.
    pub address: Option<IpAddr>,
    /// Announced port.
    pub port: Option<u16>,
    /// How the port follows from the text ("19 * 256 + 137 = 5001").
    pub arithmetic: Option<String>,
    /// The announcing text as sent ("192,168,1,10,19,137").
    pub text: Option<String>,
}

/// A packet and a reply code.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct ReplyRef {
    /// Packet number.
    pub packet: u64,
    /// Reply code.
    pub code: Option<u16>,
}

/// Packets that carry a transfer's data.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct DataPackets {
    /// First packet with data.
    pub first: Option<u64>,
    /// Last packet with data.
    pub last: Option<u64>,
    /// How many packets with data, retransmissions included.
    pub count: u64,
    /// The first 64 of them.
    pub list: Vec<u64>,
}

/// A range of bytes that the capture does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// Offset in the transferred bytes.
    pub offset: u64,
    /// How many.
    pub length: u64,
}

/// One transfer: a file or a listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Transfer {
    /// 0-based, in its session.
    pub index: u64,
    /// RETR, STOR, STOU, APPE, LIST, NLST, MLSD; `null` where the command is not in the capture.
    pub verb: Option<String>,
    /// Full path as far as the working directory is known: absolute, or relative to the login directory.
    pub path: Option<String>,
    /// Bytes of `path` where it is not UTF-8.
    pub path_bytes: Option<String>,
    /// Argument of the command as sent.
    pub argument: Option<SmolStr>,
    /// What it carries; `null` where the command is not in the capture.
    pub kind: Option<Kind>,
    /// Which way; `null` where neither command nor data tell.
    pub direction: Option<Direction>,
    /// How the data connection was arranged; `null` where that is not in the capture.
    pub mode: Option<Mode>,
    /// The announcement.
    pub setup: Option<Setup>,
    /// Packet of the command.
    pub command_packet: Option<u64>,
    /// 125 or 150.
    pub opening_reply: Option<ReplyRef>,
    /// The reply that ended it.
    pub closing_reply: Option<ReplyRef>,
    /// The data connection.
    pub data: Option<Connection>,
    /// How it was found; `null` without one.
    pub pairing: Option<Pairing>,
    /// Packets with data.
    pub data_packets: DataPackets,
    /// Representation type in force.
    #[serde(rename = "type")]
    pub representation: Type,
    /// TYPE was seen; otherwise the default of RFC 959 (ASCII) is assumed.
    pub type_seen: bool,
    /// Argument of REST before it.
    pub restart_offset: Option<u64>,
    /// Bytes from the first to the last byte on the wire, holes included.
    pub bytes: u64,
    /// SHA-256 of them, holes as zeros; `null` with `--no-hash` or without a data connection.
    pub sha256: Option<String>,
    /// Every byte is there, the sender closed in order, and the server did not report a failure.
    pub complete: bool,
    /// Why not, in a few words; `null` if complete.
    pub incomplete_because: Option<String>,
    /// Holes.
    pub missing: Vec<Missing>,
    /// What SIZE, the opening reply, MLSD or ALLO announced, less the restart offset.
    pub expected_bytes: Option<u64>,
    /// Which of them: "SIZE", "150", "MLSD", "ALLO".
    pub expected_from: Option<String>,
    /// Packet that announced it.
    pub expected_packet: Option<u64>,
    /// The bytes are TLS (PROT P, RFC 4217, section 9).
    pub protected: bool,
    /// Why no data connection came to be.
    pub failure: Option<Failure>,
    /// Entries, if it is a listing.
    pub listing: Option<Listing>,
    /// For server-to-server transfers: the other session's id and the index of its transfer.
    pub counterpart: Option<Counterpart>,
    /// Seconds from the first to the last data packet.
    pub duration: Option<f64>,
}

/// The other half of a server-to-server transfer.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Counterpart {
    /// Session id.
    pub session: u64,
    /// Index of the transfer in it.
    pub transfer: u64,
}

/// Why an announced data connection was not opened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Failure {
    /// What happened to the attempt.
    pub cause: FailureCause,
    /// Packets that show it.
    pub packets: Vec<u64>,
}

/// What happened to an attempt to open a data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureCause {
    /// SYN was not answered.
    NoAnswer,
    /// SYN was answered by RST.
    Refused,
    /// An ICMP message said that the end cannot be reached.
    Unreachable,
    /// Opened, then reset before any data.
    Reset,
    /// No attempt is in the capture.
    NotSeen,
}

/// A parsed listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Listing {
    /// "unix", "dos", "mlsd", "eplf", "names", "mixed", or a rarer form, such as "vms" or "data-sets"; `null`: nothing
    /// could be parsed.
    pub format: Option<String>,
    /// Entries in order; lines that could not be parsed have only `text`.
    pub entries: Vec<Entry>,
    /// Lines that could not be parsed.
    pub unparsed: u64,
    /// It was longer than the limit: entries end early.
    pub truncated: bool,
}

// What is short is held in place: listings have very many entries.
/// One entry of a listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Entry {
    /// File name.
    pub name: Option<SmolStr>,
    /// Bytes of `name` where it is not UTF-8.
    pub name_bytes: Option<String>,
    /// "file", "directory", "link" or "other".
    pub kind: Option<&'static str>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Time as the listing writes it.
    pub modified: Option<SmolStr>,
    /// Permissions as the listing writes them.
    pub permissions: Option<SmolStr>,
    /// Owner.
    pub owner: Option<SmolStr>,
    /// Group.
    pub group: Option<SmolStr>,
    /// Target of a symbolic link.
    pub target: Option<SmolStr>,
    /// The line as sent.
    pub text: String,
}

/// Packets of the three-way handshake.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Handshake {
    /// SYN.
    pub syn: Option<u64>,
    /// SYN/ACK.
    pub syn_ack: Option<u64>,
    /// ACK.
    pub ack: Option<u64>,
    /// Raw numbers of the SYN.
    pub syn_numbers: Option<Numbers>,
    /// Raw numbers of the SYN/ACK.
    pub syn_ack_numbers: Option<Numbers>,
    /// Raw numbers of the ACK.
    pub ack_numbers: Option<Numbers>,
    /// Seconds from SYN to SYN/ACK (as seen where the capture was made).
    pub round_trip: Option<f64>,
}

/// Raw numbers of a segment.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Numbers {
    /// Raw sequence number.
    pub raw_sequence: u32,
    /// Raw acknowledgment number.
    pub raw_acknowledgement: Option<u32>,
}

/// A value for each end of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PerEnd<T> {
    /// The initiator's.
    pub initiator: T,
    /// The responder's.
    pub responder: T,
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Sent the SYN.
    Initiator,
    /// Received it.
    Responder,
}

/// Who closed a connection first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClosedBy {
    /// Its FIN or RST came first.
    Initiator,
    /// Its FIN or RST came first.
    Responder,
    /// Both sent FIN before either had seen the other's (RFC 9293, figure 13).
    Both,
}

/// How far a connection has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    /// Open when last seen.
    Open,
    /// Both ends sent FIN.
    Closed,
    /// Ended by RST.
    Reset,
    /// One end sent FIN.
    HalfClosed,
    /// The handshake did not succeed.
    NeverOpened,
}

/// A segment that took part in closing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Closing {
    /// Packet number.
    pub packet: u64,
    /// Who sent it.
    pub from: Side,
    /// Flags by name.
    pub flags: &'static [&'static str],
    /// Relative sequence number.
    pub sequence: u64,
    /// Relative acknowledgment number.
    pub acknowledgement: Option<u64>,
    /// Raw sequence number.
    pub raw_sequence: u32,
    /// Raw acknowledgment number.
    pub raw_acknowledgement: Option<u32>,
}

/// A TCP connection.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Connection {
    /// 0-based by first packet, as Wireshark's `tcp.stream`.
    pub stream: u64,
    /// Community ID, version 1, seed 0.
    pub community_id: String,
    /// Active opener; where no handshake was seen, the sender of the first packet.
    pub initiator: Endpoint,
    /// Passive opener.
    pub responder: Endpoint,
    /// First packet.
    pub first_packet: u64,
    /// Last packet.
    pub last_packet: u64,
    /// Seconds of the first packet since the first packet of the capture.
    pub first_time: f64,
    /// Seconds of the last packet since the first packet of the capture.
    pub last_time: f64,
    /// Handshake.
    pub handshake: Handshake,
    /// Raw initial sequence numbers, where a SYN was seen.
    pub initial_sequence: PerEnd<Option<u32>>,
    /// FINs, RSTs and the first acknowledgment of each FIN, in order.
    pub closing: Vec<Closing>,
    /// Who sent the first FIN or RST.
    pub closed_by: Option<ClosedBy>,
    /// How far it has come.
    pub state: ConnectionState,
    /// Bytes of the stream, each counted once, without holes.
    pub bytes: PerEnd<u64>,
    /// Captured bytes that have no place in the stream: they belong behind the FIN, or came after
    /// their hole had been given up, or too late to be the beginning of a stream whose SYN is not in the capture.
    pub unplaced_bytes: PerEnd<u64>,
    /// Packets.
    pub packets: PerEnd<u64>,
    /// Bytes of these packets from the IP header on, retransmissions included.
    pub ip_bytes: PerEnd<u64>,
    /// Which kinds of packets were seen, in the letters of Zeek's `conn.log` ("ShADadFf").
    pub history: String,
    /// What was odd about its segments.
    #[schemars(with = "Quality")]
    pub quality: RareQuality,
}

/// What was odd about a connection's segments: packet numbers by the names of Wireshark's `tcp.analysis.*`.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Quality {
    /// `tcp.analysis.retransmission`
    pub retransmissions: Vec<u64>,
    /// `tcp.analysis.fast_retransmission`
    pub fast_retransmissions: Vec<u64>,
    /// `tcp.analysis.spurious_retransmission`
    pub spurious_retransmissions: Vec<u64>,
    /// `tcp.analysis.out_of_order`
    pub out_of_order: Vec<u64>,
    /// `tcp.analysis.duplicate_ack`
    pub duplicate_acks: Vec<u64>,
    /// `tcp.analysis.lost_segment`
    pub lost_segments: Vec<u64>,
    /// `tcp.analysis.ack_lost_segment`
    pub acked_unseen: Vec<u64>,
    /// `tcp.analysis.keep_alive`
    pub keep_alives: Vec<u64>,
    /// `tcp.analysis.keep_alive_ack`
    pub keep_alive_acks: Vec<u64>,
    /// `tcp.analysis.zero_window`
    pub zero_windows: Vec<u64>,
    /// `tcp.analysis.zero_window_probe`
    pub zero_window_probes: Vec<u64>,
    /// `tcp.analysis.zero_window_probe_ack`
    pub zero_window_probe_acks: Vec<u64>,
    /// `tcp.analysis.window_update`
    pub window_updates: Vec<u64>,
    /// `tcp.analysis.window_full`
    pub window_full: Vec<u64>,
    /// `tcp.analysis.reused_ports`
    pub reused_ports: Vec<u64>,
    /// The same frame captured twice.
    pub duplicate_frames: Vec<u64>,
    /// Data after the sender's FIN, or after a reset.
    pub data_after_close: Vec<u64>,
    /// Segments with URG.
    pub urgent: Vec<u64>,
    /// How often each occurred, where a list reached its limit and ends early; by the names above.
    pub truncated_lists: Vec<Count>,
    /// Bytes that the capture does not hold.
    pub gaps: Vec<Gap>,
    /// The same place in the stream sent twice with different bytes.
    pub conflicts: Vec<Conflict>,
    /// Pauses between data segments.
    pub stalls: Vec<Stall>,
}

/// Bytes that the capture does not hold.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Gap {
    /// Who sent them.
    pub from: Side,
    /// Relative sequence number of the first missing byte.
    pub sequence: u64,
    /// How many.
    pub length: u64,
    /// The receiver acknowledged them: they crossed the wire, and only the capture misses them.
    pub acknowledged: bool,
}

/// The same place in a stream sent twice with different bytes. The first bytes count.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Conflict {
    /// Who sent them.
    pub from: Side,
    /// Relative sequence number of the first byte of the overlap.
    pub sequence: u64,
    /// Length of the overlap.
    pub length: u64,
    /// Packet whose bytes count.
    pub first_packet: Option<u64>,
    /// Packet with other bytes.
    pub second_packet: u64,
    /// SHA-256 of the overlap as first seen.
    pub first_sha256: String,
    /// SHA-256 of the overlap in the second packet.
    pub second_sha256: String,
}

/// A pause between two data segments of one direction.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
pub struct Stall {
    /// Who was sending.
    pub sender: Side,
    /// Last data segment before it.
    pub from_packet: u64,
    /// First data segment after it.
    pub to_packet: u64,
    /// Its length in seconds.
    pub seconds: f64,
    /// "sender", "receiver" or "network".
    pub cause: StallCause,
}

/// Whose a pause was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StallCause {
    /// It had nothing to send.
    Sender,
    /// Its window was closed or full.
    Receiver,
    /// Data was lost and had to be sent again.
    Network,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Worth a look.
    Low,
    /// Something did not work, or leaked.
    Medium,
    /// Someone should act.
    High,
}

/// Something that is wrong, or worth knowing, with its proof.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Finding {
    /// Stable name in kebab-case.
    pub code: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Session id; `null`: belongs to no session.
    pub session: Option<u64>,
    /// Packets that prove it, at most 64.
    pub packets: Vec<u64>,
    /// A few words.
    pub title: &'static str,
    /// What happened, with this capture's own numbers; whom it concerns.
    pub detail: String,
    /// RFC and section, or the definition that it rests on.
    pub rule: &'static str,
    /// What to do.
    pub advice: &'static str,
}
