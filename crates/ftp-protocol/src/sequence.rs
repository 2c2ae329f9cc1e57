//! Which replies may follow which command: RFC 959 section 5.4 and the section of each extension's RFC. Also what
//! the text of a reply tells about the transfer or the server.

use crate::verb::Verb;

mod facts;
mod table;

pub use facts::{announced_path, announced_size, greeting_host};

/// How well a reply code fits a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot answer this command.
    Never,
    /// It may answer this command, but no document lists it there.
    Unlikely,
    /// A listed reply that ends the exchange (2yz to 6yz).
    Final,
    /// A listed reply after which another one follows (1yz).
    Preliminary,
}

/// How well `code` answers `verb`; `None` stands for a command that this crate does not know.
pub fn fit(verb: Option<Verb>, code: u16) -> Fit {
    // RFC 959 section 4.2.2: 421 may answer any command, 500 to 502 any that the server does not understand or have.
    if matches!(code, 421 | 500 | 501 | 502) {
        return Fit::Final;
    }
    let Some(verb) = verb else { return fit_unknown(code) };
    if table::listed(verb).contains(&code) {
        return if is_preliminary(code) { Fit::Preliminary } else { Fit::Final };
    }
    let possible = match code {
        100..=199 => verb.is_transfer() || is_loosely_defined(verb),
        200..=399 => table::owners(code).is_none_or(|owners| owners.contains(&verb)),
        // RFC 959 section 4.2: x2z is about connections, so a command without a data connection cannot meet it.
        425 => verb.is_transfer() || verb.arranges_data(),
        426 => verb.is_transfer(),
        _ => true,
    };
    if possible { Fit::Unlikely } else { Fit::Never }
}

/// How well `code` ends or continues a transfer that a preliminary reply (1yz) has begun: RFC 959 section 5.4 lists
/// fewer replies there than for the command itself.
pub fn fit_after_preliminary(verb: Option<Verb>, code: u16) -> Fit {
    match code {
        110 => Fit::Preliminary,
        220 if verb == Some(Verb::Rein) => Fit::Final,
        226 | 250 | 421 | 425 | 426 | 451 | 551 | 552 => Fit::Final,
        // Servers end transfers with other errors too; 200 to 299 for another command never ends one.
        200 | 202 | 213 | 225 | 400..=599 => Fit::Unlikely,
        125 | 150 => Fit::Unlikely,
        _ => Fit::Never,
    }
}

/// How well `code` greets a client that has just connected (RFC 959 section 5.4, connection establishment).
pub fn fit_greeting(code: u16) -> Fit {
    match code {
        120 => Fit::Preliminary,
        220 | 421 => Fit::Final,
        // Servers that are full, or that refuse the client's address, or that need no login.
        230 | 400..=599 => Fit::Unlikely,
        _ => Fit::Never,
    }
}

/// 1yz: the command was begun, another reply follows.
pub fn is_preliminary(code: u16) -> bool {
    code / 100 == 1
}

/// 2yz: the command was carried out.
pub fn is_completion(code: u16) -> bool {
    code / 100 == 2
}

/// 3yz: the command was accepted, the server waits for another one.
pub fn is_intermediate(code: u16) -> bool {
    code / 100 == 3
}

/// 4yz: the command failed for now.
pub fn is_transient_negative(code: u16) -> bool {
    code / 100 == 4
}

/// 5yz: the command failed for good.
pub fn is_permanent_negative(code: u16) -> bool {
    code / 100 == 5
}

/// An unknown command may be an extension with any reply but those that belong to known commands.
fn fit_unknown(code: u16) -> Fit {
    if table::owners(code).is_some() { Fit::Never } else { Fit::Unlikely }
}

/// What these do, and so what they answer, is the server's own affair.
fn is_loosely_defined(verb: Verb) -> bool {
    verb == Verb::Site || verb.defined_in() == "common practice" || matches!(verb, Verb::Hash | Verb::Comb)
}

#[cfg(test)]
mod tests;
