//! `--format eve`: events as Suricata writes them, one JSON object a line.
//!
//! `ftp` for every command, `ftp_data` and `fileinfo` for every data connection, `anomaly` for gaps and findings, and
//! last `flow` for every TCP connection; `dns` for questions and answers, unless one session is asked for. Flow identifiers follow from the capture, so that the same capture gives the
//! same bytes.

mod data;
mod dialogue;
mod dns;
mod event;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io::Write;

use port21_analysis::analysis::DnsTransaction;
use port21_analysis::report::{Connection, Endpoint, Protocol, Session};
use port21_capture::Timestamp;

use self::event::Event;
use super::clock::Clock;
use super::json;
use super::spool::Spool;
use crate::arguments::ExplainArguments;
use crate::explain;
use crate::input::{self, Prepare, Receiver};
use crate::outcome::{Completeness, Failure, Outcome};
use crate::output::Output;

/// Runs `explain --format eve`: reads the captures and writes to standard output or to `arguments.output`.
pub fn run(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    if arguments.summary {
        return Err(Failure::Arguments("--summary cannot be told in Suricata's events".into()).into());
    }
    let mut effort = arguments.common.effort();
    (effort.options.record_connections, effort.options.record_dns) = (true, true);
    let mut output = Output::open(arguments.output.as_deref(), arguments.common.color);
    let mut events = Events {
        arguments,
        output: &mut output,
        clock: Clock::default(),
        flows: Spool::new()?,
        protocols: HashMap::new(),
        completeness: Completeness::default(),
    };
    let examined = explain::inputs(arguments)?.examine(effort, &mut events)?;
    arguments.common.check_session(&examined)?;
    let completeness = events.write_flows()?;
    output.finish()?;
    Ok(completeness.outcome(&examined, arguments.common.strict))
}

/// Writes events while the captures are read. Those of flows wait: which of them carry FTP is known last.
struct Events<'a> {
    arguments: &'a ExplainArguments,
    output: &'a mut dyn Write,
    clock: Clock,
    flows: Spool,
    /// What the connections of the sessions carry, by stream.
    protocols: HashMap<u64, &'static str>,
    completeness: Completeness,
}

impl Events<'_> {
    fn write(&mut self, event: &Event) -> anyhow::Result<()> {
        Ok(self.output.write_all(&json::line(event)?)?)
    }

    fn write_flows(self) -> anyhow::Result<Completeness> {
        let Events { arguments, output, flows, protocols, completeness, .. } = self;
        let unknown = format!("\"app_proto\":\"{}\"", data::UNKNOWN_PROTOCOL);
        flows.read(|stream, cells| {
            let protocol = protocols.get(&stream);
            if protocol.is_none() && arguments.common.session.is_some() {
                return Ok(());
            }
            // Nothing in a flow event is text from the wire: the words can only be ours.
            let line = cells.concat();
            let line = match protocol {
                Some(protocol) => line.replacen(&unknown, &format!("\"app_proto\":\"{protocol}\""), 1),
                None => line,
            };
            Ok(writeln!(output, "{line}")?)
        })?;
        Ok(completeness)
    }
}

impl Receiver for Events<'_> {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn begin(&mut self, first: Timestamp) -> anyhow::Result<()> {
        self.clock = Clock::starting_at(first);
        Ok(())
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        if !self.arguments.common.wants_session(session.id) {
            return Ok(());
        }
        self.completeness.look_at(&session);
        let control = if session.protocol == Protocol::FtpsImplicit { "tls" } else { "ftp" };
        self.protocols.insert(session.control.stream, control);
        let transferred = session.transfers.iter().filter_map(|transfer| transfer.data.as_ref());
        for connection in transferred.chain(&session.unused_data_connections) {
            self.protocols.insert(connection.stream, "ftp-data");
        }
        for event in dialogue::events(&session, self.clock)
            .iter()
            .chain(&data::gaps(&session.control, self.clock))
            .chain(&data::events(&session, self.clock))
            .chain(&dialogue::findings(&session, self.clock))
        {
            self.write(event)?;
        }
        Ok(())
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(self.output.flush()?)
    }

    fn dns(&mut self, transaction: DnsTransaction) -> anyhow::Result<()> {
        if self.arguments.common.session.is_none() {
            for event in dns::events(&transaction) {
                self.write(&event)?;
            }
        }
        Ok(())
    }

    fn connection(&mut self, connection: Connection) -> anyhow::Result<()> {
        let event = serde_json::to_string(&data::flow(&connection, self.clock))?;
        self.flows.push(connection.stream, &[event])
    }
}

/// The server's end of the control connection.
fn server(session: &Session) -> Endpoint {
    Endpoint { address: session.server.address, port: session.server.port }
}
