//! The answer to the end of a link, or to a failed attempt.

use std::time::Duration;

/// The answer to the end of a link, or to a failed attempt: another attempt, a
/// wait, or no attempt any more.
///
/// The table of [`Reconnect`](super::Reconnect) gives one of these for
/// every end and failure; [`Reconnect::classify`](super::Reconnect::classify)
/// may replace it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Another attempt, by the backoff; the first after a link that had
    /// proved itself comes within a second, or within 50 ms where the end was
    /// this client's alone.
    Soon,
    /// Another attempt, by the backoff from its first step on.
    Backoff,
    /// Another attempt after a draw from `low` to `high`. If that attempt
    /// fails or its link does not prove itself, the backoff's delay where it
    /// is longer.
    Between {
        /// The shortest delay.
        low: Duration,
        /// The longest delay.
        high: Duration,
    },
    /// Another attempt, as if the backoff had gone half the way to its longest
    /// delay.
    Halfway,
    /// Another attempt at the longest delay, drawn from its upper half: the
    /// answer would be final, but nobody has vouched for it.
    Longest,
    /// Another attempt not before this has passed, and up to a fifth of it
    /// later. News of the network does not advance the attempt, unless the answer was
    /// an HTTP status of a server that was not verified. Below half a second
    /// the backoff decides.
    After(Duration),
    /// Another attempt by the backoff for TLS: from 30 s on, doubled with each
    /// failure in a row, at most 5 minutes.
    Tls,
    /// Another attempt by the backoff, until the same answer has come this
    /// often in a row.
    NeverAfter {
        /// How often.
        answers: u32,
        /// The delay in between is drawn from half of this up to it, where
        /// that is longer than the backoff's delay. News of the network does not
        /// advance the attempt, unless this is zero.
        apart: Duration,
    },
    /// No further attempt.
    Never,
}

/// No wait is longer than a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

impl Retry {
    /// The same, with no wait of more than a year.
    pub(in crate::keeper) fn within_reason(self) -> Retry {
        match self {
            Retry::Between { low, high } => Retry::Between { low: low.min(LONGEST), high: high.min(LONGEST) },
            Retry::After(wait) => Retry::After(wait.min(LONGEST)),
            Retry::NeverAfter { answers, apart } => Retry::NeverAfter { answers, apart: apart.min(LONGEST) },
            Retry::Soon | Retry::Backoff | Retry::Halfway | Retry::Longest | Retry::Tls | Retry::Never => {
                self
            }
        }
    }
}
