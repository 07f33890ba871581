//! Faults over the links of any transport.

mod link;

pub use link::LinkWithFaults;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use async_trait::async_trait;

use super::Dialling;
use super::direction::{Direction, DirectionFaults};
use crate::transport::{Attempt, ConnectError, Link, MessageTooBig, Transport};
use crate::{Failure, LinkEnd};

/// Faults over the links of any transport, message by message: of
/// [`InProcess`](crate::transport::InProcess), or of a transport that you wrote.
/// Clones are the same faults.
///
/// The faults apply to messages and ends, not to times and bytes. For latency,
/// loss and idle timeouts see [`FaultyNet`](super::FaultyNet); for the behaviour
/// of sockets see [`Proxy`](super::Proxy).
///
/// Faults apply to all links of the transports in [`around`](Faults::around),
/// present and future.
///
/// ```
/// use longlink::{LinkEnd, ResilientConnection};
/// use longlink::testing::Faults;
/// use longlink::transport::InProcess;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (place, faults) = (InProcess::<String>::new(), Faults::new());
/// let mut listener = place.listen();
/// let mut connection = ResilientConnection::builder(faults.around(place)).connect().await?;
/// let first = listener.accept().await;
///
/// faults.end(LinkEnd::Reset);
/// let second = listener.accept().await;
/// assert!(second.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Faults {
    book: Arc<FaultBook>,
}

impl Faults {
    /// Makes a set without faults.
    pub fn new() -> Faults {
        Faults::default()
    }

    /// Wraps `transport`, so that these faults apply to its links.
    pub fn around<T: Transport>(&self, transport: T) -> WithFaults<T> {
        WithFaults { transport, book: Arc::clone(&self.book) }
    }

    /// Silently loses everything in this direction, the end of a link too, until
    /// [`restore`](Faults::restore).
    ///
    /// No real link skips messages and goes on. So a link that lost something
    /// stays silent in this direction even after `restore`. A link that lost its
    /// end then ends as by a reset.
    pub fn black_hole(&self, direction: Direction) {
        self.shape(direction, |faults| faults.holed = true);
    }

    /// Holds everything in this direction until [`restore`](Faults::restore): the
    /// link does not read, or does not flush.
    pub fn stall(&self, direction: Direction) {
        self.shape(direction, |faults| faults.stalled = true);
    }

    /// Ends black holes and stalls in this direction.
    pub fn restore(&self, direction: Direction) {
        self.shape(direction, DirectionFaults::clear);
    }

    /// Ends all present links at once. Messages that were not read are lost.
    pub fn end(&self, end: LinkEnd) {
        self.book.change(|state| {
            for link in state.links.values_mut() {
                link.end.get_or_insert_with(|| end.clone());
            }
        });
    }

    /// Sets the outcome of attempts that begin from now on: refused, never
    /// answered, or left to the transport. Default: left to the transport.
    pub fn dialling(&self, dialling: Dialling) {
        self.book.change(|state| state.dialling = dialling);
    }

    /// Returns how many links are open.
    pub fn open_links(&self) -> usize {
        self.book.state().links.len()
    }

    fn shape(&self, direction: Direction, change: impl Fn(&mut DirectionFaults)) {
        self.book.change(|state| {
            if direction.includes(Direction::ToClient) {
                change(&mut state.to_client);
            }
            if direction.includes(Direction::ToServer) {
                change(&mut state.to_server);
            }
        });
    }
}

/// A transport with [`Faults`] over its links.
pub struct WithFaults<T> {
    transport: T,
    book: Arc<FaultBook>,
}

#[async_trait]
impl<T: Transport> Transport for WithFaults<T> {
    type Link = LinkWithFaults<T::Link>;

    async fn connect(&self, attempt: &Attempt) -> Result<LinkWithFaults<T::Link>, ConnectError> {
        let dialling = self.book.state().dialling;
        match dialling {
            Dialling::Accepted => {}
            Dialling::Refused => return Err(ConnectError::new(Failure::Refused)),
            Dialling::Unanswered => std::future::pending().await,
        }
        let link = self.transport.connect(attempt).await?;
        Ok(LinkWithFaults::new(link, Arc::clone(&self.book)))
    }

    fn routes(&self) -> usize {
        self.transport.routes()
    }

    fn endpoint(&self, route: usize) -> Option<String> {
        self.transport.endpoint(route)
    }

    fn overlap(&self) -> bool {
        self.transport.overlap()
    }

    fn needs_network(&self) -> bool {
        self.transport.needs_network()
    }

    fn size(&self, message: &<T::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        self.transport.size(message)
    }
}

/// The state that the faults, their transports and their links share.
#[derive(Default)]
struct FaultBook {
    state: Mutex<FaultState>,
}

struct FaultState {
    to_client: DirectionFaults,
    to_server: DirectionFaults,
    dialling: Dialling,
    opened: u64,
    links: BTreeMap<u64, OpenLink>,
}

/// One open link.
#[derive(Default)]
struct OpenLink {
    end: Option<LinkEnd>,
    wakers: Vec<Waker>,
}

impl FaultBook {
    fn state(&self) -> MutexGuard<'_, FaultState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the faults and wakes every link.
    fn change(&self, change: impl FnOnce(&mut FaultState)) {
        let mut state = self.state();
        change(&mut state);
        let wakers: Vec<Waker> = state.links.values_mut().flat_map(|link| link.wakers.drain(..)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Default for FaultState {
    fn default() -> FaultState {
        FaultState {
            to_client: DirectionFaults::default(),
            to_server: DirectionFaults::default(),
            dialling: Dialling::Accepted,
            opened: 0,
            links: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.book.state();
        f.debug_struct("Faults")
            .field("to_client", &state.to_client)
            .field("to_server", &state.to_server)
            .field("dialling", &state.dialling)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for WithFaults<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithFaults").field("transport", &self.transport).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
