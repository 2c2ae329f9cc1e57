//! Logins that were turned away, in one session and across many.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::Kind;
use crate::report::{Finding, Outcome, Session, Severity};
use crate::wording::{counted, packets as named};

/// One or two logins of a session were rejected.
pub const LOGIN_REJECTED: Kind = Kind {
    code: "login-rejected",
    severity: Severity::Low,
    title: "login rejected",
    meaning: "The server turned a login away: USER, PASS or ACCT answered 4yz or 5yz.",
    rule: "RFC 959, sections 4.1.1 and 5.4",
    advice: "If it is yours, check name and password; 421 and 4yz say that a later attempt may succeed.",
};

/// A session with at least [`REPEATED`] rejected logins.
pub const REPEATED_LOGIN_FAILURES: Kind = Kind {
    code: "repeated-login-failures",
    severity: Severity::Medium,
    title: "repeated login failures",
    meaning: "At least three logins of one session were rejected: someone forgot a password, or tries some.",
    rule: "RFC 2577, section 5",
    advice: "Have the server close the connection after a few failures, wait before it answers, and lock out addresses that \
             go on.",
};

/// At least [`GUESSING_FAILURES`] rejected logins from one client to one server within [`GUESSING_SECONDS`].
pub const PASSWORD_GUESSING: Kind = Kind {
    code: "password-guessing",
    severity: Severity::High,
    title: "password guessing",
    meaning: "At least 20 logins from one address to one server were rejected within 15 minutes, over all sessions.",
    rule: "RFC 2577, section 5; Zeek, FTP::bruteforce_threshold (20 in 15 minutes)",
    advice: "Block the client, look whether one of its logins was accepted, and require TLS with strong passwords.",
};

/// Rejected logins in one session that are more than a slip.
const REPEATED: usize = 3;

/// Rejected logins that make password guessing.
pub const GUESSING_FAILURES: usize = 20;

/// Seconds within which they fall.
pub const GUESSING_SECONDS: f64 = 900.0;

/// Most rejected logins that a summary keeps: enough for one session to reach the threshold alone.
const KEPT_FAILURES: usize = 64;

/// What of a session matters across sessions, small enough to keep for all of them.
#[derive(Debug, Clone)]
pub struct SessionSummary {
    /// Session id.
    pub session: u64,
    /// The client's address.
    pub client: IpAddr,
    /// The server's address.
    pub server: IpAddr,
    /// Its port.
    pub server_port: u16,
    /// Rejected logins, the first 64: seconds since the first packet of the capture, and the packet of the rejecting reply.
    pub rejected: Vec<(f64, u64)>,
}

impl SessionSummary {
    /// The summary of a session; `None` if nothing in it matters to others.
    pub fn of(session: &Session) -> Option<SessionSummary> {
        let packets = rejected_packets(session);
        if packets.is_empty() {
            return None;
        }
        let replies = session.replies();
        let rejected: Vec<(f64, u64)> = replies
            .iter()
            .filter(|reply| packets.binary_search(&reply.packet).is_ok())
            .map(|reply| (reply.time, reply.packet))
            .take(KEPT_FAILURES)
            .collect();
        (!rejected.is_empty()).then_some(SessionSummary {
            session: session.id,
            client: session.client.address,
            server: session.server.address,
            server_port: session.server.port,
            rejected,
        })
    }
}

/// Findings that take several sessions to see. They belong to no session.
pub fn across_sessions(sessions: &[SessionSummary]) -> Vec<Finding> {
    let mut pairs: BTreeMap<(IpAddr, IpAddr, u16), Vec<(f64, u64)>> = BTreeMap::new();
    for session in sessions {
        let key = (session.client, session.server, session.server_port);
        pairs.entry(key).or_default().extend(&session.rejected);
    }
    let mut found: Vec<Finding> = pairs
        .into_iter()
        .filter_map(|((client, server, port), mut failures)| {
            failures.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let window = failures.windows(GUESSING_FAILURES).find(|window| span(window) <= GUESSING_SECONDS)?;
            let packets: Vec<u64> = window.iter().map(|(_, packet)| *packet).collect();
            let detail = format!(
                "{client} had {} rejected by {server} port {port}; {GUESSING_FAILURES} of them within {:.0} s, in {}.",
                counted(failures.len() as u64, "login"),
                span(window),
                named(&packets)
            );
            Some(PASSWORD_GUESSING.found(None, packets, detail))
        })
        .collect();
    super::put_in_order(&mut found);
    found
}

