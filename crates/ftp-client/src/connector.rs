//! How to reach a server, and who logs in. Makes as many sessions as are wanted.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use crate::client::Client;
use crate::driver::dial::{self, Family};
use crate::driver::proxy::Proxy;
use crate::driver::tls::{self, TlsVersions, Trust};
use crate::driver::{Driver, Legacy, Place};
use crate::error::Error;
use crate::note::Note;
use crate::session::{Credentials, DataMode, Request, Security, Settings, Timeouts};
use crate::tap::Tap;
use crate::url::FtpUrl;

/// How to reach a server, and who logs in.
///
/// ```no_run
/// # async fn example() -> Result<(), ftp_client::Error> {
/// use ftp_client::Connector;
/// use ftp_client::session::{Credentials, Security};
///
/// let mut connector = Connector::new("ftp.example.org");
/// connector.credentials = Credentials::new("joe", "secret");
/// connector.security = Security::Require;
/// let mut client = connector.connect().await?;
/// # client.quit().await
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Connector {
    /// The server's name or address.
    pub host: String,
    /// The control connection's port; `None` is 21, or 990 with implicit TLS.
    pub port: Option<u16>,
    /// Who logs in.
    pub credentials: Credentials,
    /// Whether TLS protects the connections.
    pub security: Security,
    /// Which certificates are accepted. [`Security::Prefer`] with [`Trust::Platform`] accepts any, since whoever could forge one could
    /// as well forbid TLS; a note says so.
    pub trust: Trust,
    /// Which versions of TLS are offered.
    pub tls_versions: TlsVersions,
    /// Who opens the data connections.
    pub data: DataMode,
    /// Which kind of addresses is used.
    pub family: Family,
    /// A proxy for control and data connections.
    pub proxy: Option<Proxy>,
    /// How long is waited for what.
    pub timeouts: Timeouts,
    /// See [`Settings::without_extended`].
    pub without_extended: bool,
    /// See [`Settings::use_announced_address`].
    pub use_announced_address: bool,
    /// See [`Settings::accept_missing_close_notify`].
    pub accept_missing_close_notify: bool,
    /// Who is told what crosses the connections, after decryption and with the passwords in it.
    pub tap: Option<Arc<dyn Tap>>,
    /// What earlier sessions left. One that ran out of TLS 1.3's tickets, which are used once, has later ones use TLS 1.2, whose
    /// sessions can be resumed again and again: some servers that ask for a resumed session on each data connection send no new tickets.
    legacy: Arc<Legacy>,
}

impl Connector {
    /// A guest's sessions with `host`, protected by TLS if the server has it.
    pub fn new(host: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            port: None,
            credentials: Credentials::anonymous(),
            security: Security::default(),
            trust: Trust::default(),
            tls_versions: TlsVersions::default(),
            data: DataMode::default(),
            family: Family::default(),
            proxy: None,
            timeouts: Timeouts::default(),
            without_extended: false,
            use_announced_address: false,
            accept_missing_close_notify: false,
            legacy: Arc::default(),
            tap: None,
        }
    }

    /// Sessions with the server of a URL, as its user or a guest.
    pub fn from_url(url: &FtpUrl) -> Self {
        let mut connector = Self::new(url.host.clone());
        connector.port = Some(url.port_or_default());
        connector.security = url.security(connector.security);
        if let Some(user) = &url.user {
            connector.credentials = Credentials::new(user.clone(), url.password.clone().unwrap_or_default());
        }
        connector
    }

    /// Connects, protects the connection, and logs in.
    ///
    /// # Errors
    /// What stood against it; [`Error::is_before_login`] holds, unless the settings contradict each other.
    pub async fn connect(&self) -> Result<Client, Error> {
        if self.data == DataMode::Active && self.proxy.is_some() {
            return Err(Error::Settings(
                "the server cannot connect back through a proxy: active mode needs a direct way".into(),
            ));
        }
        let port = self.port.unwrap_or(if self.security == Security::Implicit { 990 } else { 21 });
        let unverified = self.security == Security::Prefer && matches!(self.trust, Trust::Platform);
        let trust = if unverified { &Trust::Anyone } else { &self.trust };
        let ran_out = self.legacy.tickets_ran_out.load(Ordering::Relaxed);
        let ran_out = ran_out && self.tls_versions == TlsVersions::Both;
        let versions = if ran_out { TlsVersions::Only12 } else { self.tls_versions };
        let tls = if self.security == Security::Off {
            None
        } else {
            Some((tls::configuration(trust, versions)?, tls::server_name(&self.host)?))
        };
        let patience = self.timeouts.connect;
        let tap = self.tap.as_ref();
        let stream = dial::control(&self.host, port, self.family, self.proxy.as_ref(), tap, patience).await?;
        let address = |found: std::io::Result<std::net::SocketAddr>| match found {
            Ok(address) => Ok(address.ip()),
            Err(error) => Err(Error::NotConnected { place: self.host.clone(), reason: error.to_string() }),
        };
        let (local, peer) = (address(stream.tcp().local_addr())?, address(stream.tcp().peer_addr())?);
        // Behind a proxy the server's address is known only where the user gave one.
        let server = if self.proxy.is_some() { self.host.parse::<IpAddr>().ok() } else { Some(peer) };
        let settings = Settings {
            security: self.security,
            data: self.data,
            timeouts: self.timeouts,
            ipv6: server.is_some_and(|address| address.to_canonical().is_ipv6()),
            without_extended: self.without_extended,
            use_announced_address: self.use_announced_address,
            peer: server.map(|address| address.to_canonical()),
            accept_missing_close_notify: self.accept_missing_close_notify,
        };
        let place =
            Place { host: self.host.clone(), local, peer, proxy: self.proxy.clone(), tap: self.tap.clone() };
        let mut driver = Driver::new(stream, place, settings, tls, Arc::clone(&self.legacy));
        driver.request(Request::Open(self.credentials.clone())).await.map_err(Error::before_login)?;
        if driver.session.is_protected().0 && matches!(trust, Trust::Anyone) {
            driver.session.note(Note::CertificateNotVerified);
        }
        if ran_out {
            let text = "the server renews no tickets of TLS 1.3 on data connections: TLS 1.2 was used";
            driver.session.note(Note::Other(text.into()));
        }
        Ok(Client::new(driver))
    }

    /// What was odd in the sessions of this connector and its clones that are over, or that never came to a login; each once, and no
    /// more than of a single session.
    pub fn notes(&self) -> Vec<Note> {
        self.legacy.notes.lock().unwrap_or_else(PoisonError::into_inner).all().to_vec()
    }
}
