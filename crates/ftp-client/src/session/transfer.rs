//! A transfer, up to the command that starts it.
//!
//! ```text
//! Representing ── 200 ──▶ Arranging: EPSV, PASV ── address ──▶ Connecting ── open ──▶ Restarting ── 350 ──▶ Asked
//!                         Listening ── port ──▶ Arranging: EPRT, PORT ── 200 ───────▶ (REST with an offset only)
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ftp_protocol::address::{eprt_argument, parse_epsv_reply, parse_pasv_reply, port_argument};
use ftp_protocol::sequence::{is_completion, is_intermediate, is_preliminary};
use ftp_protocol::{Command, Reply, Verb};

use super::request::{Representation, Transfer};
use super::settings::DataMode;
use super::{Action, Event, Session, State, after};
use crate::error::{Asked, Error, Said, place};
use crate::note::Note;

/// A transfer under way.
#[derive(Debug)]
pub(super) struct Transferring {
    pub(super) transfer: Transfer,
    pub(super) phase: Phase,
    /// Where the data connection goes or comes, for people.
    pub(super) place: String,
    pub(super) data: Data,
    /// A preliminary reply has come (1yz), or the closing one without it.
    pub(super) accepted: bool,
    /// Bytes may cross.
    pub(super) flowing: bool,
    /// The closing reply, if it said that all is well.
    pub(super) closing: Option<Reply>,
    /// What became of the data connection, if it failed.
    pub(super) trouble: Option<Error>,
    /// Bytes that crossed.
    pub(super) bytes: u64,
    /// The size that the opening reply told.
    pub(super) told: Option<u64>,
    /// The end was announced by close_notify, where TLS protects the data.
    pub(super) announced_end: bool,
    /// The control connection has ended behind the closing reply.
    pub(super) control_is_gone: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// TYPE is sent.
    Representing,
    /// The driver opens a listener.
    Listening,
    /// EPSV, PASV, EPRT or PORT is sent.
    Arranging(Arrangement),
    /// The driver connects.
    Connecting(Arrangement),
    /// REST or RANG is sent.
    Restarting(Arrangement),
    /// The transfer command is sent.
    Asked,
}

/// How a data connection is arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrangement {
    ExtendedPassive,
    Passive,
    ExtendedActive(SocketAddr),
    Active(SocketAddr),
}

/// The data connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    Closed,
    Open,
    Protected,
    Ended,
}

impl Transferring {
    fn new(transfer: Transfer) -> Self {
        Self {
            transfer,
            phase: Phase::Representing,
            place: String::new(),
            data: Data::Closed,
            accepted: false,
            flowing: false,
            closing: None,
            trouble: None,
            bytes: 0,
            told: None,
            announced_end: true,
            control_is_gone: false,
        }
    }

    pub(super) fn is_upload(&self) -> bool {
        self.transfer.is_upload()
    }

    pub(super) fn is_asked(&self) -> bool {
        self.phase == Phase::Asked
    }

    /// Bytes may cross, and nothing is wrong yet.
    pub(super) fn can_stall(&self) -> bool {
        self.flowing && matches!(self.data, Data::Open | Data::Protected) && self.trouble.is_none()
    }

    /// A preliminary reply has begun it.
    pub(super) fn has_begun(&self) -> bool {
        self.is_asked() && self.accepted
    }

    /// The server has said that it is complete.
    pub(super) fn is_confirmed(&self) -> bool {
        self.closing.is_some()
    }

    /// Bytes of a download are still to come.
    pub(super) fn awaits_data(&self) -> bool {
        self.flowing && !self.is_upload() && self.data != Data::Ended
    }

    /// The error of a transfer whose control connection ended before the closing reply.
    pub(super) fn not_confirmed(&self, reason: Option<String>) -> Error {
        let reason = match reason {
            None => "it closed the control connection".to_owned(),
            Some(reason) => format!("the control connection broke: {reason}"),
        };
        Error::NotConfirmed { command: self.asked(), bytes: self.bytes, reason }
    }

    pub(super) fn asked(&self) -> Asked {
        Asked(self.transfer.command.clone())
    }
}

impl Session {
    pub(super) fn start_transfer(&mut self, now: Instant, transfer: Transfer) -> Result<State, Error> {
        transfer
            .command
            .encode()
            .map_err(|reason| Error::Argument { command: Asked(transfer.command.clone()), reason })?;
        let wanted = transfer.representation;
        let under_way = Box::new(Transferring::new(transfer));
        // RFC 3659 section 7.2: MLSD's form does not depend on TYPE.
        let any = under_way.transfer.command.known_verb() == Some(Verb::Mlsd);
        if any || self.representation == Some(wanted) {
            return self.arrange(now, under_way);
        }
        self.representation = None;
        self.send(now, Command::new(Verb::Type, Some(wanted.code().as_bytes())))?;
        Ok(State::Transferring(under_way))
    }

