//! TLS by rustls, with its provider named.

use std::fmt;
use std::sync::Arc;

use rustls_platform_verifier::BuilderVerifierExt;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{self, ClientConfig, pki_types::ServerName};

use super::failure::failed;
use super::{ConnectError, Socket};
use crate::Failure;

/// The configuration of all transports that bring none: made on first use, kept
/// for the life of the process, so that roots are loaded once and sessions
/// resume from one connection to the next.
static SHARED: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();

/// How to speak TLS with one server.
#[derive(Clone)]
pub(crate) struct Tls {
    name: ServerName<'static>,
    /// The user's own configuration; `None` stands for the shared one.
    own: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// TLS with the server called `host`: a DNS name, or an IP address
    /// without brackets. `None` if it can be neither.
    pub(crate) fn new(host: &str) -> Option<Tls> {
        ServerName::try_from(host.to_owned()).ok().map(|name| Tls { name, own: None })
    }

    /// The same for the server name of `other`.
    #[cfg(feature = "tcp")]
    pub(crate) fn named(self, other: Tls) -> Tls {
        Tls { name: other.name, own: self.own }
    }

    /// The user's configuration in place of the shared one.
    pub(crate) fn set_config(&mut self, config: Arc<ClientConfig>) {
        self.own = Some(config);
    }

    /// Encrypts `stream`, which is dropped with the future.
    pub(crate) async fn handshake(&self, stream: Socket) -> Result<Box<TlsStream<Socket>>, ConnectError> {
        let config = match &self.own {
            Some(own) => Arc::clone(own),
            None => Arc::clone(SHARED.get_or_try_init(load).await?),
        };
        let encrypted = TlsConnector::from(config).connect(self.name.clone(), stream).await;
        encrypted.map(Box::new).map_err(failed)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("own_config", &self.own.is_some()).finish_non_exhaustive()
    }
}

/// Makes the shared configuration away from the runtime's threads, since the
/// platform's certificates may be read from disk.
async fn load() -> Result<Arc<ClientConfig>, ConnectError> {
    match tokio::task::spawn_blocking(platform_config).await {
        Ok(made) => made.map(Arc::new).map_err(|error| ConnectError::with_source(Failure::Tls, error)),
        Err(panicked) => Err(ConnectError::with_source(Failure::Tls, panicked)),
    }
}

/// The platform's verifier under the ring provider. The provider is passed by
/// hand: rustls panics when the process's default is asked for and two
/// providers, or none, are compiled in.
fn platform_config() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}
