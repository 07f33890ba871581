//! Faults over the links of any transport.

mod link;

pub use link::LinkWithFaults;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use async_trait::async_trait;

use super::{Dialling, Direction};
use crate::transport::{Attempt, ConnectError, Link, MessageTooBig, Transport};
use crate::{Failure, LinkEnd};

/// Puts faults over the links of any transport, message by message: of
/// [`InProcess`](crate::transport::InProcess), or of one of your own. Clones are
/// the same faults.
///
/// It knows messages and ends, not time and not bytes: see
/// [`FaultyNet`](super::FaultyNet) for latency, loss and idle timeouts, and
/// [`Proxy`](super::Proxy) for what sockets do.
///
/// Faults hold for all links that it is around, present and future.
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
    shared: Arc<Shared>,
}

impl Faults {
    /// No faults yet.
    pub fn new() -> Faults {
        Faults::default()
    }

    /// `transport` with these faults over its links.
    pub fn around<T: Transport>(&self, transport: T) -> WithFaults<T> {
        WithFaults { transport, shared: Arc::clone(&self.shared) }
    }

    /// Silently loses what goes that way, an end of the link too, until
    /// [`restore`](Faults::restore).
    ///
    /// No link skips messages and goes on. So one that lost something that
    /// way stays silent that way even after `restore`; where it lost its end,
    /// it then ends as by a reset.
    pub fn black_hole(&self, direction: Direction) {
        self.shape(direction, |way| way.holed = true);
    }

    /// Holds what goes that way until [`restore`](Faults::restore): the link
    /// does not read, or does not flush.
    pub fn stall(&self, direction: Direction) {
        self.shape(direction, |way| way.stalled = true);
    }

    /// Ends black holes and stalls that way.
    pub fn restore(&self, direction: Direction) {
        self.shape(direction, |way| *way = Way::default());
    }

    /// Ends all present links, at once: what was not read yet is lost.
    pub fn end(&self, end: LinkEnd) {
        self.shared.change(|state| {
            for link in state.links.values_mut() {
                link.end.get_or_insert_with(|| end.clone());
            }
        });
    }

    /// What becomes of attempts that begin from now on: refused, never
    /// answered, or left to the transport.
    pub fn dialling(&self, dialling: Dialling) {
        self.shared.change(|state| state.dialling = dialling);
    }

    /// How many links are open.
    pub fn open_links(&self) -> usize {
        self.shared.state().links.len()
    }

    fn shape(&self, direction: Direction, change: impl Fn(&mut Way)) {
        self.shared.change(|state| {
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
    shared: Arc<Shared>,
}

#[async_trait]
impl<T: Transport> Transport for WithFaults<T> {
    type Link = LinkWithFaults<T::Link>;

    async fn connect(&self, attempt: &Attempt) -> Result<LinkWithFaults<T::Link>, ConnectError> {
        let dialling = self.shared.state().dialling;
        match dialling {
            Dialling::Accepted => {}
            Dialling::Refused => return Err(ConnectError::new(Failure::Refused)),
            Dialling::Unanswered => std::future::pending().await,
        }
        let link = self.transport.connect(attempt).await?;
        Ok(LinkWithFaults::new(link, Arc::clone(&self.shared)))
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

    fn weigh(&self, message: &<T::Link as Link>::Outgoing) -> Result<usize, MessageTooBig> {
        self.transport.weigh(message)
    }
}

/// What the faults, their transports and links share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

struct State {
    to_client: Way,
    to_server: Way,
    dialling: Dialling,
    opened: u64,
    links: BTreeMap<u64, Entry>,
}

/// One way of all links.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    holed: bool,
    stalled: bool,
}

/// One link.
#[derive(Default)]
struct Entry {
    end: Option<LinkEnd>,
    wakers: Vec<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the faults and has every link look at them.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let wakers: Vec<Waker> = state.links.values_mut().flat_map(|link| link.wakers.drain(..)).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Default for State {
    fn default() -> State {
        State {
            to_client: Way::default(),
            to_server: Way::default(),
            dialling: Dialling::Accepted,
            opened: 0,
            links: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state();
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
