//! Which certificates of servers are accepted, and what is said of one that is not.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};

use super::tls::Trust;
use crate::error::Error;

/// Asks a judge of certificates, and names the one that is turned down.
#[derive(Debug)]
pub(super) struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Judge {
    /// Whoever is trusted has signed it, and it has the server's name.
    Issuers(Arc<dyn ServerCertVerifier>),
    /// It is one of these, whatever its name and its dates, or issued as above by one of them.
    Certificates(Vec<CertificateDer<'static>>, Option<Arc<WebPkiServerVerifier>>),
    /// It has this SHA-256.
    Fingerprint([u8; 32]),
    Anyone,
}

impl Verifier {
    pub(super) fn new(trust: &Trust, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        let failed =
            |reason: &dyn fmt::Display| Error::Settings(format!("certificates cannot be verified: {reason}"));
        let judge = match trust {
            Trust::Platform => {
                let platform = rustls_platform_verifier::Verifier::new(Arc::clone(&provider));
                Judge::Issuers(Arc::new(platform.map_err(|error| failed(&error))?))
            }
            Trust::Certificates(pinned) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(pinned.iter().cloned());
                let issued = if roots.is_empty() {
                    None
                } else {
                    let builder =
                        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
                    Some(builder.build().map_err(|error| failed(&error))?)
                };
                Judge::Certificates(pinned.clone(), issued)
            }
            Trust::Fingerprint(fingerprint) => Judge::Fingerprint(*fingerprint),
            Trust::Anyone => Judge::Anyone,
        };
        Ok(Self { judge, provider })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let ask = |issuers: &dyn ServerCertVerifier| {
            issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        let accepted = Ok(ServerCertVerified::assertion());
        let fingerprint: [u8; 32] = Sha256::digest(end_entity).into();
        let verdict = match &self.judge {
            Judge::Anyone => accepted,
            Judge::Certificates(pinned, _) if pinned.iter().any(|pinned| pinned == end_entity) => accepted,
            Judge::Certificates(_, None) => Err(CertificateError::UnknownIssuer.into()),
            Judge::Certificates(_, Some(issuers)) => ask(&**issuers),
            Judge::Issuers(issuers) => ask(&**issuers),
            Judge::Fingerprint(trusted) if *trusted == fingerprint => accepted,
            Judge::Fingerprint(_) => {
                let said = format!(
                    "the server's certificate is not the one that is trusted: its SHA-256 is {}",
                    Shown(fingerprint)
                );
                return Err(CertificateError::Other(OtherError(Arc::new(Distrust(said)))).into());
            }
        };
        verdict.map_err(|error| match error {
            rustls::Error::InvalidCertificate(reason) => {
                CertificateError::Other(OtherError(Arc::new(Distrust::of(&reason, fingerprint)))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Why a certificate is not accepted, and what to do, in a sentence.
#[derive(Debug)]
struct Distrust(String);

impl Distrust {
    fn of(reason: &CertificateError, fingerprint: [u8; 32]) -> Self {
        let text = reason.to_string();
        // The latter is a certificate that has signed itself.
        let said = if text.contains("UnknownIssuer") || text.contains("CaUsedAsEndEntity") {
            "nobody that is trusted has signed the server's certificate".to_owned()
        } else if text.contains("not valid for") || text.contains("NotValidForName") {
            format!("the server's certificate is for another name ({text})")
        } else {
            format!("the server's certificate is not accepted ({text})")
        };
        let shown = Shown(fingerprint);
        Self(format!(
            "{said}; if its owner tells this SHA-256 of it, --trust {shown} trusts it; --trust FILE trusts it or its issuer, --insecure anyone"
        ))
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Distrust {}

/// What is said of the certificate that made a handshake fail, if that was the reason.
pub(super) fn distrust(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else { return None };
    other.0.downcast_ref::<Distrust>().map(|distrust| distrust.0.clone())
}

/// A fingerprint as `openssl x509 -fingerprint` shows it.
struct Shown([u8; 32]);

impl fmt::Display for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            write!(formatter, "{}{byte:02X}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}
