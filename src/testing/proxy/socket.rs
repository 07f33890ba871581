//! The sockets of either kind.

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
pub(super) enum Address {
    Tcp(SocketAddr),
    #[cfg(unix)]
    Unix(PathBuf),
}

/// One end of a connection.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    pub(super) async fn connect(address: &Address) -> io::Result<Socket> {
        match address {
            Address::Tcp(address) => {
                let socket = with_small_buffers(*address)?;
                let stream = socket.connect(*address).await?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            #[cfg(unix)]
            Address::Unix(path) => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        }
    }

    /// Closes it so that its peer gets a RST. Unix sockets have none: theirs
    /// just closes.
    pub(super) fn reset(self) {
        match self {
            Socket::Tcp(stream) => {
                // An error says that the connection is gone already.
                let _ = stream.set_zero_linger();
            }
            #[cfg(unix)]
            Socket::Unix(_) => {}
        }
    }

    /// Reads what is there. Ready with 0 at the end of the stream.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        let read = match self {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, &mut room),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, &mut room),
        };
        read.map_ok(|()| room.filled().len())
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Sends a FIN.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        // The shutdown of a socket does not wait, and one that fails has
        // nobody to be told.
        let _ = match self {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            #[cfg(unix)]
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        };
    }
}

/// The place where clients connect, which can be closed and opened again.
#[derive(Debug)]
pub(super) enum Place {
    Tcp {
        address: SocketAddr,
        /// Bound and never listening: it keeps the port while no listener
        /// does.
        _holder: TcpSocket,
    },
    #[cfg(unix)]
    Unix(PathBuf),
}

#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Place {
    /// A port of loopback that the system chooses.
    pub(super) fn port() -> io::Result<Place> {
        let holder = bound(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Place::Tcp { address: holder.local_addr()?, _holder: holder })
    }

    pub(super) fn listen(&self) -> io::Result<Listener> {
        const BACKLOG: u32 = 1024;
        match self {
            Place::Tcp { address, .. } => Ok(Listener::Tcp(bound(*address)?.listen(BACKLOG)?)),
            #[cfg(unix)]
            Place::Unix(path) => {
                self.clear();
                Ok(Listener::Unix(UnixListener::bind(path)?))
            }
        }
    }

    /// Takes away what a listener leaves behind: a Unix socket's file.
    pub(super) fn clear(&self) {
        match self {
            Place::Tcp { .. } => {}
            #[cfg(unix)]
            Place::Unix(path) => {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

impl Listener {
    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        Poll::Ready(match self {
            Listener::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                stream.set_nodelay(true).map(|()| Socket::Tcp(stream))
            }
            #[cfg(unix)]
            Listener::Unix(listener) => Ok(Socket::Unix(ready!(listener.poll_accept(cx))?.0)),
        })
    }
}

/// A socket on `address` that shares its port with others of this kind, so
/// that the port stays ours while it is not listened on: nobody else is given
/// it, and no client that dials it gets it as its own.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = with_small_buffers(address)?;
    socket.set_reuseaddr(true)?;
    #[cfg(all(unix, not(target_os = "solaris"), not(target_os = "illumos"), not(target_os = "cygwin")))]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// A socket whose own buffers do not hide from a sender for megabytes that
/// nobody reads.
fn with_small_buffers(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_recv_buffer_size(ROOM as u32)?;
    socket.set_send_buffer_size(ROOM as u32)?;
    Ok(socket)
}
