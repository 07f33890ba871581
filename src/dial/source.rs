//! How a transport comes to its stream: by a dial of ours, or by the
//! application's own.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Attempt, ConnectError, Dialler, Socket};
use crate::keeper::Purpose;

type DialFuture = Pin<Box<dyn Future<Output = Result<Socket, ConnectError>> + Send>>;

/// Where the stream of an attempt comes from.
pub(crate) enum StreamSource {
    Ours(Dialler),
    /// The application's dialler, without its type.
    Own(Arc<dyn Fn(Attempt) -> DialFuture + Send + Sync>),
}

impl StreamSource {
    pub(crate) fn own<F, Fut, S>(dial: F) -> StreamSource
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, ConnectError>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        StreamSource::Own(Arc::new(move |attempt| {
            let dialling = dial(attempt);
            Box::pin(async move { dialling.await.map(Socket::own) })
        }))
    }

    /// Dials, and reports that the path is there.
    pub(crate) async fn connect(&self, attempt: &Attempt) -> Result<Socket, ConnectError> {
        let socket = match self {
            // A scout may be refused where a link is welcome.
            StreamSource::Ours(dialler) => {
                Socket::Tcp(dialler.connect(attempt.purpose() == Purpose::Main).await?)
            }
            StreamSource::Own(dial) => dial(attempt.clone()).await?,
        };
        // Without effect where the application has reported the dial sooner.
        attempt.dialled(socket.local_addr());
        Ok(socket)
    }

    /// The peer at the address `peer` speaks the protocol: later attempts try this
    /// address first. The link of a scout does not count.
    pub(crate) fn opened(&self, attempt: &Attempt, peer: Option<SocketAddr>) {
        if let (StreamSource::Ours(dialler), Purpose::Main, Some(peer)) = (self, attempt.purpose(), peer) {
            dialler.opened(peer.ip());
        }
    }
}

impl fmt::Debug for StreamSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StreamSource::Ours(dialler) => dialler.fmt(f),
            StreamSource::Own(_) => f.debug_struct("Own").finish_non_exhaustive(),
        }
    }
}
