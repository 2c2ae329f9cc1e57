//! Counters, as Prometheus reads them (text format 0.0.4).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Record, TransferKind, What};
use crate::account::Refusal;

/// What happened since the server's start, counted.
#[derive(Debug, Default)]
pub struct Counters {
    connected: AtomicU64,
    disconnected: AtomicU64,
    refused: AtomicU64,
    strangers: AtomicU64,
    logins: AtomicU64,
    logins_refused: [AtomicU64; REFUSALS.len()],
    transfers: [Transfers; KINDS.len()],
    hooks_failed: AtomicU64,
}

#[derive(Debug, Default)]
struct Transfers {
    complete: AtomicU64,
    incomplete: AtomicU64,
    bytes: AtomicU64,
    milliseconds: AtomicU64,
}

const KINDS: [TransferKind; 3] = [TransferKind::Download, TransferKind::Upload, TransferKind::Listing];

const REFUSALS: [(Refusal, &str); 6] = [
    (Refusal::BadCredentials, "bad-credentials"),
    (Refusal::NotAllowed, "not-allowed"),
    (Refusal::Banned, "banned"),
    (Refusal::TooManySessions, "too-many-sessions"),
    (Refusal::TlsRequired, "tls-required"),
    (Refusal::Unavailable, "unavailable"),
];

impl Counters {
    /// Counts a record.
    pub fn count(&self, record: &Record) {
        match &record.what {
            What::Connected { .. } => add(&self.connected, 1),
            What::Disconnected { .. } => add(&self.disconnected, 1),
            What::Refused(_) => add(&self.refused, 1),
            What::Stranger { .. } => add(&self.strangers, 1),
            What::LoggedIn { .. } => add(&self.logins, 1),
            What::LoginRefused { reason, .. } => {
                let row = REFUSALS.iter().zip(&self.logins_refused).find(|((known, _), _)| known == reason);
                if let Some((_, counter)) = row {
                    add(counter, 1);
                }
            }
            What::Transferred(transfer) => {
                let row = KINDS.iter().zip(&self.transfers).find(|(kind, _)| **kind == transfer.kind);
                if let Some((_, counters)) = row {
                    let ended =
                        if transfer.error.is_none() { &counters.complete } else { &counters.incomplete };
                    add(ended, 1);
                    add(&counters.bytes, transfer.bytes);
                    add(&counters.milliseconds, transfer.duration.as_millis().try_into().unwrap_or(u64::MAX));
                }
            }
            What::HookFailed { .. } => add(&self.hooks_failed, 1),
            What::Protected { .. }
            | What::NotProtected { .. }
            | What::Line { .. }
            | What::Degraded { .. } => {}
        }
    }

    /// The text that Prometheus fetches.
    pub fn prometheus(&self) -> String {
        let (connected, disconnected) = (read(&self.connected), read(&self.disconnected));
        let mut text = Text::default();
        text.metric("port21_sessions", "gauge", "Control connections that are open.");
        text.sample("", connected.saturating_sub(disconnected));
        text.metric("port21_sessions_total", "counter", "Control connections taken.");
        text.sample("", connected);
        text.metric("port21_refused_connections_total", "counter", "Control connections closed at once.");
        text.sample("", read(&self.refused));
        text.metric(
            "port21_strangers_total",
            "counter",
            "Connections to data ports that were not the client's.",
        );
        text.sample("", read(&self.strangers));
        text.metric("port21_logins_total", "counter", "Logins by result.");
        text.sample("{result=\"accepted\"}", read(&self.logins));
        for ((_, name), counter) in REFUSALS.iter().zip(&self.logins_refused) {
            text.sample(&format!("{{result=\"{name}\"}}"), read(counter));
        }
        self.write_transfers(&mut text);
        text.metric("port21_failed_hooks_total", "counter", "Commands after an upload that failed.");
        text.sample("", read(&self.hooks_failed));
        text.written
    }

    fn write_transfers(&self, text: &mut Text) {
        let rows = || KINDS.iter().map(|kind| kind.name()).zip(&self.transfers);
        text.metric("port21_transfers_total", "counter", "Transfers by kind and result.");
        for (kind, counters) in rows() {
            text.sample(&format!("{{kind=\"{kind}\",result=\"complete\"}}"), read(&counters.complete));
            text.sample(&format!("{{kind=\"{kind}\",result=\"incomplete\"}}"), read(&counters.incomplete));
        }
        text.metric("port21_transferred_bytes_total", "counter", "Bytes of files and listings by kind.");
        for (kind, counters) in rows() {
            text.sample(&format!("{{kind=\"{kind}\"}}"), read(&counters.bytes));
        }
        text.metric("port21_transfer_milliseconds_total", "counter", "Time that transfers took, by kind.");
        for (kind, counters) in rows() {
            text.sample(&format!("{{kind=\"{kind}\"}}"), read(&counters.milliseconds));
        }
    }
}

#[derive(Default)]
struct Text {
    written: String,
    name: &'static str,
}

impl Text {
    fn metric(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        // Writing to a string does not fail.
        let _ = write!(self.written, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, labels: &str, value: u64) {
        let _ = writeln!(self.written, "{}{labels} {value}", self.name);
    }
}

fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

#[cfg(test)]
mod tests {
    use super::super::test_records::{download, record};
    use super::*;

    #[test]
    fn what_happened_is_counted_by_kind() {
        let counters = Counters::default();
        let (whole, mut transfer) = download(b"/x");
        counters.count(&whole);
        transfer.kind = TransferKind::Upload;
        transfer.error = Some("cut".to_owned());
        counters.count(&record(What::Transferred(transfer)));
        counters.count(&record(What::LoginRefused { name: "eve".into(), reason: Refusal::BadCredentials }));
        let text = counters.prometheus();
        for line in [
            "port21_transfers_total{kind=\"download\",result=\"complete\"} 1",
            "port21_transfers_total{kind=\"upload\",result=\"incomplete\"} 1",
            "port21_transferred_bytes_total{kind=\"download\"} 1000",
            "port21_transfer_milliseconds_total{kind=\"download\"} 2500",
            "port21_logins_total{result=\"bad-credentials\"} 1",
            "port21_logins_total{result=\"accepted\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn every_sample_has_help_and_type_above_it() {
        let text = Counters::default().prometheus();
        let mut known = Vec::new();
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(rest) => known.push(rest.split(' ').next().unwrap()),
                None if line.starts_with('#') => {}
                None => assert!(known.contains(&line.split(['{', ' ']).next().unwrap()), "{line}"),
            }
        }
    }
}
