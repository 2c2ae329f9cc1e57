//! TLS of a server: its certificate, and what binds a data connection to its control connection.
//!
//! Each control connection has ticket keys of its own ([`SessionKeys`]). A TLS session that is resumed on a data connection was
//! therefore begun by the client of this very control connection, with TLS 1.2 as with TLS 1.3; a ticket of anybody else
//! does not decrypt, and leads to a full handshake.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rcgen::{CertificateParams, DnType, KeyPair};
use sha2::{Digest, Sha256};
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::{Ticketer, cipher_suite, default_provider};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio_rustls::rustls::server::ServerSessionMemoryCache;
use tokio_rustls::rustls::{self, ServerConfig, version};

/// Tickets that a client gets with the control connection's TLS 1.3 handshake. A client which uses each but once runs out after so many
/// uploads in a row.
const TICKETS_OF_CONTROL: usize = 8;

/// Tickets of each download and listing: one for the next, and one for an upload, which brings none.
const TICKETS_OF_DOWNLOAD: usize = 2;

/// TLS 1.2 sessions kept for clients without tickets, of each control connection.
const SESSIONS_WITHOUT_TICKETS: usize = 4;

/// Protocol name of FTP in ALPN (IANA's registry; the answer to attacks across protocols).
const PROTOCOL: &[u8] = b"ftp";

/// Where the certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certificate {
    /// PEM files, read again when they change.
    Files {
        /// The server's certificate, then those that lead to the root.
        certificate: PathBuf,
        /// Its private key; may be the same file.
        key: PathBuf,
    },
    /// Made when the server starts, for these names and addresses. Clients have to be told its fingerprint.
    SelfSigned(Vec<String>),
}

/// Whether data connections have to resume the control connection's TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Reuse {
    /// No session can be resumed: each data connection shakes hands anew.
    Off,
    /// It can be resumed, and is not asked for.
    #[default]
    Prefer,
    /// A data connection with another session is refused: whoever has it has not logged in.
    Require,
}

/// What TLS is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The certificate.
    pub certificate: Certificate,
    /// Whether data connections have to resume.
    pub reuse: Reuse,
    /// Uploads that end without close_notify count as whole, for clients that never send it.
    pub lenient_close: bool,
    /// Whether the kernel makes the records of what is sent on data connections, if it can.
    pub kernel: bool,
}

/// Why TLS cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What a file holds is no PEM.
    #[error("{}: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The certificate file is without a certificate.
    #[error("{}: no certificate in it", .0.display())]
    NoCertificate(PathBuf),
    /// The key file is without a private key.
    #[error("{}: no private key in it", .0.display())]
    NoKey(PathBuf),
    /// The private key cannot be read without a password.
    #[error(
        "{}: the private key is protected by a password, which the server cannot ask for; `openssl pkey -in FILE -out NEW` writes one without",
        .0.display()
    )]
    EncryptedKey(PathBuf),
    /// The private key is that of another certificate.
    #[error("the private key in {} is not that of the certificate in {}", key.display(), certificate.display())]
    KeyOfAnother {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Certificate and key are of a kind that is not supported.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("a self-signed certificate could not be made: {0}")]
    NotMade(#[from] rcgen::Error),
}

/// A server's TLS; its certificate may change under way.
pub struct Tls {
    settings: TlsSettings,
    current: RwLock<Current>,
}

struct Current {
    configuration: Arc<ServerConfig>,
    fingerprint: String,
    stamps: Stamps,
}

/// Time and length of both files.
type Stamps = [Option<(SystemTime, u64)>; 2];

/// What one control connection's handshake and those of its data connections use.
#[derive(Clone)]
pub(super) struct SessionKeys {
    pub(super) control: Arc<ServerConfig>,
    /// Of downloads and listings.
    pub(super) download: Arc<ServerConfig>,
    /// Of uploads. It sends no tickets: who only sends reads none, and a system that closes a socket with something unread resets
    /// it, and throws away what it had still to send.
    pub(super) upload: Arc<ServerConfig>,
}

