//! A transfer from its command on: two things must end, the data connection and the dialogue, and both must say that all is
//! well (RFC 959 section 3.3: the end of the data connection is the end of the file; section 5.4: 226 or 250 confirms it).

use std::time::{Duration, Instant};

use ftp_protocol::sequence::{announced_size, is_completion, is_preliminary};
use ftp_protocol::{Reply, Verb};

use super::request::{Answer, Representation};
use super::transfer::{Data, Transferring};
use super::{Action, Event, Session, State, after};
use crate::error::{Error, Said};
use crate::note::Note;

/// How long the reply is awaited that explains why a data connection broke.
const PATIENCE_WITH_EXPLANATION: Duration = Duration::from_secs(10);

/// How long a data connection is awaited that a closing reply has overtaken.
const PATIENCE_WITH_LATE_DATA: Duration = Duration::from_secs(5);

impl Session {
    /// Takes the reply to the transfer command.
    pub(super) fn asked_reply(&mut self, now: Instant, mut under_way: Box<Transferring>, reply: Reply) {
        let code = reply.code.unwrap_or_default();
        if is_preliminary(code) {
            if under_way.accepted {
                self.state = State::Transferring(under_way);
                self.notes.add(Note::StrayReply(Said::new(reply)));
                return;
            }
            under_way.accepted = true;
            under_way.told = announced_size(reply.text());
            return self.flow_if_ready(now, under_way);
        }
        if is_completion(code) {
            under_way.accepted = true;
            under_way.closing = Some(reply);
            self.unsettled = false;
            if under_way.data == Data::Closed && under_way.trouble.is_none() {
                self.deadline = Some(after(now, PATIENCE_WITH_LATE_DATA));
            }
            return self.flow_if_ready(now, under_way);
        }
        self.unsettled = true;
        let reply_said = Said::new(reply);
        let error = if code < 400 {
            Error::UnexpectedReply { command: under_way.asked(), reply: reply_said }
        } else if under_way.flowing {
            let (command, bytes) = (under_way.asked(), under_way.bytes);
            Error::TransferFailed { command, bytes, reply: reply_said }
        } else if code == 425 && under_way.data == Data::Closed {
            Error::DataNotOpened { place: under_way.place.clone(), reason: reply_said.to_string() }
        } else {
            Error::Refused { command: under_way.asked(), reply: reply_said }
        };
        self.state = State::Transferring(under_way);
        self.fail(now, error);
    }

    /// Lets bytes cross once the server has accepted the command and the data connection is as it has to be.
    fn flow_if_ready(&mut self, now: Instant, mut under_way: Box<Transferring>) {
        let wanted = if self.protection.data { Data::Protected } else { Data::Open };
        if under_way.accepted && under_way.data == wanted && !under_way.flowing {
            under_way.flowing = true;
            self.actions.push_back(Action::Begin);
            self.deadline = Some(after(now, self.settings.timeouts.stall));
        }
        self.end_if_whole(now, under_way);
    }

    /// Answers once data connection and dialogue have ended.
    fn end_if_whole(&mut self, now: Instant, mut under_way: Box<Transferring>) {
        if under_way.is_confirmed()
            && let Some(trouble) = under_way.trouble.take()
        {
            self.state = State::Idle;
            return self.fail(now, trouble);
        }
        if under_way.data == Data::Ended && !under_way.is_confirmed() && under_way.control_is_gone {
            let error = under_way.not_confirmed(None);
            self.state = State::Idle;
            return self.fail(now, error);
        }
        if under_way.data != Data::Ended || under_way.closing.is_none() {
            self.state = State::Transferring(under_way);
            return;
        }
        let (bytes, gone) = (under_way.bytes, under_way.control_is_gone);
        self.state = State::Idle;
        let verdict = self.verdict(&under_way);
        self.answer(verdict.and_then(|()| {
            let reply = under_way.closing.take().ok_or(Error::Cancelled)?;
            Ok(Answer::Transferred { bytes, reply })
        }));
        if gone { self.end() } else { self.rest(now) }
    }

    /// Whether the bytes that came are the whole file.
    fn verdict(&mut self, under_way: &Transferring) -> Result<(), Error> {
        let transfer = &under_way.transfer;
        if under_way.is_upload() {
            return Ok(());
        }
        let is_file = transfer.command.known_verb() == Some(Verb::Retr);
        let comparable = is_file && transfer.representation == Representation::Image;
        // After REST some servers tell the whole file's size in the opening reply, others the rest's.
        let told = under_way.told.filter(|_| comparable && transfer.offset == 0 && transfer.end.is_none());
        let known = transfer.expected.filter(|_| comparable);
        if let (Some(known), Some(told)) = (known, told)
            && known != told
        {
            self.notes.add(Note::OtherSizeTold { known, told });
        }
        let received = transfer.offset.saturating_add(under_way.bytes);
        let expected = told.or(known);
        if let Some(expected) = expected {
            if received < expected {
                return Err(Error::Short { expected, received });
            }
            if received > expected {
                self.notes.add(Note::LongerThanTold { told: expected, received });
            }
        }
        if !under_way.announced_end {
            if expected != Some(received) && !self.settings.accept_missing_close_notify {
                return Err(Error::Truncated(under_way.bytes));
            }
            self.notes.add(Note::NoCloseNotify);
        }
        Ok(())
    }

