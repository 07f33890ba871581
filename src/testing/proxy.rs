//! A proxy between a real client and a real server, which fails on command.

mod connection;
mod relay;
mod rules;
mod socket;

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};

use self::connection::{Registered, serve};
use self::rules::{DirectionRules, SharedProxy};
use self::socket::{EndSocket, FrontAddress, ServerAddress};
use super::Direction;

/// The most bytes that are held in one direction, 64 KiB. Then the source is not
/// read, so that it notices a peer that does not read.
const ROOM: usize = 64 * 1024;

/// A proxy on this machine, between a real client and a real server. It carries
/// their bytes and fails on command, to the byte.
///
/// The proxy is for real sockets: TCP ([`to`](Proxy::to)), or Unix sockets
/// ([`to_unix`](Proxy::to_unix)). For messages in virtual time take
/// [`FaultyNet`](super::FaultyNet).
///
/// Faults and latency apply to all connections, present and future. The proxy
/// holds at most 64 KiB in each direction; then it does not read the sender,
/// which notices a peer that does not read. Dropping the proxy ends everything:
/// its listener at once, its connections when the runtime next runs them.
///
/// Unix sockets know no RST: a reset closes them.
///
/// ```
/// use longlink::testing::{Direction, Proxy};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
/// use tokio::net::{TcpListener, TcpStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0").await?;
/// let proxy = Proxy::to(listener.local_addr()?)?;
/// let mut client = TcpStream::connect(proxy.addr()).await?;
/// let (mut server, _) = listener.accept().await?;
///
/// server.write_all(b"hello").await?;
/// proxy.half_close(Direction::ToClient);
/// let mut all = String::new();
/// client.read_to_string(&mut all).await?;
/// assert!("hello".starts_with(&all));
/// # Ok(())
/// # }
/// ```
pub struct Proxy {
    shared: Arc<SharedProxy>,
    acceptor: AbortHandle,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Both ends get a FIN. Bytes that they still send are thrown away.
    Fin,
    /// Both ends get a RST.
    Reset,
}

/// The treatment of clients that connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newcomers {
    /// The proxy connects them with the server. If the server cannot be reached,
    /// they get a RST. The default.
    Connected,
    /// Nobody listens, so the system refuses them. The port stays reserved.
    Refused,
    /// The proxy accepts them and never answers. These clients stay unanswered
    /// after another setting too.
    Unanswered,
    /// The proxy accepts them and closes them at once.
    Closed,
}

