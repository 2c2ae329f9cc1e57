//! The service manager that started the server, if one did: its sockets, and what it is told (sd_notify(3), sd_listen_fds(3)).

use std::io;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::time::interval;

use super::configuration::{Listener, Place};

/// Name of a socket (`FileDescriptorName=`) that expects TLS first.
const IMPLICIT_TLS: &str = "ftps";

/// The sockets that were handed over, if any. One that is named `ftps` is for implicit TLS.
pub fn inherited() -> io::Result<Vec<Listener>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..sockets.len() {
        let implicit_tls = names.next() == Some(IMPLICIT_TLS);
        if let Some(socket) = sockets.take_tcp_listener(index)? {
            listeners.push(Listener { place: Place::Inherited(socket), implicit_tls });
        }
    }
    Ok(listeners)
}

/// Says that the server is ready, also after a reload.
pub fn say_ready() {
    say(&[NotifyState::Ready]);
}

/// Says that accounts and certificates are read again; [`say_ready`] has to follow.
pub fn say_reloading() {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        say(&[NotifyState::Reloading, now]);
    }
}

/// Says that the server is stopping, and needs this much time at most.
pub(super) fn say_stopping(time: Duration) {
    let microseconds = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    say(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(microseconds)]);
}

/// Says from time to time that the server is alive, if the manager wants to hear it.
pub(super) async fn keep_watchdog() {
    let Some(time) = sd_notify::watchdog_enabled().filter(|time| !time.is_zero()) else {
        return std::future::pending().await;
    };
    let mut ticks = interval(time / 2);
    loop {
        ticks.tick().await;
        say(&[NotifyState::Watchdog]);
    }
}

fn say(states: &[NotifyState<'_>]) {
    // Without a manager, or with one that has gone, there is nobody to tell.
    let _ = sd_notify::notify(states);
}
