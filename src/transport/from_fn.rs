//! A transport that is a closure.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;

use super::{Attempt, ConnectError, Link, Transport};

/// Makes a [`Transport`] of a closure that opens one link.
///
/// The closure is called afresh for every attempt and gets an [`Attempt`] of
/// its own, so its future may keep it. What every attempt needs is cloned
/// into its future: that keeps the future `Send` and free of borrows.
///
/// The transport has one route and weighs a message by its size in memory;
/// implement [`Transport`] for more. What is learned of its path is remembered
/// across connections once it is [named](FromFn::named).
///
/// ```
/// use longlink::transport::{Framed, from_fn};
/// use tokio::net::TcpStream;
/// use tokio_util::codec::{self, LinesCodec};
///
/// let address = String::from("feed.example.com:7000");
/// let transport = from_fn(move |attempt| {
///     let address = address.clone();
///     async move {
///         let stream = TcpStream::connect(address).await?;
///         attempt.dialled(stream.local_addr().ok());
///         let lines = codec::Framed::new(stream, LinesCodec::new_with_max_length(4096));
///         Ok(Framed::<_, String>::new(lines))
///     }
/// });
/// # fn is_transport(_: impl longlink::transport::Transport) {}
/// # is_transport(transport);
/// ```
///
/// An async function or an async closure that captures nothing serves as it
/// is: `from_fn(open)` with `async fn open(attempt: Attempt) -> Result<L, ConnectError>`.
pub fn from_fn<F, Fut, L>(open: F) -> FromFn<F>
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<L, ConnectError>> + Send,
    L: Link,
{
    FromFn { open, endpoint: None }
}

/// The [`Transport`] that [`from_fn`] makes.
#[derive(Clone)]
pub struct FromFn<F> {
    open: F,
    endpoint: Option<String>,
}

impl<F> FromFn<F> {
    /// Names the place that it connects to ([`Transport::endpoint`]). Default:
    /// it has no name.
    pub fn named(mut self, endpoint: impl Into<String>) -> FromFn<F> {
        self.endpoint = Some(endpoint.into());
        self
    }
}

#[async_trait]
impl<F, Fut, L> Transport for FromFn<F>
where
    F: Fn(Attempt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<L, ConnectError>> + Send,
    L: Link,
{
    type Link = L;

    async fn connect(&self, attempt: &Attempt) -> Result<L, ConnectError> {
        (self.open)(attempt.clone()).await
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        self.endpoint.clone()
    }
}

impl<F> fmt::Debug for FromFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFn").finish_non_exhaustive()
    }
}
