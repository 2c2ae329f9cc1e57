//! Logins: passwords are verified a few at once, and not at all for those who failed too often.

use std::sync::Arc;

use tokio::time::Instant;

use super::conversation::{Answer, Conversation};
use super::shared::Shared;
use crate::account::{Attempt, Login, Refusal};
use crate::limit::{Throttle, Ticket};
use crate::record::What;
use crate::session::Event;

/// Somebody who is logged in.
pub(super) struct LoggedIn {
    pub(super) login: Login,
    pub(super) name: Arc<str>,
    pub(super) throttle: Throttle,
    /// The account's place among its sessions.
    _place: Ticket,
}

/// What came of a try to log in.
pub(super) struct Verified {
    user: Vec<u8>,
    result: Result<Login, Refusal>,
}

impl Conversation {
    /// Finds out who this is; the session is told later.
    pub(super) fn verify(&mut self, attempt: Attempt) {
        let shared = Arc::clone(&self.shared);
        self.pending = Some(Box::pin(async move {
            let user = attempt.user.clone();
            let result = verify(&shared, attempt).await;
            Answer::Verified(Box::new(Verified { user, result }))
        }));
    }

    /// Takes note of what came of it.
    pub(super) fn log_in(&mut self, verified: Verified) {
        let Verified { user, result } = verified;
        let result = result.and_then(|login| {
            let place = self
                .shared
                .connections
                .log_in(&login.name, login.maximum_sessions)
                .map_err(|_| Refusal::TooManySessions)?;
            Ok((login, place))
        });
        match result {
            Ok((login, place)) => {
                let account = Some((login.name.as_str(), login.rates));
                let throttle = self.shared.bandwidth.throttle(self.client.ip(), account);
                let name: Arc<str> = login.name.as_str().into();
                let guest = login.guest;
                self.login = Some(Box::new(LoggedIn { login: login.clone(), name, throttle, _place: place }));
                self.observe(What::LoggedIn { guest });
                self.tell(Event::Authenticated(Ok(login)));
            }
            Err(reason) => {
                let name = String::from_utf8_lossy(&user).into_owned();
                self.observe(What::LoginRefused { name, reason });
                self.tell(Event::Authenticated(Err(reason)));
            }
        }
    }
}

async fn verify(shared: &Arc<Shared>, attempt: Attempt) -> Result<Login, Refusal> {
    let (peer, user) = (attempt.peer, attempt.user.clone());
    if shared.bans.waits(Instant::now().into_std(), peer, &user).is_some() {
        return Err(Refusal::Banned);
    }
    let permit = shared.verifications.acquire().await;
    let accounts = shared.accounts();
    let verified = tokio::task::spawn_blocking(move || accounts.authenticate(&attempt)).await;
    drop(permit);
    let result = verified.unwrap_or(Err(Refusal::Unavailable));
    match &result {
        Ok(_) => shared.bans.succeeded(peer),
        Err(Refusal::BadCredentials) => {
            // How long it has to wait is found out when it comes again.
            let _ = shared.bans.failed(Instant::now().into_std(), peer, &user);
        }
        Err(_) => {}
    }
    result
}
