//! Carries out what the session asks for, with tokio's sockets and clock.
//!
//! Everything that is under way is kept in the driver, never in a future of the caller's: whoever drops such a future loses nothing,
//! and the next request first brings the session to rest.

mod attempt;
mod control;
mod data;
pub(crate) mod dial;
pub(crate) mod proxy;
pub(crate) mod stream;
pub(crate) mod tls;
mod verifier;

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::ReadBuf;
use tokio::time::Sleep;

use crate::error::Error;
use crate::note::{Note, Notes};
use crate::session::{Action, Answer, Event, Request, Session, Settings};
use crate::tap::{Purpose, Tap};
use attempt::Attempt;
use control::Control;
use data::Data;
use proxy::Proxy;
use stream::{Read, Stream};

/// How long the sockets are still looked at when time is up. While the process was stopped, time went by for the server too, and what it
/// did then is learnt of only behind the clock.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// A session with its sockets.
pub(crate) struct Driver {
    pub(crate) session: Session,
    control: Control,
    data: Data,
    place: Place,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    timer: Pin<Box<Sleep>>,
    /// A deadline that has passed, and when the last look at the sockets ends.
    last_look: Option<(Instant, Instant)>,
    /// An action that waits until everything before it has been sent.
    held: Option<Action>,
    answer: Option<Result<Answer, Error>>,
    /// The transfer has begun.
    begun: bool,
    /// The user waits for the data connection. Otherwise it does something else, for as long as it likes.
    awaited: bool,
    /// The data connection of the transfer under way resumed nothing.
    not_resumed: bool,
    /// What outlives the session.
    legacy: Arc<Legacy>,
}

/// What the sessions of one connector leave to it.
#[derive(Debug, Default)]
pub(crate) struct Legacy {
    /// With TLS 1.3 the server's tickets ran out.
    pub(crate) tickets_ran_out: AtomicBool,
    /// What was odd.
    pub(crate) notes: Mutex<Notes>,
}

/// Where the two ends are.
pub(crate) struct Place {
    /// The server's name, as the user gave it.
    pub(crate) host: String,
    /// The control connection's ends. Through a proxy, the peer is the proxy.
    pub(crate) local: IpAddr,
    pub(crate) peer: IpAddr,
    pub(crate) proxy: Option<Proxy>,
    /// Who is told what crosses.
    pub(crate) tap: Option<Arc<dyn Tap>>,
}

impl Driver {
    pub(crate) fn new(
        stream: Stream,
        place: Place,
        settings: Settings,
        tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
        legacy: Arc<Legacy>,
    ) -> Self {
        Self {
            session: Session::new(settings),
            control: Control::new(stream),
            data: Data::None,
            place,
            tls,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            last_look: None,
            held: None,
            answer: None,
            begun: false,
            awaited: false,
            not_resumed: false,
            legacy,
        }
    }

    /// Asks for something, and waits for the answer. A request that somebody gave up before is brought to its end first.
    pub(crate) async fn request(&mut self, request: Request) -> Result<Answer, Error> {
        self.settle().await;
        self.answer = None;
        self.begun = false;
        self.session.begin(now(), request);
        self.answered().await
    }

    /// Asks for a transfer, and waits until bytes may cross.
    pub(crate) async fn transfer(&mut self, request: Request) -> Result<(), Error> {
        self.settle().await;
        self.answer = None;
        (self.begun, self.awaited) = (false, false);
        self.session.begin(now(), request);
        poll_fn(|cx| {
            // Not ready before nothing more can be done.
            while !self.begun && self.answer.is_none() {
                ready!(self.poll(cx));
            }
            Poll::Ready(())
        })
        .await;
        match self.answer.take() {
            Some(Err(error)) => Err(error),
            // A transfer that is over already; what it gave is asked for later.
            other => {
                self.answer = other;
                Ok(())
            }
        }
    }

    /// Waits for the answer to what was asked for.
    pub(crate) async fn answered(&mut self) -> Result<Answer, Error> {
        poll_fn(|cx| self.poll_answer(cx)).await
    }

    /// Gives up what is under way, and waits until the session can be asked again or is closed.
    pub(crate) async fn give_up(&mut self, error: Error) {
        if !self.session.is_idle() {
            self.session.abandon(now(), error);
        }
        self.settle().await;
    }

    /// Sends NOOPs for as long as it is awaited; ends when the server ends the session.
    pub(crate) async fn keep_alive(&mut self) {
        self.settle().await;
        poll_fn(|cx| {
            while !self.session.is_closed() {
                ready!(self.poll(cx));
            }
            Poll::Ready(())
        })
        .await;
    }

