//! What the host knows of the network.
//!
//! A hint that advances, never a verdict.

mod handle;
#[cfg(feature = "network-monitor")]
mod monitor;

pub use handle::NetworkHandle;
#[cfg(feature = "network-monitor")]
pub use monitor::Monitor;

use std::task::{Context, Poll};

use crate::keeper::NetworkStatus;

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
