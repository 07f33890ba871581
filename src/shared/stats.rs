//! Figures of a connection.

use std::time::Duration;

/// Figures of a connection since it was built, over all its links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
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
    /// Beats that went out, and requests that the peer speak in place of one.
    pub beats_sent: u64,
    /// Scouts sent out ([`Probing::Scout`](crate::Probing::Scout)).
    pub scouts_sent: u64,
    /// Beats that scouts sent, beside `beats_sent`.
    pub scout_beats: u64,
    /// Beats that traffic made unnecessary.
    pub beats_saved: u64,
    /// Beats that were not answered in time.
    pub beats_missed: u64,
    /// Links taken into use after the first.
    pub reconnects: u64,
    /// Time with a link in use.
    pub uptime: Duration,
    /// Time without one.
    pub downtime: Duration,
    /// Smoothed round trip of the present link, once measured.
    pub rtt: Option<Duration>,
    /// The heartbeat's interval, before jitter.
    pub interval: Duration,
    /// The longest gap known to survive on the path.
    pub proven: Duration,
    /// Events that slow listeners lost.
    pub events_dropped: u64,
    /// Panics of the application's own code that were caught.
    pub panics: u64,
    /// How often the connection's task was woken and did what there was to
    /// do. A beat costs two: its time, and its answer.
    pub wake_ups: u64,
}
