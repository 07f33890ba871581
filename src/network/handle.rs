//! News about the network that the application passes on by hand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::{Network, NetworkChange, NetworkWatch};
use crate::NetworkStatus;

/// How much news may wait for one connection before outdated news is
/// dropped. Real changes come a few at a time; more is a burst.
const MOST_WAITING: usize = 8;

/// Tells connections the network news of the host's own interface: for
/// mobile systems and other hosts that already know.
///
/// Clones are the same handle, and any number of connections may watch it.
/// Each gets every change from when it began to watch, in order. A connection that
/// begins while the network is known to be offline is told that first.
///
/// A connection that does not keep up gets no backlog: once more than
/// eight changes wait for it, changes that later ones made outdated are dropped.
/// The latest change always stays, and so does the last `Offline` before it: a
/// connection never misses that the network was away and came back.
///
/// ```
/// use longlink::{NetworkHandle, NetworkStatus};
///
/// let network = NetworkHandle::new();
/// // … ResilientConnection::builder(transport).network(network.clone()) …
/// network.set(NetworkStatus::Offline);
/// network.set_on(NetworkStatus::Online, "home-wifi");
/// ```
#[derive(Clone, Debug, Default)]
pub struct NetworkHandle {
    shared: Arc<Mutex<HandleState>>,
}

impl NetworkHandle {
    /// A handle that has said nothing yet.
    pub fn new() -> NetworkHandle {
        NetworkHandle::default()
    }

    /// Passes on `status`, on a network without a name.
    pub fn set(&self, status: NetworkStatus) {
        self.tell(NetworkChange::new(status));
    }

    /// Passes on `status`, on the network called `key`: any text that is the
    /// same whenever the host is on this network again. The lessons about idle
    /// timeouts are stored by it. A connection that begins later is
    /// told the last such name.
    pub fn set_on(&self, status: NetworkStatus, key: impl Into<String>) {
        self.tell(NetworkChange { status, key: Some(key.into()) });
    }

    fn tell(&self, change: NetworkChange) {
        let wakers = lock(&self.shared).tell(change);
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Network for NetworkHandle {
    fn watch(&self) -> Box<dyn NetworkWatch> {
        let (id, key) = lock(&self.shared).admit();
        Box::new(HandleWatch { id, key, shared: Arc::clone(&self.shared) })
    }
}

/// The state that all clones of a handle and all its watches share.
#[derive(Debug, Default)]
struct HandleState {
    last: Option<NetworkChange>,
    /// The last name of the network.
    key: Option<String>,
    watches: BTreeMap<u64, PendingNews>,
    next_id: u64,
}

impl HandleState {
    fn tell(&mut self, change: NetworkChange) -> Vec<Waker> {
        // A machine that wakes says nothing about the network.
        if change.status != NetworkStatus::Woke {
            self.last = Some(change.clone());
        }
        if change.status != NetworkStatus::Offline && change.key.is_some() {
            self.key.clone_from(&change.key);
        }
        self.watches.values_mut().filter_map(|waiting| waiting.push(change.clone())).collect()
    }

    fn admit(&mut self) -> (u64, Option<String>) {
        let id = self.next_id;
        self.next_id += 1;
        let offline = self.last.iter().filter(|last| last.status == NetworkStatus::Offline).cloned();
        self.watches.insert(id, PendingNews { news: offline.collect(), name: None, waker: None });
        (id, self.key.clone())
    }
}

/// The news that waits for one connection.
#[derive(Debug)]
struct PendingNews {
    news: VecDeque<NetworkChange>,
    /// The network's name in an outdated change, which goes on to the next change.
    name: Option<String>,
    waker: Option<Waker>,
}

impl PendingNews {
    fn push(&mut self, mut change: NetworkChange) -> Option<Waker> {
        if change.status != NetworkStatus::Offline {
            change.key = change.key.or(self.name.take());
        }
        self.news.push_back(change);
        if self.news.len() > MOST_WAITING {
            self.forget_the_outdated();
        }
        self.waker.take()
    }

    /// Keeps the last `Offline`, and of the changes after it the last of each
    /// kind: at most four, in their order. A name in a dropped change
    /// goes on to the next change that has none.
    fn forget_the_outdated(&mut self) {
        let last_of = |status| self.news.iter().rposition(|change| change.status == status);
        let offline = last_of(NetworkStatus::Offline);
        let others = [NetworkStatus::Online, NetworkStatus::Changed, NetworkStatus::Woke];
        let keep = [[offline].as_slice(), &others.map(last_of)].concat();
        let mut at = 0;
        self.news.retain_mut(|change| {
            let kept = keep.contains(&Some(at)) && offline.is_none_or(|offline| at >= offline);
            at += 1;
            if change.status != NetworkStatus::Offline {
                let named = change.key.take().or_else(|| self.name.take());
                *(if kept { &mut change.key } else { &mut self.name }) = named;
            }
            kept
        });
    }
}

struct HandleWatch {
    id: u64,
    /// The network's name when the watch began.
    key: Option<String>,
    shared: Arc<Mutex<HandleState>>,
}

impl NetworkWatch for HandleWatch {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<NetworkChange> {
        let mut shared = lock(&self.shared);
        let waiting = shared.watches.get_mut(&self.id).expect("a watch is listed until it is dropped");
        match waiting.news.pop_front() {
            Some(change) => Poll::Ready(change),
            None => {
                let outdated = waiting.waker.replace(cx.waker().clone());
                drop(shared);
                drop(outdated);
                Poll::Pending
            }
        }
    }

    fn key(&mut self) -> Option<String> {
        self.key.take()
    }
}

impl Drop for HandleWatch {
    fn drop(&mut self) {
        let gone = lock(&self.shared).watches.remove(&self.id);
        drop(gone);
    }
}

/// Wakers are called and dropped only after the lock is free, since both may
/// run code of others; so a poisoned lock guards whole data.
fn lock(shared: &Mutex<HandleState>) -> MutexGuard<'_, HandleState> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
