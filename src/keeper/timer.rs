//! The kinds of deadlines.

/// The kind of the next deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// A beat is due.
    Beat,
    /// A beat's or probe's answer is due.
    Answer,
    /// A scout's beat, its end, or the next scout is due.
    Scout,
    /// The peer's own beat is due.
    Silence,
    /// It is time to ask the system for the path's facts.
    Path,
    /// The news of the network has settled: it is time to check the way to
    /// the peer.
    Network,
    /// A message is due, by the application's own limit.
    Message,
    /// The next attempt is due.
    Retry,
    /// An attempt's deadline.
    Attempt,
    /// The reader has stalled long enough to be told.
    Stall,
    /// A closing link's deadline.
    Goodbye,
}
