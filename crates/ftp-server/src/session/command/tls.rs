//! Protection by TLS: AUTH, PBSZ, PROT and CCC (RFC 2228 section 3, RFC 4217).

use std::time::Instant;

use ftp_protocol::Verb;

use crate::session::stage::{Control, Identity, Protection, Stage};
use crate::session::{Action, Closing, Session};

impl Session {
    /// One command of this family.
    pub(super) fn tls_command(&mut self, now: Instant, verb: Verb, argument: &[u8]) {
        match verb {
            Verb::Auth => self.auth(now, argument),
            Verb::Pbsz => self.pbsz(argument),
            Verb::Prot => self.prot(argument),
            _ => self.ccc(),
        }
    }

    /// AUTH (RFC 4217 section 4). Behind this line the connection is TLS's: a byte more in clear was not sent by who will have the
    /// keys, so nothing is done with it (CVE-2011-0411 and its kin).
    fn auth(&mut self, now: Instant, mechanism: &[u8]) {
        if !self.needs(mechanism, "AUTH TLS") {
            return;
        }
        let named = |name: &str| mechanism.eq_ignore_ascii_case(name.as_bytes());
        // RFC 4217 section 17: SSL and TLS-P mean a protected data connection from the beginning.
        let data = named("SSL") || named("TLS-P");
        if !(data || named("TLS") || named("TLS-C")) {
            return self.reply(504, "Only AUTH TLS is known here.");
        }
        if !self.policy.offer_tls {
            return self.reply(502, "This server has no certificate for TLS.");
        }
        if self.protection.is_on() {
            return self.reply(503, "TLS protects this connection already.");
        }
        if !self.input.is_empty() {
            self.reply(503, "Nothing may follow AUTH before TLS; the connection is closed.");
            return self.close(Closing::ClearBehindAuth);
        }
        self.drop_data_address();
        // RFC 2228 section 3, AUTH: what was said before about the user does not count.
        self.log_out(now);
        self.identity = Identity::Nobody;
        self.host = None;
        self.reply(234, "Begin TLS.");
        self.act(Action::StartTls);
        self.protection = Protection { buffer_size_named: data, data, ..Protection::CLEAR };
        self.stage = Stage::Handshake { greet: false };
    }

    /// PBSZ (RFC 4217 section 8): TLS has buffers of its own, so 0 is the only size.
    fn pbsz(&mut self, size: &[u8]) {
        if self.protection.control == Control::Clear {
            return self.reply(503, "Send AUTH TLS first.");
        }
        if size.is_empty() || size.len() > 10 || !size.iter().all(u8::is_ascii_digit) {
            return self.reply(501, "Send PBSZ 0.");
        }
        self.protection.buffer_size_named = true;
        self.reply(200, "PBSZ=0");
    }

    /// PROT (RFC 4217 section 9).
    fn prot(&mut self, level: &[u8]) {
        if self.protection.control == Control::Clear {
            return self.reply(503, "Send AUTH TLS first.");
        }
        if !self.protection.buffer_size_named {
            return self.reply(503, "Send PBSZ 0 first.");
        }
        match level.to_ascii_uppercase().as_slice() {
            b"P" => {
                self.protection.data = true;
                self.reply(200, "Data connections are protected by TLS.");
            }
            b"C" if self.policy.require_protected_data => {
                self.reply(534, "Data connections are protected here: send PROT P.");
            }
            b"C" => {
                self.protection.data = false;
                self.reply(200, "Data connections are in clear.");
            }
            b"S" | b"E" => self.reply(536, "TLS has no such level: send PROT P or PROT C."),
            b"" => self.reply(501, "Send PROT P or PROT C."),
            _ => self.reply(504, "There is no such level: send PROT P or PROT C."),
        }
    }

    /// CCC (RFC 4217 section 6): the rest of the dialogue in clear, for address translators that read it.
    fn ccc(&mut self) {
        if !self.protection.is_on() {
            return self.reply(533, "This connection is in clear.");
        }
        if !self.policy.allow_clear_command_channel {
            return self.reply(534, "This server keeps its dialogue protected.");
        }
        self.reply(200, "The dialogue goes on in clear.");
        self.act(Action::StopTls);
        self.protection.control = Control::Cleared;
    }
}
