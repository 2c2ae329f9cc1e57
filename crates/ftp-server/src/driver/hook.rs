//! The command that is run after an upload.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::configuration::Hook;
use super::shared::Shared;
use crate::record::{TransferRecord, What};

/// Uploads that may wait for the command; those beyond are told as failures.
const MOST_WAITING: usize = 1000;

/// Runs the command, a bounded number at once.
pub(super) struct Hooks {
    hook: Hook,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// In which session an upload was.
pub(super) struct Whose {
    pub(super) session: u64,
    pub(super) client: SocketAddr,
    pub(super) user: Option<Arc<str>>,
}

impl Hooks {
    pub(super) fn new(hook: Hook) -> Self {
        let places = Arc::new(Semaphore::new(hook.at_once.max(1)));
        Self { hook, places, waiting: Arc::default() }
    }

    /// Runs the command for this upload, now or when there is a place.
    pub(super) fn run(&self, shared: &Arc<Shared>, whose: Whose, transfer: &TransferRecord) {
        let mut command = command(&self.hook, &whose, transfer);
        let shared = Arc::clone(shared);
        let failed = move |reason: String| {
            let Whose { session, client, user } = whose;
            shared.observe(Some(session), Some(client), user, What::HookFailed { reason });
        };
        let waiting = Arc::clone(&self.waiting);
        if waiting.fetch_add(1, Relaxed) >= MOST_WAITING {
            waiting.fetch_sub(1, Relaxed);
            return failed("too many uploads wait for it".to_owned());
        }
        let (places, time) = (Arc::clone(&self.places), self.hook.time);
        tokio::spawn(async move {
            let place = places.acquire().await;
            waiting.fetch_sub(1, Relaxed);
            let ended = async { command.spawn()?.wait().await };
            match timeout(time, ended).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(Ok(status)) => failed(told(status)),
                Ok(Err(error)) => failed(format!("it could not be run: {error}")),
                Err(_) => failed("it took too long".to_owned()),
            }
            drop(place);
        });
    }
}

/// Values go into the environment as they are; nothing of them is read by a shell.
fn command(hook: &Hook, whose: &Whose, transfer: &TransferRecord) -> Command {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let mut command = Command::new(&hook.program);
    command
        .args(&hook.arguments)
        .env("PORT21_EVENT", "upload")
        .env("PORT21_USER", whose.user.as_deref().unwrap_or_default())
        .env("PORT21_PATH", OsStr::from_bytes(&transfer.path))
        .env("PORT21_BYTES", transfer.bytes.to_string())
        .env("PORT21_CLIENT", whose.client.ip().to_string())
        .env("PORT21_SESSION", whose.session.to_string())
        .env("PORT21_PROTECTED", if transfer.protected { "1" } else { "0" })
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

fn told(status: ExitStatus) -> String {
    format!("it ended with {status}")
}
