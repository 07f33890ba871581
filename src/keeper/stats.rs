//! The statistics of a keeper.

use std::time::Duration;

/// The keeper's counts since its start, over all links, and its present
/// figures of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeeperStats {
    /// Beats sent, and requests that the peer speak in place of one.
    pub beats_sent: u64,
    /// Beats that traffic made unnecessary.
    pub beats_saved: u64,
    /// Beats unanswered at their deadline.
    pub beats_missed: u64,
    /// Scouts sent out ([`Probing::Scout`](crate::Probing::Scout)).
    pub scouts_sent: u64,
    /// Beats that scouts sent, beside `beats_sent`.
    pub scout_beats: u64,
    /// Links taken into use after the first.
    pub reconnects: u64,
    /// Smoothed round trip of the present link, once measured.
    pub rtt: Option<Duration>,
    /// The heartbeat's interval, before jitter; zero where we send no beats.
    pub interval: Duration,
    /// The longest gap known to survive on the path.
    pub proven: Duration,
    /// Time with a link in use, in all.
    pub uptime: Duration,
    /// Time without a link in use, since the start.
    pub downtime: Duration,
    /// Panics of the application's own reconnect policies, which were caught.
    pub policy_panics: u64,
}
