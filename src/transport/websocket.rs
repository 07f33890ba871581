//! WebSocket, as client: `ws` and `wss`.
//!
//! The dial, TLS and the upgrade are one future without tasks: when it is
//! dropped, its sockets are closed. The upgrade request is written by this
//! crate, so no header, path or query of it reaches a log.

mod boundary;
mod encode;
mod engine;
mod headers;
mod link;
mod message;
mod retry_after;
mod socket;
mod upgrade;
mod url;

pub use link::WebSocketLink;
pub use message::{Message, Text};

use std::fmt;
use std::future::Future;
#[cfg(feature = "tls")]
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncWrite};

use self::engine::Engine;
use self::headers::Credentials;
use self::upgrade::{UpgradeRequest, upgrade};
use self::url::Url;
use super::{Attempt, ConnectError, MAX_MESSAGE, MessageTooBig, Transport};
use crate::Invalid;
use crate::dial::{Dialler, Socket, Stream, StreamSource, Tls};
use crate::keeper::Purpose;
#[cfg(feature = "tls")]
use crate::rustls;

/// Opens WebSockets to one URL.
///
/// ```
/// use longlink::WebSocket;
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let transport = WebSocket::new("ws://example.com/feed")?
///     .header("X-Client", "weather station")?
///     .subprotocol("v2.feed")?
///     .max_message(64 * 1024)?;
/// # Ok(())
/// # }
/// ```
///
/// The dial, TLS and the upgrade are one future without tasks: when it is
/// dropped, its sockets are closed.
///
/// Messages are not compressed: `permessage-deflate` is never offered, and a
/// server that uses it all the same breaks the protocol.
///
/// `Debug` prints scheme, host and port; path, query, header values and
/// subprotocols are never printed, here or in any error. Messages that come
/// in are another matter: at TRACE the protocol library logs each of them, so
/// keep targets that begin with `tungstenite` above that level where messages
/// are secret. The library does not see outgoing messages.
pub struct WebSocket {
    url: Url,
    headers: HeaderMap,
    subprotocols: Vec<HeaderValue>,
    credentials: Option<Credentials>,
    scouts_are_anonymous: bool,
    max_message: usize,
    way: StreamSource,
    tls: Option<Tls>,
}

impl WebSocket {
    /// A transport to `url`, which begins with `ws://` or, with the feature
    /// `tls`, `wss://`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `websocket.url` and the rule: another
    /// scheme, no host, a user or password, a fragment, a port of 0.
    /// Credentials belong in a header: see [`WebSocket::credentials`].
    pub fn new(url: impl AsRef<str>) -> Result<WebSocket, Invalid> {
        let url = Url::parse(url.as_ref())?;
        let tls = match url.secure {
            true => Some(Tls::new(&url.host).ok_or_else(|| {
                Invalid::new("websocket.url", "the host is neither a DNS name nor an address")
            })?),
            false => None,
        };
        Ok(WebSocket {
            way: StreamSource::Ours(Dialler::new(&url.host, url.port)),
            url,
            headers: HeaderMap::new(),
            subprotocols: Vec::new(),
            credentials: None,
            scouts_are_anonymous: true,
            max_message: MAX_MESSAGE,
            tls,
        })
    }

    /// Sends a header with every upgrade request; a second one of the same
    /// name joins the first. Default: none but those of the handshake.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `websocket.header` and the header: a line
    /// break or control character in it, or a name that the handshake itself
    /// writes (`Host`, `Connection`, `Upgrade`, `Sec-WebSocket-…`).
    pub fn header(mut self, name: &str, value: &str) -> Result<WebSocket, Invalid> {
        let (name, value) = headers::parse(name, value)?;
        self.headers.append(name, value);
        Ok(self)
    }

    /// Offers a subprotocol, after those offered before. The server may
    /// choose one ([`WebSocketLink::subprotocol`]) or none; an answer that
    /// names another is refused. Default: none.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `websocket.subprotocol`: not a token as
    /// HTTP defines it, or offered twice.
    pub fn subprotocol(mut self, name: &str) -> Result<WebSocket, Invalid> {
        const FIELD: &str = "websocket.subprotocol";
        // A token is what a method's name may be.
        let value = http::Method::from_bytes(name.as_bytes())
            .ok()
            .and_then(|_| HeaderValue::from_str(name).ok())
            .ok_or_else(|| Invalid::new(FIELD, "not a token"))?;
        if self.subprotocols.contains(&value) {
            return Err(Invalid::new(FIELD, "offered twice"));
        }
        self.subprotocols.push(value);
        Ok(self)
    }

