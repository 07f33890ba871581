//! Plain TCP and TLS, with any codec.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
#[cfg(feature = "tls")]
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Decoder, Encoder};

use super::protocol::{Protocol, StreamLink};
use super::{Attempt, ConnectError, MessageTooBig, Transport};
use crate::Invalid;
use crate::dial::{Dialler, Stream, StreamSource, Tls};
#[cfg(feature = "tls")]
use crate::rustls;

/// Opens links of a [`Protocol`] over TCP, with TLS or without.
///
/// The name is resolved and its addresses raced (RFC 8305) afresh for every
/// attempt. The address of the last link is tried first; addresses that answered the
/// dial without a link after it (TLS failed) are tried last. TCP_NODELAY is set. A
/// login belongs into [`on_connect`](crate::Builder::on_connect).
///
/// ```
/// use longlink::{Protocol, Tcp};
/// use longlink::transport::ControlMessages;
/// use tokio_util::codec::LinesCodec;
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let lines = || Protocol::new(LinesCodec::new, ControlMessages::<String, String>::new());
/// let plain = Tcp::new("feed.example.com:7000", lines())?;
/// # #[cfg(feature = "tls")]
/// let secure = Tcp::new("feed.example.com:7001", lines())?.tls()?;
/// # Ok(())
/// # }
/// ```
pub struct Tcp<C: Decoder, Out> {
    address: TcpAddress,
    way: StreamSource,
    protocol: Protocol<C, Out>,
    tls: Option<Tls>,
}

impl<C, Out> Tcp<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    /// A transport to `address`: a name or an IP address, and a port, as in
    /// `feed.example.com:7000` or `[::1]:7000`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `tcp.address` and the rule: no port, a port
    /// of 0, a scheme, a user or a path, a name that is not in ASCII.
    pub fn new(address: impl AsRef<str>, protocol: Protocol<C, Out>) -> Result<Tcp<C, Out>, Invalid> {
        let address = TcpAddress::parse(address.as_ref())?;
        Ok(Tcp {
            way: StreamSource::Ours(Dialler::new(&address.host, address.port)),
            address,
            protocol,
            tls: None,
        })
    }

    /// Speaks TLS over the connection. The server must show a certificate for the
    /// address's name, by an authority of the platform's.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `tcp.address`: the host is neither a DNS
    /// name nor an IP address, and no [`tls_name`](Tcp::tls_name) was given
    /// before.
    #[cfg(feature = "tls")]
    pub fn tls(self) -> Result<Tcp<C, Out>, Invalid> {
        if self.tls.is_some() {
            return Ok(self);
        }
        let name = self.address.host.clone();
        self.with_name(&name, "tcp.address")
    }

    /// Speaks TLS by `config` in place of the shared configuration, which has
    /// the ring provider, the platform's verifier and no client certificate:
    /// see [`TlsConfig`](super::tls::TlsConfig).
    ///
    /// # Errors
    ///
    /// As [`tls`](Tcp::tls).
    #[cfg(feature = "tls")]
    pub fn tls_config(self, config: Arc<rustls::ClientConfig>) -> Result<Tcp<C, Out>, Invalid> {
        let mut tcp = self.tls()?;
        if let Some(tls) = &mut tcp.tls {
            tls.set_config(config);
        }
        Ok(tcp)
    }

    /// Speaks TLS with a server whose certificate is for `name` instead of the
    /// address's: where the address is an IP address, or a tunnel's.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `tcp.tls_name`: neither a DNS name nor an
    /// IP address.
    #[cfg(feature = "tls")]
    pub fn tls_name(self, name: &str) -> Result<Tcp<C, Out>, Invalid> {
        self.with_name(name, "tcp.tls_name")
    }

    #[cfg(feature = "tls")]
    fn with_name(mut self, name: &str, field: &'static str) -> Result<Tcp<C, Out>, Invalid> {
        let named = Tls::new(name)
            .ok_or_else(|| Invalid::new(field, "the host is neither a DNS name nor an address"))?;
        self.tls = Some(match self.tls {
            Some(before) => before.named(named),
            None => named,
        });
        Ok(self)
    }

    /// Dials with `dial` in place of our own dial: through a proxy, from a
    /// chosen interface, over a stream in memory. TLS, where it is asked for,
    /// follows over the stream that `dial` returns. The doc of
    /// [`WebSocket::dial_with`](crate::WebSocket::dial_with) holds here too.
    pub fn dial_with<F, Fut, S>(mut self, dial: F) -> Tcp<C, Out>
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, ConnectError>> + Send + 'static,
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        self.way = StreamSource::own(dial);
        self
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "tls" } else { "tcp" }
    }
}

