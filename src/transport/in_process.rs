//! Links in memory, between a connection and a server in the same process.

mod link;
mod peer;
mod pipe;

pub use link::InProcessLink;
pub use peer::{InProcessFrame, InProcessPeer};

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::mpsc;

use self::pipe::Pipe;
use super::{Attempt, ConnectError, Transport};
use crate::Failure;

/// How many messages wait on one way of a [`InProcessLink`]: 256, as many as an
/// inbox holds, so that a burst does not make its two tasks take turns. Then
/// the sender waits.
pub const IN_PROCESS_MESSAGES: usize = 256;

/// How many links wait to be accepted: 128. Then attempts wait.
const BACKLOG: usize = 128;

/// Links in memory: messages go from one task to another as they are, without
/// bytes in between. For servers and plug-ins in the same process, and for
/// tests.
///
/// An `InProcess` stands for a place: a server [listens](InProcess::listen) there,
/// connections lead there. Clones are the same place. Attempts are refused
/// while there is no listener.
///
/// `In` is what the connection receives, `Out` what it sends.
///
/// A link behaves as one over a socket does: messages keep their order, at
/// most [`IN_PROCESS_MESSAGES`] wait each way, beats are answered while the peer
/// reads, and it ends by a Close with code and reason, an end of stream or a
/// reset. Time plays no part. For tests `longlink::testing` has a `Script` for
/// one exact situation, a `FaultyNet` for networks, and `Faults`, which go
/// around this transport as around any other.
///
/// ```
/// use longlink::ResilientConnection;
/// use longlink::transport::InProcess;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let place = InProcess::<String>::new();
/// let mut listener = place.listen();
/// let server = tokio::spawn(async move {
///     while let Some(peer) = listener.accept().await {
///         while let Ok(request) = peer.recv().await {
///             let _ = peer.send(request.to_uppercase()).await;
///         }
///     }
/// });
///
/// let mut connection = ResilientConnection::builder(place).connect().await?;
/// connection.sender().send("hello".to_owned()).await?;
/// assert_eq!(connection.recv().await.transpose()?.as_deref(), Some("HELLO"));
/// connection.close().await;
/// # server.abort();
/// # Ok(())
/// # }
/// ```
pub struct InProcess<In, Out = In> {
    place: Arc<ListenerSlot<In, Out>>,
}

/// The way to the present listener, if there is one.
struct ListenerSlot<In, Out> {
    listener: Mutex<Option<mpsc::Sender<InProcessPeer<In, Out>>>>,
}

impl<In: Send + 'static, Out: Send + 'static> InProcess<In, Out> {
    /// A place without a listener.
    pub fn new() -> InProcess<In, Out> {
        InProcess { place: Arc::new(ListenerSlot { listener: Mutex::new(None) }) }
    }

    /// Listens there. An earlier listener gets no more links.
    pub fn listen(&self) -> InProcessListener<In, Out> {
        let (peers, accepted) = mpsc::channel(BACKLOG);
        let before = self.place.listener().replace(peers);
        // Its backlog goes with it, and a message's drop may run any code.
        drop(before);
        InProcessListener { accepted }
    }
}

impl<In, Out> ListenerSlot<In, Out> {
    fn listener(&self) -> MutexGuard<'_, Option<mpsc::Sender<InProcessPeer<In, Out>>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<In: Send + 'static, Out: Send + 'static> Transport for InProcess<In, Out> {
    type Link = InProcessLink<In, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<InProcessLink<In, Out>, ConnectError> {
        let listener = self.place.listener().clone().ok_or(Failure::Refused)?;
        let place = listener.reserve().await.map_err(|_| Failure::Refused)?;
        attempt.dialled(None);
        let (to_client, to_server) = (Arc::new(Pipe::new()), Arc::new(Pipe::new()));
        place.send(InProcessPeer::new(Arc::clone(&to_client), Arc::clone(&to_server)));
        Ok(InProcessLink::new(to_client, to_server))
    }

    /// False: the links do not leave the process.
    fn needs_network(&self) -> bool {
        false
    }
}

/// A server's place to accept links, made by [`InProcess::listen`].
///
/// Dropping it refuses attempts from then on, and resets links that were not
/// accepted.
pub struct InProcessListener<In, Out = In> {
    accepted: mpsc::Receiver<InProcessPeer<In, Out>>,
}

impl<In: Send + 'static, Out: Send + 'static> InProcessListener<In, Out> {
    /// The server's end of the next link; `None` once no more can come: the
    /// place is gone, or another task listens there. Cancel safe.
    pub async fn accept(&mut self) -> Option<InProcessPeer<In, Out>> {
        self.accepted.recv().await
    }
}

impl<In, Out> Clone for InProcess<In, Out> {
    fn clone(&self) -> InProcess<In, Out> {
        InProcess { place: Arc::clone(&self.place) }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Default for InProcess<In, Out> {
    fn default() -> InProcess<In, Out> {
        InProcess::new()
    }
}

impl<In, Out> fmt::Debug for InProcess<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("listening", &self.place.listener().is_some()).finish()
    }
}

impl<In, Out> fmt::Debug for InProcessListener<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessListener").field("waiting", &self.accepted.len()).finish()
    }
}

#[cfg(test)]
mod tests;
