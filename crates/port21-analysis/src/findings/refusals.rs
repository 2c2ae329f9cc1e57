//! Transfers that the server would not begin, by the reason that it gave: one finding for each reason in a session.

use std::collections::{BTreeSet, HashMap, HashSet};

use ftp_protocol::Verb;
use ftp_protocol::verb::TransferKind;

use super::Kind;
use crate::report::{Command, Exchange, Finding, Outcome, Reply, Session, Severity};
use crate::wording::{command, counted, list, number, packets as named, quoted, reply as spoken};

/// 550, and 450 where the text says that nothing is there.
pub const FILE_UNAVAILABLE: Kind = Kind {
    code: "file-unavailable",
    severity: Severity::Medium,
    title: "file not found, or no access",
    meaning: "The server refused a transfer because of the file: it is not there, is a directory, or the account may not \
              read or write it (550). Low, if nothing was to be stored; info, if a listing found nothing, which is how \
              many servers say that a directory is empty.",
    rule: "RFC 959, sections 4.2.2 and 5.4",
    advice: "The server does not say which: look for the name in a listing, with its case and directory, and check the \
             account's rights on it at the server.",
};

/// 553.
pub const FILE_NAME_REFUSED: Kind = Kind {
    code: "file-name-refused",
    severity: Severity::Medium,
    title: "file name not allowed",
    meaning: "The server refused to store under this name (553): the name is not allowed, or nothing may be written or \
              replaced there.",
    rule: "RFC 959, sections 4.2.2 and 5.4",
    advice: "Check that the directory exists and the account may write there, and which names the server forbids; try \
             another name.",
};

/// 450 of a file.
pub const FILE_BUSY: Kind = Kind {
    code: "file-busy",
    severity: Severity::Low,
    title: "file busy",
    meaning: "The server refused a transfer for the moment (450): the file is in use, or the server limits how often.",
    rule: "RFC 959, sections 4.2.1, 4.2.2 and 5.4",
    advice: "Try again later: a 4yz reply says that the same command may work then.",
};

/// 452 or 552.
pub const STORAGE_EXCEEDED: Kind = Kind {
    code: "storage-exceeded",
    severity: Severity::Medium,
    title: "no room at the server",
    meaning: "The server refused a transfer for want of space: the disk is full (452), or the account's quota is used up (552).",
    rule: "RFC 959, sections 4.2.2 and 5.4",
    advice: "Make room at the server or raise the account's quota, then transfer the file again.",
};

/// 451 before anything was begun.
pub const SERVER_ERROR: Kind = Kind {
    code: "server-error",
    severity: Severity::Medium,
    title: "error at the server",
    meaning: "The server refused a transfer because of an error of its own (451, local error in processing).",
    rule: "RFC 959, sections 4.2.2 and 5.4",
    advice: "Read the server's text, and its log around that time; a 4yz reply says that another try may work.",
};

/// 530, or 503 with a text to that effect, and no login was accepted before.
pub const NOT_LOGGED_IN: Kind = Kind {
    code: "transfer-without-login",
    severity: Severity::Low,
    title: "transfer asked for without a login",
    meaning: "The server refused a transfer because nobody is logged in (530), and the capture shows no accepted login \
              before it.",
    rule: "RFC 959, sections 4.2.2, 5.4 and 6",
    advice: "Let the client log in first; if it tried to, look why the login was rejected.",
};

/// 521, 522, 534, 535 or 536 to a transfer.
pub const PROTECTION_REQUIRED: Kind = Kind {
    code: "data-protection-refused",
    severity: Severity::Medium,
    title: "data connection must be protected otherwise",
    meaning: "The server refused a transfer because of how its data connection would be protected: most often it asks for \
              TLS on it (PROT P), or for the control connection's TLS session to be resumed there.",
    rule: "RFC 4217, section 9; RFC 2228, section 6",
    advice: "Let the client send PBSZ 0 and PROT P after AUTH TLS, and resume the TLS session on data connections; or have \
             the server not require it.",
};

/// Any other refusal.
pub const TRANSFER_REFUSED: Kind = Kind {
    code: "transfer-refused",
    severity: Severity::Low,
    title: "transfer refused",
    meaning: "The server refused a transfer for another reason than those that have a finding of their own. That it does not \
              know MLSD is none: clients then ask for LIST.",
    rule: "RFC 959, sections 4.2 and 5.4",
    advice: "Read the server's text and log: 5yz says that the command will not work as it is, 4yz that it may later.",
};

