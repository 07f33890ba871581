//! What the system knows of the path under a link.

use std::time::Duration;

/// What the system's own acknowledgements say of the path under a link: where
/// bytes wait for them the path is in doubt, where none do the path works,
/// whatever the peer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathFacts {
    /// Bytes that were sent and that the peer's system has not acknowledged.
    /// Those that the peer has no room for were not sent.
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

/// What the system says of the way from a link's own address to its peer,
/// now that something about the network has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteFacts {
    /// Whether the link's local address is still one of the host's.
    pub address_stays: bool,
    /// Whether the system would still send from that address to the peer;
    /// `None` where there is no way to the peer, or it does not tell.
    pub source_stays: Option<bool>,
}

impl RouteFacts {
    /// Facts of a link whose local address stays the host's, or not; and the
    /// one that the system would send from now, or not.
    pub fn new(address_stays: bool, source_stays: Option<bool>) -> RouteFacts {
        RouteFacts { address_stays, source_stays }
    }
}