    async fn settle(&mut self) {
        // The greeting may be there already, and must not be taken for unasked.
        if self.session.is_new() {
            return;
        }
        if !self.session.is_idle() {
            self.session.abandon(now(), Error::Cancelled);
        }
        poll_fn(|cx| {
            // What has come already was not asked for by what is asked next.
            while self.poll(cx).is_ready() {}
            if self.session.is_idle() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Goes on with everything; ready if anything has changed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut changed = false;
        loop {
            let mut progress = self.act(cx);
            progress |= self.poll_control(cx);
            progress |= self.poll_data(cx);
            progress |= self.poll_timer(cx);
            if !progress {
                return if changed { Poll::Ready(()) } else { Poll::Pending };
            }
            changed = true;
            if self.answer.is_some() {
                // Further actions, as Close, come behind the answer.
                self.act(cx);
                return Poll::Ready(());
            }
        }
    }

    /// Carries out the session's actions; whether there was any.
    fn act(&mut self, cx: &mut Context<'_>) -> bool {
        let mut acted = false;
        loop {
            match self.control.poll_send(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    self.session.handle_event(now(), Event::Closed(Some(error.to_string())));
                }
                // What follows may have to wait until this has left; actions that need not are few.
                Poll::Pending if self.held.is_some() => return acted,
                Poll::Pending => {}
            }
            let Some(action) = self.held.take().or_else(|| self.session.poll_action()) else { return acted };
            if matches!(action, Action::StartTls | Action::Close) && self.control.poll_send(cx).is_pending() {
                let closing = matches!(action, Action::Close);
                self.held = Some(action);
                // A peer that reads nothing more cannot keep the connection.
                if !closing {
                    return acted;
                }
                self.held = None;
                self.control.close(cx);
                continue;
            }
            acted = true;
            self.perform(action, cx);
        }
    }

    fn perform(&mut self, action: Action, cx: &mut Context<'_>) {
        match action {
            Action::Send(bytes) => self.control.queue(&bytes),
            Action::StartTls => match self.tls.clone() {
                Some((configuration, name)) => self.control.start_tls(configuration, name),
                None => self.fail_tls(),
            },
            Action::Close => self.control.close(cx),
            Action::Connect { address, port } => {
                let host = address.map_or_else(|| self.place.host.clone(), |address| address.to_string());
                let address = SocketAddr::new(address.unwrap_or(self.place.peer), port);
                let proxy = self.place.proxy.clone();
                let attempt =
                    Attempt::new(self.place.tap.clone(), Purpose::Data, address).at_address(self.place.local);
                let connecting = Box::pin(dial::data(address, host, proxy));
                self.data = Data::Connecting { connecting, attempt };
            }
            Action::Listen => match Data::listen(self.place.local) {
                Ok((data, address)) => {
                    self.data = data;
                    self.session.handle_event(now(), Event::Listening(address));
                }
                Err(error) => self.session.handle_event(now(), Event::DataFailed(error.to_string())),
            },
            Action::Accept => self.data.accept(self.place.peer, self.place.tap.clone()),
            Action::StartDataTls => {
                self.not_resumed = false;
                if let Some((configuration, name)) = self.tls.clone() {
                    self.data.start_tls(configuration, name);
                }
            }
            Action::Begin => self.begun = true,
            Action::Answer(Err(error)) => {
                if self.not_resumed && error.is_reuse_of_tls_refused() {
                    self.legacy.tickets_ran_out.store(true, Ordering::Relaxed);
                }
                self.answer = Some(Err(error));
            }
            Action::CloseData { reset } => self.data.close(reset),
            Action::Answer(answer) => self.answer = Some(answer),
        }
    }

    fn fail_tls(&mut self) {
        self.session.handle_event(now(), Event::TlsFailed("it is not set up".into()));
    }

    fn poll_control(&mut self, cx: &mut Context<'_>) -> bool {
        match self.control.poll(cx) {
            Poll::Pending => false,
            Poll::Ready(control::Came::Bytes(count)) => {
                self.session.handle_bytes(now(), self.control.received(count));
                true
            }
            Poll::Ready(control::Came::Event(event)) => {
                self.session.handle_event(now(), event);
                true
            }
        }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> bool {
        match self.data.poll(cx) {
            Poll::Pending => false,
            Poll::Ready(data::Came::Event(event)) => {
                self.not_resumed |= matches!(event, Event::DataTlsStarted { resumed: false });
                self.session.handle_event(now(), event);
                true
            }
            Poll::Ready(data::Came::Stranger(stranger)) => {
                self.session.note(Note::StrangerTurnedAway(stranger));
                true
            }
        }
    }

    /// The timer is set only forward when it has rung, since each byte of a transfer moves the deadline.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            let Some(deadline) = self.session.poll_timeout() else { return false };
            let looked_until = self.last_look.filter(|(of, _)| *of == deadline).map(|(_, end)| end);
            let end = looked_until.unwrap_or(deadline);
            let moment = tokio::time::Instant::from_std(end);
            if moment < self.timer.deadline() {
                self.timer.as_mut().reset(moment);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return false;
            }
            if end > now() {
                self.timer.as_mut().reset(moment);
            } else if looked_until.is_none() {
                self.last_look = Some((deadline, now() + LAST_LOOK));
            } else {
                self.session.handle_timeout(now());
                return true;
            }
        }
    }

