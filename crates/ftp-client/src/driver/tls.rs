//! TLS for control and data connections: whom to trust, and one TLS session for both (RFC 4217 section 7).

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::{ClientSessionStore, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::crypto::ring;
use rustls::{ClientConfig, NamedGroup};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::verifier::Verifier;
use crate::error::Error;

/// Most tickets of TLS 1.3 that are kept; each data connection brings new ones.
const MOST_TICKETS: usize = 8;

/// Which certificates of servers are accepted.
#[derive(Debug, Clone, Default)]
pub enum Trust {
    /// Those that the platform trusts.
    #[default]
    Platform,
    /// Those that one of these has signed, or that are one of these themselves: then the name does not matter.
    Certificates(Vec<CertificateDer<'static>>),
    /// The one whose DER encoding has this SHA-256: then neither its name nor its dates matter.
    Fingerprint([u8; 32]),
    /// Any: nothing is verified, so the server may be anyone.
    Anyone,
}

impl Trust {
    /// The certificates of a file in PEM.
    ///
    /// # Errors
    /// The text holds no certificate, or a damaged one.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Error> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Certificates(certificates)),
            Ok(_) => Err(Error::Settings("the file to trust holds no certificate in PEM".into())),
            Err(error) => Err(Error::Settings(format!("the file to trust is damaged: {error}"))),
        }
    }

    /// The certificate with this SHA-256, in 64 hexadecimal digits, with or without colons between the bytes; `None` if it is none.
    ///
    /// ```
    /// use ftp_client::Trust;
    /// assert!(matches!(Trust::from_fingerprint(&"0f".repeat(32)), Some(Trust::Fingerprint(bytes)) if bytes == [15; 32]));
    /// assert!(Trust::from_fingerprint("certificate.pem").is_none());
    /// ```
    pub fn from_fingerprint(text: &str) -> Option<Self> {
        let digits: Vec<u8> = if text.contains(':') {
            let bytes: Vec<&str> = text.split(':').collect();
            if bytes.iter().any(|byte| byte.len() != 2) {
                return None;
            }
            bytes.concat().into_bytes()
        } else {
            text.as_bytes().to_vec()
        };
        let digit = |digit: &u8| char::from(*digit).to_digit(16);
        let bytes: Option<Vec<u8>> = digits
            .chunks(2)
            .map(|pair| {
                let [high, low] = pair else { return None };
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()
            })
            .collect();
        bytes?.try_into().ok().map(Self::Fingerprint)
    }
}

/// Which versions of TLS are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 only, for servers whose 1.3 is broken.
    Only12,
    /// 1.3 only.
    Only13,
}

/// The configuration of one client: its connections share a TLS session, and no other client's do.
pub(crate) fn configuration(trust: &Trust, versions: TlsVersions) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(Verifier::new(trust, Arc::clone(&provider))?);
    let chosen: &[&rustls::SupportedProtocolVersion] = match versions {
        TlsVersions::Both => &[&rustls::version::TLS12, &rustls::version::TLS13],
        TlsVersions::Only12 => &[&rustls::version::TLS12],
        TlsVersions::Only13 => &[&rustls::version::TLS13],
    };
    let mut configuration = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(chosen)
        .map_err(|error| Error::Settings(format!("TLS cannot be set up: {error}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    configuration.resumption = Resumption::store(Arc::new(OneSession::default()));
    Ok(Arc::new(configuration))
}

/// The name that the server's certificate must have; the same for control and data, or the session would not be found.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    let host = host.split('%').next().unwrap_or_default();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(ServerName::IpAddress(address.into()));
    }
    ServerName::try_from(host.to_owned())
        .map_err(|_| Error::Settings(format!("{host} is no name that a certificate could have")))
}

/// The TLS session of one control connection, for its data connections.
///
/// Servers send two tickets at the login and one with each data connection, which is therefore read to its end, uploads included. A
/// ticket is used once (RFC 8446, appendix C.4), the newest first: it runs out last.
#[derive(Default)]
struct OneSession(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    group: Option<NamedGroup>,
    session: Option<Tls12ClientSessionValue>,
    tickets: VecDeque<Tls13ClientSessionValue>,
}

impl OneSession {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for OneSession {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("OneSession").finish_non_exhaustive()
    }
}

impl ClientSessionStore for OneSession {
    fn set_kx_hint(&self, _server_name: ServerName<'static>, group: NamedGroup) {
        self.kept().group = Some(group);
    }

    fn kx_hint(&self, _server_name: &ServerName<'_>) -> Option<NamedGroup> {
        self.kept().group
    }

    fn set_tls12_session(&self, _server_name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.kept().session = Some(value);
    }

    fn tls12_session(&self, _server_name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.kept().session.clone()
    }

    fn remove_tls12_session(&self, _server_name: &ServerName<'static>) {
        self.kept().session = None;
    }

    fn insert_tls13_ticket(&self, _server_name: ServerName<'static>, value: Tls13ClientSessionValue) {
        let mut kept = self.kept();
        if kept.tickets.len() >= MOST_TICKETS {
            kept.tickets.pop_front();
        }
        kept.tickets.push_back(value);
    }

    fn take_tls13_ticket(&self, _server_name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.kept().tickets.pop_back()
    }
}
