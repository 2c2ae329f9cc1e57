//! One control connection: carries bytes and events to its session, and the session's actions out.
//!
//! One task does all of it, its transfer included, so that a small file costs no switch between tasks. What is rare is boxed,
//! so that an idle session is small.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::control::Control;
use super::hook::Whose;
use super::login::{LoggedIn, Verified};
use super::meter::Counts;
use super::outgoing::Outgoing;
use super::shared::{Phase, Shared};
use super::tls::SessionKeys;
use super::transfer::Ended;
use super::witness::{Speaker, Witness};
use crate::limit::Ticket;
use crate::record::{Ending, TransferKind, What};
use crate::session::{Done, Ends, Event, Session, TransferId};

/// Bytes of replies that may wait for a client before nothing more is read from it.
pub(super) const MOST_UNSENT: usize = 64 << 10;

/// How long the end of a connection may take.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// One control connection.
pub(super) struct Conversation {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u64,
    pub(super) client: SocketAddr,
    /// The server's end as the client sees it.
    pub(super) server: SocketAddr,
    /// It came through a proxy.
    pub(super) proxied: bool,
    pub(super) session: Session,
    pub(super) control: Control,
    pub(super) outgoing: Outgoing,
    pub(super) keys: Option<SessionKeys>,
    pub(super) passive: Option<Box<Passive>>,
    pub(super) login: Option<Box<LoggedIn>>,
    pub(super) pending: Option<Pin<Box<dyn Future<Output = Answer> + Send>>>,
    pub(super) transfer: Option<Box<Active>>,
    /// What is left of the last data connection, until the client has closed it too.
    pub(super) rest: Option<tokio::task::JoinHandle<()>>,
    pub(super) witness: Option<Box<Witness>>,
    timer: Pin<Box<Sleep>>,
    began: Instant,
    downloaded: u64,
    uploaded: u64,
    /// The place that it takes among all connections.
    _place: Ticket,
}

/// A listener that waits for its transfer.
pub(super) struct Passive {
    pub(super) listener: std::net::TcpListener,
    pub(super) until: Instant,
}

/// A transfer under way.
pub(super) struct Active {
    pub(super) id: TransferId,
    pub(super) counts: Arc<Counts>,
    /// Taken when the transfer is to end.
    pub(super) abort: Option<oneshot::Sender<()>>,
    pub(super) future: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

/// What came of something that takes time.
pub(super) enum Answer {
    /// Of a login.
    Verified(Box<Verified>),
    /// Of an operation in the store.
    Done(Done),
}

/// A control connection that was taken.
pub(super) struct Taken {
    pub(super) control: Control,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) proxy: Option<SocketAddr>,
    pub(super) implicit_tls: bool,
    pub(super) place: Ticket,
}

impl Conversation {
    /// Begins the session.
    pub(super) fn new(shared: Arc<Shared>, taken: Taken) -> Self {
        let Taken { control, client, server, proxy, implicit_tls, place } = taken;
        let number = shared.next_session();
        shared.observe(Some(number), Some(client), None, What::Connected { server, proxy, implicit_tls });
        let now = Instant::now();
        let ends = Ends { local: server, peer: client, implicit_tls };
        let session = Session::new(Arc::clone(&shared.policy), ends, now.into_std());
        let first = session.poll_timeout().map_or(now, Instant::from_std);
        let witness = Witness::of(&shared, client, server);
        Self {
            shared,
            number,
            client,
            server,
            proxied: proxy.is_some(),
            session,
            control,
            outgoing: Outgoing::default(),
            keys: None,
            passive: None,
            login: None,
            pending: None,
            transfer: None,
            rest: None,
            witness,
            timer: Box::pin(sleep_until(first)),
            began: now,
            downloaded: 0,
            uploaded: 0,
            _place: place,
        }
    }

    /// Carries it on to its end.
    pub(super) async fn run(mut self) {
        let ending = self.converse().await;
        Box::pin(self.conclude(ending)).await;
    }

    async fn converse(&mut self) -> Ending {
        let mut phase = self.shared.phase.clone();
        loop {
            if let Some(ending) = self.perform().await {
                return ending;
            }
            tokio::select! {
                biased;
                ended = poll_fn(|context| self.poll_step(context)) => {
                    if let Some(ending) = ended {
                        return ending;
                    }
                }
                changed = phase.changed() => {
                    let phase = *phase.borrow_and_update();
                    match phase {
                        Phase::Draining(until) if changed.is_ok() => {
                            let left = until.saturating_duration_since(Instant::now());
                            self.tell(Event::Stopping(left));
                        }
                        Phase::Running if changed.is_ok() => {}
                        _ => return Ending::Stopped,
                    }
                }
            }
        }
    }

    /// Hands an event to the session.
    pub(super) fn tell(&mut self, event: Event) {
        self.session.handle_event(Instant::now().into_std(), event);
    }

