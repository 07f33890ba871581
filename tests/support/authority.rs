//! A certificate authority made for the test.
#![allow(dead_code, reason = "not every test asks for each of its certificates")]

use std::sync::Arc;

use longlink::TlsConfig;
use longlink::rustls::crypto::ring;
use longlink::rustls::pki_types::pem::PemObject;
use longlink::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use longlink::rustls::server::WebPkiClientVerifier;
use longlink::rustls::{ClientConfig, RootCertStore, ServerConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};

/// An authority, and those who trust it and nobody else.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    client: Arc<ClientConfig>,
}

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("no names are sound names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Of a name unlike those that it signs: OpenSSL takes a certificate
        // that bears its issuer's name for one that signed itself.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("an authority signs itself");
        let client = trusting(&issuer).build().expect("ring has what it needs");
        Authority { issuer, client }
    }

    /// For those who trust it.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client)
    }

    /// For one who trusts it and shows a certificate of its own.
    pub fn client_with(&self, own: &Identity) -> Arc<ClientConfig> {
        let config = trusting(&self.issuer).identity_pem(own.certificate.as_bytes(), own.key.as_bytes());
        config.expect("both are PEM").build().expect("the key is the certificate's")
    }

    /// A server of this name, for whoever trusts the authority.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        self.serve(name, None)
    }

    /// A server that lets in only those whom the same authority certified.
    pub fn server_for_the_certified(&self, name: &str) -> Arc<ServerConfig> {
        let mut known = RootCertStore::empty();
        known.add(self.issuer.der().clone()).expect("it is a certificate");
        self.serve(name, Some(known))
    }

    fn serve(&self, name: &str, known: Option<RootCertStore>) -> Arc<ServerConfig> {
        let own = self.identity(name);
        let chain = CertificateDer::from_pem_slice(own.certificate.as_bytes()).expect("it is a certificate");
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("it is a key");
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("ring speaks both versions");
        let config = match known {
            Some(known) => config.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(known), provider)
                    .build()
                    .expect("there is somebody to trust"),
            ),
            None => config.with_no_client_auth(),
        };
        Arc::new(config.with_single_cert(vec![chain], key).expect("the key is the certificate's"))
    }

    /// Its own certificate, in PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a DNS name or an address.
    pub fn identity(&self, name: &str) -> Identity {
        self.sign(CertificateParams::new(vec![name.to_owned()]).expect("a sound name"))
    }

    /// One that was good in the year 2020.
    pub fn expired_identity(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a sound name");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 12, 31);
        self.sign(params)
    }

    fn sign(&self, params: CertificateParams) -> Identity {
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("an authority signs");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// Those who trust it and nobody else.
fn trusting(issuer: &CertifiedIssuer<'static, KeyPair>) -> TlsConfig {
    TlsConfig::new().roots_pem(issuer.pem().as_bytes()).expect("it is a certificate")
}

fn key() -> KeyPair {
    KeyPair::generate().expect("ring makes keys")
}
