//! A transport that is a closure.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;

use super::{Attempt, ConnectError, Link, MessageTooBig, Transport};
use crate::Invalid;

/// Makes a [`Transport`] of a closure that opens one link.
///
/// The closure is called afresh for every attempt and gets an [`Attempt`] of
/// its own, so its future may keep it. Clone the values that every attempt needs
/// into its future: that keeps the future `Send` and free of borrows.
///
/// The setters of [`FromFn`] say all else that a transport can say, except
/// [`Transport::routes`].
///
/// ```
/// use longlink::transport::{ControlMessages, Framed, from_fn};
/// use tokio::net::TcpStream;
/// use tokio_util::codec::{self, LinesCodec};
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let address = String::from("feed.example.com:7000");
/// let transport = from_fn(move |attempt| {
///     let address = address.clone();
///     async move {
///         let stream = TcpStream::connect(address).await?;
///         attempt.dialled(stream.local_addr().ok());
///         let lines = codec::Framed::new(stream, LinesCodec::new_with_max_length(4096));
///         Ok(Framed::new(lines, ControlMessages::<String, String>::new()))
///     }
/// })
/// .endpoint("tcp://feed.example.com:7000")
/// .size_out(String::len)
/// .max_message(4096)?;
/// # fn is_transport(_: impl longlink::transport::Transport) {}
/// # is_transport(transport);
/// # Ok(())
/// # }
/// ```
///
/// An async function or an async closure that captures nothing serves as it
/// is: `from_fn(open)` with `async fn open(attempt: Attempt) -> Result<L, ConnectError>`.
pub fn from_fn<F, Fut, L>(open: F) -> FromFn<F, L::Outgoing>
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<L, ConnectError>> + Send,
    L: Link,
{
    FromFn {
        open,
        endpoint: None,
        size_out: |message| size_of_val(message),
        max_message: usize::MAX,
        overlap: true,
        needs_network: true,
    }
}

/// The [`Transport`] that [`from_fn`] makes, for links that send `Out`.
///
/// This transport has one route: where there are several, each has an
/// [endpoint](Transport::endpoint) of its own, so that their number and their
/// names are better kept together, in a [`Transport`] of your own.
pub struct FromFn<F, Out> {
    open: F,
    endpoint: Option<String>,
    size_out: fn(&Out) -> usize,
    max_message: usize,
    overlap: bool,
    needs_network: bool,
}

impl<F, Out> FromFn<F, Out> {
    /// Names the place that the closure connects to ([`Transport::endpoint`]): scheme,
    /// host and port, never credentials, a path or a query. Default: no
    /// name, and the lessons about its path are not stored across
    /// connections.
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> FromFn<F, Out> {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// The size in bytes of a message that is offered for sending: it counts
    /// against the outbox's byte limit, and against
    /// [`max_message`](FromFn::max_message). Default: its size in memory,
    /// without the data that it points to.
    pub fn size_out(mut self, size: fn(&Out) -> usize) -> FromFn<F, Out> {
        self.size_out = size;
        self
    }

    /// The longest message in bytes that is sent, as
    /// [`size_out`](FromFn::size_out) says. A longer one is refused when it is
    /// offered. Messages that come in are the link's own concern. Default: no
    /// limit.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `from_fn.max_message`: zero.
    pub fn max_message(mut self, bytes: usize) -> Result<FromFn<F, Out>, Invalid> {
        if bytes == 0 {
            return Err(Invalid::new("from_fn.max_message", "must not be zero"));
        }
        self.max_message = bytes;
        Ok(self)
    }

    /// Whether a second link may be opened beside the one in use
    /// ([`Transport::overlap`]). False where the peer allows one session at a
    /// time. Default: true.
    pub fn overlap(mut self, overlap: bool) -> FromFn<F, Out> {
        self.overlap = overlap;
        self
    }

    /// Whether the links go over the host's network
    /// ([`Transport::needs_network`]). False where they stay on the machine.
    /// Default: true.
    pub fn needs_network(mut self, needs_network: bool) -> FromFn<F, Out> {
        self.needs_network = needs_network;
        self
    }
}

#[async_trait]
impl<F, Fut, L, Out> Transport for FromFn<F, Out>
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<L, ConnectError>> + Send,
    L: Link<Outgoing = Out>,
    Out: 'static,
{
    type Link = L;

    async fn connect(&self, attempt: &Attempt) -> Result<L, ConnectError> {
        (self.open)(attempt.clone()).await
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        self.endpoint.clone()
    }

    fn overlap(&self) -> bool {
        self.overlap
    }

    fn needs_network(&self) -> bool {
        self.needs_network
    }

    fn size(&self, message: &Out) -> Result<usize, MessageTooBig> {
        MessageTooBig::check((self.size_out)(message), self.max_message)
    }
}

impl<F: Clone, Out> Clone for FromFn<F, Out> {
    fn clone(&self) -> FromFn<F, Out> {
        FromFn {
            open: self.open.clone(),
            endpoint: self.endpoint.clone(),
            size_out: self.size_out,
            max_message: self.max_message,
            overlap: self.overlap,
            needs_network: self.needs_network,
        }
    }
}

impl<F, Out> fmt::Debug for FromFn<F, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn")
            .field("endpoint", &self.endpoint)
            .field("max_message", &self.max_message)
            .field("overlap", &self.overlap)
            .field("needs_network", &self.needs_network)
            .finish_non_exhaustive()
    }
}
