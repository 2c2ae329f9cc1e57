//! Carries out what a session asks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};

use super::conversation::{Active, Answer, Conversation, MOST_UNSENT, Passive};
use super::data::{Peer, Protection, Way};
use super::meter::{Counts, Meter};
use super::operate::{is_slow, operate};
use super::passive;
use super::transfer::{self, Job, Prepared};
use super::witness::Speaker;
use crate::limit::{Direction, Throttle};
use crate::record::{Ending, What};
use crate::session::{Action, Closing, Connection, Content, Event, Operation, Transfer, TransferError};
use crate::store::StoreError;

impl Conversation {
    /// Takes all actions, and carries them out in order. Gives how the connection ended, if it did.
    pub(super) async fn perform(&mut self) -> Option<Ending> {
        while let Some(action) = self.session.poll_action() {
            let ended = match action {
                Action::Send(bytes) => {
                    self.send(&bytes);
                    // The session reads the next of many commands only when it is asked for more.
                    if self.outgoing.len() > MOST_UNSENT { Box::pin(self.flush()).await.err() } else { None }
                }
                Action::StartTls => Box::pin(self.start_tls()).await,
                Action::StopTls => Box::pin(self.stop_tls()).await,
                Action::Close(why) => Some(Box::pin(self.close(why)).await),
                action => {
                    self.carry_out(action);
                    None
                }
            };
            if ended.is_some() {
                return ended;
            }
        }
        None
    }

    fn send(&mut self, bytes: &[u8]) {
        self.outgoing.push(bytes);
        let witness = self.witness.as_mut();
        let said =
            witness.map(|witness| witness.hear(&self.shared, Speaker::Server, bytes)).unwrap_or_default();
        for text in said {
            self.observe(What::Line { from_client: false, text });
        }
    }