impl Tls {
    /// Reads or makes the certificate.
    pub fn new(settings: TlsSettings) -> Result<Self, TlsError> {
        let current = RwLock::new(Current::read(&settings.certificate)?);
        Ok(Self { settings, current })
    }

    /// SHA-256 of the certificate in hexadecimal digits, as `openssl x509 -fingerprint -sha256` shows it.
    pub fn fingerprint(&self) -> String {
        self.current.read().unwrap_or_else(PoisonError::into_inner).fingerprint.clone()
    }

    /// Reads the files again; the old certificate stays if that fails. Connections under way keep theirs.
    pub fn reload(&self) -> Result<(), TlsError> {
        if matches!(self.settings.certificate, Certificate::Files { .. }) {
            let current = Current::read(&self.settings.certificate)?;
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        }
        Ok(())
    }

    /// Whether the files are others than those that were read.
    pub fn is_outdated(&self) -> bool {
        let read = self.current.read().unwrap_or_else(PoisonError::into_inner).stamps;
        stamps(&self.settings.certificate) != read
    }

    pub(super) fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    /// Keys for a new control connection.
    pub(super) fn session_keys(&self) -> Result<SessionKeys, rustls::Error> {
        let shared = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).configuration);
        if self.settings.reuse == Reuse::Off {
            return Ok(SessionKeys {
                control: Arc::clone(&shared),
                download: Arc::clone(&shared),
                upload: shared,
            });
        }
        let mut control = ServerConfig::clone(&shared);
        control.ticketer = Ticketer::new()?;
        control.session_storage = ServerSessionMemoryCache::new(SESSIONS_WITHOUT_TICKETS);
        control.send_tls13_tickets = TICKETS_OF_CONTROL;
        let with_tickets = |count| {
            let mut configuration = control.clone();
            configuration.send_tls13_tickets = count;
            Arc::new(configuration)
        };
        let (download, upload) = (with_tickets(TICKETS_OF_DOWNLOAD), with_tickets(0));
        Ok(SessionKeys { control: Arc::new(control), download, upload })
    }
}

impl Current {
    fn read(certificate: &Certificate) -> Result<Self, TlsError> {
        // Taken before the files are read, so that a change meanwhile is seen.
        let stamps = stamps(certificate);
        let (chain, key) = match certificate {
            Certificate::Files { certificate, key } => read_files(certificate, key)?,
            Certificate::SelfSigned(names) => make_self_signed(names)?,
        };
        let fingerprint = chain.first().map(|certificate| fingerprint(certificate)).unwrap_or_default();
        let mut configuration = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| unusable(certificate, error))?;
        configuration.alpn_protocols = vec![PROTOCOL.to_vec()];
        configuration.ignore_client_order = true;
        configuration.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        configuration.send_tls13_tickets = 0;
        configuration.enable_secret_extraction = true;
        Ok(Self { configuration: Arc::new(configuration), fingerprint, stamps })
    }
}

/// AES-128 first: as safe as AES-256 here, and a fifth faster.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        ],
        ..default_provider()
    }
}

type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read_files(certificate: &Path, key: &Path) -> Result<Chain, TlsError> {
    let chain = read(certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
    let chain = chain.map_err(|source| TlsError::Malformed { path: certificate.to_path_buf(), source })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(certificate.to_path_buf()));
    }
    let text = read(key)?;
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|source| match source {
        pem::Error::NoItemsFound if is_encrypted(&text) => TlsError::EncryptedKey(key.to_path_buf()),
        pem::Error::NoItemsFound => TlsError::NoKey(key.to_path_buf()),
        source => TlsError::Malformed { path: key.to_path_buf(), source },
    })?;
    Ok((chain, key))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_path_buf(), source })
}

/// Whether there is a key that a password protects (PKCS #8, RFC 7468 section 11).
fn is_encrypted(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"-----BEGIN ENCRYPTED PRIVATE KEY-----").is_some()
}

fn unusable(certificate: &Certificate, error: rustls::Error) -> TlsError {
    match (error, certificate) {
        (rustls::Error::InconsistentKeys(_), Certificate::Files { certificate, key }) => {
            TlsError::KeyOfAnother { certificate: certificate.clone(), key: key.clone() }
        }
        (error, _) => TlsError::Unusable(error),
    }
}

