//! When the next beat is due.

use std::time::Duration;

/// When the next beat is due after the last byte came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct Pace {
    /// The silence to beat after.
    pub(in crate::keeper) after: Duration,
    /// Whether the silence is a gap that is tried, and not the held interval.
    pub(in crate::keeper) is_try: bool,
}