#[async_trait]
impl<C, Out> Transport for Tcp<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error> + Send + 'static,
    <C as Decoder>::Error: std::error::Error + 'static,
    C::Item: Send + 'static,
    Out: Send + Unpin + 'static,
{
    type Link = StreamLink<C, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<StreamLink<C, Out>, ConnectError> {
        let socket = self.way.connect(attempt).await?;
        let (local, peer) = (socket.local_addr(), socket.peer_addr());
        let stream = Stream::over(socket, self.tls.as_ref()).await?;
        self.way.opened(attempt, peer);
        Ok(self.protocol.link(stream, local, peer))
    }

    /// `tcp://host:port`, or `tls://host:port`.
    fn endpoint(&self, _route: usize) -> Option<String> {
        Some(format!("{}://{}", self.scheme(), self.address))
    }

    fn size(&self, message: &Out) -> Result<usize, MessageTooBig> {
        self.protocol.size(message)
    }
}

impl<C: Decoder, Out> fmt::Debug for Tcp<C, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tcp")
            .field("address", &format_args!("{}", self.address))
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// A host and a port.
struct TcpAddress {
    /// A name, or an IP address without brackets.
    host: String,
    port: u16,
}

impl TcpAddress {
    /// Takes `address` apart. The errors never quote it.
    fn parse(address: &str) -> Result<TcpAddress, Invalid> {
        let refuse = |why: &str| Invalid::new("tcp.address", why);
        if address.contains("://") {
            return Err(refuse("a host and a port are wanted, without a scheme"));
        }
        if address.contains('@') {
            return Err(refuse("a user or password is refused: log in with `on_connect`"));
        }
        let (host, port) = address.rsplit_once(':').ok_or_else(|| refuse("the port is missing"))?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(inner) if !matches!(inner.parse(), Ok(IpAddr::V6(_))) => {
                return Err(refuse("not an IPv6 address between the brackets"));
            }
            Some(inner) => inner,
            None if host.contains(':') => {
                return Err(refuse("an IPv6 address wants brackets, as in `[::1]:7000`"));
            }
            None => host,
        };
        if !host.is_ascii() {
            return Err(refuse(
                "a name beyond ASCII wants its ASCII form, as in `xn--bcher-kva.example:7000`",
            ));
        }
        let is_foreign = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
        if host.is_empty() || host.contains(is_foreign) {
            return Err(refuse("the host is missing or malformed"));
        }
        match port.parse() {
            Ok(0) | Err(_) => Err(refuse("the port must lie between 1 and 65535")),
            Ok(port) => Ok(TcpAddress { host: host.to_owned(), port }),
        }
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::ControlMessages;

    #[tokio::test]
    async fn the_address_of_a_link_that_opened_is_a_good_one() {
        use tokio_util::codec::LinesCodec;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let control = ControlMessages::<String, String>::new();
        let tcp = Tcp::new(address, Protocol::new(LinesCodec::new, control)).unwrap();
        let _link = tcp.connect(&Attempt::standalone(1, None)).await.unwrap();
        let known = format!("{:?}", tcp.way);
        assert!(known.contains("good: Some(127.0.0.1), doubted: []"), "{known}");
    }

    #[test]
    fn an_address_comes_apart() {
        for (text, host, port) in [
            ("example.com:7000", "example.com", 7000),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
        ] {
            let address = TcpAddress::parse(text).unwrap();
            assert_eq!((&*address.host, address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_without_being_quoted() {
        for bad in [
            "",
            "secret",
            "secret:",
            ":80",
            "secret:0",
            "secret:66000",
            "tcp://secret:80",
            "user:secret@example.com:80",
            "::1:80",
            "[secret]:80",
            "[::1]",
            "secret/path:80",
            "se cret:80",
            "s\u{e9}cret:80",
            "secret\r\n:80",
        ] {
            let refused = TcpAddress::parse(bad).err().expect(bad);
            assert_eq!(refused.field, "tcp.address", "{bad}");
            assert!(!refused.to_string().contains("secret"), "{bad}: {refused}");
        }
    }
}
