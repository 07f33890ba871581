//! A side link that stays silent for a gap and then beats.

use std::time::Duration;

use super::watch::Watch;
use crate::keeper::moment::Moment;
use crate::keeper::timer::Timer;

#[derive(Debug)]
pub(in crate::keeper) struct Scout {
    /// The gap that the scout tests.
    pub(in crate::keeper) gap: Duration,
    pub(in crate::keeper) stage: ScoutState,
}

#[derive(Debug)]
pub(in crate::keeper) enum ScoutState {
    Opening {
        deadline: Moment,
    },
    Silent {
        watch: Box<Watch>,
        since: Moment,
        /// When the scout first beat.
        asked: Option<Moment>,
    },
}

impl Scout {
    pub(in crate::keeper) fn next_due(&self) -> Option<(Moment, Timer)> {
        let due = match &self.stage {
            ScoutState::Opening { deadline } => Some(*deadline),
            ScoutState::Silent { watch, .. } => watch.next_due().map(|(due, _)| due),
        };
        due.map(|due| (due, Timer::Scout))
    }

    pub(in crate::keeper) fn is_open(&self) -> bool {
        matches!(self.stage, ScoutState::Silent { .. })
    }
}
