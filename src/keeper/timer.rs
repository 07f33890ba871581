//! What a deadline is for.

/// What the next deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// A beat is due.
    Beat,
    /// A beat's or probe's answer is due.
    Answer,
    /// Something with a scout is due.
    Scout,
    /// The peer's own beat is due.
    Silence,
    /// It is time to ask what the system knows of the path.
    Path,
    /// The news of the network has settled: it is time to look at the way to
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
