//! A proxy between a real client and a real server, which fails on command.

mod connection;
mod lane;
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
use self::rules::{Shared, Way};
use self::socket::{Address, Place, Socket};
use super::Direction;

/// What is held one way at most, 64 KiB; then the source is not read, so that
/// it feels that nobody reads.
const ROOM: usize = 64 * 1024;

/// A proxy on this machine, between a real client and a real server, which
/// carries bytes and fails on command, to the byte.
///
/// Where [`FaultyNet`](super::FaultyNet) simulates a network, with messages in
/// virtual time, this one is for a transport's real sockets: TCP
/// ([`to`](Proxy::to)), or Unix sockets ([`to_unix`](Proxy::to_unix)).
///
/// Faults and latency hold for all connections, present and future. At most
/// 64 KiB a way are held; then the sender is not read, so it feels that its
/// peer does not read. Dropping the proxy ends everything: its listener at once, its
/// connections when the runtime comes to it.
///
/// Unix sockets know no RST: what is said of resets here closes them.
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
    shared: Arc<Shared>,
    acceptor: AbortHandle,
}

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Both ends get a FIN, and what they still send is thrown away.
    Fin,
    /// Both ends get a RST.
    Reset,
}

/// What becomes of clients that connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newcomers {
    /// They are connected with the server. If it cannot be reached, they get
    /// a RST. The default.
    Connected,
    /// Nobody listens: the system refuses them. The port stays reserved.
    Refused,
    /// They are accepted, and nothing ever answers. Those that came meanwhile
    /// stay unanswered.
    Unanswered,
    /// They are accepted, and closed at once.
    Closed,
}

impl Proxy {
    /// A proxy on a port of loopback that the system chose, for the server at
    /// `server`.
    ///
    /// # Errors
    ///
    /// The system's, where it has no port.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn to(server: SocketAddr) -> io::Result<Proxy> {
        Proxy::start(Place::port()?, Address::Tcp(server))
    }

    /// A proxy that listens on the Unix socket `at`, for the server on the
    /// Unix socket `server`. A file at `at` is replaced; it is removed when
    /// the proxy is dropped.
    ///
    /// # Errors
    ///
    /// The system's, where it cannot listen there.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    #[cfg(unix)]
    pub fn to_unix(server: impl AsRef<Path>, at: impl AsRef<Path>) -> io::Result<Proxy> {
        let server = Address::Unix(server.as_ref().to_owned());
        Proxy::start(Place::Unix(at.as_ref().to_owned()), server)
    }

    fn start(place: Place, server: Address) -> io::Result<Proxy> {
        let listener = place.listen()?;
        let shared = Arc::new(Shared::new(place, server, listener));
        let acceptor = tokio::spawn(accept(Arc::clone(&shared))).abort_handle();
        Ok(Proxy { shared, acceptor })
    }

    /// Where clients connect.
    ///
    /// # Panics
    ///
    /// For a proxy of Unix sockets.
    #[track_caller]
    pub fn addr(&self) -> SocketAddr {
        match &self.shared.place {
            Place::Tcp { address, .. } => *address,
            #[cfg(unix)]
            Place::Unix(path) => panic!("{} is no TCP address", path.display()),
        }
    }

    /// Leads clients that connect from now on to another server. Connections
    /// that are there stay with theirs.
    pub fn lead_to(&self, server: SocketAddr) {
        self.shared.change(|state| state.server = Address::Tcp(server));
    }

    /// As [`lead_to`](Proxy::lead_to), to a Unix socket.
    #[cfg(unix)]
    pub fn lead_to_unix(&self, server: impl AsRef<Path>) {
        self.shared.change(|state| state.server = Address::Unix(server.as_ref().to_owned()));
    }

    /// What becomes of clients that connect from now on. In effect when this
    /// returns.
    ///
    /// # Errors
    ///
    /// The system's, where it cannot listen again.
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

    /// Silently loses all that is sent that way, and what is on its way, an
    /// end of the stream too, until [`restore`](Proxy::restore). The sender
    /// does not notice: its system is told that all was received.
    ///
    /// A stream cannot go on behind a gap. So a connection that lost
    /// something that way stays silent that way even after `restore`; from
    /// then on, the end of one side resets the other.
    pub fn black_hole(&self, direction: Direction) {
        self.shape(direction, |way| way.holed = true);
    }

    /// Holds all that is sent that way, an end of the stream too, until
    /// [`restore`](Proxy::restore). The sender can send as much as fits on
    /// the way.
    pub fn stall(&self, direction: Direction) {
        self.shape(direction, |way| way.stalled = true);
    }

    /// Ends black holes and stalls that way.
    pub fn restore(&self, direction: Direction) {
        self.shape(direction, |way| {
            way.holed = false;
            way.stalled = false;
        });
    }

    /// How long everything that is read from now on takes that way. Default:
    /// zero, which is what loopback and this proxy take.
    pub fn latency(&self, direction: Direction, latency: Duration) {
        self.shape(direction, |way| way.latency = latency);
    }

    /// Ends the stream of all present connections that way with a FIN, behind
    /// what the proxy has read. What the sender says after it is thrown away;
    /// the other way goes on.
    pub fn half_close(&self, direction: Direction) {
        let (client, server) = parts(direction);
        self.shared.change(|state| {
            state.order(|orders| {
                orders.finish_to_client |= client;
                orders.finish_to_server |= server;
            });
        });
    }

    /// Sends a RST that way on all present connections, at once: to the
    /// client, to the server, or to both. What is on its way is lost. An end
    /// that gets none is told nothing.
    pub fn reset(&self, direction: Direction) {
        let (client, server) = parts(direction);
        self.shared.change(|state| {
            state.order(|orders| {
                orders.reset_client |= client;
                orders.reset_server |= server;
            });
        });
    }

    /// Cuts a connection once `bytes` more bytes have gone that way, counted
    /// over all connections: the one over which the last of them went, right
    /// behind it. With 0, the one over which the next byte would go, before
    /// it. It replaces a cut that has not come yet.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.shape(direction, |way| way.cut = Some((bytes, cut)));
    }

    /// Flips a bit of the byte that comes after `bytes` more bytes that way,
    /// counted over all connections. TLS answers that with an alert. It
    /// replaces a flip that has not come yet.
    pub fn flip_bit_after(&self, direction: Direction, bytes: u64) {
        self.shape(direction, |way| way.flip = Some(bytes));
    }

    /// How many clients were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.state().accepted
    }

    /// How many connections hold a socket of the proxy.
    pub fn open(&self) -> usize {
        self.shared.state().flows.len()
    }

    /// How many bytes were handed on that way so far, over all connections.
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

    fn shape(&self, direction: Direction, change: impl Fn(&mut Way)) {
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

/// Accepts clients for ever. Its connections end with it.
async fn accept(shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = next_client(&shared) => match accepted {
                Ok((client, newcomers, place)) => {
                    connections.spawn(serve(client, newcomers, place));
                }
                Err(_) => {
                    // Out of descriptors, or the client is gone already.
                    const BREATHER: Duration = Duration::from_millis(5);
                    tokio::time::sleep(BREATHER).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn next_client(shared: &Arc<Shared>) -> io::Result<(Socket, Newcomers, Registered)> {
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