    /// Asks `hook` for headers anew for every attempt that has reached the
    /// server, so that no expired credential is sent twice. The headers replace
    /// headers of the same names that were set with [`WebSocket::header`].
    ///
    /// The hook runs beside the TLS handshake, under the attempt's deadline;
    /// when that passes its future is dropped. Its error is the attempt's:
    /// [`Failure::Hook`] says whether to try again. A header that the
    /// handshake itself writes fails the attempt for good.
    ///
    /// ```
    /// use longlink::{http, WebSocket};
    ///
    /// # fn main() -> Result<(), longlink::Invalid> {
    /// let transport = WebSocket::new("ws://example.com/feed")?.credentials(|attempt| async move {
    ///     // After a 401 `attempt.last_failure()` says so: fetch a new one.
    ///     let token = format!("Bearer token-{}", attempt.number());
    ///     let mut headers = http::HeaderMap::new();
    ///     headers.insert("authorization", token.parse().expect("a token has no line breaks"));
    ///     Ok(headers)
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Failure::Hook`]: crate::Failure::Hook
    pub fn credentials<F, Fut>(mut self, hook: F) -> WebSocket
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<HeaderMap, ConnectError>> + Send + 'static,
    {
        self.credentials = Some(Credentials::new(hook));
        self
    }

    /// Sends scouts with the headers, the credentials and the query of the
    /// URL, like any link. Default: a scout's request has none of them, since
    /// it carries no message and any of them may be a secret; a server that
    /// does not accept that refuses scouts.
    pub fn credentials_for_scouts(mut self) -> WebSocket {
        self.scouts_are_anonymous = false;
        self
    }

    /// The longest message in bytes, either way. A longer one is refused when
    /// it is offered for sending, and ends the link when it comes in.
    /// Default: [`MAX_MESSAGE`].
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `websocket.max_message`: zero.
    pub fn max_message(mut self, bytes: usize) -> Result<WebSocket, Invalid> {
        if bytes == 0 {
            return Err(Invalid::new("websocket.max_message", "must not be zero"));
        }
        self.max_message = bytes;
        Ok(self)
    }

    /// The TLS configuration in place of the shared one, which has the ring
    /// provider and the platform's verifier. Without effect on a `ws` URL.
    #[cfg(feature = "tls")]
    pub fn tls_config(mut self, config: Arc<rustls::ClientConfig>) -> WebSocket {
        if let Some(tls) = &mut self.tls {
            tls.set_config(config);
        }
        self
    }

    /// Dials with `dial` in place of our own dial: through a proxy, from a
    /// chosen interface, over a Unix socket or a stream in memory. TLS, where
    /// the URL asks for it, and the upgrade follow over the stream that `dial` returns.
    ///
    /// `dial` runs under the attempt's deadline; when that passes its future is
    /// dropped. Its errors are the attempt's. Where the way to the peer is
    /// there before the future is ready, `dial` reports that with
    /// [`Attempt::dialled`]. Set TCP_NODELAY on a socket: beats and small
    /// messages wait otherwise. Of a `TcpStream` the addresses are taken for
    /// [`Link::local_addr`](crate::transport::Link::local_addr); other streams have none.
    pub fn dial_with<F, Fut, S>(mut self, dial: F) -> WebSocket
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, ConnectError>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.way = StreamSource::own(dial);
        self
    }

    /// The headers of this attempt, and the stream to send them over.
    async fn prepare(&self, socket: Socket, attempt: &Attempt) -> Result<(HeaderMap, Stream), ConnectError> {
        let headers = async {
            if self.is_anonymous(attempt) {
                return Ok(HeaderMap::new());
            }
            let mut headers = self.headers.clone();
            if let Some(credentials) = &self.credentials {
                // `extend` replaces headers of the same name.
                headers.extend(credentials.ask(attempt).await?);
            }
            Ok(headers)
        };
        tokio::try_join!(headers, Stream::over(socket, self.tls.as_ref()))
    }

    fn is_anonymous(&self, attempt: &Attempt) -> bool {
        self.scouts_are_anonymous && attempt.purpose() == Purpose::Scout
    }
}

#[async_trait]
impl Transport for WebSocket {
    type Link = WebSocketLink;

    async fn connect(&self, attempt: &Attempt) -> Result<WebSocketLink, ConnectError> {
        let socket = self.way.connect(attempt).await?;
        let (local, peer) = (socket.local_addr(), socket.peer_addr());
        let (headers, stream) = self.prepare(socket, attempt).await?;
        let with_query = !self.is_anonymous(attempt);
        let wanted = UpgradeRequest { url: &self.url, with_query, headers, subprotocols: &self.subprotocols };
        let upgraded = upgrade(stream, wanted, self.url.secure).await?;
        self.way.opened(attempt, peer);
        let engine = Engine::new(upgraded.stream, upgraded.behind, self.max_message);
        Ok(WebSocketLink::new(engine, local, peer, upgraded.subprotocol))
    }

    fn endpoint(&self, _route: usize) -> Option<String> {
        Some(self.url.to_string())
    }

    fn size(&self, message: &Message) -> Result<usize, MessageTooBig> {
        MessageTooBig::check(message.len(), self.max_message)
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket")
            .field("url", &self.url)
            .field("headers", &self.headers.keys())
            .field("subprotocols", &self.subprotocols.len())
            .field("max_message", &self.max_message)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn the_address_of_a_link_is_a_good_one_and_that_of_a_refusal_is_not() {
        for welcome in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("ws://{}", listener.local_addr().unwrap());
            tokio::spawn(async move {
                let (stream, _) = listener.accept().await.unwrap();
                if welcome {
                    let _served = tokio_tungstenite::accept_async(stream).await;
                }
            });
            let transport = WebSocket::new(url).unwrap();
            assert_eq!(transport.connect(&Attempt::standalone(1, None)).await.is_ok(), welcome);
            let known = format!("{:?}", transport.way);
            let wanted = match welcome {
                true => "good: Some(127.0.0.1), doubted: []",
                false => "good: None, doubted: [127.0.0.1]",
            };
            assert!(known.contains(wanted), "{known}");
        }
    }
}
