//! A prober's knowledge, to be stored, and how far stored knowledge is trusted.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Failed, HELD, Prober, ProberState, RECHECKS_RAREST, RECHECKS_RAREST_SCOUTS, first_recheck};
use crate::keeper::config::{Heartbeat, Mode};
use crate::keeper::moment::Moment;
use crate::keeper::path::learned::{LONGEST, Learned, MOST_DROPS, Recalled};

/// A path that was not seen for longer is trusted with half of the proven gap.
const UNSEEN: Duration = Duration::from_secs(7 * 24 * 3600);
/// A recheck that is due waits at least this long after a start: clients that
/// start together with the same store must not all recheck at once.
const RECHECK_SETTLES: Duration = Duration::from_secs(3600);
/// A gap is tried again no closer to the failed one than this.
const BELOW_FAILED: f64 = 0.97;

/// Stored knowledge that the prober uses beside its own.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// The gap that used to survive and was not tested for long: the next to
    /// try.
    goal: Option<Duration>,
    /// When each earlier drop stops counting.
    spent: Vec<Moment>,
    /// A failed gap that is longer than any that this heartbeat tries.
    beyond: Option<Failed>,
}

impl Hints {
    /// The gap to try first.
    pub(super) fn next_try(&self, proven: Duration, failed: Option<Duration>) -> Option<Duration> {
        self.goal.filter(|&goal| goal > proven && failed.is_none_or(|failed| goal < failed))
    }

    /// How many earlier drops still count.
    pub(super) fn spent(&self, now: Moment) -> usize {
        self.spent.iter().filter(|&&until| now < until).count()
    }
}

/// The parts of a prober's knowledge that are worth storing when they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::keeper) struct Summary {
    pub(in crate::keeper) proven: Duration,
    /// The failed gap, and whether the failure is ambiguous.
    pub(in crate::keeper) failed: Option<(Duration, bool)>,
    pub(in crate::keeper) rechecks_failed: u32,
}

impl Prober {
    /// Whether the heartbeat learns at all.
    pub(in crate::keeper) fn learns(&self) -> bool {
        match self.heartbeat.mode {
            Mode::Learns(_) => true,
            Mode::Fixed | Mode::Off => false,
        }
    }

    /// Forgets all lessons: the path is another. The limits of the application
    /// and of the server stay.
    pub(in crate::keeper) fn begin_anew(&mut self) {
        *self = Prober { alone: self.alone, calm: self.calm, ..Prober::new(self.heartbeat.clone()) };
    }

    /// Whether the gap that used to survive is still to be tried again.
    pub(in crate::keeper) fn regains(&self) -> bool {
        !self.has_scouts() && self.hints.next_try(self.proven, self.failed()).is_some()
    }

    /// The knowledge in short; `None` while it is doubted or regained, or
    /// not worth storing.
    pub(in crate::keeper) fn summary(&self) -> Option<Summary> {
        let failed = self.failed.map(|failed| (failed.gap, failed.ambiguous));
        let worth = failed.is_some() || self.proven >= self.heartbeat.start.mul_f64(HELD);
        let doubted = matches!(self.stage, ProberState::Doubt { .. });
        let rechecks_failed = self.rechecks_failed();
        (worth && !doubted && !self.regains()).then_some(Summary {
            proven: self.proven,
            failed,
            rechecks_failed,
        })
    }

    /// The knowledge in full. Another part knows how links end on the path.
    pub(in crate::keeper) fn learned(&self, now: Moment) -> Learned {
        let within = first_recheck(&self.heartbeat);
        let own = self.drops.iter().map(|&drop| now.since(drop));
        let before = self.hints.spent.iter().filter(|&&until| now < until);
        let before = before.map(|until| within.saturating_sub(until.since(now)));
        let mut drops: Vec<_> = own.chain(before).filter(|&age| age <= within.min(LONGEST)).collect();
        // The latest drops, and no more than are taken back.
        drops.sort_unstable();
        drops.truncate(MOST_DROPS);
        let recheck_in = match self.stage {
            ProberState::Hold { recheck_at } if self.failed.is_some() => {
                Some(recheck_at.since(now).min(LONGEST))
            }
            ProberState::Hold { .. }
            | ProberState::Learn
            | ProberState::Doubt { .. }
            | ProberState::Regrow => None,
        };
        let failed = self.failed.or(self.hints.beyond.filter(|beyond| beyond.gap > self.proven));
        Learned {
            proven: self.proven,
            failed: failed.map(|failed| failed.gap),
            ambiguous: failed.is_some_and(|failed| failed.ambiguous),
            expiry: None,
            drops,
            recheck_in,
            rechecks_failed: self.rechecks_failed(),
        }
    }

