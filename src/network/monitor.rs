//! Watches the host's own network.

#[cfg(all(target_os = "linux", not(longlink_netwatch)))]
mod debounce;
#[cfg(any(not(target_os = "linux"), longlink_netwatch))]
mod elsewhere;
mod host;
#[cfg(all(target_os = "linux", not(longlink_netwatch)))]
mod linux;
#[cfg_attr(any(not(target_os = "linux"), longlink_netwatch), allow(dead_code))]
mod name;
mod reporter;

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::handle::NetworkHandle;
use super::{Network, NetworkChange, NetworkWatch};
use crate::keeper::RouteFacts;
#[cfg(any(not(target_os = "linux"), longlink_netwatch))]
use elsewhere::Watcher;
#[cfg(all(target_os = "linux", not(longlink_netwatch)))]
use linux::Watcher;
use reporter::Reporter;

/// Watches the host's own network and tells connections when it goes, comes
/// back or changes, and when the machine wakes from sleep.
///
/// One monitor serves any number of connections: clones share it. It is one
/// background task, which ends, with all that it holds, when the last clone
/// and the last connection that watches are dropped.
///
/// ```no_run
/// # #[cfg(feature = "websocket")]
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use longlink::network::Monitor;
/// use longlink::{ResilientConnection, WebSocket};
///
/// let monitor = Monitor::start()?;
/// let connection = ResilientConnection::builder(WebSocket::new("wss://example.com/feed")?)
///     .network(monitor.clone())
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// The monitor gives hints. The connection decides: it keeps a link that still
/// works, probes one that may not, and cuts a wait short.
///
/// # Reports
///
/// | status | when |
/// |---|---|
/// | `Offline` | there is no default route any more over an interface that is up and has a carrier |
/// | `Online` | there is one again |
/// | `Changed` | another default route; an address that a link could have came or went; the network's name is known |
/// | `Woke` | the machine has slept for 2 s or longer |
///
/// A host without a default route for as long as the monitor has run is online
/// while an interface that is up has an address. Routes to at least half of
/// all IPv4 addresses or an eighth of IPv6's, as VPNs set them, count as
/// default routes, in whatever table.
///
/// There are no reports about the loopback interface, about link-local addresses, about
/// lifetimes that are refreshed, about routes to single networks, and about
/// interfaces that join containers unless a default route goes over them.
/// Changes within 100 ms are told as one.
///
/// # The network's name
///
/// [`NetworkChange::key`] is a hash of the host's own address where that is a
/// public IPv4 one; otherwise of the gateway's address and link-layer address;
/// without a gateway, of the interface's name and network. The name is the same in the
/// next process. The hash can be written down, but is no secret: anybody who knows
/// the network can compute it.
///
/// The system learns a gateway's link-layer address only when something is
/// sent that way, and the monitor sends nothing. Until then a network that
/// looks like the last keeps its name, and another has none; the name follows
/// with a `Changed`, after 8 s without the link-layer address.
///
/// # Systems
///
/// On Linux the monitor asks the kernel (netlink). Elsewhere it asks the crate
/// netwatch, which tells less: whether an interface is up but not its carrier, the
/// default route's interface, no link-layer addresses, and a sleep only where the
/// system's clock runs on in it. netwatch waits for 250 ms of silence before it
/// reports. This use of netwatch was run on Linux alone.
#[derive(Clone)]
pub struct Monitor {
    shared: Arc<MonitorState>,
}

impl Monitor {
    /// Begins to watch, on the tokio runtime in which `start` is called. On Linux
    /// `start` scans the host once before it returns, which takes less than a
    /// millisecond unless there are very many routes. When the runtime shuts down
    /// there is no more news; connections whose last news was `Offline` get a
    /// `Changed` then.
    ///
    /// # Errors
    ///
    /// Outside a tokio runtime, and where the system does not let the network
    /// be watched (a sandbox may forbid it).
    ///
    /// # Panics
    ///
    /// If the runtime was built without its I/O or its time driver.
    pub fn start() -> io::Result<Monitor> {
        let runtime = Handle::try_current()
            .map_err(|_| io::Error::other("a network monitor must be started inside a tokio runtime"))?;
        let handle = NetworkHandle::new();
        let watcher = Watcher::start(Reporter::new(handle.clone()))?;
        let (wanted, unwanted) = oneshot::channel();
        runtime.spawn(async {
            tokio::select! {
                () = watcher.run() => {}
                _ = unwanted => {}
            }
        });
        Ok(Monitor { shared: Arc::new(MonitorState { handle, wanted }) })
    }
}

impl Network for Monitor {
    fn watch(&self) -> Box<dyn NetworkWatch> {
        Box::new(MonitorWatch { news: self.shared.handle.watch(), _shared: Arc::clone(&self.shared) })
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Monitor").field("watches", &!self.shared.wanted.is_closed()).finish_non_exhaustive()
    }
}

/// The state that clones and watches share. The background task does not share it:
/// the task ends with this state.
struct MonitorState {
    handle: NetworkHandle,
    /// Ends the task when it is dropped. A handle of the task would keep the runtime's
    /// own descriptors open after the runtime has shut down.
    wanted: oneshot::Sender<Infallible>,
}

struct MonitorWatch {
    news: Box<dyn NetworkWatch>,
    _shared: Arc<MonitorState>,
}

impl NetworkWatch for MonitorWatch {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<NetworkChange> {
        self.news.poll_change(cx)
    }

    fn key(&mut self) -> Option<String> {
        self.news.key()
    }

    fn route(&mut self, local: SocketAddr, peer: Option<SocketAddr>) -> Option<RouteFacts> {
        self.news.route(local, peer)
    }
}