    /// The user comes back to the data connection: only from now on is the server awaited.
    fn go_on(&mut self) {
        if !std::mem::replace(&mut self.awaited, true) {
            self.session.handle_event(now(), Event::DataAwaited);
        }
    }

    /// Reads from the data connection; `None` is its end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<Option<usize>, Error>> {
        // Keeps an eye on the control connection and the clock.
        self.go_on();
        let _ = self.poll(cx);
        if let Some(Err(_)) = &self.answer {
            return Poll::Ready(self.answer.take().map_or(Ok(None), |answer| answer.map(|_| None)));
        }
        let Data::Open(stream) = &mut self.data else { return Poll::Ready(Ok(None)) };
        let (event, read) = match ready!(stream.poll_read(cx, buffer)) {
            Ok(Read::Bytes(count)) => (Event::DataMoved(count as u64), Some(count)),
            Ok(Read::End { announced }) => {
                // close_notify is answered, as far as that needs no waiting; closing alone ends TCP.
                if stream.is_protected() {
                    let _ = stream.poll_shutdown(cx);
                }
                self.data = Data::None;
                (Event::DataEnded { announced }, None)
            }
            Err(error) => (Event::DataFailed(error.to_string()), None),
        };
        self.awaited = false;
        self.session.handle_event(now(), event);
        Poll::Ready(Ok(read))
    }

    /// The answer to what was asked for.
    pub(crate) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Error>> {
        while self.answer.is_none() {
            ready!(self.poll(cx));
        }
        Poll::Ready(self.answer.take().unwrap_or(Err(Error::Cancelled)))
    }

    /// Writes to the data connection. Fails with the server's reason, where it gives one.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize, Error>> {
        self.go_on();
        let _ = self.poll(cx);
        if let Some(Err(_)) = &self.answer {
            return Poll::Ready(self.answer.take().map_or(Ok(0), |answer| answer.map(|_| 0)));
        }
        let Data::Open(stream) = &mut self.data else { return self.poll_failed(cx) };
        match ready!(stream.poll_write(cx, bytes)) {
            Ok(count) => {
                self.awaited = false;
                self.session.handle_event(now(), Event::DataMoved(count as u64));
                Poll::Ready(Ok(count))
            }
            Err(error) => {
                self.session.handle_event(now(), Event::DataFailed(error.to_string()));
                self.poll_failed(cx)
            }
        }
    }

    /// The data connection has failed: waits for the answer, which says why.
    fn poll_failed<T>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        match ready!(self.poll_answer(cx)) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(_) => Poll::Ready(Err(Error::DataBroken { bytes: 0, reason: "the server closed it".into() })),
        }
    }

    /// Sends the upload's end; ready when it has left.
    pub(crate) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.go_on();
        let _ = self.poll(cx);
        if let Data::Open(stream) = &mut self.data {
            let ended = match stream.poll_flush(cx) {
                Poll::Ready(Ok(())) => ready!(stream.poll_shutdown(cx)),
                Poll::Ready(Err(error)) => Err(error),
                Poll::Pending => return Poll::Pending,
            };
            match ended {
                Ok(()) => {
                    if let Data::Open(stream) = std::mem::take(&mut self.data) {
                        self.data = Data::Draining(stream);
                    }
                    self.session.handle_event(now(), Event::DataEnded { announced: true });
                }
                // The server has closed its end already; what it says of the transfer decides.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    self.data = Data::None;
                    self.session.handle_event(now(), Event::DataEnded { announced: true });
                }
                Err(error) => self.session.handle_event(now(), Event::DataFailed(error.to_string())),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// However a session ends, and though it never came to a login, what was odd is not lost with it.
impl Drop for Driver {
    fn drop(&mut self) {
        let mut notes = self.legacy.notes.lock().unwrap_or_else(PoisonError::into_inner);
        self.session.notes().iter().cloned().for_each(|note| notes.add(note));
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Driver").field("session", &self.session).finish_non_exhaustive()
    }
}
