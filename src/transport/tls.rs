//! TLS for the transports that speak it: the authorities and identity of a client.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_rustls::rustls;

use crate::Invalid;

/// Makes a rustls [`ClientConfig`] for the usual needs of clients: authorities
/// of their own, a client certificate, protocols by ALPN.
///
/// Make one and share it among transports: sessions then resume from one
/// connection to the next. An application that needs more makes the `ClientConfig` by
/// hand. Name its provider (`builder_with_provider`), as rustls panics where it has to
/// guess.
///
/// ```no_run
/// use longlink::{TlsConfig, WebSocket};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsConfig::new()
///     .roots_pem(&std::fs::read("authority.pem")?)?
///     .identity_pem(&std::fs::read("client.pem")?, &std::fs::read("client.key")?)?
///     .build()?;
/// let transport = WebSocket::new("wss://example.com/feed")?.tls_config(tls);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct TlsConfig {
    roots: Option<RootCertStore>,
    identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    alpn: Vec<Vec<u8>>,
}

impl TlsConfig {
    /// The platform's authorities, no client certificate, no ALPN, TLS 1.2
    /// and 1.3 by the ring provider.
    pub fn new() -> TlsConfig {
        TlsConfig::default()
    }

    /// Trusts the authorities in `pem`, one certificate or several, in place
    /// of the platform's. A second call adds to the first.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `tls.roots`: not PEM, no certificate in it,
    /// or one that cannot be read.
    pub fn roots_pem(mut self, pem: &[u8]) -> Result<TlsConfig, Invalid> {
        const FIELD: &str = "tls.roots";
        let roots = self.roots.get_or_insert_with(RootCertStore::empty);
        for certificate in certificates(FIELD, pem)? {
            roots.add(certificate).map_err(|error| Invalid::new(FIELD, error.to_string()))?;
        }
        Ok(self)
    }

    /// Shows the server who we are, where it asks: `chain` is our certificate
    /// and the certificates between it and the authority, `key` its private key (PKCS#8,
    /// PKCS#1 or SEC1), both PEM.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `tls.identity`: not PEM, no certificate or
    /// no key. The error never quotes either. [`build`](TlsConfig::build) tells
    /// whether the key fits the certificate.
    pub fn identity_pem(mut self, chain: &[u8], key: &[u8]) -> Result<TlsConfig, Invalid> {
        const FIELD: &str = "tls.identity";
        let chain = certificates(FIELD, chain)?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| Invalid::new(FIELD, "no private key could be read"))?;
        self.identity = Some((chain, key));
        Ok(self)
    }

    /// Offers an application protocol, after those offered before: some
    /// brokers and balancers choose by it between services on one port.
    pub fn alpn(mut self, protocol: impl AsRef<[u8]>) -> TlsConfig {
        self.alpn.push(protocol.as_ref().to_vec());
        self
    }

    /// The configuration. The call reads the platform's authorities, which may take
    /// some milliseconds, unless [`roots_pem`](TlsConfig::roots_pem) replaced
    /// them.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field: `tls.identity` where key and certificate
    /// do not fit, `tls.roots` where the platform has no authorities.
    pub fn build(self) -> Result<Arc<ClientConfig>, Invalid> {
        let refuse = |field, error: rustls::Error| Invalid::new(field, error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refuse("tls", error))?;
        let builder = match self.roots {
            Some(roots) => builder.with_root_certificates(roots),
            None => builder.with_platform_verifier().map_err(|error| refuse("tls.roots", error))?,
        };
        let mut config = match self.identity {
            Some((chain, key)) => {
                builder.with_client_auth_cert(chain, key).map_err(|error| refuse("tls.identity", error))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn;
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("roots", &self.roots.as_ref().map(RootCertStore::len))
            .field("identity", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// The certificates in `pem`, of which there must be one at least.
fn certificates(field: &'static str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(Invalid::new(field, "no certificate in it")),
        Ok(found) => Ok(found),
        Err(_) => Err(Invalid::new(field, "malformed PEM")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn bytes_that_are_not_pem_are_refused_by_field() {
        let (certificate, key) = pair();
        let refused = TlsConfig::new().roots_pem(b"nothing").unwrap_err();
        assert_eq!((refused.field, &*refused.why), ("tls.roots", "no certificate in it"));
        let cut = &certificate.as_bytes()[..certificate.len() / 2];
        assert_eq!(TlsConfig::new().roots_pem(cut).unwrap_err().field, "tls.roots");
        let refused = TlsConfig::new().identity_pem(certificate.as_bytes(), b"").unwrap_err();
        assert_eq!((refused.field, &*refused.why), ("tls.identity", "no private key could be read"));
        let refused = TlsConfig::new().identity_pem(key.as_bytes(), key.as_bytes()).unwrap_err();
        assert_eq!((refused.field, &*refused.why), ("tls.identity", "no certificate in it"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let ((ours, key), (_, other)) = (pair(), pair());
        let with = |key: &str| {
            let config = TlsConfig::new().roots_pem(ours.as_bytes()).unwrap();
            config.identity_pem(ours.as_bytes(), key.as_bytes()).unwrap().alpn("mqtt").build()
        };
        assert_eq!(with(&other).unwrap_err().field, "tls.identity");
        assert_eq!(with(&key).unwrap().alpn_protocols, [b"mqtt".to_vec()]);
    }

    #[test]
    fn the_key_is_not_printed() {
        let (certificate, key) = pair();
        let config = TlsConfig::new().identity_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(format!("{config:?}"), "TlsConfig { roots: None, identity: true, .. }");
    }
}
