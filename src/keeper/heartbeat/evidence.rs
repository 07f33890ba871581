//! What can be known about an idle timeout.

use std::time::Duration;

/// One observation about the idle timeout T of the path. Whoever makes it has
/// already ruled out what would spoil it: outages, network events, suspends,
/// late timers, a stalled reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// The link lived through a gap: a byte came in after it. T ≥ `gap`.
    Survived {
        /// The gap.
        gap: Duration,
    },
    /// A beat that followed the gap was never answered, or by a reset, and
    /// the same address connected again at once. T < `gap`.
    Expired {
        /// The gap.
        gap: Duration,
    },
    /// The link was ended by the other side while idle, and the same address
    /// connected again at once. T ≥ `gap`; whether T = `gap` is to be judged.
    EndedIdle {
        /// The gap.
        gap: Duration,
    },
}

impl Evidence {
    /// The gap that it speaks of.
    pub(crate) fn gap(self) -> Duration {
        match self {
            Evidence::Survived { gap } | Evidence::Expired { gap } | Evidence::EndedIdle { gap } => gap,
        }
    }
}

/// What the prober made of an observation, where it is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// The idle timeout lies between these two.
    Learned {
        /// The longest gap known to survive.
        proven: Duration,
        /// The shortest gap that failed.
        failed: Duration,
    },
    /// A gap that used to survive no longer does.
    Shrank {
        /// That gap.
        failed: Duration,
    },
}
