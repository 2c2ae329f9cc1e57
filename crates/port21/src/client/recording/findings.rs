//! What the analyser finds in a recording.

use std::cmp::Reverse;
use std::io::Read;

use port21_analysis::analysis::{Analysis, News, Options, Share, Tally};
use port21_analysis::digest::Hashing;
use port21_analysis::limits::Limits;
use port21_analysis::report::Finding;
use port21_capture::{Capture, Decoder, OpenError};

/// Findings that explain no failure, or only say how the recording was made: after decryption, with the data cut, with a made-up
/// network, of the client's own password.
const NOT_TOLD: [&str; 17] = [
    "anonymous-login",
    "bytes-missing",
    "capture-gaps",
    "ccc-used",
    "data-lost",
    "duplicate-frames",
    "files-in-clear",
    "non-standard-port",
    "password-in-clear",
    "protocol-oddity",
    "retransmissions",
    "slow-client",
    "slow-network",
    "slow-server",
    "tls-data-in-clear",
    "tls-refused",
    "zero-window",
];

/// What is behind a failure, the gravest first.
pub fn find(recording: Box<dyn Read + Send>) -> Result<Vec<Finding>, OpenError> {
    let mut capture = Capture::from_reader("the recording".into(), recording)?;
    let options = Options { hash: Hashing::Off, ..Options::default() };
    let (mut analysis, mut decoder) = (Analysis::new(options), Decoder::default());
    let mut tally = Tally::new(&Limits::default());
    let mut found = Vec::new();
    loop {
        let more = match capture.next_packet() {
            Some(packet) => {
                analysis.packet(&decoder.decode(&packet));
                true
            }
            None => {
                analysis.end();
                false
            }
        };
        for news in analysis.take_news() {
            let News::Session(ended) = news else { continue };
            let session = ended.write_down();
            tally.add(Share::of(&session));
            found.extend(session.findings);
        }
        if !more {
            break;
        }
    }
    found.extend(analysis.conclude(tally).findings);
    Ok(told(found))
}

/// What explains a failure, the gravest first; what is equally grave as it was found, session by session.
fn told(mut found: Vec<Finding>) -> Vec<Finding> {
    found.retain(|finding| !NOT_TOLD.contains(&finding.code));
    found.sort_by_key(|finding| Reverse(finding.severity));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use port21_analysis::findings::CATALOGUE;

    #[test]
    fn gravest_comes_first_whatever_session_it_is_of() {
        let finding = |code: &'static str| {
            let kind = CATALOGUE.iter().find(|kind| kind.code == code).unwrap();
            Finding {
                code,
                severity: kind.severity,
                session: None,
                packets: Vec::new(),
                title: kind.title,
                detail: String::new(),
                rule: kind.rule,
                advice: kind.advice,
            }
        };
        let codes = ["login-rejected", "anonymous-login", "transfer-short", "file-busy", "transfer-reset"];
        let found = told(codes.into_iter().map(finding).collect());
        let order: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(order, ["transfer-short", "transfer-reset", "login-rejected", "file-busy"]);
    }

    #[test]
    fn what_is_not_told_stands_in_the_catalogue() {
        for code in NOT_TOLD {
            assert!(CATALOGUE.iter().any(|kind| kind.code == code), "{code}");
        }
    }
}