    /// Waits for the next thing that happens, and hands it to the session.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Option<Ending>> {
        // A transfer that has to wait for nothing is over before its first reply is sent, which then goes together with the last.
        if self.poll_transfer(context) {
            return Poll::Ready(None);
        }
        if let Poll::Ready(Err(_)) = self.outgoing.poll_flush(&mut self.control, context) {
            return Poll::Ready(Some(Ending::Broken));
        }
        if self.poll_control(context) || self.poll_pending(context) {
            return Poll::Ready(None);
        }
        self.poll_timer(context)
    }

    fn poll_control(&mut self, context: &mut Context<'_>) -> bool {
        if !self.session.wants_bytes() || self.outgoing.len() > MOST_UNSENT {
            return false;
        }
        let now = Instant::now().into_std();
        let (session, witness, transfer) = (&mut self.session, &mut self.witness, &self.transfer);
        let shared = &self.shared;
        let mut said = Vec::new();
        let read = self.control.poll_read(context, |bytes| {
            if let Some(active) = transfer {
                // What STAT tells is as of now.
                let (id, bytes) = (active.id, active.counts.stored());
                session.handle_event(now, Event::TransferProgress { id, bytes });
            }
            if let Some(witness) = witness {
                said = witness.hear(shared, Speaker::Client, bytes);
            }
            session.handle_bytes(now, bytes);
        });
        for text in said {
            self.observe(What::Line { from_client: true, text });
        }
        match read {
            Poll::Ready(Ok(1..)) => true,
            Poll::Ready(Ok(0) | Err(_)) => {
                self.tell(Event::Closed);
                true
            }
            Poll::Pending => false,
        }
    }

    fn poll_pending(&mut self, context: &mut Context<'_>) -> bool {
        let Some(pending) = &mut self.pending else { return false };
        let Poll::Ready(answer) = pending.as_mut().poll(context) else { return false };
        self.pending = None;
        match answer {
            Answer::Done(done) => self.tell(Event::Done(done)),
            Answer::Verified(verified) => self.log_in(*verified),
        }
        true
    }

    fn poll_transfer(&mut self, context: &mut Context<'_>) -> bool {
        let Some(active) = &mut self.transfer else { return false };
        let Poll::Ready(ended) = active.future.as_mut().poll(context) else { return false };
        self.transfer = None;
        self.end_transfer(ended);
        true
    }

    /// Takes note of a transfer's end.
    pub(super) fn end_transfer(&mut self, ended: Ended) {
        let Ended { id, result, record, rest } = ended;
        if let Some(data) = rest {
            let lingering = tokio::spawn(data.linger());
            if let Some(earlier) = self.rest.replace(lingering) {
                earlier.abort();
            }
        }
        let total = match record.kind {
            TransferKind::Upload => &mut self.uploaded,
            TransferKind::Download | TransferKind::Listing => &mut self.downloaded,
        };
        *total = total.saturating_add(record.bytes);
        let is_upload = record.kind == TransferKind::Upload && record.error.is_none();
        if let (Some(hooks), true) = (&self.shared.hooks, is_upload) {
            let whose = Whose { session: self.number, client: self.client, user: self.user() };
            hooks.run(&self.shared, whose, &record);
        }
        self.observe(What::Transferred(record));
        self.tell(Event::TransferEnded { id, result });
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<Option<Ending>> {
        loop {
            let Some(due) = self.due() else { return Poll::Pending };
            if self.timer.deadline() > due {
                self.timer.as_mut().reset(due);
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if due > now {
                self.timer.as_mut().reset(due);
                continue;
            }
            // Armed anew by the next look; far away, so that it is not taken for one that is due.
            self.timer.as_mut().reset(now + Duration::from_secs(86_400));
            if self.passive.as_ref().is_some_and(|passive| passive.until <= now) {
                self.passive = None;
            }
            if self.unread_until().is_some_and(|until| until <= now) {
                return Poll::Ready(Some(Ending::NotRead));
            }
            self.session.handle_timeout(now.into_std());
            return Poll::Ready(None);
        }
    }

    fn due(&self) -> Option<Instant> {
        let session = self.session.poll_timeout().map(Instant::from_std);
        let passive = self.passive.as_ref().map(|passive| passive.until);
        [session, passive, self.unread_until()].into_iter().flatten().min()
    }

    fn unread_until(&self) -> Option<Instant> {
        self.outgoing.waiting_since().map(|since| since + self.shared.times.write)
    }

    /// Writes all replies, as long as the client takes them.
    pub(super) async fn flush(&mut self) -> Result<(), Ending> {
        let flushed = poll_fn(|context| self.outgoing.poll_flush(&mut self.control, context));
        match timeout(self.shared.times.write, flushed).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ending::Broken),
            Err(_) => Err(Ending::NotRead),
        }
    }

    async fn conclude(mut self, ending: Ending) {
        if let Some(mut active) = self.transfer.take() {
            active.abort = None;
            let ended = active.future.await;
            self.end_transfer(ended);
        }
        if ending != Ending::NotRead {
            // The last reply is lost to a reset if the socket is closed while something is unread.
            let last = async {
                self.control.shut_down().await;
                self.control.discard().await;
            };
            let _ = timeout(LAST_WORDS, last).await;
        }
        if let Some(witness) = &mut self.witness {
            let by_client = ending.is_of_the_client();
            witness.end(&self.shared, if by_client { Speaker::Client } else { Speaker::Server });
        }
        let duration = self.began.elapsed();
        let (downloaded, uploaded) = (self.downloaded, self.uploaded);
        self.observe(What::Disconnected { reason: ending, duration, downloaded, uploaded });
    }

    /// Tells whoever wants to know.
    pub(super) fn observe(&self, what: What) {
        self.shared.observe(Some(self.number), Some(self.client), self.user(), what);
    }

    pub(super) fn user(&self) -> Option<Arc<str>> {
        self.login.as_ref().map(|login| Arc::clone(&login.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of the future that a function gives.
    fn size_of_future<A, F: Future>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_a_session_is_small() {
        let size = size_of_future(Conversation::run);
        assert!(size <= 2560, "{size} bytes");
    }
}
