//! Links in memory, between a connection and a server in the same process.

mod lane;
mod link;
mod peer;

pub use link::MemoryLink;
pub use peer::{MemoryFrame, MemoryPeer};

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::mpsc;

use self::lane::Lane;
use super::{Attempt, ConnectError, Transport};
use crate::keeper::Failure;

/// How many messages wait on one way of a [`MemoryLink`]: 256, as many as an
/// inbox holds, so that a burst does not make its two tasks take turns. Then
/// the sender waits.
pub const MEMORY_MESSAGES: usize = 256;

/// How many links wait to be accepted: 128. Then attempts wait.
const BACKLOG: usize = 128;

/// Links in memory: messages go from one task to another as they are, without
/// bytes in between. For servers and plug-ins in the same process, and for
/// tests.
///
/// It stands for a place: a server [listens](Memory::listen) there,
/// connections lead there. Clones are the same place. Attempts are refused
/// while nobody listens.
///
/// `In` is what the connection receives, `Out` what it sends.
///
/// A link behaves as one over a socket does: messages keep their order, at
/// most [`MEMORY_MESSAGES`] wait each way, beats are answered while the peer
/// reads, and it ends by a Close with code and reason, an end of stream or a
/// reset. Time plays no part. For tests `longlink::testing` has a `Script` for
/// one exact situation, a `FaultyNet` for networks, and `Faults`, which go
/// around this transport as around any other.
///
/// ```
/// use longlink::ResilientConnection;
/// use longlink::transport::Memory;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let place = Memory::<String>::new();
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
pub struct Memory<In, Out = In> {
    place: Arc<Place<In, Out>>,
}

/// Where the present listener is reached, if there is one.
struct Place<In, Out> {
    listener: Mutex<Option<mpsc::Sender<MemoryPeer<In, Out>>>>,
}

impl<In: Send + 'static, Out: Send + 'static> Memory<In, Out> {
    /// A place where nobody listens yet.
    pub fn new() -> Memory<In, Out> {
        Memory { place: Arc::new(Place { listener: Mutex::new(None) }) }
    }

    /// Listens there. Whoever listened before gets no more links.
    pub fn listen(&self) -> MemoryListener<In, Out> {
        let (peers, accepted) = mpsc::channel(BACKLOG);
        let before = self.place.listener().replace(peers);
        // Its backlog goes with it, whose messages may be anybody's code.
        drop(before);
        MemoryListener { accepted }
    }
}

impl<In, Out> Place<In, Out> {
    fn listener(&self) -> MutexGuard<'_, Option<mpsc::Sender<MemoryPeer<In, Out>>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<In: Send + 'static, Out: Send + 'static> Transport for Memory<In, Out> {
    type Link = MemoryLink<In, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<MemoryLink<In, Out>, ConnectError> {
        let listener = self.place.listener().clone().ok_or(Failure::Refused)?;
        let place = listener.reserve().await.map_err(|_| Failure::Refused)?;
        attempt.dialled(None);
        let (to_client, to_server) = (Arc::new(Lane::new()), Arc::new(Lane::new()));
        place.send(MemoryPeer::new(Arc::clone(&to_client), Arc::clone(&to_server)));
        Ok(MemoryLink::new(to_client, to_server))
    }

    /// No: its links do not leave the process.
    fn needs_network(&self) -> bool {
        false
    }
}

/// A server's place to accept links, made by [`Memory::listen`].
///
/// Dropping it refuses attempts from then on, and resets links that nobody
/// has accepted.
pub struct MemoryListener<In, Out = In> {
    accepted: mpsc::Receiver<MemoryPeer<In, Out>>,
}

impl<In: Send + 'static, Out: Send + 'static> MemoryListener<In, Out> {
    /// The server's end of the next link; `None` once no more can come: the
    /// place is gone, or somebody else listens there. Cancel safe.
    pub async fn accept(&mut self) -> Option<MemoryPeer<In, Out>> {
        self.accepted.recv().await
    }
}

impl<In, Out> Clone for Memory<In, Out> {
    fn clone(&self) -> Memory<In, Out> {
        Memory { place: Arc::clone(&self.place) }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Default for Memory<In, Out> {
    fn default() -> Memory<In, Out> {
        Memory::new()
    }
}

impl<In, Out> fmt::Debug for Memory<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("listening", &self.place.listener().is_some()).finish()
    }
}

impl<In, Out> fmt::Debug for MemoryListener<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryListener").field("waiting", &self.accepted.len()).finish()
    }
}

#[cfg(test)]
mod tests;
