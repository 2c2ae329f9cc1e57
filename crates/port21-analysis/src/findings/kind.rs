//! A kind of finding: all that is the same wherever it is raised.

use crate::report::{Finding, Session, Severity};

/// Most packets that prove one finding.
const PACKETS_LIMIT: usize = 64;

/// What findings of one code have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable name in kebab-case.
    pub code: &'static str,
    /// How much it matters; where a kind says so, less in a harmless case.
    pub severity: Severity,
    /// A few words.
    pub title: &'static str,
    /// What it means, and the evidence that it takes.
    pub meaning: &'static str,
    /// RFC and section, or the definition that it rests on.
    pub rule: &'static str,
    /// What to do.
    pub advice: &'static str,
}

impl Kind {
    /// A finding of this kind about `session`.
    pub(super) fn of(&self, session: &Session, packets: Vec<u64>, detail: String) -> Finding {
        self.found(Some(session.id), packets, detail)
    }

    /// A finding of this kind.
    pub(super) fn found(&self, session: Option<u64>, mut packets: Vec<u64>, detail: String) -> Finding {
        packets.sort_unstable();
        packets.dedup();
        packets.truncate(PACKETS_LIMIT);
        Finding {
            code: self.code,
            severity: self.severity,
            session,
            packets,
            title: self.title,
            detail,
            rule: self.rule,
            advice: self.advice,
        }
    }
}
