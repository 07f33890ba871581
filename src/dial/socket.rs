//! The stream below TLS: TCP, a Unix socket, or a stream that the
//! application dialled itself.

use std::any::Any;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

/// One connected stream of bytes.
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    /// Any other stream of the application's.
    Own(Box<dyn ReadWrite>),
}

/// A stream of bytes in both directions.
pub(crate) trait ReadWrite: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ReadWrite for S {}

impl Socket {
    /// A stream of the application's. A socket is recognised, so that its
    /// addresses and the system's facts about its path are not lost.
    pub(crate) fn own<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(stream: S) -> Socket {
        let mut stream = Some(stream);
        let any: &mut dyn Any = &mut stream;
        if let Some(tcp) = any.downcast_mut::<Option<TcpStream>>().and_then(Option::take) {
            return Socket::Tcp(tcp);
        }
        #[cfg(unix)]
        if let Some(unix) = any.downcast_mut::<Option<UnixStream>>().and_then(Option::take) {
            return Socket::Unix(unix);
        }
        Socket::Own(Box::new(stream.expect("it was neither of the two")))
    }

    pub(crate) fn local_addr(&self) -> Option<SocketAddr> {
        self.tcp().and_then(|tcp| tcp.local_addr().ok())
    }

    pub(crate) fn peer_addr(&self) -> Option<SocketAddr> {
        self.tcp().and_then(|tcp| tcp.peer_addr().ok())
    }

    /// Whether its other end is certainly on this machine.
    #[cfg(feature = "tcp")]
    pub(super) fn is_local(&self) -> bool {
        match self {
            #[cfg(unix)]
            Socket::Unix(_) => true,
            Socket::Tcp(_) | Socket::Own(_) => false,
        }
    }

    pub(super) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Socket::Tcp(tcp) => Some(tcp),
            #[cfg(unix)]
            Socket::Unix(_) => None,
            Socket::Own(_) => None,
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Socket::Tcp(tcp) => tcp.fmt(f),
            #[cfg(unix)]
            Socket::Unix(unix) => unix.fmt(f),
            Socket::Own(_) => f.debug_struct("Own").finish_non_exhaustive(),
        }
    }
}

/// Runs `$body` on whichever socket it is, pinned.
macro_rules! on_each {
    ($socket:expr, $inner:ident => $body:expr) => {
        match $socket {
            Socket::Tcp(tcp) => {
                let $inner = Pin::new(tcp);
                $body
            }
            #[cfg(unix)]
            Socket::Unix(unix) => {
                let $inner = Pin::new(unix);
                $body
            }
            Socket::Own(own) => {
                let $inner = Pin::new(own);
                $body
            }
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), inner => inner.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_each!(self.get_mut(), inner => inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_each!(self.get_mut(), inner => inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Socket::Tcp(tcp) => tcp.is_write_vectored(),
            #[cfg(unix)]
            Socket::Unix(unix) => unix.is_write_vectored(),
            Socket::Own(own) => own.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_each!(self.get_mut(), inner => inner.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_that_the_application_dialled_keeps_its_addresses() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Socket::own(TcpStream::connect(address).await.unwrap());
        assert_eq!(socket.peer_addr(), Some(address));
        assert!(socket.local_addr().is_some());
        let (ours, _theirs) = tokio::io::duplex(64);
        assert!(matches!(Socket::own(ours), Socket::Own(_)));
        #[cfg(unix)]
        {
            let (ours, _theirs) = UnixStream::pair().unwrap();
            assert!(matches!(Socket::own(ours), Socket::Unix(_)));
        }
    }
}
