//! `--format zeek`: the logs conn, dns, files and ftp as Zeek writes them.
//!
//! One file a log in the folder after `-o`, otherwise one after the other on standard output. Identifiers and the times
//! in the headers follow from the capture, so that the same capture gives the same bytes.

mod conn;
mod dns;
mod files;
mod ftp;
mod identifier;
mod log;
#[cfg(test)]
mod tests;
mod value;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write;

use anyhow::Context;
use port21_analysis::analysis::DnsTransaction;
use port21_analysis::report::{Connection, Protocol, Session};
use port21_capture::Timestamp;

use self::log::{Layout, Style};

use self::value::Value;
use super::clock::Clock;
use super::spool::Spool;
use crate::arguments::ExplainArguments;
use crate::escape;
use crate::explain;
use crate::input::{self, Prepare, Receiver};
use crate::outcome::{Completeness, Failure, Outcome};
use crate::output::{self, Output};

const CONN: Layout = Layout { path: "conn", columns: conn::COLUMNS };
const DNS: Layout = Layout { path: "dns", columns: dns::COLUMNS };
const FILES: Layout = Layout { path: "files", columns: files::COLUMNS };
const FTP: Layout = Layout { path: "ftp", columns: ftp::COLUMNS };

/// Runs `explain --format zeek`: reads the captures and writes to standard output or to `arguments.output`.
pub fn run(arguments: &ExplainArguments) -> anyhow::Result<Outcome> {
    if arguments.summary {
        return Err(Failure::Arguments("--summary cannot be told in Zeek's logs".into()).into());
    }
    let style = match (arguments.zeek_json, &arguments.output) {
        (false, _) => Style::Tabs,
        (true, folder) => Style::Json { named: folder.is_none() },
    };
    let mut effort = arguments.common.effort();
    (effort.options.record_connections, effort.options.record_dns) = (true, true);
    let mut logs = Logs::new(style, arguments)?;
    let examined = explain::inputs(arguments)?.examine(effort, &mut logs)?;
    arguments.common.check_session(&examined)?;
    let completeness = logs.write()?;
    Ok(completeness.outcome(&examined, arguments.common.strict))
}

/// The logs while the captures are read. Lines wait in temporary files: which connections carry FTP is known last.
struct Logs<'a> {
    arguments: &'a ExplainArguments,
    style: Style,
    clock: Clock,
    last_time: Timestamp,
    conn: Spool,
    dns: Spool,
    files: Spool,
    ftp: Spool,
    /// What the connections of the sessions carry, by stream.
    services: HashMap<u64, &'static str>,
    /// Packets of the DNS answers that named the sessions' servers.
    name_packets: HashSet<u64>,
    completeness: Completeness,
}

