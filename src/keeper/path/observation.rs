//! Observations about an idle timeout.

use std::time::Duration;

use crate::keeper::link::Proof;

/// One observation about the idle timeout T of the path. The code that makes it
/// has ruled out everything that would spoil it: outages, network events, suspends,
/// late timers, a stalled reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Observation {
    /// The link lived through a gap: a byte came in after it. T ≥ `gap`.
    Survived {
        /// The gap.
        gap: Duration,
        /// The proof of it.
        proof: Proof,
    },
    /// The peer was asked to speak after the gap, and did not speak, though
    /// a beat that followed was answered: the path had forgotten the flow, and
    /// took it up again for the beat. T < `gap`; no link was lost.
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
    /// The other side ended the link while it was idle, and the same address
    /// connected again at once. T ≥ `gap`; the prober judges whether T = `gap`.
    EndedIdle {
        /// The gap.
        gap: Duration,
    },
}

impl Observation {
    /// The gap of the observation.
    pub(in crate::keeper) fn gap(self) -> Duration {
        match self {
            Observation::Survived { gap, .. }
            | Observation::Forgotten { gap }
            | Observation::Expired { gap }
            | Observation::EndedIdle { gap } => gap,
        }
    }
}

/// The prober's conclusion from an observation, where it is worth telling.
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