    fn arrange(&mut self, now: Instant, mut under_way: Box<Transferring>) -> Result<State, Error> {
        let (arrangement, verb, argument) = match self.settings.data {
            DataMode::Active => {
                self.actions.push_back(Action::Listen);
                self.data_open = true;
                self.outstanding = None;
                self.deadline = Some(after(now, self.settings.timeouts.connect));
                under_way.phase = Phase::Listening;
                return Ok(State::Transferring(under_way));
            }
            DataMode::Passive if self.refused.epsv && !self.settings.ipv6 => {
                (Arrangement::Passive, Verb::Pasv, None)
            }
            DataMode::Passive => (Arrangement::ExtendedPassive, Verb::Epsv, None),
        };
        under_way.phase = Phase::Arranging(arrangement);
        self.send(now, Command::new(verb, argument))?;
        Ok(State::Transferring(under_way))
    }

    fn announce(
        &mut self,
        now: Instant,
        mut under_way: Box<Transferring>,
        address: SocketAddr,
    ) -> Result<State, Error> {
        under_way.place = address.to_string();
        let command = match address {
            SocketAddr::V4(v4) if self.refused.eprt => {
                under_way.phase = Phase::Arranging(Arrangement::Active(address));
                Command::new(Verb::Port, Some(port_argument(v4).as_bytes()))
            }
            _ => {
                under_way.phase = Phase::Arranging(Arrangement::ExtendedActive(address));
                Command::new(Verb::Eprt, Some(eprt_argument(address).as_bytes()))
            }
        };
        self.send(now, command)?;
        Ok(State::Transferring(under_way))
    }

    pub(super) fn transfer_reply(&mut self, now: Instant, mut under_way: Box<Transferring>, reply: Reply) {
        let code = reply.code.unwrap_or_default();
        let next = match under_way.phase {
            Phase::Asked => return self.asked_reply(now, under_way, reply),
            _ if is_preliminary(code) => Ok(State::Transferring(under_way)),
            Phase::Representing if is_completion(code) => {
                self.representation = Some(under_way.transfer.representation);
                self.arrange(now, under_way)
            }
            Phase::Arranging(arrangement) => self.arranging_reply(now, under_way, arrangement, reply, code),
            Phase::Restarting(arrangement) if is_intermediate(code) || is_completion(code) => {
                self.ask(now, under_way, arrangement)
            }
            // Nothing is asked while the driver listens or connects.
            Phase::Listening | Phase::Connecting(_) => {
                self.state = State::Transferring(under_way);
                return self.pass_over(now, reply);
            }
            Phase::Representing | Phase::Restarting(_) => {
                under_way.phase = Phase::Listening;
                let (command, reply) = (self.outstanding_asked(), Said::new(reply));
                Err(Error::Refused { command, reply })
            }
        };
        self.enter(now, next);
    }

    fn arranging_reply(
        &mut self,
        now: Instant,
        under_way: Box<Transferring>,
        arrangement: Arrangement,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        match arrangement {
            Arrangement::ExtendedPassive | Arrangement::Passive if is_completion(code) => {
                self.connect(now, under_way, arrangement, reply, code)
            }
            Arrangement::ExtendedActive(_) | Arrangement::Active(_) if is_completion(code) => {
                self.restart(now, under_way, arrangement)
            }
            Arrangement::ExtendedPassive if code >= 400 && !self.settings.ipv6 => {
                self.refused.epsv = true;
                self.fall_back(reply, "PASV was used");
                self.arrange(now, under_way)
            }
            Arrangement::ExtendedActive(address @ SocketAddr::V4(_)) if code >= 400 => {
                self.refused.eprt = true;
                self.fall_back(reply, "PORT was used");
                self.announce(now, under_way, address)
            }
            _ => Err(Error::Refused { command: self.outstanding_asked(), reply: Said::new(reply) }),
        }
    }

    fn fall_back(&mut self, reply: Reply, instead: &'static str) {
        let command = self.outstanding_asked();
        self.notes.add(Note::Fallback { command, reply: Said::new(reply), instead });
    }