fn make_self_signed(names: &[String]) -> Result<Chain, TlsError> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(names)?;
    let name = names.first().map_or("port21", String::as_str);
    parameters.distinguished_name.push(DnType::CommonName, name);
    let certificate = parameters.self_signed(&key)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|reason| rustls::Error::General(reason.to_string()))?;
    Ok((vec![certificate.der().clone()], key))
}

fn fingerprint(certificate: &[u8]) -> String {
    let bytes: Vec<String> = Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

fn stamps(certificate: &Certificate) -> Stamps {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    match certificate {
        Certificate::Files { certificate, key } => [stamp(certificate), stamp(key)],
        Certificate::SelfSigned(_) => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(folder: &Path, name: &str) -> Certificate {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let paths = Certificate::Files { certificate: folder.join("c.pem"), key: folder.join("k.pem") };
        std::fs::write(folder.join("c.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
        paths
    }

    fn settings(certificate: Certificate) -> TlsSettings {
        TlsSettings { certificate, reuse: Reuse::Prefer, lenient_close: false, kernel: true }
    }

    #[test]
    fn a_changed_certificate_is_seen_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::new(settings(write_pair(folder.path(), "one.example"))).unwrap();
        let before = tls.fingerprint();
        assert!(!tls.is_outdated());
        write_pair(folder.path(), "another-name-of-another-length.example");
        assert!(tls.is_outdated());
        tls.reload().unwrap();
        assert!(!tls.is_outdated());
        assert_ne!(tls.fingerprint(), before);
    }

    #[test]
    fn a_broken_certificate_leaves_the_old_one_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let tls = Tls::new(settings(write_pair(folder.path(), "one.example"))).unwrap();
        let before = tls.fingerprint();
        std::fs::write(folder.path().join("c.pem"), "nothing of use").unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::NoCertificate(_))));
        assert_eq!(tls.fingerprint(), before);
    }

    #[test]
    fn what_is_wrong_with_the_files_is_told_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_pair(folder.path(), "one.example");
        let other = KeyPair::generate().unwrap();
        std::fs::write(path("other.pem"), other.serialize_pem()).unwrap();
        let encrypted = other.serialize_pem().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        std::fs::write(path("encrypted.pem"), encrypted).unwrap();
        for (certificate, key, reason) in [
            ("c.pem", "other.pem", "other.pem is not that of the certificate in"),
            ("c.pem", "c.pem", "c.pem: no private key in it"),
            ("k.pem", "k.pem", "k.pem: no certificate in it"),
            ("c.pem", "encrypted.pem", "encrypted.pem: the private key is protected by a password"),
            ("c.pem", "missing.pem", "missing.pem cannot be read: No such file"),
        ] {
            let files = Certificate::Files { certificate: path(certificate), key: path(key) };
            let told = Tls::new(settings(files)).err().unwrap().to_string();
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn ticket_keys_are_one_control_connections_own() {
        let tls = Tls::new(settings(Certificate::SelfSigned(vec!["localhost".to_owned()]))).unwrap();
        let (one, other) = (tls.session_keys().unwrap(), tls.session_keys().unwrap());
        let ticket = one.control.ticketer.encrypt(b"state").unwrap();
        for (own, foreign) in [(&one.download, &other.download), (&one.upload, &other.upload)] {
            assert_eq!(own.ticketer.decrypt(&ticket).unwrap(), b"state");
            assert_eq!(foreign.ticketer.decrypt(&ticket), None);
        }
        assert_eq!(one.upload.send_tls13_tickets, 0, "who only sends leaves them unread");
    }

    #[test]
    fn a_fingerprint_is_written_as_openssl_does() {
        let tls = Tls::new(settings(Certificate::SelfSigned(vec!["localhost".to_owned()]))).unwrap();
        assert_eq!(tls.fingerprint().len(), 32 * 3 - 1);
        assert!(tls.fingerprint().split(':').all(|byte| byte.len() == 2));
    }
}
