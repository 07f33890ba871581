//! The statistics of a connection.

use crate::KeeperStats;

/// The statistics of a connection since it was built, over all its links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Beats, scouts, reconnects, the interval and the times with and without a
    /// link.
    pub keeper: KeeperStats,
    /// Messages that came in on links in use, those of the login hook
    /// excepted.
    pub messages_received: u64,
    /// Messages that links took.
    pub messages_sent: u64,
    /// Messages that came in when nobody was left to read them.
    pub messages_dropped: u64,
    /// Bytes that came in on links in use: on the wire where the transport
    /// counts them, otherwise the size of the messages.
    pub bytes_received: u64,
    /// Bytes that went out on links in use, counted likewise.
    pub bytes_sent: u64,
    /// Events that slow listeners lost.
    pub events_dropped: u64,
    /// Panics of the application's own code that were caught, those of its
    /// reconnect policies included.
    pub panics: u64,
    /// How often the connection's task was woken and did what there was to
    /// do. A beat costs two: its time, and its answer.
    pub wake_ups: u64,
}
