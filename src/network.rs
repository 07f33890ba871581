//! What the host knows of the network.
//!
//! A hint that advances, never a verdict.

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

    /// Names the network that the host is on now, where it can
    /// ([`NetworkChange::key`]). Asked once, before the first change. Default:
    /// it cannot.
    fn key(&mut self) -> Option<String> {
        None
    }

    /// What the system says of the way from a link's local address to its
    /// peer, if it tells: asked when news has settled. An address that is gone
    /// takes its link with it at once; a link whose way is known to be the
    /// same is not probed for a mere change. It must not wait.
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
    /// What it is.
    pub status: NetworkStatus,
    /// Names the network, where the host can: what is learned about idle
    /// timeouts is remembered by it. Without a name it is the same network as
    /// before. With `Offline` it says nothing.
    pub key: Option<String>,
}

impl NetworkChange {
    /// `status`, on a network without a name.
    pub fn new(status: NetworkStatus) -> NetworkChange {
        NetworkChange { status, key: None }
    }
}
