//! Connections that should have been control connections, and never were.

use super::Kind;
use crate::report::{Finding, Severity};
use crate::wording::{counted, packets as named};

/// A SYN to the control port that was refused or not answered.
pub const CONTROL_NOT_OPENED: Kind = Kind {
    code: "control-not-opened",
    severity: Severity::Medium,
    title: "FTP server not reached",
    meaning: "A SYN to port 21 was answered by a reset, or by nothing, and no connection came of it.",
    rule: "RFC 9293, section 3.5",
    advice: "If it was refused, look whether the server runs; if it was not answered, look for a firewall on the way.",
};

/// Attempts to open a control connection that came to nothing: how many were refused and not answered, and packets of
/// the first of them. Both numbers are facts: a SYN to the assigned port, with a reset or without any answer.
pub fn control_not_opened(refused: u64, unanswered: u64, packets: &[u64]) -> Option<Finding> {
    let attempts = refused.saturating_add(unanswered);
    let detail = format!(
        "{} to open a control connection on port 21 came to nothing: {refused} refused, {unanswered} not answered; in {}.",
        counted(attempts, "attempt"),
        named(packets)
    );
    (attempts > 0).then(|| CONTROL_NOT_OPENED.found(None, packets.to_vec(), detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_and_unanswered_attempts_are_counted_apart() {
        let found = control_not_opened(2, 1, &[1, 2, 3, 4, 5]).unwrap();
        assert!(found.detail.contains("3 attempts") && found.detail.contains("2 refused, 1 not answered"));
        assert_eq!((found.session, found.packets), (None, vec![1, 2, 3, 4, 5]));
    }

    #[test]
    fn no_attempt_is_no_finding() {
        assert_eq!(control_not_opened(0, 0, &[]).map(|finding| finding.code), None);
    }
}
