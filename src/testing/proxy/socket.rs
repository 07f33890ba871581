//! Sockets of TCP, and Unix sockets.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::ROOM;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum ServerAddress {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

/// One end of a connection.
#[derive(Debug)]
pub(super) enum EndSocket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl EndSocket {
    pub(super) async fn connect(address: &ServerAddress) -> io::Result<EndSocket> {
        match address {
            ServerAddress::Tcp(address) => {
                let socket = with_small_buffers(*address)?;
                let stream = socket.connect(*address).await?;
                stream.set_nodelay(true)?;
                Ok(EndSocket::Tcp(stream))
            }
            #[cfg(unix)]
            ServerAddress::Unix(path) => Ok(EndSocket::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Closes the socket so that its peer gets a RST. A Unix socket just closes.
    pub(super) fn reset(self) {
        match self {
            EndSocket::Tcp(stream) => {
                // An error means that the connection is gone already.
                let _ = stream.set_zero_linger();
            }
            #[cfg(unix)]
            EndSocket::Unix(_) => {}
        }
    }

    /// Reads available bytes. Ready with 0 at the end of the stream.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        let read = match self {
            EndSocket::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut room),
            #[cfg(unix)]
            EndSocket::Unix(stream) => Pin::new(stream).poll_read(cx, &mut room),
        };
        read.map_ok(|()| room.filled().len())
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            EndSocket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            EndSocket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Sends a FIN.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        // The shutdown of a socket does not wait. No caller could use an error.
        let _ = match self {
            EndSocket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            EndSocket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        };
    }
}

/// The address where clients connect. Its listener can close and open again.
#[derive(Debug)]
pub(super) enum FrontAddress {
    Tcp {
        address: SocketAddr,
        /// Bound and never listening: keeps the port while there is no
        /// listener.
        _holder: TcpSocket,
    },
    #[cfg(unix)]
    Unix(PathBuf),
}

#[derive(Debug)]
pub(super) enum FrontListener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl FrontAddress {
    /// Binds a loopback port that the system chooses.
    pub(super) fn port() -> io::Result<FrontAddress> {
        let holder = bound(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(FrontAddress::Tcp { address: holder.local_addr()?, _holder: holder })
    }

    pub(super) fn listen(&self) -> io::Result<FrontListener> {
        const BACKLOG: u32 = 1024;
        match self {
            FrontAddress::Tcp { address, .. } => Ok(FrontListener::Tcp(bound(*address)?.listen(BACKLOG)?)),
            #[cfg(unix)]
            FrontAddress::Unix(path) => {
                self.clear();
                Ok(FrontListener::Unix(UnixListener::bind(path)?))
            }
        }
    }

    /// Removes the file that a Unix listener leaves behind.
    pub(super) fn clear(&self) {
        match self {
            FrontAddress::Tcp { .. } => {}
            #[cfg(unix)]
            FrontAddress::Unix(path) => {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl FrontListener {
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<EndSocket>> {
        Poll::Ready(match self {
            FrontListener::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                stream.set_nodelay(true).map(|()| EndSocket::Tcp(stream))
            }
            #[cfg(unix)]
            FrontListener::Unix(listener) => Ok(EndSocket::Unix(ready!(listener.poll_accept(cx))?.0)),
        })
    }
}

/// Makes a socket on `address` that shares its port with other sockets of this
/// function. So the port stays reserved without a listener: no other program gets
/// the port, and no client that dials it gets the port as its own.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = with_small_buffers(address)?;
    socket.set_reuseaddr(true)?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos"), not(target_os = "cygwin")))]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Makes a socket with small buffers, so that a sender soon notices a peer that
/// does not read.
fn with_small_buffers(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_recv_buffer_size(ROOM as u32)?;
    socket.set_send_buffer_size(ROOM as u32)?;
    Ok(socket)
}
