//! One stream type for plain and encrypted connections.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(feature = "tls")]
use tokio_rustls::client::TlsStream;

use super::{ConnectError, Socket, Tls};
use crate::keeper::PathFacts;

/// A connected stream, with or without TLS over it.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(Socket),
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<Socket>>),
}

impl Stream {
    /// Over `socket`, encrypted if `tls` says how. The socket is dropped with
    /// the future.
    pub(crate) async fn over(socket: Socket, tls: Option<&Tls>) -> Result<Stream, ConnectError> {
        match tls {
            #[cfg(feature = "tls")]
            Some(tls) => Ok(Stream::Tls(tls.handshake(socket).await?)),
            #[cfg(not(feature = "tls"))]
            Some(none) => match *none {},
            None => Ok(Stream::Plain(socket)),
        }
    }

    /// Whether the peer is known: it has shown a certificate of its name, or is on
    /// this machine.
    #[cfg(feature = "tcp")]
    pub(crate) fn is_vouched_for(&self) -> bool {
        match self {
            Stream::Plain(plain) => plain.is_local(),
            #[cfg(feature = "tls")]
            Stream::Tls(_) => true,
        }
    }

    /// The system's facts about the path under the connection.
    #[cfg(all(feature = "tcp-info", target_os = "linux"))]
    pub(crate) fn path_facts(&self) -> Option<PathFacts> {
        super::path_facts::path_facts(self.socket().tcp()?)
    }

    #[cfg(all(feature = "tcp-info", target_os = "linux"))]
    fn socket(&self) -> &Socket {
        match self {
            Stream::Plain(plain) => plain,
            #[cfg(feature = "tls")]
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }

    /// No facts: this system does not tell them, or was not to be asked.
    #[cfg(not(all(feature = "tcp-info", target_os = "linux")))]
    pub(crate) fn path_facts(&self) -> Option<PathFacts> {
        None
    }
}

/// Runs `$body` on whichever stream it is, pinned.
macro_rules! on_either {
    ($stream:expr, $inner:ident => $body:expr) => {
        match $stream {
            Stream::Plain(plain) => {
                let $inner = Pin::new(plain);
                $body
            }
            #[cfg(feature = "tls")]
            Stream::Tls(tls) => {
                let $inner = Pin::new(&mut **tls);
                $body
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), inner => inner.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), inner => inner.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        on_either!(self.get_mut(), inner => inner.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(plain) => plain.is_write_vectored(),
            #[cfg(feature = "tls")]
            Stream::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), inner => inner.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        on_either!(self.get_mut(), inner => inner.poll_shutdown(cx))
    }
}