impl<'a> Logs<'a> {
    fn new(style: Style, arguments: &'a ExplainArguments) -> anyhow::Result<Logs<'a>> {
        Ok(Logs {
            arguments,
            style,
            clock: Clock::default(),
            last_time: Timestamp::default(),
            conn: Spool::new()?,
            dns: Spool::new()?,
            files: Spool::new()?,
            ftp: Spool::new()?,
            services: HashMap::new(),
            name_packets: HashSet::new(),
            completeness: Completeness::default(),
        })
    }

    fn saw(&mut self, time: Timestamp) {
        self.last_time = self.last_time.max(time);
    }

    fn write(self) -> anyhow::Result<Completeness> {
        let Logs { arguments, style, clock, last_time, conn, dns, files, ftp, .. } = self;
        let (services, name_packets) = (self.services, self.name_packets);
        let one_session = arguments.common.session.is_some();
        let service = |stream: u64, cells: &mut Vec<String>| {
            let service = services.get(&stream).copied();
            if let (Some(service), Some(cell)) = (service, cells.get_mut(conn::SERVICE)) {
                *cell = CONN.cell(style, "service", &Value::Text(service.into()));
            }
            !one_session || service.is_some()
        };
        let named = |packet: u64, _: &mut Vec<String>| !one_session || name_packets.contains(&packet);
        let mut standard = match &arguments.output {
            Some(_) => None,
            None => Some(Output::standard(arguments.common.color)),
        };
        let mut write = |layout: Layout, spool: Spool, keep: &dyn Fn(u64, &mut Vec<String>) -> bool| {
            let Some(folder) = &arguments.output else {
                let Some(output) = &mut standard else { return Ok(()) };
                return copy(layout, style, spool, keep, (clock.start(), last_time), output);
            };
            let path = folder.join(format!("{}.log", layout.path));
            output::refuse_overwriting(&arguments.captures, &path)?;
            let mut output = Output::file(&path, arguments.common.color)?;
            copy(layout, style, spool, keep, (clock.start(), last_time), &mut output)?;
            output.finish()
        };
        if let Some(folder) = &arguments.output {
            let name = escape::terminal(&folder.to_string_lossy());
            fs::create_dir_all(folder).with_context(|| format!("the folder {name} cannot be made"))?;
        }
        write(CONN, conn, &service)?;
        write(DNS, dns, &named)?;
        write(FILES, files, &|_, _| true)?;
        write(FTP, ftp, &|_, _| true)?;
        standard.map_or(Ok(()), Output::finish)?;
        Ok(self.completeness)
    }
}

/// Writes one log out of its spool. `keep` may change a line's cells, and says whether it is wanted.
fn copy(
    layout: Layout,
    style: Style,
    spool: Spool,
    keep: &dyn Fn(u64, &mut Vec<String>) -> bool,
    (opened, closed): (Timestamp, Timestamp),
    output: &mut dyn Write,
) -> anyhow::Result<()> {
    layout.header(style, opened, output)?;
    spool.read(|key, mut cells| {
        if keep(key, &mut cells) {
            layout.line(style, &cells, output)?;
        }
        Ok(())
    })?;
    Ok(layout.footer(style, closed, output)?)
}

impl Receiver for Logs<'_> {
    type Prepared = Session;

    fn preparation(&self) -> Prepare<Session> {
        input::as_it_is()
    }

    fn begin(&mut self, first: Timestamp) -> anyhow::Result<()> {
        self.clock = Clock::starting_at(first);
        self.last_time = first;
        Ok(())
    }

    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        if !self.arguments.common.wants_session(session.id) {
            return Ok(());
        }
        self.completeness.look_at(&session);
        self.services.insert(session.control.stream, service(&session));
        self.name_packets.extend(session.server.name_packet);
        for unused in &session.unused_data_connections {
            self.services.insert(unused.stream, "ftp-data");
        }
        for transfer in &session.transfers {
            let Some(data) = &transfer.data else { continue };
            self.services.insert(data.stream, if transfer.protected { "ftp-data,ssl" } else { "ftp-data" });
            if let Some(row) = files::row(transfer, self.clock) {
                self.files.push(data.stream, &FILES.cells(self.style, &row))?;
            }
        }
        for row in ftp::rows(&session, self.clock) {
            self.ftp.push(session.control.stream, &FTP.cells(self.style, &row))?;
        }
        Ok(())
    }

    fn connection(&mut self, connection: Connection) -> anyhow::Result<()> {
        self.saw(self.clock.at(connection.last_time));
        let row = conn::row(&connection, self.clock);
        self.conn.push(connection.stream, &CONN.cells(self.style, &row))
    }

    fn dns(&mut self, transaction: DnsTransaction) -> anyhow::Result<()> {
        let last = transaction.answered.or(transaction.asked);
        let packet = last.map_or(0, |(packet, _)| packet);
        last.into_iter().for_each(|(_, time)| self.saw(time));
        self.dns.push(packet, &DNS.cells(self.style, &dns::row(&transaction)))
    }
}

/// What a control connection carries.
fn service(session: &Session) -> &'static str {
    match session.protocol {
        Protocol::Ftp => "ftp",
        Protocol::FtpsExplicit => "ftp,ssl",
        Protocol::FtpsImplicit => "ssl",
    }
}
