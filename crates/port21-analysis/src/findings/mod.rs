//! What is wrong with a session, or worth knowing of it, each with its proof.
//!
//! Takes sessions of the report, gives findings. Pure functions, one file a family; [`CATALOGUE`] lists what there is,
//! with the evidence that each takes. A finding is never raised on a guess: where the capture does not show enough, there
//! is none.
//!
//! ```text
//! Session ────────▶ findings ──────────▶ Session.findings
//!    └─ summary ──▶ across_sessions ──┐
//! Connection ─────▶ connection_findings ┴▶ Report.findings
//! ```

mod addresses;
mod capture;
mod catalogue;
mod control;
mod exposure;
mod kind;
mod logins;
mod network;
mod opening;
mod reach;
mod refusals;
mod transfers;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use crate::report::{Connection, Direction, Finding, Quality, Session, Side, Transfer};
use crate::wording::command;

pub use catalogue::CATALOGUE;
pub use kind::Kind;
pub use logins::{GUESSING_FAILURES, GUESSING_SECONDS, SessionSummary, across_sessions};
pub use reach::control_not_opened;

/// Most findings of one kind about one session; the last of them says how many more there were.
const PER_KIND_LIMIT: u64 = 32;

/// Every finding about `session`, by severity, then by packet. Those that it already holds are not looked at.
pub fn findings(session: &Session) -> Vec<Finding> {
    let mut found = Vec::new();
    exposure::find(session, &mut found);
    logins::find(session, &mut found);
    opening::find(session, &mut found);
    addresses::find(session, &mut found);
    refusals::find(session, &mut found);
    transfers::find(session, &mut found);
    control::find(session, &mut found);
    capture::find(session, &mut found);
    network::find(session, &mut found);
    put_in_order(&mut found);
    limit(found)
}

/// Findings about a connection that belongs to no session.
pub fn connection_findings(connection: &Connection) -> Vec<Finding> {
    network::conflicts(None, &network::stream_name(connection), connection).into_iter().collect()
}

/// By severity, then by first packet, then by code.
fn put_in_order(found: &mut [Finding]) {
    found.sort_by(|one, other| {
        let key = |finding: &Finding| (Reverse(finding.severity), finding.packets.first().copied());
        key(one).cmp(&key(other)).then_with(|| one.code.cmp(other.code))
    });
}

fn limit(found: Vec<Finding>) -> Vec<Finding> {
    if found.len() as u64 <= PER_KIND_LIMIT {
        return found;
    }
    let mut counts: HashMap<&str, u64> = HashMap::new();
    let mut kept: Vec<Finding> = Vec::new();
    for finding in found {
        let count = counts.entry(finding.code).or_default();
        *count = count.saturating_add(1);
        if *count <= PER_KIND_LIMIT {
            kept.push(finding);
        }
    }
    for (code, count) in counts {
        let dropped = count.saturating_sub(PER_KIND_LIMIT);
        if let Some(last) = kept.iter_mut().rfind(|finding| finding.code == code).filter(|_| dropped > 0) {
            last.detail.push_str(&format!(" {dropped} more of this kind in this session are not listed."));
        }
    }
    kept
}

/// What to call a connection of a session; text is made of it only where there is something to say.
enum Called<'a> {
    Control,
    Data(&'a Transfer),
    Unused,
}

impl fmt::Display for Called<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Called::Control => f.write_str("control connection"),
            Called::Data(transfer) => write!(f, "data connection of {}", transfer_name(transfer)),
            Called::Unused => f.write_str("unused data connection"),
        }
    }
}

/// Every connection of a session with what to call it.
fn connections(session: &Session) -> impl Iterator<Item = (Called<'_>, &Connection)> {
    let transfers = session.transfers.iter();
    let transfers = transfers.filter_map(|transfer| Some((Called::Data(transfer), transfer.data.as_ref()?)));
    let unused = session.unused_data_connections.iter().map(|connection| (Called::Unused, connection));
    [(Called::Control, &session.control)].into_iter().chain(transfers).chain(unused)
}

