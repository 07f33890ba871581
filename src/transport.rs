//! The layer under a connection: the [`Transport`] opens links, a [`Link`]
//! carries messages until it ends.
//!
//! `WebSocket` speaks ws and wss (feature `websocket`); `Tcp`, with TLS or
//! without, and `Unix` speak any `Protocol` that a `tokio_util` codec can frame
//! (feature `tcp`); [`InProcess`] leads to a server in the same process. A
//! transport of your own implements the two traits, or wraps any
//! `Stream + Sink` in a [`Framed`] link, or is a closure in [`from_fn`].
//! [`ControlMessages`] say which of a protocol's messages are beats, answers and
//! goodbyes.

mod boxed;
mod control;
mod framed;
mod from_fn;
mod in_process;
mod link;
#[cfg(feature = "tcp")]
pub(crate) mod protocol;
#[cfg(feature = "tcp")]
pub(crate) mod tcp;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(all(feature = "tcp", unix))]
pub(crate) mod unix;
#[cfg(feature = "websocket")]
pub(crate) mod websocket;

pub use boxed::BoxTransport;
pub use control::{ControlMessages, PongMatch};
pub use framed::Framed;
pub use from_fn::{FromFn, from_fn};
pub use in_process::{
    IN_PROCESS_MESSAGES, InProcess, InProcessFrame, InProcessLink, InProcessListener, InProcessPeer,
};
pub use link::{BoxLink, ConfirmedBy, Frame, Link, Traffic};

use async_trait::async_trait;

pub use crate::dial::{Attempt, ConnectError};

/// The longest message by default, either way: 1 MiB. Large enough for what
/// feeds, chats and brokers send, small enough that a peer cannot fill the
/// memory.
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub const MAX_MESSAGE: usize = 1024 * 1024;

/// Opens links. One transport serves a connection for its whole life;
/// [`connect`](Transport::connect) is called afresh for every attempt, so
/// that the address, headers and credentials can be new each time.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// The links that this transport opens.
    type Link: Link;

    /// Opens one link.
    ///
    /// The attempt's deadline runs over the whole of it, the login hook
    /// included; when it passes, the future is dropped, which must leave
    /// nothing behind. Report the moment when the network path is there
    /// (TCP connected, before TLS and any login) with [`Attempt::dialled`]:
    /// the keeper tells an idle timeout from an outage by it.
    ///
    /// # Errors
    ///
    /// A [`ConnectError`], whose [`Failure`](crate::Failure) decides
    /// whether and when there is another attempt.
    async fn connect(&self, attempt: &Attempt) -> Result<Self::Link, ConnectError>;

    /// How many ways there are to the peer (URLs, addresses). The keeper
    /// chooses one for each attempt ([`Attempt::route`]). At least 1.
    fn routes(&self) -> usize {
        1
    }

    /// Names the place that `route` leads to, under which the lessons about its
    /// path are stored across connections: scheme, host and port, never credentials, a path
    /// or a query. `None`, the default: nothing is stored.
    fn endpoint(&self, route: usize) -> Option<String> {
        let _ = route;
        None
    }

    /// Whether a second link may be opened beside the one in use. False where
    /// the peer allows one session at a time and ends the first for the second
    /// (client ids of MQTT, resources of XMPP).
    fn overlap(&self) -> bool {
        true
    }

    /// Whether the links go over the host's network. False for a transport that
    /// stays on the machine: then its connections hear no news of the host's
    /// network ([`Builder::network`](crate::Builder::network)),
    /// and "offline" does not slow their attempts down. True, the default,
    /// also where only the first step stays here, such as to a local tunnel.
    fn needs_network(&self) -> bool {
        true
    }

    /// The size of a message in bytes, as it counts against the outbox's byte
    /// limit, and whether it may be sent at all. Default: its size in memory,
    /// without the data that it points to. Called once for each message that
    /// is offered for sending, by the task that offers it.
    ///
    /// # Errors
    ///
    /// [`MessageTooBig`] refuses the message, which goes back to its sender.
    fn size(&self, message: &<Self::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        Ok(size_of_val(message))
    }

    /// This transport with its type hidden, so that unlike transports for the
    /// same messages can stand in each other's place.
    fn boxed(self) -> BoxTransport<<Self::Link as Link>::Incoming, <Self::Link as Link>::Outgoing>
    where
        Self: Sized,
    {
        boxed::transport(self)
    }
}

/// A message is over the transport's limit and was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message of {size} bytes is over the limit of {limit}")]
#[non_exhaustive]
pub struct MessageTooBig {
    /// The message's size in bytes.
    pub size: usize,
    /// The limit in bytes.
    pub limit: usize,
}

impl MessageTooBig {
    /// `size` is over `limit`.
    pub fn new(size: usize, limit: usize) -> MessageTooBig {
        MessageTooBig { size, limit }
    }

    /// `size`, unless it is over `limit`.
    fn check(size: usize, limit: usize) -> Result<usize, MessageTooBig> {
        if size > limit { Err(MessageTooBig::new(size, limit)) } else { Ok(size) }
    }
}
