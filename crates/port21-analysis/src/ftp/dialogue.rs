//! Which reply answers which command (RFC 959, section 5.4).

use std::borrow::Cow;

use ftp_protocol::command::is_guest;
use ftp_protocol::sequence::{self, Fit};
use ftp_protocol::{Command, Verb};

use super::control::{Said, Saying};
use super::session::{HIDDEN, Memory, Progress, Session, relative_sequence};
use crate::hex;
use crate::limits::Loss;
use crate::report::{self, Exchange, Reply};

impl Session {
    /// A line of the client's.
    pub(super) fn command(&mut self, said: Said) {
        let Saying::Line(line) = &said.what else { return };
        let (command, oddities) = Command::parse(&line.bytes);
        if command.verb.is_empty() && command.argument.is_none() {
            return;
        }
        if !self.has_room(line.bytes.len(), true) {
            // What answers it is no answer to those before.
            self.client_gap = said.end;
            return;
        }
        let verb = command.known_verb();
        for oddity in oddities {
            self.note(said.first.packet, format!("command: {oddity}"));
        }
        if line.after_gap {
            self.note(
                said.first.packet,
                "command: its beginning may be missing, the capture has a gap before it".into(),
            );
        }
        if let Some(length) = line.truncated_from {
            let text = format!("command of {length} bytes: only the first {} are kept", line.bytes.len());
            self.note(said.first.packet, text);
            self.dropped.add(Loss::LineBytes);
        }
        self.give_up_half_answered();
        let (argument, argument_bytes) = self.argument_text(verb, command.argument.as_deref());
        self.exchanges.push(Exchange {
            command: Some(report::Command {
                packets: said.packets.clone(),
                time: self.seconds(said.first.time),
                verb: command.verb_str().into_owned(),
                argument,
                argument_bytes,
                defined_in: verb.map(Verb::defined_in),
                flags: said.last.flags.names(),
                sequence: relative_sequence(said.start),
                next_sequence: relative_sequence(said.end),
                acknowledged_by: None,
                truncated_from: line.truncated_from,
            }),
            // Nearly every command has one reply; a vector would take room for four.
            replies: Vec::with_capacity(1),
        });
        self.memories.push(Memory {
            verb,
            argument: command.argument,
            packet: said.first.packet,
            end: said.end,
            progress: Progress::Waiting,
            announcement: None,
            transfer: None,
            login: None,
        });
        let index = self.memories.len() - 1;
        if self.pending.len() >= self.limits.unanswered && self.pending.pop_front().is_some() {
            self.dropped.add(Loss::Unanswered);
        }
        self.pending.push_back(index);
        self.begin(index, said.first.time);
    }

    /// The argument as the report gives it: passwords hidden, unless they are a guest's.
    fn argument_text(&self, verb: Option<Verb>, argument: Option<&[u8]>) -> (Option<String>, Option<String>) {
        let Some(bytes) = argument else { return (None, None) };
        let secret = match verb {
            Some(Verb::Pass) => !self.user().is_some_and(is_guest),
            Some(Verb::Acct) => true,
            _ => false,
        };
        if secret && !self.show_passwords {
            return (Some(HIDDEN.into()), None);
        }
        let (text, bytes) = hex::text(bytes);
        (Some(text), bytes)
    }

    /// The user of the login under way.
    pub(super) fn user(&self) -> Option<&[u8]> {
        self.memories.get(self.user_at?)?.argument.as_deref()
    }

