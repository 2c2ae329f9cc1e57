//! What a failure is told as: one code of those that RFC 959 section 5.4 (and later RFCs) list for the command.

use ftp_protocol::Verb;
use ftp_protocol::sequence::{Fit, fit};

use crate::session::TransferError;
use crate::store::StoreError;

/// Whether a document lists this code for the command.
pub(super) fn lists(verb: Verb, code: u16) -> bool {
    fit(Some(verb), code) == Fit::Final
}

/// The code for "not done, and will not be": 550, unless the command's row has only 553 (STOR, RNTO) or 450 (STAT).
pub(super) fn refusal(verb: Verb) -> u16 {
    // For LIST and NLST RFC 959 has only 450 as well, which tells clients to try again: lftp then asks a thousand times for a directory
    // that is not there. Other servers send 550.
    if matches!(verb, Verb::List | Verb::Nlst) {
        return 550;
    }
    // SITE lists no code for failures, since each server has its own; 550 is what it means.
    [550, 553, 450].into_iter().find(|&code| lists(verb, code)).unwrap_or(550)
}

/// This code if the command's row has it, else that of any refusal.
fn rather(verb: Verb, code: u16) -> u16 {
    if lists(verb, code) { code } else { refusal(verb) }
}

/// Code and text for a store that did not do what it was asked.
pub(super) fn of_store(verb: Verb, error: &StoreError) -> (u16, String) {
    let refused = refusal(verb);
    let (code, text) = match error {
        StoreError::NotFound => (refused, "There is no such file or directory; LIST shows what there is."),
        StoreError::NotPermitted => (refused, "The server's system does not permit this."),
        StoreError::ReadOnly => (refused, "The server's disk can only be read."),
        StoreError::Exists => (refused, "There is something of this name already; choose another."),
        StoreError::NotADirectory => (refused, "This is not a directory."),
        StoreError::IsADirectory => (refused, "This is a directory, not a file."),
        StoreError::NotRegular => (refused, "This is not a regular file."),
        StoreError::NotEmpty => (refused, "The directory is not empty; remove what it holds first."),
        StoreError::BadName(why) => {
            return (rather(verb, 553), format!("This name is not allowed: {why}."));
        }
        StoreError::BehindEnd { length, .. } => {
            let text = format!("The file has only {length} bytes; send REST with at most that.");
            return (rather(verb, 551), text);
        }
        StoreError::NoSpace => (rather(verb, 452), "The server's disk is full."),
        StoreError::QuotaExceeded => (rather(verb, 552), "Your quota is used up; delete something first."),
        StoreError::Busy => (rather(verb, 450), "It is in use; try again later."),
        StoreError::Unsupported => (502, "What is kept here cannot do this."),
        StoreError::Io(_) => (rather(verb, 451), "The server could not do this; its log says why."),
    };
    (code, text.to_owned())
}

/// Code and text for a transfer that is not whole.
pub(super) fn of_transfer(verb: Verb, error: &TransferError) -> (u16, String) {
    let (code, text) = match error {
        TransferError::Store(error) => return of_store(verb, error),
        TransferError::NotOpened => {
            (425, "The data connection could not be opened; send PASV or EPSV and try again.")
        }
        TransferError::NotThePeer => {
            (425, "The data connection was not yours; send PASV or EPSV and try again.")
        }
        TransferError::TlsFailed => (425, "The TLS handshake of the data connection failed."),
        TransferError::TlsNotResumed => {
            (425, "The data connection must resume the TLS session of the control connection.")
        }
        TransferError::Truncated => {
            (426, "The data connection ended without TLS's close_notify; the file may be cut.")
        }
        TransferError::Broken => (426, "The data connection broke; the transfer is not whole."),
        TransferError::BadCompression => (451, "The compressed data (MODE Z) is damaged."),
        TransferError::Stalled => (426, "Nothing moved for too long; the data connection is closed."),
        TransferError::TooSlow => (426, "It went too slowly; the data connection is closed."),
        TransferError::Aborted => (426, "The transfer was ended; the data connection is closed."),
    };
    (code, text.to_owned())
}