/// Seconds from the first to the last.
fn span(window: &[(f64, u64)]) -> f64 {
    match (window.first(), window.last()) {
        (Some(first), Some(last)) => last.0 - first.0,
        _ => 0.0,
    }
}

/// Packets of the replies that rejected, ascending.
fn rejected_packets(session: &Session) -> Vec<u64> {
    let rejected = session.logins.iter().filter(|login| login.outcome == Outcome::Rejected);
    let mut packets: Vec<u64> = rejected.filter_map(|login| login.reply_packet).collect();
    packets.sort_unstable();
    packets.dedup();
    packets
}

/// Findings of this family about one session.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    let packets = rejected_packets(session);
    let first = session.logins.iter().find(|login| login.outcome == Outcome::Rejected);
    let Some(first) = first.filter(|_| !packets.is_empty()) else { return };
    let user = first.user.as_deref().unwrap_or("(unknown)");
    let code = first.reply_code.map(|code| format!(" with {code}")).unwrap_or_default();
    let kind = if packets.len() >= REPEATED { REPEATED_LOGIN_FAILURES } else { LOGIN_REJECTED };
    let detail = format!(
        "{} from {} rejected by {}, in {}; the first was for {user}{code}.",
        counted(packets.len() as u64, "login"),
        session.client.address,
        session.server.address,
        named(&packets)
    );
    found.push(kind.of(session, packets, detail));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::raises;
    use crate::sample::{address, exchange, greeted, login};

    /// A session with this many rejected logins.
    fn rejected(count: u64) -> Session {
        let mut session = greeted();
        for index in 0..count {
            let first = 10 + index * 4;
            let packets = [first, first + 2, first + 3];
            session.logins.push(login("bob", "<hidden>", packets, 530));
            session.exchanges.push(exchange(first, "USER", Some("bob"), &[(first + 1, 331, "password?")]));
            session.exchanges.push(exchange(first + 2, "PASS", None, &[(first + 3, 530, "no")]));
        }
        session
    }

    #[test]
    fn one_rejection_is_a_slip_and_three_are_not() {
        assert!(raises(&rejected(1), "login-rejected"));
        assert!(raises(&rejected(2), "login-rejected"));
        assert!(!raises(&rejected(2), "repeated-login-failures"));
        assert!(raises(&rejected(3), "repeated-login-failures"));
        assert!(!raises(&rejected(3), "login-rejected"));
    }

    #[test]
    fn an_accepted_login_is_not_rejected() {
        let mut session = greeted();
        session.logins = vec![login("bob", "<hidden>", [10, 12, 13], 230)];
        assert!(!raises(&session, "login-rejected"));
        assert!(SessionSummary::of(&session).is_none());
    }

    fn summary(client: &str, times: impl Iterator<Item = f64>) -> SessionSummary {
        SessionSummary {
            session: 1,
            client: address(client),
            server: address("203.0.113.9"),
            server_port: 21,
            rejected: times.map(|time| (time, time as u64 + 1)).collect(),
        }
    }

    #[test]
    fn twenty_rejections_in_a_quarter_of_an_hour_are_guessing() {
        let sessions: Vec<_> =
            (0..5).map(|n| summary("192.0.2.1", (0..4).map(move |m| f64::from(n * 4 + m)))).collect();
        let found = across_sessions(&sessions);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].packets.len(), 20);
        assert_eq!(found[0].session, None);
    }

    #[test]
    fn nineteen_or_twenty_over_a_day_or_from_two_clients_are_not() {
        assert!(across_sessions(&[summary("192.0.2.1", (0..19).map(f64::from))]).is_empty());
        assert!(across_sessions(&[summary("192.0.2.1", (0..20).map(|n| f64::from(n) * 60.0))]).is_empty());
        let two =
            [summary("192.0.2.1", (0..10).map(f64::from)), summary("192.0.2.2", (0..10).map(f64::from))];
        assert!(across_sessions(&two).is_empty());
    }

    #[test]
    fn a_summary_keeps_when_each_login_was_rejected() {
        let summary = SessionSummary::of(&rejected(2)).unwrap();
        assert_eq!(summary.rejected, [(1.3, 13), (1.7, 17)]);
    }
}
