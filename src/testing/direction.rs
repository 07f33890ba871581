//! The two directions of a link, and the faults that one direction can have.

/// One direction of a link, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the server to the client.
    ToClient,
    /// From the client to the server.
    ToServer,
    /// Both.
    Both,
}

impl Direction {
    pub(super) fn includes(self, other: Direction) -> bool {
        self == Direction::Both || self == other
    }
}

/// The faults of one direction: of a network, of one link, or of all links.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DirectionFaults {
    /// A black hole loses everything.
    pub(super) holed: bool,
    pub(super) stalled: bool,
}

impl DirectionFaults {
    pub(super) fn clear(&mut self) {
        *self = DirectionFaults::default();
    }
}
