//! The host's knowledge of the network.
//!
//! News of the network is a hint that brings an attempt forward, never a verdict.

pub(crate) mod handle;
#[cfg(feature = "network-monitor")]
mod monitor;
mod route;

#[cfg(feature = "network-monitor")]
pub use monitor::Monitor;

use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::NetworkStatus;
use crate::keeper::RouteFacts;

/// A source of news about the network. One source may serve many
/// connections.
pub trait Network: Send + Sync + 'static {
    /// The news from here on, for one connection.
    fn watch(&self) -> Box<dyn NetworkWatch>;
}

/// News about the network, for one connection.
pub trait NetworkWatch: Send + 'static {
    /// The next change. A source with no more to say stays pending.
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<NetworkChange>;

    /// Names the network that the host is on now, where the source can
    /// ([`NetworkChange::key`]). Called once, before the first change. Default:
    /// no name.
    fn key(&mut self) -> Option<String> {
        None
    }

    /// The system's way from a link's local address to its peer, where the source can
    /// tell. Called when news has settled. A link whose address is gone is dropped
    /// at once; a link whose way is known to be the same is not probed for a mere
    /// change. The call must not wait.
    ///
    /// Default: asks the system by way of two UDP sockets, which send nothing.
    fn route(&mut self, local: SocketAddr, peer: Option<SocketAddr>) -> Option<RouteFacts> {
        route::look(local, peer)
    }
}

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NetworkChange {
    /// The kind of news.
    pub status: NetworkStatus,
    /// Names the network, where the host can: the lessons about idle timeouts are
    /// stored by this name. Without a name the network counts as the same as
    /// before. Ignored with `Offline`.
    pub key: Option<String>,
}

impl NetworkChange {
    /// `status`, on a network without a name.
    pub fn new(status: NetworkStatus) -> NetworkChange {
        NetworkChange { status, key: None }
    }
}
