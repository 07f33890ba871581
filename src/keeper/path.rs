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