    /// A reply of the server's.
    pub(super) fn reply(&mut self, said: Said) {
        let Saying::Reply(reply) = &said.what else { return };
        for oddity in &reply.oddities {
            self.note(said.first.packet, format!("reply: {oddity}"));
        }
        let reported = self.reported(&said, reply);
        let code = reply.code;
        let text = reply.lines.first().map(Vec::as_slice).unwrap_or_default();
        let all_text: Cow<'_, [u8]> = match reply.lines.as_slice() {
            [line] => Cow::Borrowed(line),
            lines => Cow::Owned(lines.join(&b'\n')),
        };
        let after_gap = std::mem::take(&mut self.gap_since_reply) || reply.after_gap;
        if self.is_greeting(&said, code) {
            if let Some(delayed) = self.greeting.replace(reported) {
                self.note(delayed.packet, "the server asked to wait (120) before its greeting".into());
            }
            self.name_from_greeting(&all_text, said.first.packet);
            return;
        }
        match self.answered(&said, code, after_gap) {
            Some(index) => {
                let replies = self.exchanges.get(index).map_or(0, |exchange| exchange.replies.len());
                if replies >= self.limits.replies {
                    self.dropped.add(Loss::Replies);
                } else if self.has_room(all_text.len(), false)
                    && let Some(exchange) = self.exchanges.get_mut(index)
                {
                    exchange.replies.push(reported);
                }
                self.progress(index, code);
                self.effect(index, code, text, &all_text, &said);
            }
            None => self.unasked(reported, code, text, &said),
        }
    }

    fn reported(&self, said: &Said, reply: &ftp_protocol::Reply) -> Reply {
        let mut is_text = true;
        let mut lines = Vec::with_capacity(reply.lines.len());
        for line in &reply.lines {
            let (text, bytes) = hex::text(line);
            is_text &= bytes.is_none();
            lines.push(text);
        }
        let lines_bytes = (!is_text).then(|| reply.lines.iter().map(|line| hex::encode(line)).collect());
        Reply {
            packet: said.first.packet,
            packets: said.packets.clone(),
            time: self.seconds(said.first.time),
            code: reply.code,
            lines,
            lines_bytes,
            sequence: relative_sequence(said.start),
            next_sequence: relative_sequence(said.end),
            acknowledged_by: None,
            acknowledgement: None,
            truncated_from: reply.truncated_from,
        }
    }

    /// The first reply of a connection greets; 120 asks to wait for it.
    fn is_greeting(&self, said: &Said, code: Option<u16>) -> bool {
        let at_start =
            said.start == 0 && (self.from_the_beginning || self.exchanges.is_empty() && code == Some(220));
        let after_delay =
            self.greeting.as_ref().is_some_and(|greeting| greeting.code == Some(120)) && code == Some(220);
        at_start && self.greeting.is_none() && code.is_some() || after_delay
    }

    /// The exchange that a reply belongs to; `None`: to none.
    fn answered(&mut self, said: &Said, code: Option<u16>, after_gap: bool) -> Option<usize> {
        let Some(code) = code else {
            // A line without a code belongs to whatever the server was answering.
            return self.pending.front().copied().or(self.exchanges.len().checked_sub(1));
        };
        let received = said.first.acknowledges;
        // Refusals of this kind answer any command; behind a gap, most likely one that the capture does not hold.
        let refuses_anything = matches!(code, 500..=504);
        let eligible: Vec<usize> = {
            let by_number = |index: &&usize| {
                let end = self.memories.get(**index).map_or(0, |memory| memory.end);
                let before_gap = refuses_anything && end < self.client_gap;
                received.is_none_or(|received| end <= received) && !before_gap
            };
            self.pending.iter().filter(by_number).copied().collect()
        };
        let fits = |index: usize| match self.memories.get(index) {
            Some(memory) if memory.progress == Progress::Begun => {
                sequence::fit_after_preliminary(memory.verb, code)
            }
            memory => sequence::fit(memory.and_then(|memory| memory.verb), code),
        };
        let good = |index: usize| matches!(fits(index), Fit::Preliminary | Fit::Final);
        let waits = |index: usize| {
            self.memories.get(index).is_some_and(|memory| memory.progress == Progress::Waiting)
        };
        let first_waiting = eligible.iter().copied().find(|index| waits(*index));
        let in_progress = eligible.iter().copied().find(|index| !waits(*index));
        if after_gap {
            // Replies are missing: the first command that this one can answer is answered; those before it never will be.
            if let Some(index) = eligible.iter().copied().find(|index| good(*index)) {
                self.pending.retain(|other| *other >= index || !waits_in(&self.memories, *other));
                return Some(index);
            }
        }
        // A transfer under way ends with a reply that fits it; anything else answers the oldest command that waits.
        if let Some(index) = in_progress.filter(|index| fits(*index) == Fit::Final) {
            return Some(index);
        }
        if let Some(index) = first_waiting {
            if fits(index) != Fit::Never || in_progress.is_none() && code != 421 {
                return Some(index);
            }
            if let Some(later) = eligible.iter().copied().find(|index| waits(*index) && good(*index)) {
                return Some(later);
            }
        }
        // Captures put together by hand have acknowledgment numbers that say nothing.
        let oldest = self.pending.front().copied().filter(|index| {
            let earlier = self.memories.get(*index).is_some_and(|memory| {
                memory.packet < said.first.packet && !(refuses_anything && memory.end < self.client_gap)
            });
            earlier && fits(*index) != Fit::Never
        });
        in_progress.or(oldest).or_else(|| self.second_answer(code))
    }

    /// One command, two replies: some servers do that. The last exchange takes it if it could have been meant.
    fn second_answer(&self, code: u16) -> Option<usize> {
        let index = self.memories.len().checked_sub(1)?;
        let memory = self.memories.get(index)?;
        let fits = matches!(sequence::fit(memory.verb, code), Fit::Final | Fit::Preliminary);
        let behind_gap = memory.end < self.client_gap;
        (code != 421 && !behind_gap && memory.verb.is_some() && fits).then_some(index)
    }

    fn progress(&mut self, index: usize, code: Option<u16>) {
        let Some(code) = code else { return };
        let preliminary = sequence::is_preliminary(code);
        if let Some(memory) = self.memories.get_mut(index) {
            memory.progress = if preliminary { Progress::Begun } else { Progress::Done };
        }
        if !preliminary {
            self.pending.retain(|pending| *pending != index);
        } else if !self.pending.contains(&index) {
            self.pending.push_front(index);
        }
    }

    /// A reply to nothing, or to a command that is not in the capture.
    fn unasked(&mut self, reported: Reply, code: Option<u16>, text: &[u8], said: &Said) {
        if !self.has_room(text.len(), true) {
            return;
        }
        self.exchanges.push(Exchange { command: None, replies: vec![reported] });
        self.memories.push(Memory {
            verb: None,
            argument: None,
            packet: 0,
            end: 0,
            progress: Progress::Done,
            announcement: None,
            transfer: None,
            login: None,
        });
        let index = self.memories.len() - 1;
        self.progress(index, code);
        let all_text = text.to_vec();
        self.effect(index, code, text, &all_text, said);
    }

    /// A command was answered by text without a code, and the client went on: it takes that for the answer.
    fn give_up_half_answered(&mut self) {
        let answered = |index: &usize| {
            let waiting =
                self.memories.get(*index).is_some_and(|memory| memory.progress == Progress::Waiting);
            waiting && self.exchanges.get(*index).is_some_and(|exchange| !exchange.replies.is_empty())
        };
        let done: Vec<usize> = self.pending.iter().copied().filter(|index| answered(index)).collect();
        self.pending.retain(|index| !done.contains(index));
    }
}

fn waits_in(memories: &[Memory], index: usize) -> bool {
    memories.get(index).is_some_and(|memory| memory.progress == Progress::Waiting)
}