/// In the order in which they are told.
const KINDS: [Kind; 8] = [
    FILE_UNAVAILABLE,
    FILE_NAME_REFUSED,
    FILE_BUSY,
    STORAGE_EXCEEDED,
    SERVER_ERROR,
    NOT_LOGGED_IN,
    PROTECTION_REQUIRED,
    TRANSFER_REFUSED,
];

/// Findings of this family.
pub(super) fn find(session: &Session, found: &mut Vec<Finding>) {
    let refusals = refusals(session);
    for kind in KINDS {
        let mine: Vec<&Refusal<'_>> = refusals.iter().filter(|refusal| refusal.kind == kind).collect();
        found.extend(told(session, kind, &mine));
    }
}

/// A command that was to transfer something, and the reply that refused it.
struct Refusal<'a> {
    kind: Kind,
    transfer: TransferKind,
    command: &'a Command,
    reply: &'a Reply,
    /// The server's words, in lower case.
    text: String,
    /// The same command was carried out later.
    worked_later: bool,
}

fn refusals(session: &Session) -> Vec<Refusal<'_>> {
    if !session.exchanges.iter().any(|exchange| refused(exchange).is_some()) {
        return Vec::new();
    }
    // What was begun is told as a transfer: that its data connection failed, or that it ended with a failure.
    let begun: HashSet<u64> =
        session.transfers.iter().filter_map(|transfer| transfer.command_packet).collect();
    let accepted = session.logins.iter().filter(|login| login.outcome == Outcome::Accepted);
    let logged_in = accepted.filter_map(|login| login.reply_packet).min();
    let mut worked: HashMap<(&str, Option<&str>), u64> = HashMap::new();
    for transfer in &session.transfers {
        let done = transfer.closing_reply.and_then(|reply| reply.code).is_some_and(|code| code < 300);
        if let (Some(verb), Some(packet), true) = (&transfer.verb, transfer.command_packet, done) {
            let last = worked.entry((verb, transfer.argument.as_deref())).or_default();
            *last = packet.max(*last);
        }
    }
    let refusal = |exchange| {
        let (command, transfer, reply) = refused(exchange)?;
        let packet = *command.packets.first()?;
        if begun.contains(&packet) {
            return None;
        }
        let text = reply.lines.join("\n").to_lowercase();
        let kind = kind(reply.code?, transfer, &text, logged_in.is_some_and(|login| login < packet))?;
        let last = worked.get(&(command.verb.as_ref(), command.argument.as_deref()));
        let worked_later = last.is_some_and(|last| *last > packet);
        Some(Refusal { kind, transfer, command, reply, text, worked_later })
    };
    session.exchanges.iter().filter_map(refusal).collect()
}

/// The command of an exchange, and its first reply, if it is a transfer's and was refused.
fn refused(exchange: &Exchange) -> Option<(&Command, TransferKind, &Reply)> {
    let command = exchange.command.as_ref()?;
    let transfer = Verb::from_bytes(command.verb.as_bytes())?.transfer_kind()?;
    let reply = exchange.replies.iter().find(|reply| reply.code.is_some())?;
    reply.code.filter(|code| (400..600).contains(code))?;
    Some((command, transfer, reply))
}

/// Which finding a refusal is; `None` for what has one elsewhere, or is none.
fn kind(code: u16, transfer: TransferKind, text: &str, logged_in: bool) -> Option<Kind> {
    let asks_for_login = || says(text, &["log in", "login", "logged in"]);
    Some(match code {
        421 | 425 | 426 => return None,
        500 | 502 if transfer == TransferKind::MachineList => return None,
        530 | 503 if !logged_in && (code == 530 || asks_for_login()) => NOT_LOGGED_IN,
        450 if says(text, MISSING) => FILE_UNAVAILABLE,
        450 => FILE_BUSY,
        451 => SERVER_ERROR,
        452 | 552 => STORAGE_EXCEEDED,
        521 | 522 | 534..=536 => PROTECTION_REQUIRED,
        550 => FILE_UNAVAILABLE,
        553 => FILE_NAME_REFUSED,
        _ => TRANSFER_REFUSED,
    })
}

/// How servers say that nothing is there.
const MISSING: &[&str] =
    &["no such", "not found", "no files found", "cannot find", "can't find", "not exist", "n't exist"];

/// How they say that it may not be touched.
const FORBIDDEN: &[&str] =
    &["permission", "denied", "not allowed", "forbidden", "prohibited", "not permitted", "unauthorized"];

/// How they say that it is no file to be fetched.
const NO_FILE: &[&str] = &["not a regular file", "not a plain file", "is a directory", "not a file"];