    /// What needs no waiting here.
    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Send(_) | Action::StartTls | Action::StopTls | Action::Close(_) => {}
            Action::Authenticate(attempt) => self.verify(attempt),
            Action::LogOut => self.login = None,
            Action::Operate(operation) => self.operate(operation),
            Action::Listen { ipv6 } => {
                let address = self.listen(ipv6);
                self.tell(Event::Listening(address));
            }
            Action::StopListening => self.passive = None,
            Action::Transfer(transfer) => self.begin_transfer(transfer),
            Action::AbortTransfer(id) => {
                if let Some(active) = self.transfer.as_mut().filter(|active| active.id == id)
                    && let Some(abort) = active.abort.take()
                {
                    // A transfer that is over already does not hear it.
                    let _ = abort.send(());
                }
            }
        }
    }

    async fn start_tls(&mut self) -> Option<Ending> {
        if let Err(ending) = self.flush().await {
            return Some(ending);
        }
        let result = match self.shared.tls.as_ref().map(|tls| tls.session_keys()) {
            Some(Ok(keys)) => {
                let shaken = timeout(self.shared.times.handshake, self.control.protect(&keys)).await;
                self.keys = Some(keys);
                match shaken {
                    Ok(result) => result.map_err(|error| error.to_string()),
                    Err(_) => Err("the handshake took too long".to_owned()),
                }
            }
            Some(Err(error)) => Err(error.to_string()),
            None => Err("there is no certificate".to_owned()),
        };
        match result {
            Ok(()) => {
                if let Some((version, cipher_suite)) = self.control.protection() {
                    self.observe(What::Protected { version, cipher_suite });
                }
                self.tell(Event::TlsStarted);
            }
            Err(reason) => {
                self.observe(What::NotProtected { reason });
                self.tell(Event::TlsFailed);
            }
        }
        None
    }

    async fn stop_tls(&mut self) -> Option<Ending> {
        if let Err(ending) = self.flush().await {
            return Some(ending);
        }
        match timeout(self.shared.times.handshake, self.control.unprotect()).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) | Err(_) => Some(Ending::Broken),
        }
    }

    async fn close(&mut self, why: Closing) -> Ending {
        self.flush().await.err().unwrap_or(Ending::Closed(why))
    }

    fn operate(&mut self, operation: Operation) {
        let Some(login) = &self.login else {
            return self.tell(Event::Done(Err(StoreError::NotPermitted)));
        };
        if !is_slow(&operation) {
            let done = operate(&login.login.store, &login.login.permissions, operation);
            return self.tell(Event::Done(done));
        }
        let (store, permissions) = (Arc::clone(&login.login.store), login.login.permissions.clone());
        let working = tokio::task::spawn_blocking(move || operate(&store, &permissions, operation));
        self.pending = Some(Box::pin(async {
            Answer::Done(
                working.await.unwrap_or_else(|error| Err(StoreError::Io(std::io::Error::other(error)))),
            )
        }));
    }

    /// Listens for a data connection, and tells the address that the client is to be told.
    fn listen(&mut self, ipv6: bool) -> Option<SocketAddr> {
        self.passive = None;
        let local = self.control.socket()?.local_addr().ok()?.ip().to_canonical();
        if ipv6 != local.is_ipv6() {
            // The connection could not be known to be of the same client.
            return None;
        }
        let at = match local {
            // Behind a proxy, and on a link, the client may come another way.
            IpAddr::V4(_) if self.proxied => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(address) if self.proxied || address.is_unicast_link_local() => {
                Ipv6Addr::UNSPECIFIED.into()
            }
            address => address,
        };
        let listener = {
            let data = &self.shared.data;
            passive::listen(at, data.passive_ports.as_ref(), &data.free_ports).ok()?
        };
        let port = listener.local_addr().ok()?.port();
        let until = Instant::now() + self.shared.times.passive;
        self.passive = Some(Box::new(Passive { listener, until }));
        let told = self.shared.addresses.choose(self.client.ip(), self.server.ip());
        Some(SocketAddr::new(told, port))
    }

    fn begin_transfer(&mut self, transfer: Transfer) {
        let id = transfer.id;
        let login = self.login.as_ref().map(|login| &login.login);
        let mut record = transfer::record(&transfer, login);
        let prepared = match login {
            Some(login) => transfer::prepare(login, &transfer.content),
            None => Err(StoreError::NotPermitted),
        };
        let Prepared { subject, metadata, path } = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                record.error = Some(error.to_string());
                self.observe(What::Transferred(record));
                return self.tell(Event::TransferEnded { id, result: Err(TransferError::Store(error)) });
            }
        };
        if let Some(path) = &path {
            record.path = path.as_bytes().to_vec();
        }
        let counts = Arc::new(Counts::default());
        let direction = match transfer.content {
            Content::Store { .. } => Direction::Upload,
            Content::Retrieve { .. } | Content::List { .. } => Direction::Download,
        };
        let throttle = self.login.as_ref().map_or_else(Throttle::unlimited, |login| login.throttle.clone());
        let (stall, least_rate) = (self.shared.times.stall, self.shared.least_rate);
        let meter = Meter::new(Arc::clone(&counts), throttle, direction, stall, least_rate);
        let job = Job {
            way: self.way(&transfer),
            peer: self.peer(),
            protection: self.protection(&transfer, direction),
            shared: Arc::clone(&self.shared),
            transfer,
            subject,
            meter,
            counts: Arc::clone(&counts),
            record,
            stranger: self.stranger(),
        };
        let (abort, aborted) = oneshot::channel();
        let future = Box::pin(job.run(aborted));
        self.transfer = Some(Box::new(Active { id, counts, abort: Some(abort), future }));
        self.tell(Event::TransferPrepared { id, metadata, path });
    }

    fn way(&mut self, transfer: &Transfer) -> Result<Way, TransferError> {
        match transfer.connection {
            Connection::Passive => {
                let passive = self.passive.take().ok_or(TransferError::NotOpened)?;
                Ok(Way::Passive(passive.listener))
            }
            Connection::Active(to) => {
                let socket = self.control.socket().ok_or(TransferError::NotOpened)?;
                let local = socket.local_addr().map_err(|_| TransferError::NotOpened)?.ip().to_canonical();
                if to.ip() != self.client.ip() && !self.may_use_other_hosts() {
                    return Err(TransferError::NotThePeer);
                }
                let from = SocketAddr::new(local, self.shared.data.active_port.unwrap_or(0));
                Ok(Way::Active { from, to })
            }
        }
    }

    fn peer(&self) -> Peer {
        Peer {
            address: self.client.ip(),
            any: self.may_use_other_hosts(),
            proxies: if self.proxied { self.shared.proxies.clone() } else { Vec::new() },
        }
    }

    fn may_use_other_hosts(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.login.may_use_other_hosts)
    }

    fn protection(&self, transfer: &Transfer, direction: Direction) -> Option<Protection> {
        let (keys, tls) = (self.keys.as_ref()?, self.shared.tls.as_ref()?);
        transfer.protected.then(|| Protection {
            keys: keys.clone(),
            reuse: tls.settings().reuse,
            lenient_close: tls.settings().lenient_close,
            upload: direction == Direction::Upload,
            kernel: tls.settings().kernel && direction == Direction::Download,
        })
    }

    fn stranger(&self) -> Box<dyn Fn(SocketAddr, SocketAddr) + Send + Sync> {
        let (shared, number, client, user) =
            (Arc::clone(&self.shared), self.number, self.client, self.user());
        Box::new(move |stranger, server| {
            shared.observe(Some(number), Some(client), user.clone(), What::Stranger { stranger, server });
        })
    }
}