    /// Takes an event of the data connection.
    pub(super) fn handle_data(&mut self, now: Instant, event: Event) {
        let mut under_way = match std::mem::replace(&mut self.state, State::Idle) {
            State::Transferring(under_way) => under_way,
            other => {
                self.state = other;
                return;
            }
        };
        if !under_way.is_asked() {
            return self.arranging_event(now, under_way, event);
        }
        match event {
            Event::DataAwaited => {
                if under_way.can_stall() {
                    self.deadline = Some(after(now, self.settings.timeouts.stall));
                }
                self.state = State::Transferring(under_way);
            }
            Event::DataMoved(bytes) => {
                under_way.bytes = under_way.bytes.saturating_add(bytes);
                self.deadline = Some(after(now, self.settings.timeouts.stall));
                self.state = State::Transferring(under_way);
            }
            Event::DataOpened => {
                under_way.data = Data::Open;
                if self.protection.data {
                    self.actions.push_back(Action::StartDataTls);
                }
                self.flow_if_ready(now, under_way);
            }
            Event::DataTlsStarted { resumed } => {
                if !resumed {
                    self.notes.add(Note::TlsNotResumed);
                }
                under_way.data = Data::Protected;
                self.flow_if_ready(now, under_way);
            }
            Event::DataEnded { announced } => {
                under_way.data = Data::Ended;
                under_way.announced_end = announced;
                self.data_open = false;
                self.deadline = Some(after(now, self.settings.timeouts.closing));
                self.end_if_whole(now, under_way);
            }
            Event::DataFailed(reason) => self.data_failed(now, under_way, reason),
            _ => self.state = State::Transferring(under_way),
        }
    }

    /// The data connection is of no use; the server's reply, where one comes soon, tells why.
    fn data_failed(&mut self, now: Instant, mut under_way: Box<Transferring>, reason: String) {
        let error = match under_way.data {
            Data::Closed => Error::DataNotOpened { place: under_way.place.clone(), reason },
            Data::Open if self.protection.data => Error::DataTlsFailed(reason),
            _ => Error::DataBroken { bytes: under_way.bytes, reason },
        };
        self.unsettled = true;
        under_way.data = Data::Ended;
        under_way.trouble = Some(error);
        self.close_data(false);
        self.deadline = Some(after(now, PATIENCE_WITH_EXPLANATION));
        self.end_if_whole(now, under_way);
    }

    /// Time is up: names what did not come.
    pub(super) fn transfer_timeout(&mut self, now: Instant, mut under_way: Box<Transferring>) {
        let timeouts = self.settings.timeouts;
        if !under_way.is_asked() {
            let connecting = self.outstanding.is_none();
            self.state = State::Transferring(under_way);
            if connecting {
                return self.handle_event(now, Event::DataFailed("it took too long".into()));
            }
            let error = self.no_reply(timeouts.reply);
            return self.fail(now, error);
        }
        let (command, bytes) = (under_way.asked(), under_way.bytes);
        let error = match (&under_way.closing, under_way.data) {
            _ if under_way.trouble.is_some() => {
                let error = under_way.trouble.take().unwrap_or(Error::Cancelled);
                self.state = State::Transferring(under_way);
                return self.recover(now, error);
            }
            (Some(reply), _) => {
                Error::CompleteWithoutData { command, reply: Said::new(reply.clone()), bytes }
            }
            (None, Data::Ended) => {
                let reason = format!("it said nothing for {} s", timeouts.closing.as_secs());
                Error::NotConfirmed { command, bytes, reason }
            }
            (None, _) if under_way.flowing => Error::Stalled { waited: timeouts.stall, bytes },
            (None, _) if !under_way.accepted => self.no_reply(timeouts.reply),
            (None, Data::Closed) => {
                let error = Error::DataNotOpened {
                    place: under_way.place.clone(),
                    reason: format!("nobody connected within {} s", timeouts.reply.as_secs()),
                };
                self.state = State::Transferring(under_way);
                return self.recover(now, error);
            }
            (None, _) => {
                let reason = format!("no handshake within {} s", timeouts.reply.as_secs());
                self.state = State::Transferring(under_way);
                return self.recover(now, Error::DataTlsFailed(reason));
            }
        };
        self.state = State::Transferring(under_way);
        self.fail(now, error);
    }
}