fn says(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// One finding of all refusals of a kind.
fn told(session: &Session, kind: Kind, refusals: &[&Refusal<'_>]) -> Option<Finding> {
    let first = refusals.first()?;
    let packets: Vec<u64> = refusals
        .iter()
        .flat_map(|refusal| {
            refusal.command.packets.first().copied().into_iter().chain([refusal.reply.packet])
        })
        .collect();
    let asked = quoted(&command(&first.command.verb, first.command.argument.as_deref()));
    let answered = format!("{}: {}", spoken(first.reply), quoted(&first.reply.lines.join("\n")));
    let detail = if refusals.len() == 1 {
        let again = if first.worked_later { " Asked again, it worked." } else { "" };
        format!("{asked} was refused with {answered}.{again}")
    } else {
        format!("{}; the first is {asked}, answered {answered}.{}", several(refusals), worked_later(refusals))
    };
    let advice = if kind == FILE_UNAVAILABLE { advice(first) } else { kind.advice };
    Some(Finding { severity: severity(kind, refusals), advice, ..kind.of(session, packets, detail) })
}

/// "3 transfers were refused with 452 and 552, in #11, #21 and #31".
fn several(refusals: &[&Refusal<'_>]) -> String {
    let codes: BTreeSet<u16> = refusals.iter().filter_map(|refusal| refusal.reply.code).collect();
    let codes: Vec<String> = codes.iter().map(|code| format!("{code:03}")).collect();
    let replies: Vec<u64> = refusals.iter().map(|refusal| refusal.reply.packet).collect();
    let count = counted(refusals.len() as u64, "transfer");
    format!("{count} were refused with {}, in {}", list(&codes), named(&replies))
}

fn worked_later(refusals: &[&Refusal<'_>]) -> String {
    match refusals.iter().filter(|refusal| refusal.worked_later).count() {
        0 => String::new(),
        worked => format!(" Asked again, {} of them worked.", number(worked as u64)),
    }
}

/// What to do about a file that is unavailable, by the server's own words.
fn advice(refusal: &Refusal<'_>) -> &'static str {
    let text = refusal.text.as_str();
    if says(text, NO_FILE) {
        "The server says that it is no plain file: ask for its listing, or for the files in it."
    } else if says(text, MISSING) && refusal.transfer.is_listing() {
        "The server says that nothing is there: the directory is empty, nothing matches, or it does not exist."
    } else if says(text, MISSING) {
        "The server says that it is not there: look for it in a listing, with its case, and check the working directory (PWD)."
    } else if says(text, FORBIDDEN) {
        "The server says that it is not allowed: check the account's rights on the file and its directory at the server."
    } else {
        FILE_UNAVAILABLE.advice
    }
}

/// As the kind says, unless the refusal did little harm.
fn severity(kind: Kind, refusals: &[&Refusal<'_>]) -> Severity {
    let all = |harmless: fn(&Refusal<'_>) -> bool| refusals.iter().all(|refusal| harmless(refusal));
    let empty_listing = |refusal: &Refusal<'_>| refusal.transfer.is_listing() && says(&refusal.text, MISSING);
    if all(|refusal| refusal.worked_later) || kind == FILE_UNAVAILABLE && all(empty_listing) {
        Severity::Info
    } else if kind == FILE_UNAVAILABLE && all(|refusal| !refusal.transfer.is_upload()) {
        Severity::Low
    } else {
        kind.severity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::tests::{codes, finding, raises};
    use crate::report::ReplyRef;
    use crate::sample::{download, exchange, greeted, login};

    /// A session of alice's in which these commands were answered so.
    fn refused(answers: &[(&str, u16, &str)]) -> Session {
        let mut session = greeted();
        session.logins = vec![login("anonymous", "a@b", [5, 7, 8], 230)];
        session.exchanges = answers
            .iter()
            .zip(1..)
            .map(|((verb, code, text), index)| {
                exchange(index * 10, verb, Some("notes.txt"), &[(index * 10 + 1, *code, text)])
            })
            .collect();
        session
    }

    fn one(verb: &str, code: u16, text: &str) -> Finding {
        let all: Vec<Finding> = crate::findings::findings(&refused(&[(verb, code, text)]));
        let is_refusal = |finding: &Finding| KINDS.iter().any(|kind| kind.code == finding.code);
        all.into_iter().find(is_refusal).expect("a refusal")
    }

    #[test]
    fn each_reason_has_its_finding() {
        for (verb, code, text, expected) in [
            ("RETR", 550, "Failed to open file.", "file-unavailable"),
            ("STOR", 553, "Could not create file.", "file-name-refused"),
            ("RETR", 450, "notes.txt: file busy", "file-busy"),
            ("NLST", 450, "No files found", "file-unavailable"),
            ("STOR", 452, "Insufficient storage space", "storage-exceeded"),
            ("APPE", 552, "Quota exceeded", "storage-exceeded"),
            ("LIST", 451, "Local error", "server-error"),
            ("LIST", 522, "Data connections must be encrypted.", "data-protection-refused"),
            ("RETR", 551, "Page type unknown", "transfer-refused"),
            ("STOR", 530, "Not for guests", "transfer-refused"),
        ] {
            assert_eq!(one(verb, code, text).code, expected, "{verb} {code}");
        }
    }

    #[test]
    fn refusals_of_one_kind_are_one_finding_with_the_first_s_words() {
        let missing = ("RETR", 550, "notes.txt: No such file or directory");
        let found = finding(&refused(&[missing; 3]), "file-unavailable");
        assert_eq!(
            found.detail,
            "3 transfers were refused with 550, in #11, #21 and #31; the first is \"RETR notes.txt\", answered 550 (#11): \
             \"notes.txt: No such file or directory\"."
        );
        assert_eq!(found.packets, [10, 11, 20, 21, 30, 31]);
        let found = finding(&refused(&[missing]), "file-unavailable");
        assert_eq!(
            found.detail,
            "\"RETR notes.txt\" was refused with 550 (#11): \"notes.txt: No such file or directory\"."
        );
    }

    #[test]
    fn advice_follows_the_server_s_words() {
        for (verb, text, expected) in [
            ("RETR", "No such file or directory", "not there"),
            ("RETR", "Permission denied", "not allowed"),
            ("RETR", "pub: not a plain file.", "no plain file"),
            ("NLST", "No files found", "nothing is there"),
            ("RETR", "Failed to open file.", "does not say which"),
        ] {
            let advice = one(verb, 550, text).advice;
            assert!(advice.contains(expected), "{text}: {advice}");
        }
    }

    #[test]
    fn what_was_to_be_stored_matters_more_than_what_was_not_there() {
        assert_eq!(one("STOR", 550, "Permission denied").severity, Severity::Medium);
        assert_eq!(one("RETR", 550, "Permission denied").severity, Severity::Low);
        assert_eq!(one("NLST", 550, "No files found").severity, Severity::Info);
        assert_eq!(one("NLST", 550, "Permission denied").severity, Severity::Low);
    }

    #[test]
    fn a_refusal_after_which_the_same_command_worked_is_worth_no_more_than_knowing() {
        let mut session = refused(&[("RETR", 450, "busy"), ("RETR", 450, "busy")]);
        assert_eq!(finding(&session, "file-busy").severity, Severity::Low);
        session.transfers = vec![download(&session)];
        let found = finding(&session, "file-busy");
        assert_eq!(found.severity, Severity::Info);
        assert!(found.detail.ends_with("Asked again, 2 of them worked."), "{}", found.detail);
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(451) });
        assert_eq!(finding(&session, "file-busy").severity, Severity::Low);
    }

    #[test]
    fn without_a_login_it_is_the_login_that_is_missing() {
        for (code, text) in [(530, "Please login with USER and PASS."), (503, "Login with USER first.")] {
            let mut session = refused(&[("LIST", code, text)]);
            assert!(raises(&session, "transfer-refused"), "{code}");
            session.logins.clear();
            assert_eq!(codes(&session), ["transfer-without-login"], "{code}");
        }
    }

    #[test]
    fn what_is_told_elsewhere_or_is_as_it_should_be_is_not_told_again() {
        for (verb, code) in
            [("RETR", 425), ("LIST", 421), ("MLSD", 500), ("MLSD", 502), ("RETR", 226), ("CWD", 550)]
        {
            let found = codes(&refused(&[(verb, code, "text")]));
            assert!(
                found.iter().all(|code| KINDS.iter().all(|kind| kind.code != *code)),
                "{verb} {code}: {found:?}"
            );
        }
    }

    #[test]
    fn a_failure_after_the_beginning_is_a_failed_transfer_and_no_refusal() {
        let mut session = refused(&[]);
        session.exchanges =
            vec![exchange(160, "RETR", Some("notes.txt"), &[(161, 150, "go"), (180, 550, "gone")])];
        session.transfers = vec![download(&session)];
        session.transfers[0].closing_reply = Some(ReplyRef { packet: 180, code: Some(550) });
        assert!(raises(&session, "transfer-failed"));
        assert!(!raises(&session, "file-unavailable"));
    }
}
