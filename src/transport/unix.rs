//! Unix sockets.

use std::fmt;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tokio::net::UnixStream;
use tokio_util::codec::{Decoder, Encoder};

use super::protocol::{Protocol, StreamLink};
use super::{Attempt, ConnectError, MessageTooBig, Transport};
use crate::Invalid;
use crate::dial::{Socket, Stream};

/// Opens links of a [`Protocol`] over a Unix socket: to a daemon on the same
/// machine, which restarts and hangs as servers do.
///
/// A socket file that is not there yet ([`std::io::ErrorKind::NotFound`]) and
/// a socket without a listener are failed attempts like others: another
/// attempt follows.
///
/// Lessons about the path are not stored: there is no NAT in between, so
/// [`Transport::endpoint`] is `None`. The connection does not hear the host's news of
/// the network ([`Transport::needs_network`]).
pub struct Unix<C: Decoder, Out> {
    path: PathBuf,
    protocol: Protocol<C, Out>,
}

impl<C, Out> Unix<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    /// A transport to the socket file at `path`.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `unix.path`: it is empty, holds a NUL, or is
    /// longer than a socket's path may be, which on Linux is 107 bytes.
    pub fn new(path: impl AsRef<Path>, protocol: Protocol<C, Out>) -> Result<Unix<C, Out>, Invalid> {
        let path = path.as_ref();
        // A socket without a name cannot be connected to.
        match SocketAddr::from_pathname(path) {
            Ok(address) if !address.is_unnamed() => Ok(Unix { path: path.to_owned(), protocol }),
            Ok(_) | Err(_) => {
                Err(Invalid::new("unix.path", "empty, too long for a socket, or with a NUL in it"))
            }
        }
    }
}

#[async_trait]
impl<C, Out> Transport for Unix<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error> + Send + 'static,
    <C as Decoder>::Error: std::error::Error + 'static,
    C::Item: Send + 'static,
    Out: Send + Unpin + 'static,
{
    type Link = StreamLink<C, Out>;

    async fn connect(&self, attempt: &Attempt) -> Result<StreamLink<C, Out>, ConnectError> {
        let socket = Socket::Unix(UnixStream::connect(&self.path).await?);
        attempt.dialled(None);
        Ok(self.protocol.link(Stream::Plain(socket), None, None))
    }

    /// No: the socket file is on this machine.
    fn needs_network(&self) -> bool {
        false
    }

    fn size(&self, message: &Out) -> Result<usize, MessageTooBig> {
        self.protocol.size(message)
    }
}

impl<C: Decoder, Out> fmt::Debug for Unix<C, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unix").field("path", &self.path).field("protocol", &self.protocol).finish()
    }
}
