//! Which reply answers which command (RFC 959, section 5.4).

use std::borrow::Cow;

use ftp_protocol::Verb;
use ftp_protocol::command::{CommandLine, is_guest};
use ftp_protocol::sequence::{self, Fit};
use smallvec::SmallVec;

use super::control::{Mark, Said, Saying};
use super::memory::{Memory, Progress};
use super::session::Session;
use crate::limits::Loss;

impl Session {
    /// A line of the client's.
    pub(super) fn command(&mut self, said: &Said) {
        let Saying::Line(line) = &said.what else { return };
        let (command, oddities) = CommandLine::parse(&line.bytes);
        if command.word.is_empty() && command.argument.is_none() {
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
        let hidden = self.is_secret(verb) && !self.wanted.passwords;
        let argument = command.argument.map(<[u8]>::len);
        let kept = self.transcript.keep_command(said, &line.bytes, argument, hidden, line.truncated_from);
        let index = self.memories.len();
        self.memories.push(Memory::new(verb, Some(kept), Progress::Waiting));
        if self.pending.len() >= self.limits.unanswered && self.pending.pop_front().is_some() {
            self.dropped.add(Loss::Unanswered);
        }
        self.pending.push_back(index);
        self.begin(index, said.first.time);
    }

    /// Whether the argument of a command is a secret: passwords are, unless they are a guest's.
    fn is_secret(&self, verb: Option<Verb>) -> bool {
        match verb {
            Some(Verb::Pass) => !self.user().is_some_and(is_guest),
            Some(Verb::Acct) => true,
            _ => false,
        }
    }

    /// The user of the login under way.
    pub(super) fn user(&self) -> Option<&[u8]> {
        let argument = self.memories.get(self.user_at?)?.argument()?;
        Some(argument.of(&self.transcript.text))
    }

    /// A reply of the server's.
    pub(super) fn reply(&mut self, said: &Said) {
        let Said { what: Saying::Reply(reply), start, first, .. } = said else { return };
        for oddity in &reply.oddities {
            self.note(first.packet, format!("reply: {oddity}"));
        }
        let code = reply.code;
        let text = reply.lines.first().map(Vec::as_slice).unwrap_or_default();
        let all_text: Cow<'_, [u8]> = match reply.lines.as_slice() {
            [line] => Cow::Borrowed(line),
            lines => Cow::Owned(lines.join(&b'\n')),
        };
        let after_gap = std::mem::take(&mut self.gap_since_reply) || reply.after_gap;
        if self.is_greeting(*start, code) {
            self.name_from_greeting(&all_text, first.packet);
            let greeting = self.transcript.keep_reply(said, reply, &all_text);
            if let Some(delayed) = self.greeting.replace(greeting) {
                self.note(delayed.packet(), "the server asked to wait (120) before its greeting".into());
            }
            return;
        }
        let kept = match self.answered(first, code, after_gap) {
            Some(index) => {
                let kept = self.has_room_for_reply(index, all_text.len());
                self.progress(index, code);
                self.effect(index, code, text, &all_text, first);
                Some(index).filter(|_| kept)
            }
            None => self.unasked(code, text, first),
        };
        if let Some(index) = kept
            && let Some(memory) = self.memories.get_mut(index)
        {
            memory.replies += 1;
            let reply = self.transcript.keep_reply(said, reply, &all_text);
            self.transcript.answer(index, reply);
        }
    }

    /// Whether one more reply of so many bytes may be kept of an exchange; otherwise it is counted.
    fn has_room_for_reply(&mut self, index: usize, text: usize) -> bool {
        let replies = self.memories.get(index).map_or(0, |memory| memory.replies);
        if replies >= self.limits.replies {
            self.dropped.add(Loss::Replies);
            return false;
        }
        self.has_room(text, false)
    }

    /// The first reply of a connection greets; 120 asks to wait for it.
    fn is_greeting(&self, start: u64, code: Option<u16>) -> bool {
        let at_start =
            start == 0 && (self.from_the_beginning || self.memories.is_empty() && code == Some(220));
        let after_delay =
            self.greeting.as_ref().is_some_and(|greeting| greeting.code == Some(120)) && code == Some(220);
        at_start && self.greeting.is_none() && code.is_some() || after_delay
    }

    /// The exchange that a reply belongs to; `None`: to none.
    fn answered(&mut self, first: &Mark, code: Option<u16>, after_gap: bool) -> Option<usize> {
        let Some(code) = code else {
            // A line without a code belongs to whatever the server was answering.
            return self.pending.front().copied().or(self.memories.len().checked_sub(1));
        };
        let received = first.acknowledges;
        // Refusals of this kind answer any command; behind a gap, most likely one that the capture does not hold.
        let refuses_anything = matches!(code, 500..=504);
        let eligible: SmallVec<[usize; 4]> = {
            let by_number = |index: &&usize| {
                let end = self.memories.get(**index).map_or(0, Memory::end);
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
                memory.packet() < first.packet && !(refuses_anything && memory.end() < self.client_gap)
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
        let behind_gap = memory.end() < self.client_gap;
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

    /// A reply to nothing, or to a command that is not in the capture: the exchange that it is kept in, if it is.
    fn unasked(&mut self, code: Option<u16>, text: &[u8], first: &Mark) -> Option<usize> {
        if !self.has_room(text.len(), true) {
            return None;
        }
        let index = self.memories.len();
        self.memories.push(Memory::new(None, None, Progress::Done));
        self.progress(index, code);
        self.effect(index, code, text, text, first);
        Some(index)
    }

    /// A command was answered by text without a code, and the client went on: it takes that for the answer.
    fn give_up_half_answered(&mut self) {
        let answered = |index: &usize| {
            let memory = self.memories.get(*index);
            memory.is_some_and(|memory| memory.progress == Progress::Waiting && memory.replies > 0)
        };
        let done: Vec<usize> = self.pending.iter().copied().filter(|index| answered(index)).collect();
        self.pending.retain(|index| !done.contains(index));
    }
}

fn waits_in(memories: &[Memory], index: usize) -> bool {
    memories.get(index).is_some_and(|memory| memory.progress == Progress::Waiting)
}