    /// Begins with stored knowledge of the path. An observation since the
    /// start wins where the two contradict each other. False if nothing changed.
    pub(in crate::keeper) fn recall(&mut self, recalled: &Recalled, now: Moment) -> bool {
        let Recalled { learned, age } = recalled;
        match self.stage {
            ProberState::Learn | ProberState::Hold { .. } => {}
            // A link has died here: the stored knowledge is in doubt.
            ProberState::Doubt { .. } | ProberState::Regrow => return false,
        }
        if !self.learns() || learned.check().is_err() {
            return false;
        }
        let old = *age > self.heartbeat.unit(UNSEEN);
        let untouched = self.failed.is_none();
        let observed = self.proven;
        self.recall_failed(learned, old);
        let failed = self.failed();
        if failed.is_none_or(|failed| learned.proven <= failed.mul_f64(1.02)) {
            let trusted = if old { learned.proven / 2 } else { learned.proven };
            self.proven = observed.max(trusted);
            if old && trusted >= self.heartbeat.min {
                let below = failed.map_or(Duration::MAX, |failed| failed.mul_f64(BELOW_FAILED));
                self.hints.goal = Some(learned.proven.min(below).min(self.heartbeat.max));
            }
        }
        self.recall_drops(learned, *age, now);
        self.recall_looks(learned.rechecks_failed);
        if old && untouched && self.proven >= self.heartbeat.min && self.proven > observed {
            // Beats at half until one is answered.
            self.stage = ProberState::Doubt { pace: self.held() };
            return true;
        }
        let _ = self.settle(now);
        if let ProberState::Hold { recheck_at } = &mut self.stage
            && let Some(recheck_in) = learned.recheck_in.filter(|_| !old)
        {
            let least = self.heartbeat.unit(RECHECK_SETTLES);
            *recheck_at = (now + recheck_in.saturating_sub(*age).max(least)).min(*recheck_at);
        }
        true
    }

    fn recall_failed(&mut self, learned: &Learned, old: bool) {
        let Some(gap) = learned.failed.filter(|&gap| gap > self.proven) else { return };
        let failed = Failed { gap, ambiguous: learned.ambiguous || old };
        if gap > longest(&self.heartbeat) {
            self.hints.beyond = Some(failed);
        } else if self.failed.is_none_or(|failed| gap < failed.gap) {
            self.failed = Some(failed);
        }
    }

    /// Keeps to the present limits: no gap beyond the longest is tried, held or
    /// doubted, and a failed gap beyond it is only kept for later.
    pub(super) fn respect_the_limits(&mut self) {
        let (max, longest) = (self.heartbeat.max, longest(&self.heartbeat));
        let beyond = |hints: &mut Hints| hints.beyond.take().filter(|beyond| beyond.gap > self.proven);
        match self.failed.take().or_else(|| beyond(&mut self.hints)) {
            Some(failed) if failed.gap > longest => self.hints.beyond = Some(failed),
            failed => self.failed = failed,
        }
        self.hints.goal = self.hints.goal.map(|goal| goal.min(max));
        self.doubts.retain(|doubt| doubt.gap <= max);
        let held = self.held();
        if let ProberState::Doubt { pace } = &mut self.stage {
            *pace = held.min((*pace).max(self.heartbeat.min));
        }
    }

    fn recall_drops(&mut self, learned: &Learned, age: Duration, now: Moment) {
        let within = first_recheck(&self.heartbeat);
        let left = learned.drops.iter().map(|&ago| within.saturating_sub(ago.saturating_add(age)));
        self.hints.spent = left.filter(|left| !left.is_zero()).map(|left| now + left).collect();
    }

    /// How many rechecks have failed in a row, by the time between rechecks.
    fn rechecks_failed(&self) -> u32 {
        let times = self.recheck_after.as_secs_f64() / first_recheck(&self.heartbeat).as_secs_f64();
        (times.round() as u32).max(1).ilog2()
    }

    fn recall_looks(&mut self, failed: u32) {
        let rarest = if self.has_scouts() { RECHECKS_RAREST_SCOUTS } else { RECHECKS_RAREST };
        self.recheck_after = first_recheck(&self.heartbeat) * rarest.min(1 << failed.min(16));
    }
}

/// The longest gap that is of any use to `heartbeat`.
fn longest(heartbeat: &Heartbeat) -> Duration {
    heartbeat.max.mul_f64(1.02)
}
