//! Where the next data connection goes: PORT, PASV (RFC 959 section 4.1.2), EPRT and EPSV (RFC 2428).

use std::net::SocketAddr;

use ftp_protocol::Verb;
use ftp_protocol::address::{self, AddressError};

use crate::session::parameters::DataAddress;
use crate::session::reply::canonical;
use crate::session::stage::{Passive, Stage};
use crate::session::{Action, Closing, Session};

impl Session {
    /// One command of this family.
    pub(super) fn data_address_command(&mut self, verb: Verb, argument: &[u8]) {
        // RFC 2428 section 4: after EPSV ALL everything but EPSV is rejected.
        if self.parameters.epsv_all && verb != Verb::Epsv {
            return self.reply(501, "You sent EPSV ALL: send EPSV.");
        }
        match verb {
            Verb::Port => self.port(argument),
            Verb::Eprt => self.eprt(argument),
            Verb::Pasv => self.pasv(),
            _ => self.epsv(argument),
        }
    }

    /// PORT (RFC 959 section 4.1.2).
    fn port(&mut self, argument: &[u8]) {
        // A leading zero is octal to some and decimal to others, so such a number names two hosts.
        let two_meanings = |number: &[u8]| number.len() > 1 && number.starts_with(b"0");
        let numbers = argument.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
        if numbers.into_iter().any(two_meanings) {
            return self.reply(501, "Send PORT with six numbers from 0 to 255 without leading zeros.");
        }
        match address::parse_port(argument) {
            Ok(named) => self.active(named.socket_address(self.ends.peer.ip())),
            Err(_) => self.reply(501, "Send PORT with six numbers from 0 to 255 and commas between them."),
        }
    }

    /// EPRT (RFC 2428 section 2).
    fn eprt(&mut self, argument: &[u8]) {
        match address::parse_eprt(argument) {
            Ok(named) => {
                let to = named.socket_address(self.ends.peer.ip());
                if canonical(to.ip()).is_ipv6() != self.is_ipv6() {
                    return self.refuse_protocol();
                }
                self.active(to);
            }
            Err(AddressError::Protocol) => self.refuse_protocol(),
            Err(_) => self.reply(501, "Send EPRT with |protocol|address|port|."),
        }
    }

    /// RFC 2577 section 3: only to the client itself and to no port of a service, unless other hosts are granted.
    fn active(&mut self, to: SocketAddr) {
        let to = SocketAddr::new(canonical(to.ip()), to.port());
        if !self.policy.offer_active {
            return self.reply(502, "This server opens no data connections: send PASV or EPSV.");
        }
        let granted = self.known().is_some_and(|account| account.login.may_use_other_hosts);
        if to.ip() != canonical(self.ends.peer.ip()) && !granted {
            return self
                .reply(501, "Only your own address may be named; behind a translator send PASV or EPSV.");
        }
        if to.port() < self.policy.lowest_active_port.max(1) {
            return self
                .reply(501, format!("Only ports from {} on may be named.", self.policy.lowest_active_port));
        }
        self.drop_data_address();
        self.parameters.data = DataAddress::Active(to);
        self.reply(200, "The next transfer goes there.");
    }

    /// PASV (RFC 959 section 4.1.2); its reply has room for IPv4 only.
    fn pasv(&mut self) {
        if !self.policy.offer_passive {
            return self.reply(502, "This server listens for no data connections: send PORT or EPRT.");
        }
        if self.is_ipv6() {
            return self.reply(502, "PASV cannot name an IPv6 address: send EPSV.");
        }
        self.listen(Passive::Pasv);
    }

    /// EPSV (RFC 2428 sections 3 and 4).
    fn epsv(&mut self, argument: &[u8]) {
        if argument.eq_ignore_ascii_case(b"ALL") {
            self.parameters.epsv_all = true;
            return self.reply(200, "Only EPSV is taken from here on.");
        }
        if !self.policy.offer_passive {
            return self.reply(502, "This server listens for no data connections: send EPRT.");
        }
        match argument {
            b"" => self.listen(Passive::Epsv),
            b"1" if !self.is_ipv6() => self.listen(Passive::Epsv),
            b"2" if self.is_ipv6() => self.listen(Passive::Epsv),
            _ if argument.iter().all(u8::is_ascii_digit) => self.refuse_protocol(),
            _ => self.reply(501, "Send EPSV, EPSV 1, EPSV 2 or EPSV ALL."),
        }
    }

    fn listen(&mut self, passive: Passive) {
        // Each port that is never used takes one from others for a while: who only asks for ports wants no files.
        if self.tally.unused_ports >= self.policy.unused_ports.max(1) {
            self.drop_data_address();
            self.reply(421, "Too many ports that no transfer used; the connection is closed.");
            return self.close(Closing::UnusedPorts);
        }
        self.tally.unused_ports = self.tally.unused_ports.saturating_add(1);
        let ipv6 = self.is_ipv6();
        self.parameters.data = DataAddress::Unset;
        self.act(Action::Listen { ipv6 });
        self.stage = Stage::Listening(passive);
    }

    /// The driver listens, or found no port.
    pub(in crate::session) fn listening(&mut self, passive: Passive, address: Option<SocketAddr>) {
        let Some(address) = address else {
            return self.reply(425, "No port is free for a data connection; try again later.");
        };
        let text = match (passive, canonical(address.ip())) {
            (Passive::Epsv, _) => address::epsv_reply_text(address.port()),
            (Passive::Pasv, std::net::IpAddr::V4(ip)) => {
                address::pasv_reply_text(std::net::SocketAddrV4::new(ip, address.port()))
            }
            (Passive::Pasv, std::net::IpAddr::V6(_)) => {
                self.act(Action::StopListening);
                return self.reply(425, "PASV cannot name an IPv6 address: send EPSV.");
            }
        };
        self.parameters.data = DataAddress::Listener;
        self.reply(if passive == Passive::Pasv { 227 } else { 229 }, text);
    }

    /// RFC 2428 section 2: 522 names what is supported, which is the control connection's protocol.
    fn refuse_protocol(&mut self) {
        let supported = if self.is_ipv6() { 2 } else { 1 };
        self.reply(522, format!("Network protocol not supported, use ({supported})"));
    }

    fn is_ipv6(&self) -> bool {
        canonical(self.ends.local.ip()).is_ipv6()
    }

    /// What was arranged is void.
    pub(super) fn drop_data_address(&mut self) {
        if self.parameters.data == DataAddress::Listener {
            self.act(Action::StopListening);
        }
        self.parameters.data = DataAddress::Unset;
    }
}