/// "RETR notes.txt (#160)".
fn transfer_name(transfer: &Transfer) -> String {
    match (&transfer.verb, transfer.command_packet) {
        (Some(verb), Some(packet)) => format!("{} (#{packet})", command(verb, transfer.argument.as_deref())),
        (Some(verb), None) => command(verb, transfer.argument.as_deref()),
        _ => format!("transfer {} of unknown command", transfer.index.saturating_add(1)),
    }
}

/// What the party at `side` of a transfer's data connection is called.
fn data_party(session: &Session, transfer: &Transfer, side: Side) -> &'static str {
    match session.data_side_of_server(transfer) {
        Some(server) if server == side => "server",
        Some(_) if transfer.is_server_to_server() => "other server",
        Some(_) => "client",
        None => "end",
    }
}

/// The end that sends a transfer's data; `None` where neither its direction nor its bytes tell.
fn sender_side(session: &Session, transfer: &Transfer) -> Option<Side> {
    let data = transfer.data.as_ref()?;
    match (transfer.direction, session.data_side_of_server(transfer)) {
        (Some(Direction::Download), Some(server)) => Some(server),
        (Some(Direction::Upload), Some(server)) => Some(server.other()),
        _ => match (data.bytes.initiator, data.bytes.responder) {
            (0, 0) => None,
            (_, 0) => Some(Side::Initiator),
            (0, _) => Some(Side::Responder),
            _ => None,
        },
    }
}

/// How often something occurred of which `list`, called `name`, may end early.
fn occurrences(quality: &Quality, name: &str, list: &[u64]) -> u64 {
    let full = quality.truncated_lists.iter().find(|count| count.what == name);
    full.map_or(list.len() as u64, |count| count.count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Severity;
    use crate::sample::{download, greeted, laboratory};

    /// Codes of the findings about a session, in order.
    pub(super) fn codes(session: &Session) -> Vec<&'static str> {
        findings(session).into_iter().map(|finding| finding.code).collect()
    }

    /// Whether a session has a finding of this code.
    pub(super) fn raises(session: &Session, code: &str) -> bool {
        codes(session).contains(&code)
    }

    /// The finding of this code.
    pub(super) fn finding(session: &Session, code: &str) -> Finding {
        let all = findings(session);
        let found = all.iter().find(|finding| finding.code == code);
        found.unwrap_or_else(|| panic!("no {code} in {all:?}")).clone()
    }

    #[test]
    fn findings_come_by_severity_then_packet() {
        let mut session = laboratory();
        session.server.port = 2121;
        session.notes = vec![crate::report::Note { packet: Some(90), text: "odd".to_owned() }];
        let all = findings(&session);
        assert!(all.is_sorted_by_key(|finding| Reverse(finding.severity)));
        let info: Vec<u64> =
            all.iter().filter(|f| f.severity == Severity::Info).map(|f| f.packets[0]).collect();
        assert!(info.is_sorted(), "{info:?}");
    }

    #[test]
    fn every_finding_s_code_is_in_the_catalogue_once() {
        let mut codes: Vec<&str> = CATALOGUE.iter().map(|kind| kind.code).collect();
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        for kind in CATALOGUE {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(kind.code.chars().all(kebab), "{}", kind.code);
            assert!(kind.meaning.ends_with('.') && kind.advice.ends_with('.'), "{}", kind.code);
        }
        for finding in findings(&laboratory()) {
            assert!(codes.contains(&finding.code));
        }
    }

    #[test]
    fn of_very_many_findings_the_last_says_how_many_more_there_were() {
        let mut session = greeted();
        let mut transfer = download(&session);
        transfer.data.as_mut().unwrap().quality.zero_windows = vec![175];
        session.transfers = vec![transfer; 40];
        let all = findings(&session);
        let mine: Vec<&Finding> = all.iter().filter(|finding| finding.code == "zero-window").collect();
        assert_eq!(mine.len() as u64, PER_KIND_LIMIT);
        assert!(mine[31].detail.ends_with("8 more of this kind in this session are not listed."));
    }
}
