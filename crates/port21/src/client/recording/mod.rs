//! The client's own sessions as a capture, and what the analyser finds in it when something failed.
//!
//! ```text
//! sockets ─▶ Recorder (Tap) ─▶ wire: one connection, passwords hidden, data cut ─▶ tape: memory or a file ─▶ analysis ─▶ findings
//! ```

mod findings;
mod tape;
mod wire;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use ftp_client::tap::{Connection, Party, Tap, Wire};
use port21_capture::write::Flow;

use crate::escape;
use crate::output::complain;
use tape::Tape;

/// What the file says about itself.
const COMMENT: &str = "Sessions of an FTP client as seen at its sockets, after decryption and without passwords. IP and TCP headers are made \
                       up: sequence numbers, acknowledgments and segment bounds are not those of the wire. Data connections are cut \
                       behind their beginning.";

/// Whether sessions are recorded, and where to.
#[derive(Debug, Clone, Default)]
pub struct Recording(Arc<OnceLock<Arc<Recorder>>>);

impl Recording {
    /// Who is to be told what crosses: a recorder if there is to be an explanation or a file, one for the whole run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn tap(&self, explain: bool, file: Option<&Path>) -> anyhow::Result<Option<Arc<dyn Tap>>> {
        if !explain && file.is_none() {
            return Ok(None);
        }
        let recorder = match self.0.get() {
            Some(recorder) => Arc::clone(recorder),
            None => {
                let recorder = Arc::new(Recorder {
                    tape: Tape::new(COMMENT, file)?,
                    unknown: AtomicU16::new(0),
                    told: Mutex::default(),
                });
                Arc::clone(self.0.get_or_init(|| recorder))
            }
        };
        Ok(Some(recorder))
    }
}

/// Writes what crosses as packets.
#[derive(Debug)]
struct Recorder {
    tape: Arc<Tape>,
    /// Ports of ours that never came to be; each gets one of its own, so that attempts are told apart.
    unknown: AtomicU16,
    /// What was said already of this recording.
    told: Mutex<BTreeSet<String>>,
}

impl Recorder {
    /// Initiator and responder.
    fn ends(&self, connection: &Connection) -> (SocketAddr, SocketAddr) {
        let mut client = connection.client;
        if client.port() == 0 {
            client.set_port(u16::MAX.saturating_sub(self.unknown.fetch_add(1, Ordering::Relaxed)));
        }
        match connection.by {
            Party::Client => (client, connection.server),
            Party::Server => (connection.server, client),
        }
    }
}

impl Tap for Recorder {
    fn opened(&self, connection: Connection) -> Box<dyn Wire> {
        let (initiator, responder) = self.ends(&connection);
        let (flow, blocks) = Flow::begin(initiator, responder, SystemTime::now());
        self.tape.add(blocks);
        Box::new(wire::Recorded::new(flow, &connection, Arc::clone(&self.tape)))
    }

    fn not_opened(&self, connection: Connection, refused: bool) {
        let (initiator, responder) = self.ends(&connection);
        let now = SystemTime::now();
        let (mut flow, mut blocks) = Flow::attempt(initiator, responder, now);
        if refused {
            blocks.extend(flow.refuse(now));
        }
        self.tape.add(blocks);
    }
}

/// Has the analyser look at what was recorded, and says what it finds.
pub fn explain(recording: &Recording) {
    let Some(recorder) = recording.0.get() else { return };
    let found = recorder.tape.read().map_err(anyhow::Error::from);
    match found.and_then(|capture| Ok(findings::find(capture)?)) {
        Ok(found) if found.is_empty() => {
            complain("explain: the analyser finds nothing in the session beyond that")
        }
        Ok(found) => {
            let mut told = recorder.told.lock().unwrap_or_else(PoisonError::into_inner);
            for finding in found {
                let text = format!("explain: {}: {} {}", finding.code, finding.detail, finding.advice);
                let text = escape::terminal(&text);
                if !told.contains(&text) {
                    complain(&text);
                    told.insert(text);
                }
            }
        }
        Err(error) => complain(&format!("explain: the recording cannot be read: {error:#}")),
    }
}
