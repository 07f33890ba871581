//! The phase of a connection, beside its links.

use crate::keeper::good_news::GoodNews;
use crate::keeper::moment::Moment;
use crate::keeper::state::Finish;

/// The phase of a connection, beside its links.
#[derive(Clone, Debug)]
pub(in crate::keeper) enum Phase {
    /// Not started.
    Idle,
    /// A link is in use or being opened.
    Underway,
    /// Waiting for the next attempt.
    Waiting(Waiting),
    /// Paused by the application.
    Paused {
        /// No attempt before this, as for a wait.
        not_before: Option<Moment>,
    },
    /// Saying goodbye.
    Closing,
    /// Over.
    Finished(Finish),
}

/// A wait for the next attempt.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Waiting {
    pub(in crate::keeper) until: Moment,
    /// No attempt before this, whatever the news: the server named it, or the answer
    /// becomes final if it comes too often.
    pub(in crate::keeper) firm: Option<Moment>,
    /// When good news lets the attempt be made.
    pub(super) granted: Option<Moment>,
    /// Good news that could not advance the attempt, since it comes as soon.
    pub(super) held: Option<GoodNews>,
}
