//! Findings of any number of sessions, grouped by what they are: counted, with the first ones as examples.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use port21_analysis::report::{Finding, Severity};
use serde::Serialize;

/// Findings kept of one group: those of the lowest sessions, and in a session the earliest. The others are counted.
pub const KEPT: usize = 16;

/// Where a finding stands in its group: session, first packet.
type Place = (Option<u64>, Option<u64>);

/// Findings by severity and code. There are as many groups as kinds of findings, so that a million sessions need no more
/// memory than one.
#[derive(Debug, Default)]
pub struct Groups {
    groups: BTreeMap<(Reverse<Severity>, &'static str), Group>,
    count: u64,
}

/// Findings of one code and severity.
#[derive(Debug, Default)]
pub struct Group {
    /// How many there are.
    pub findings: u64,
    /// Sessions in which they are; those that belong to no session are in none.
    pub sessions: u64,
    /// The first ones, at most [`KEPT`].
    pub first: Vec<Finding>,
    /// The session last counted: the findings of a session come together.
    latest: Option<u64>,
}

impl Groups {
    /// Takes findings in, those of a session together.
    pub fn add(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.count = self.count.saturating_add(1);
            let key = (Reverse(finding.severity), finding.code);
            self.groups.entry(key).or_default().add(finding);
        }
    }

    /// Findings taken in.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The groups: worst first, then by the first finding.
    pub fn worst_first(&self) -> Vec<&Group> {
        let mut groups: Vec<_> = self.groups.iter().map(|((severity, _), group)| (severity, group)).collect();
        groups.sort_by_key(|(severity, group)| (*severity, group.first.first().map(place)));
        groups.into_iter().map(|(_, group)| group).collect()
    }

    /// How many findings of each code there are, for JSON.
    pub fn counts(&self) -> Vec<Counted<'_>> {
        let groups = self.worst_first();
        let counted = groups.into_iter().filter_map(|group| {
            let first = group.first.first()?;
            let (severity, findings, sessions) = (first.severity, group.findings, group.sessions);
            Some(Counted { code: first.code, severity, findings, sessions })
        });
        counted.collect()
    }
}

/// One group in numbers.
#[derive(Debug, Serialize)]
pub struct Counted<'a> {
    code: &'a str,
    severity: Severity,
    findings: u64,
    sessions: u64,
}

impl Group {
    fn add(&mut self, finding: Finding) {
        self.findings = self.findings.saturating_add(1);
        if finding.session.is_some() && self.latest != finding.session {
            self.sessions = self.sessions.saturating_add(1);
            self.latest = finding.session;
        }
        let at = self.first.partition_point(|kept| place(kept) <= place(&finding));
        if at < KEPT {
            self.first.truncate(KEPT - 1);
            self.first.insert(at, finding);
        }
    }
}

fn place(finding: &Finding) -> Place {
    (finding.session, finding.packets.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::fixture;

    fn finding(session: u64, packet: u64, severity: Severity) -> Finding {
        Finding { session: Some(session), packets: vec![packet], severity, ..fixture::finding() }
    }

    #[test]
    fn the_lowest_sessions_are_kept_in_whichever_order_they_end() {
        let mut groups = Groups::default();
        (1..=1000).rev().for_each(|session| groups.add(vec![finding(session, session, Severity::High)]));
        let kept: Vec<Option<u64>> = groups.worst_first()[0].first.iter().map(|one| one.session).collect();
        assert_eq!(kept, (1..=KEPT as u64).map(Some).collect::<Vec<_>>());
        assert_eq!((groups.count(), groups.worst_first()[0].sessions), (1000, 1000));
    }

    #[test]
    fn several_findings_of_a_session_are_one_session() {
        let mut groups = Groups::default();
        groups.add(vec![finding(1, 9, Severity::Low), finding(1, 4, Severity::Low)]);
        groups.add(vec![finding(2, 20, Severity::Low)]);
        let [group] = groups.worst_first()[..] else { panic!("one group") };
        assert_eq!((group.findings, group.sessions), (3, 2));
        assert_eq!(group.first[0].packets, [4]);
    }

    #[test]
    fn harmless_cases_of_a_kind_stand_apart_and_last() {
        let mut groups = Groups::default();
        groups.add(vec![finding(1, 9, Severity::Info), finding(1, 10, Severity::High)]);
        let severities: Vec<Severity> =
            groups.worst_first().iter().map(|group| group.first[0].severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Info]);
    }
}
