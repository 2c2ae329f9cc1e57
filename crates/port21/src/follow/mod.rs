//! `port21 follow`: both sides of one TCP stream.

mod form;

use port21_analysis::report::Session;
use port21_analysis::tcp::{Chunk, Connection, End, Gap, Interest, Sink, Tracker};
use port21_capture::{Timestamp, Transport};

use self::form::Form;
use crate::arguments::{FollowArguments, FollowFormat, FollowSide};
use crate::input::{self, Inputs, Prepare, Receiver, Step};
use crate::interrupt;
use crate::outcome::{Outcome, no_such_stream};
use crate::output::{self, Output};
use crate::secrets::Secrets;

/// Runs the command.
pub fn run(arguments: &FollowArguments) -> anyhow::Result<Outcome> {
    let mut inputs = Inputs::repeatable(&arguments.captures)?.bounded(arguments.common.limits.fragments);
    let show = arguments.common.show_passwords || carries_data(arguments, &mut inputs)?;
    let mut output = Output::standard(arguments.common.color);
    let mut follower = Follower::new(arguments, show, Form::new(arguments.form, &mut output));
    let mut tracker = Tracker::new(arguments.common.limits.analysis.tcp);
    let reading = inputs.read(None, |step| {
        let Step::Packet(decoded) = step else { return Ok(()) };
        follower.start.get_or_insert(decoded.time);
        if let (Some(Transport::Tcp(segment)), Some(_)) = (&decoded.transport, decoded.addresses) {
            tracker.segment(decoded, segment, &mut follower);
        }
        follower.failure.take().map_or(Ok(()), Err)
    })?;
    tracker.finish(&mut follower);
    let Follower { failure, found, hidden, missing, .. } = follower;
    failure.map_or(Ok(()), Err)?;
    if !found {
        return Err(no_such_stream(arguments.stream, tracker.connections_seen()).into());
    }
    output.finish()?;
    tell(arguments.form, hidden, missing);
    Ok(match (reading.unreadable, missing > 0 && arguments.common.strict) {
        (true, _) => Outcome::Unreadable,
        (false, true) => Outcome::Incomplete,
        (false, false) => Outcome::Complete,
    })
}

/// Whether the stream is a data connection: then it holds files, and a line in it that reads like PASS is no command.
fn carries_data(arguments: &FollowArguments, inputs: &mut Inputs<'_>) -> anyhow::Result<bool> {
    let effort = arguments.common.effort().without_hash();
    let mut finder = DataFinder { stream: arguments.stream, found: false };
    inputs.examine(effort, &mut finder)?;
    interrupt::check()?;
    Ok(finder.found)
}

struct DataFinder {
    stream: u64,
    found: bool,
}

impl Receiver for DataFinder {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        let transferred = session.transfers.iter().filter_map(|transfer| transfer.data.as_ref());
        let mut data = transferred.chain(&session.unused_data_connections);
        self.found |= data.any(|connection| connection.stream == self.stream);
        Ok(())
    }
}

/// Says on standard error where the output is not what was on the wire.
fn tell(form: FollowFormat, hidden: u64, missing: u64) {
    if hidden > 0 && form != FollowFormat::Text {
        output::complain(
            "passwords are written as asterisks; --show-passwords writes them as they were sent",
        );
    }
    if missing > 0 && form == FollowFormat::Raw {
        output::complain(&format!("the capture misses {missing} bytes of this; they are written as zeros"));
    }
}

/// Takes the events of one stream and writes them.
struct Follower<'a> {
    stream: u64,
    side: Option<End>,
    show_passwords: bool,
    form: Form<'a>,
    secrets: Option<Secrets>,
    start: Option<Timestamp>,
    found: bool,
    hidden: u64,
    missing: u64,
    /// What kept the output from being written.
    failure: Option<anyhow::Error>,
}

impl<'a> Follower<'a> {
    fn new(arguments: &FollowArguments, show_passwords: bool, form: Form<'a>) -> Follower<'a> {
        Follower {
            stream: arguments.stream,
            side: arguments.side.map(|side| match side {
                FollowSide::Client => End::Initiator,
                FollowSide::Server => End::Responder,
            }),
            show_passwords,
            form,
            secrets: None,
            start: None,
            found: false,
            hidden: 0,
            missing: 0,
            failure: None,
        }
    }

    fn wants(&self, from: End) -> bool {
        self.side.is_none_or(|side| side == from)
    }

    fn secrets(&mut self, connection: &Connection) -> &mut Secrets {
        let port = connection.end(End::Responder).port;
        self.secrets.get_or_insert_with(|| Secrets::new(port, self.show_passwords))
    }

    fn note(&mut self, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error.into());
        }
    }
}

impl Sink for Follower<'_> {
    fn opened(&mut self, connection: &Connection) {
        self.found |= connection.stream == self.stream;
    }

    fn packet(&mut self, _: &Connection, _: u64, _: Timestamp, _: End, _: u32) {}

    fn data(&mut self, connection: &Connection, from: End, chunk: Chunk<'_>) -> Interest {
        if connection.stream != self.stream {
            return Interest::CountOnly;
        }
        // The other side is watched too: what it says tells whether PASS is a command.
        let secrets = self.secrets(connection);
        let hidden_before = secrets.hidden();
        let runs = secrets.part(from, chunk.bytes);
        let newly_hidden = secrets.hidden().saturating_sub(hidden_before);
        if self.wants(from) {
            self.hidden = self.hidden.saturating_add(newly_hidden);
            let seconds = chunk.time.seconds_since(self.start.unwrap_or_default());
            let result = self.form.data(connection, from, &chunk, &runs, seconds);
            self.note(result);
        }
        Interest::Keep
    }

    fn gap(&mut self, connection: &Connection, from: End, gap: Gap) {
        if connection.stream != self.stream {
            return;
        }
        self.secrets(connection).gap(from);
        if self.wants(from) {
            self.missing = self.missing.saturating_add(gap.length);
            let result = self.form.gap(connection, from, gap);
            self.note(result);
        }
    }

    fn acknowledged(&mut self, _: &Connection, _: End, _: u64, _: u64) {}

    fn finished(&mut self, _: &Connection, _: End, _: u64) {}

    fn ended(&mut self, connection: Connection) {
        if connection.stream == self.stream {
            let result = self.form.finish(&connection);
            self.note(result);
        }
    }
}