impl Proxy {
    /// Makes a proxy on a loopback port that the system chooses, for the server at
    /// `server`.
    ///
    /// # Errors
    ///
    /// The system's error, if it has no port.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn to(server: SocketAddr) -> io::Result<Proxy> {
        Proxy::start(FrontAddress::port()?, ServerAddress::Tcp(server))
    }

    /// Makes a proxy that listens on the Unix socket `at`, for the server on the
    /// Unix socket `server`. Replaces a file at `at`. Dropping the proxy removes
    /// the file.
    ///
    /// # Errors
    ///
    /// The system's error, if it cannot listen there.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[cfg(unix)]
    pub fn to_unix(server: impl AsRef<Path>, at: impl AsRef<Path>) -> io::Result<Proxy> {
        let server = ServerAddress::Unix(server.as_ref().to_owned());
        Proxy::start(FrontAddress::Unix(at.as_ref().to_owned()), server)
    }

    fn start(place: FrontAddress, server: ServerAddress) -> io::Result<Proxy> {
        let listener = place.listen()?;
        let shared = Arc::new(SharedProxy::new(place, server, listener));
        let acceptor = tokio::spawn(accept(Arc::clone(&shared))).abort_handle();
        Ok(Proxy { shared, acceptor })
    }

    /// Returns the address where clients connect.
    ///
    /// # Panics
    ///
    /// For a proxy of Unix sockets.
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        match &self.shared.place {
            FrontAddress::Tcp { address, .. } => *address,
            #[cfg(unix)]
            FrontAddress::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    /// Leads clients that connect from now on to another server. Present
    /// connections stay with their server.
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.change(|state| state.server = ServerAddress::Tcp(server));
    }

    /// As [`lead_to`](Proxy::lead_to), to a Unix socket.
    #[cfg(unix)]
    pub fn lead_to_unix(&self, server: impl AsRef<Path>) {
        self.shared.change(|state| state.server = ServerAddress::Unix(server.as_ref().to_owned()));
    }

    /// Sets the treatment of clients that connect from now on. The setting is in
    /// effect when this method returns.
    ///
    /// # Errors
    ///
    /// The system's error, if it cannot listen again.
    pub fn newcomers(&self, newcomers: Newcomers) -> io::Result<()> {
        self.shared.change(|state| {
            if newcomers == Newcomers::Refused {
                state.listener = None;
                self.shared.place.clear();
            } else if state.listener.is_none() {
                state.listener = Some(self.shared.place.listen()?);
            }
            state.newcomers = newcomers;
            Ok(())
        })
    }

    /// Silently loses all bytes in this direction, the end of a stream too, until
    /// [`restore`](Proxy::restore). Bytes that the proxy holds are lost as well.
    /// The sender does not notice: its system is told that all bytes were
    /// received.
    ///
    /// A stream cannot go on behind a gap. So a connection that lost bytes stays
    /// silent in this direction even after `restore`. From then on, the end of
    /// one side resets the other.
    pub fn black_hole(&self, direction: Direction) {
        self.shape(direction, |rules| rules.holed = true);
    }

    /// Holds all bytes in this direction, the end of a stream too, until
    /// [`restore`](Proxy::restore). The sender can send until the buffers are
    /// full.
    pub fn stall(&self, direction: Direction) {
        self.shape(direction, |rules| rules.stalled = true);
    }

    /// Ends black holes and stalls in this direction.
    pub fn restore(&self, direction: Direction) {
        self.shape(direction, |rules| {
            rules.holed = false;
            rules.stalled = false;
        });
    }

    /// Sets the time that bytes take in this direction, for bytes that the proxy
    /// reads from now on. Default: zero, beside the time of loopback and proxy.
    pub fn latency(&self, direction: Direction, latency: Duration) {
        self.shape(direction, |rules| rules.latency = latency);
    }

    /// Ends the stream of all present connections in this direction with a FIN,
    /// behind the bytes that the proxy has read. Later bytes of the sender are
    /// thrown away. The other direction goes on.
    pub fn half_close(&self, direction: Direction) {
        let (client, server) = parts(direction);
        self.shared.change(|state| {
            state.order(|orders| {
                orders.finish_to_client |= client;
                orders.finish_to_server |= server;
            });
        });
    }

    /// Sends a RST in this direction on all present connections, at once: to the
    /// client, to the server, or to both. Bytes on the way are lost. An end that
    /// gets no RST is told nothing.
    pub fn reset(&self, direction: Direction) {
        let (client, server) = parts(direction);
        self.shared.change(|state| {
            state.order(|orders| {
                orders.reset_client |= client;
                orders.reset_server |= server;
            });
        });
    }

    /// Cuts a connection after `bytes` more bytes in this direction, counted over
    /// all connections. The cut hits the connection of the last of these bytes,
    /// right behind the byte. With 0 it hits the connection of the next byte,
    /// before the byte. Replaces an earlier cut that has not come yet.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.shape(direction, |rules| rules.cut = Some((bytes, cut)));
    }

    /// Flips a bit of the byte that comes after `bytes` more bytes in this
    /// direction, counted over all connections. TLS answers with an alert.
    /// Replaces an earlier flip that has not come yet.
    pub fn flip_bit_after(&self, direction: Direction, bytes: u64) {
        self.shape(direction, |rules| rules.flip = Some(bytes));
    }

    /// Returns how many clients were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.state().accepted
    }

    /// Returns how many connections hold a socket of the proxy.
    pub fn open(&self) -> usize {
        self.shared.state().flows.len()
    }

    /// Returns how many bytes were handed on in this direction so far, over all
    /// connections.
    pub fn passed(&self, direction: Direction) -> u64 {
        let (client, server) = parts(direction);
        let state = self.shared.state();
        let mut passed = 0;
        if client {
            passed += state.to_client.passed;
        }
        if server {
            passed += state.to_server.passed;
        }
        passed
    }

    fn shape(&self, direction: Direction, change: impl Fn(&mut DirectionRules)) {
        self.shared.change(|state| state.shape(direction, change));
    }
}

/// Whether a direction leads to the client, and to the server.
fn parts(direction: Direction) -> (bool, bool) {
    (direction.includes(Direction::ToClient), direction.includes(Direction::ToServer))
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
        self.shared.state().listener = None;
        self.shared.place.clear();
    }
}

/// Accepts clients for ever. The connections end with this task.
async fn accept(shared: Arc<SharedProxy>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = next_client(&shared) => match accepted {
                Ok((client, newcomers, place)) => {
                    connections.spawn(serve(client, newcomers, place));
                }
                Err(_) => {
                    // The system is out of descriptors, or the client is gone already.
                    const BREATHER: Duration = Duration::from_millis(5);
                    tokio::time::sleep(BREATHER).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn next_client(shared: &Arc<SharedProxy>) -> io::Result<(EndSocket, Newcomers, Registered)> {
    let (client, newcomers, id) = poll_fn(|cx| {
        loop {
            let mut state = shared.state();
            state.acceptor = Some(cx.waker().clone());
            let Some(listener) = &state.listener else { return Poll::Pending };
            let client = ready!(listener.poll_accept(cx))?;
            state.accepted += 1;
            if state.newcomers != Newcomers::Closed {
                return Poll::Ready(io::Result::Ok((client, state.newcomers, state.accepted)));
            }
        }
    })
    .await?;
    Ok((client, newcomers, Registered::new(id, Arc::clone(shared))))
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
