//! What all sessions of a server share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::address::PassiveAddresses;
use super::configuration::{Configuration, DataSettings, Times};
use super::hook::Hooks;
use super::tls::{Tls, TlsError};
use super::witness::CaptureFile;
use crate::account::Accounts;
use crate::limit::{AcceptRate, AccessList, Bandwidth, Bans, Connections, Network};
use crate::record::{Counters, Observer, Record, What};
use crate::session::Policy;

/// Whether the server goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Sessions are taken.
    Running,
    /// No more are; transfers under way may end until then.
    Draining(Instant),
    /// Whoever is still there is cut.
    Over,
}

/// What all sessions share.
pub(super) struct Shared {
    pub(super) policy: Arc<Policy>,
    pub(super) accounts: RwLock<Arc<dyn Accounts>>,
    pub(super) tls: Option<Tls>,
    pub(super) data: DataSettings,
    pub(super) addresses: PassiveAddresses,
    pub(super) times: Times,
    pub(super) proxies: Vec<Network>,
    pub(super) connections: Connections,
    pub(super) accept_rate: AcceptRate,
    pub(super) access: AccessList,
    pub(super) bans: Bans,
    pub(super) bandwidth: Bandwidth,
    pub(super) least_rate: u64,
    /// Passwords that are verified at once: each takes a processor for a while, by design.
    pub(super) verifications: Semaphore,
    pub(super) hooks: Option<Hooks>,
    pub(super) counters: Counters,
    pub(super) wants_lines: bool,
    pub(super) capture: Option<CaptureFile>,
    pub(super) phase: watch::Receiver<Phase>,
    observer: Arc<dyn Observer>,
    sessions: AtomicU64,
}

impl Shared {
    pub(super) fn new(configuration: Configuration, phase: watch::Receiver<Phase>) -> Result<Self, TlsError> {
        let Configuration {
            policy,
            accounts,
            tls,
            data,
            limits,
            times,
            proxies,
            observer,
            upload_hook,
            capture,
            ..
        } = configuration;
        let tls = tls.map(Tls::new).transpose()?;
        let policy = Policy { offer_tls: tls.is_some(), ..policy };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            policy: Arc::new(policy),
            accounts: RwLock::new(accounts),
            tls,
            addresses: PassiveAddresses::new(&data),
            data,
            times,
            proxies,
            connections: Connections::new(limits.connections),
            accept_rate: AcceptRate::new(limits.accept),
            access: limits.access,
            bans: Bans::new(limits.bans),
            bandwidth: Bandwidth::new(limits.bandwidth),
            least_rate: limits.least_rate,
            verifications: Semaphore::new(processors),
            hooks: upload_hook.map(Hooks::new),
            counters: Counters::default(),
            wants_lines: observer.wants_lines(),
            capture: capture.map(CaptureFile::new),
            observer,
            phase,
            sessions: AtomicU64::new(0),
        })
    }

    /// The accounts as they are now.
    pub(super) fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::clone(&self.accounts.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Number of a new session.
    pub(super) fn next_session(&self) -> u64 {
        self.sessions.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// Tells whoever wants to know.
    pub(super) fn observe(
        &self,
        session: Option<u64>,
        client: Option<SocketAddr>,
        user: Option<Arc<str>>,
        what: What,
    ) {
        let record = Record { time: SystemTime::now(), session, client, user, what };
        self.counters.count(&record);
        self.observer.observe(&record);
    }

    /// Tells of something that the server itself could not do.
    pub(super) fn degraded(&self, reason: String) {
        self.observe(None, None, None, What::Degraded { reason });
    }
}
