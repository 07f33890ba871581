//! The states of a keeper.

use super::event::GiveUp;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// An attempt is under way.
    Connecting {
        /// Counts consecutive attempts from 1.
        attempt: u32,
    },
    /// A link is in use.
    Connected {
        /// Counts the links taken into use, from 1.
        epoch: u64,
    },
    /// Waiting for the next attempt.
    Waiting {
        /// The attempt that is waited for.
        attempt: u32,
    },
    /// Paused by the application: no link is opened until it is resumed.
    Paused,
    /// Saying goodbye.
    Closing,
    /// Closed by us.
    Closed,
    /// Given up.
    GaveUp,
}

/// How a connection finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// Closed by us.
    Closed,
    /// Given up.
    GaveUp(GiveUp),
}
