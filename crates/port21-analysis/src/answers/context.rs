//! What the questions are about in this session: which login, which transfer, whose end is whose.

use crate::report::{
    Command, Connection, ConnectionState, Endpoint, Exchange, FailureCause, Login, Mode, Outcome, Party,
    Protocol, Session, Side, Transfer,
};
use crate::wording::from_to;

/// A session seen through the questions.
pub(super) struct Context<'a> {
    /// The session.
    pub session: &'a Session,
    /// The login that the questions are about: the first that was accepted, else the first.
    pub login: Option<&'a Login>,
    /// The transfer that they are about: the first whose data connection was opened, else the first with an attempt,
    /// else the first.
    pub transfer: Option<&'a Transfer>,
    /// Its data connection.
    pub data: Option<&'a Connection>,
    /// The end of it that belongs to the server.
    pub data_side_of_server: Option<Side>,
}

impl<'a> Context<'a> {
    pub(super) fn new(session: &'a Session) -> Self {
        let login = session
            .logins
            .iter()
            .find(|login| login.outcome == Outcome::Accepted)
            .or_else(|| session.logins.first());
        let opened = |transfer: &&Transfer| {
            transfer.data.as_ref().is_some_and(|data| data.state != ConnectionState::NeverOpened)
        };
        let transfers = &session.transfers;
        let transfer = transfers
            .iter()
            .find(opened)
            .or_else(|| transfers.iter().find(|transfer| transfer.data.is_some()))
            .or_else(|| transfers.first());
        let data_side_of_server = transfer.and_then(|transfer| session.data_side_of_server(transfer));
        Context {
            session,
            login,
            transfer,
            data: transfer.and_then(|transfer| transfer.data.as_ref()),
            data_side_of_server,
        }
    }

    /// The server's end of the data connection.
    pub(super) fn data_server(&self) -> Option<Endpoint> {
        Some(self.data?.endpoint(self.data_side_of_server?))
    }

    /// The other end of it: the client's, or another server's.
    pub(super) fn data_peer(&self) -> Option<Endpoint> {
        Some(self.data?.endpoint(self.data_side_of_server?.other()))
    }

    /// Whether the transfer runs between two servers.
    pub(super) fn between_servers(&self) -> bool {
        self.transfer.is_some_and(Transfer::is_server_to_server)
    }

    /// What the party at `side` of the data connection is called; `None` where it cannot be told who is who.
    pub(super) fn data_party_name(&self, side: Side) -> Option<&'static str> {
        Some(match self.data_side_of_server? {
            server if server == side => "server",
            _ if self.between_servers() => "other server",
            _ => "client",
        })
    }

    /// Which party opens the data connection by its arrangement (RFC 959, section 3.2; RFC 2428).
    pub(super) fn opener_by_mode(&self) -> Option<Party> {
        match self.transfer?.mode? {
            Mode::Active | Mode::ExtendedActive => Some(Party::Server),
            // A listening server is connected to by the client, or by another server at its bidding.
            Mode::Passive | Mode::ExtendedPassive if self.between_servers() => Some(Party::Server),
            Mode::Passive | Mode::ExtendedPassive => Some(Party::Client),
        }
    }

    /// Whether the server listened for the data connection.
    pub(super) fn is_passive(&self) -> bool {
        matches!(
            self.transfer.and_then(|transfer| transfer.mode),
            Some(Mode::Passive | Mode::ExtendedPassive)
        )
    }

    /// Whether any part of the dialogue is hidden by TLS.
    pub(super) fn is_encrypted(&self) -> bool {
        self.session.tls.is_some() || self.session.protocol != Protocol::Ftp
    }

    /// Every command with its exchange, in order.
    pub(super) fn commands(&self) -> impl Iterator<Item = (&'a Command, &'a Exchange)> + use<'a> {
        let exchanges = self.session.exchanges.iter();
        exchanges.filter_map(|exchange| Some((exchange.command.as_ref()?, exchange)))
    }

    /// The exchange whose command lies in `packet`.
    pub(super) fn exchange_in(&self, packet: u64) -> Option<&'a Exchange> {
        self.commands().find(|(command, _)| command.packets.contains(&packet)).map(|(_, exchange)| exchange)
    }

    /// Where dialogue is hidden by TLS: a sentence that says so and since when.
    pub(super) fn encrypted_because(&self) -> Option<String> {
        if !self.is_encrypted() {
            return None;
        }
        Some(match self.session.tls.as_ref().and_then(|tls| tls.auth_packet) {
            Some(packet) => format!("From AUTH (#{packet}) on the control connection is encrypted by TLS."),
            None => "The control connection is encrypted by TLS from its first byte.".to_owned(),
        })
    }

    /// Why it cannot be told which end of a data connection that is there belongs to whom.
    fn why_no_sides(&self) -> Option<String> {
        let data = self.data.filter(|_| self.data_side_of_server.is_none())?;
        let reason = if data.initiator.address == data.responder.address {
            "both have the same address"
        } else {
            "its addresses do not say so"
        };
        Some(format!(
            "The data connection goes from {}, but which end of it is the server's cannot be told: {reason}, and the \
             announcement cannot be read in the capture.",
            from_to(data.initiator, data.responder)
        ))
    }

    /// One sentence that says why there is no data connection to speak of, or no end of it to name.
    pub(super) fn why_no_data(&self) -> String {
        if let Some(because) = self.why_no_sides() {
            return because;
        }
        let Some(transfer) = self.transfer else {
            return match self.encrypted_because() {
                Some(because) => {
                    format!("{because} No data connection could be told to belong to this session.")
                }
                None if self.session.unused_data_connections.is_empty() => {
                    "The capture shows no transfer in this session.".to_owned()
                }
                None => "A data connection was opened, but the capture shows no transfer over it.".to_owned(),
            };
        };
        let cause = transfer.failure.as_ref().map(|failure| failure.cause);
        match cause {
            Some(FailureCause::NoAnswer) => "The data connection was never opened: its SYN was not answered.",
            Some(FailureCause::Refused) => {
                "The data connection was never opened: its SYN was answered by RST."
            }
            Some(FailureCause::Unreachable) => {
                "The data connection was never opened: an ICMP message said that its end cannot be reached."
            }
            Some(FailureCause::Reset) => "The data connection was reset before it carried any data.",
            Some(FailureCause::NotSeen) | None => {
                "The data connection of the transfer is not in the capture."
            }
        }
        .to_owned()
    }

    /// Which of the transfers the answer is about, where there are several.
    pub(super) fn other_transfers(&self) -> Option<String> {
        let others = self.session.transfers.len().saturating_sub(1);
        match (others, self.transfer) {
            (0, _) | (_, None) => None,
            (1, Some(transfer)) => Some(format!(
                "This is transfer {} of the session; there is one other.",
                transfer.index.saturating_add(1)
            )),
            (others, Some(transfer)) => Some(format!(
                "This is transfer {} of the session; there are {others} others.",
                transfer.index.saturating_add(1)
            )),
        }
    }
}
