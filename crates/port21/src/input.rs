//! Reads captures packet by packet, shows how far it is, and says what was wrong with them.

use std::path::PathBuf;

use port21_analysis::analysis::{Analysis, DnsTransaction, Options};
use port21_analysis::report::{Capture, Connection, Finding, Session, Totals};
use port21_capture::{Decoded, Packet, Timestamp};

use crate::outcome::Failure;

/// What one pass over the inputs found out about them.
#[derive(Debug, Default)]
pub struct Reading {
    /// The inputs that could be read.
    pub captures: Vec<Capture>,
    /// Whether an input could not be read at all.
    pub unreadable: bool,
}

/// What the analysis says when all packets were read, besides what its [`Receiver`] got.
#[derive(Debug)]
pub struct Examined {
    /// The inputs.
    pub reading: Reading,
    /// Sums over everything.
    pub totals: Totals,
    /// Findings that belong to no session.
    pub findings: Vec<Finding>,
}

/// Takes what the analysis finds as soon as it is known, so that nothing needs to be kept that is written at once.
pub trait Receiver {
    /// The first packet is about to be read: the report's seconds count from its time.
    fn begin(&mut self, first: Timestamp) -> anyhow::Result<()> {
        let _ = first;
        Ok(())
    }

    /// A session has ended. Sessions come in the order in which they end.
    fn session(&mut self, session: Session) -> anyhow::Result<()>;

    /// A TCP connection has ended; only with [`Options::record_connections`].
    fn connection(&mut self, connection: Connection) -> anyhow::Result<()> {
        let _ = connection;
        Ok(())
    }

    /// A DNS transaction has ended; only with [`Options::record_dns`].
    fn dns(&mut self, transaction: DnsTransaction) -> anyhow::Result<()> {
        let _ = transaction;
        Ok(())
    }
}

/// Keeps every session.
impl Receiver for Vec<Session> {
    fn session(&mut self, session: Session) -> anyhow::Result<()> {
        self.push(session);
        Ok(())
    }
}

/// Reads the inputs to their end and gives every packet, with its decoded headers, to `take`.
///
/// Says on standard error what could not be read; fails only if no input could be read at all.
pub fn read(
    captures: &[PathBuf],
    mut take: impl FnMut(&Packet<'_>, &Decoded<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<Reading> {
    let _ = (captures, &mut take);
    Err(Failure::Input("reading captures is not built yet".into()).into())
}

/// Reads the inputs to their end, analyses them, and gives every session to `receiver` as it ends.
pub fn examine(
    captures: &[PathBuf],
    options: Options,
    receiver: &mut dyn Receiver,
) -> anyhow::Result<Examined> {
    let mut analysis = Analysis::new(options);
    let mut begun = false;
    let reading = read(captures, |packet, decoded| {
        if !begun {
            receiver.begin(packet.time)?;
            begun = true;
        }
        analysis.packet(decoded);
        hand_over(&mut analysis, receiver)
    })?;
    let finished = analysis.finish();
    for session in finished.sessions {
        receiver.session(session)?;
    }
    hand_over(&mut analysis, receiver)?;
    Ok(Examined { reading, totals: finished.totals, findings: finished.findings })
}

fn hand_over(analysis: &mut Analysis, receiver: &mut dyn Receiver) -> anyhow::Result<()> {
    for session in analysis.take_sessions() {
        receiver.session(session)?;
    }
    for connection in analysis.take_connections() {
        receiver.connection(connection)?;
    }
    for transaction in analysis.take_dns() {
        receiver.dns(transaction)?;
    }
    Ok(())
}