    /// Connects to what the reply to EPSV or PASV announces.
    fn connect(
        &mut self,
        now: Instant,
        mut under_way: Box<Transferring>,
        arrangement: Arrangement,
        reply: Reply,
        code: u16,
    ) -> Result<State, Error> {
        let text = reply.joined();
        let extended = arrangement == Arrangement::ExtendedPassive;
        let announced = match code {
            229 => parse_epsv_reply(&text),
            227 => parse_pasv_reply(&text),
            _ if extended => parse_epsv_reply(&text),
            _ => parse_pasv_reply(&text),
        };
        let announced = announced.map_err(|reason| Error::NoDataAddress {
            command: self.outstanding_asked(),
            reply: Said::new(reply.clone()),
            reason,
        })?;
        if extended != (code == 229) {
            self.notes.add(Note::OtherPassiveReply(Said::new(reply)));
        }
        if announced.port == 0 {
            let reason = "the server announced port 0".to_owned();
            return Err(Error::DataNotConnected { place: place(None, 0), reason });
        }
        let address = self.chosen_address(announced.address);
        under_way.place = place(address.or(self.settings.peer), announced.port);
        under_way.phase = Phase::Connecting(arrangement);
        self.outstanding = None;
        self.deadline = Some(after(now, self.settings.timeouts.connect));
        self.data_open = true;
        self.actions.push_back(Action::Connect { address, port: announced.port });
        Ok(State::Transferring(under_way))
    }

    /// The address to connect to; `None` is the control connection's peer.
    fn chosen_address(&mut self, announced: Option<IpAddr>) -> Option<IpAddr> {
        let announced = announced.filter(|address| !address.is_unspecified())?;
        if self.settings.peer == Some(announced) {
            return None;
        }
        if self.settings.use_announced_address {
            self.notes.add(Note::AnnouncedAddressUsed { announced });
            return Some(announced);
        }
        self.notes.add(Note::AnnouncedAddressIgnored { announced });
        None
    }

    fn restart(
        &mut self,
        now: Instant,
        mut under_way: Box<Transferring>,
        arrangement: Arrangement,
    ) -> Result<State, Error> {
        let offset = under_way.transfer.offset;
        let command = match under_way.transfer.end {
            // draft-bryan-ftp-range section 3: the last byte is named, not the one behind it.
            Some(end) => {
                let range = format!("{offset} {}", end.saturating_sub(1));
                Command::new(Verb::Rang, Some(range.as_bytes()))
            }
            None if offset == 0 => return self.ask(now, under_way, arrangement),
            None => Command::new(Verb::Rest, Some(offset.to_string().as_bytes())),
        };
        under_way.phase = Phase::Restarting(arrangement);
        self.send(now, command)?;
        Ok(State::Transferring(under_way))
    }

    fn ask(
        &mut self,
        now: Instant,
        mut under_way: Box<Transferring>,
        arrangement: Arrangement,
    ) -> Result<State, Error> {
        under_way.phase = Phase::Asked;
        self.send(now, under_way.transfer.command.clone())?;
        match arrangement {
            Arrangement::ExtendedActive(_) | Arrangement::Active(_) => self.actions.push_back(Action::Accept),
            _ if self.protection.data => self.actions.push_back(Action::StartDataTls),
            _ => {}
        }
        Ok(State::Transferring(under_way))
    }

    /// Takes an event of the data connection before the transfer command is sent.
    pub(super) fn arranging_event(&mut self, now: Instant, mut under_way: Box<Transferring>, event: Event) {
        let next = match (under_way.phase, event) {
            (Phase::Listening, Event::Listening(address)) => self.announce(now, under_way, address),
            (Phase::Connecting(arrangement), Event::DataOpened) => {
                under_way.data = Data::Open;
                self.restart(now, under_way, arrangement)
            }
            (Phase::Connecting(Arrangement::ExtendedPassive), Event::DataFailed(reason))
                if !self.settings.ipv6 =>
            {
                self.refused.epsv = true;
                self.close_data(false);
                self.notes.add(Note::ExtendedPassiveFailed(reason));
                self.arrange(now, under_way)
            }
            (_, Event::DataFailed(reason)) => {
                let place = if under_way.place.is_empty() {
                    "a local port".to_owned()
                } else {
                    std::mem::take(&mut under_way.place)
                };
                Err(Error::DataNotConnected { place, reason })
            }
            _ => Ok(State::Transferring(under_way)),
        };
        self.enter(now, next);
    }

    /// The representation that the server was told last, if it is known.
    pub fn representation(&self) -> Option<Representation> {
        self.representation
    }
}
