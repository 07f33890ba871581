//! Where a keeper stands, and what it has counted.

use std::time::Duration;

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

/// What the keeper has counted and learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Beats sent, and requests that the peer speak in place of one.
    pub beats_sent: u64,
    /// Beats that traffic made unnecessary.
    pub beats_saved: u64,
    /// Beats unanswered at their deadline.
    pub beats_missed: u64,
    /// Scouts sent out.
    pub scouts_sent: u64,
    /// Beats that scouts sent, beside `beats_sent`.
    pub scout_beats: u64,
    /// Links taken into use after the first.
    pub reconnects: u64,
    /// Smoothed round trip of the present link, once measured.
    pub rtt: Option<Duration>,
    /// The heartbeat's interval, before jitter.
    pub interval: Duration,
    /// The longest gap known to survive.
    pub proven: Duration,
    /// Time with a link in use, in all.
    pub uptime: Duration,
    /// Time without, since the start.
    pub downtime: Duration,
    /// Panics of the application's own reconnect policies, which were caught.
    pub policy_panics: u64,
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
