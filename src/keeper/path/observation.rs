//! What can be known about an idle timeout.

use std::time::Duration;

use crate::keeper::link::Proof;

/// One observation about the idle timeout T of the path. Whoever makes it has
/// already ruled out what would spoil it: outages, network events, suspends,
/// late timers, a stalled reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Observation {
    /// The link lived through a gap: a byte came in after it. T ≥ `gap`.
    Survived {
        /// The gap.
        gap: Duration,
        /// What shows it.
        proof: Proof,
    },
    /// The peer was asked to speak after the gap, and did not, though
    /// a beat that followed was answered: the path had forgotten the flow, and
    /// took it up again for the beat. T < `gap`; it has cost no link.
    Forgotten {
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

impl Observation {
    /// The gap that it speaks of.
    pub(in crate::keeper) fn gap(self) -> Duration {
        match self {
            Observation::Survived { gap, .. }
            | Observation::Forgotten { gap }
            | Observation::Expired { gap }
            | Observation::EndedIdle { gap } => gap,
        }
    }
}

/// What the prober made of an observation, where it is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Lesson {
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
