//! Facts that the system knows about the path under a link.

use std::time::Duration;

/// The system's own acknowledgements on the path under a link. While bytes wait for
/// an acknowledgement, the path is in doubt. While no byte waits, the path works,
/// even if the peer is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathFacts {
    /// Bytes that were sent and that the peer's system has not acknowledged.
    /// Bytes for which the peer has no room were not sent.
    pub unacknowledged: u64,
    /// How long the oldest of them has waited, as far as the system tells.
    pub waiting: Duration,
}

impl PathFacts {
    /// `unacknowledged` bytes, the oldest of which has waited this long.
    pub fn new(unacknowledged: u64, waiting: Duration) -> PathFacts {
        PathFacts { unacknowledged, waiting }
    }
}

/// The system's way from a link's own address to its peer, after a change of the
/// network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteFacts {
    /// Whether the link's local address is still one of the host's.
    pub address_stays: bool,
    /// Whether the system would still send from that address to the peer;
    /// `None` where there is no way to the peer, or the system does not tell.
    pub source_stays: Option<bool>,
}

impl RouteFacts {
    /// Whether the link's local address is still the host's, and whether the system
    /// would still send from it.
    pub fn new(address_stays: bool, source_stays: Option<bool>) -> RouteFacts {
        RouteFacts { address_stays, source_stays }
    }
}
