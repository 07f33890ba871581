//! The prober's conclusions from observations.

use std::time::Duration;

use super::{
    Doubt, Failed, Prober, ProberState, RECHECK_AMBIGUOUS, RECHECKS_RAREST, RECHECKS_RAREST_SCOUTS, SAME,
    first_recheck, within,
};
use crate::keeper::moment::Moment;
use crate::keeper::path::learned::MOST_DROPS;
use crate::keeper::path::observation::{Lesson, Observation};

impl Prober {
    /// Takes in one observation.
    pub(in crate::keeper) fn learn(&mut self, observation: Observation, now: Moment) -> Option<Lesson> {
        if !self.learns() {
            return None;
        }
        self.forget_old(now);
        match observation {
            Observation::Survived { gap, .. } => self.survived(gap, now),
            Observation::Expired { gap } if gap >= self.least() => self.expired(gap, 1, now),
            Observation::Forgotten { gap } if gap >= self.least() => self.expired(gap, 0, now),
            Observation::EndedIdle { gap } if gap >= self.least() => self.ended_idle(gap, now),
            // Shorter than any interval: idleness is not the cause.
            Observation::Expired { .. } | Observation::Forgotten { .. } | Observation::EndedIdle { .. } => {
                None
            }
        }
    }

    /// A gap below this says nothing about idleness.
    pub(super) fn least(&self) -> Duration {
        self.heartbeat.min.mul_f64(0.9)
    }

    fn survived(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        self.proven = self.proven.max(gap);
        self.sound = self.sound.max(gap);
        self.doubts.retain(|doubt| doubt.gap > gap);
        // No gap beyond the longest is ever tried: it is enough that the longest survives.
        let longest = self.heartbeat.max.mul_f64(0.999);
        self.last_end = self.last_end.filter(|last| gap < last.mul_f64(1.0 + SAME).min(longest));
        let disproved = self.failed.is_some_and(|failed| gap >= failed.gap.mul_f64(1.01).min(longest));
        if disproved {
            if self.failed.take().is_some_and(|failed| failed.ambiguous) {
                // The end was a restart after all, which learning has not cost.
                self.drops.pop();
            }
            self.recheck_after = first_recheck(&self.heartbeat);
        }
        match self.stage {
            ProberState::Learn => self.settle(now),
            ProberState::Hold { .. } if disproved => {
                self.stage = ProberState::Learn;
                self.settle(now)
            }
            ProberState::Hold { .. } => None,
            ProberState::Doubt { pace } if gap < pace.mul_f64(0.9) => None,
            // A scout tests the gap that failed; until then half is held.
            ProberState::Doubt { .. }
                if self.has_scouts()
                    && !self.calm
                    && self.doubted_last().is_some_and(|doubted| gap < doubted.mul_f64(0.98)) =>
            {
                None
            }
            ProberState::Doubt { pace } => {
                let doubled = pace * 2;
                // A scout may have tested the whole of it.
                if doubled < self.held() && gap < self.held().mul_f64(0.98) {
                    self.stage = ProberState::Doubt { pace: doubled };
                    return None;
                }
                self.settle(now)
            }
            ProberState::Regrow => match self.next_regrown() {
                Some(_) => None,
                None => self.hold(now),
            },
        }
    }

    fn expired(&mut self, gap: Duration, drops: usize, now: Moment) -> Option<Lesson> {
        // A path that falls silent does not end links: an earlier end was not
        // the timeout.
        self.last_end = self.last_end.filter(|&last| gap < last);
        if gap > self.proven {
            return match self.stage {
                // A recheck that failed confirms the failed gap.
                ProberState::Hold { .. } => match self.failed {
                    Some(failed) if gap >= failed.gap => self.recheck_failed(failed.gap, now),
                    Some(_) | None => {
                        self.failed = Some(Failed { gap, ambiguous: false });
                        self.hold(now)
                    }
                },
                // Scouts test several gaps at once: the shortest counts.
                ProberState::Learn if self.failed.is_some_and(|failed| failed.gap <= gap) => None,
                ProberState::Learn => {
                    self.failed = Some(Failed { gap, ambiguous: false });
                    self.spend(drops, now);
                    self.settle(now)
                }
                ProberState::Regrow => {
                    self.failed = Some(Failed { gap, ambiguous: false });
                    self.spend(drops, now);
                    self.hold(now)
                }
                ProberState::Doubt { .. } => None,
            };
        }
        if !self.is_idleness(gap, now) {
            // The link was busy: idleness is not the cause.
            return None;
        }
        self.doubt(gap, now)
    }

    fn doubt(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        if self.doubts.is_empty() {
            self.sound = Duration::ZERO;
        }
        self.doubts.push(Doubt { gap, at: now });
        if self.doubts.iter().filter(|doubt| within(doubt.gap, gap, 0.12)).count() < 2 {
            let pace = match self.stage {
                ProberState::Doubt { pace } => pace,
                ProberState::Learn | ProberState::Hold { .. } | ProberState::Regrow => self.held(),
            };
            self.stage = ProberState::Doubt { pace: (pace / 2).max(self.heartbeat.min).min(pace) };
            return None;
        }
        self.failed = Some(Failed { gap, ambiguous: false });
        // Only gaps that survived since the doubt began count as proven.
        self.proven = self.sound.min(gap);
        self.doubts.clear();
        self.recheck_after = first_recheck(&self.heartbeat);
        if self.has_scouts() {
            let _ = self.settle(now);
        } else {
            self.stage = ProberState::Regrow;
            if self.next_regrown().is_none() {
                let _ = self.hold(now);
            }
        }
        Some(Lesson::Shrank { failed: gap })
    }

    /// The proven gap that failed last.
    pub(in crate::keeper) fn doubted_last(&self) -> Option<Duration> {
        self.doubts.last().map(|doubt| doubt.gap)
    }

    fn ended_idle(&mut self, gap: Duration, now: Moment) -> Option<Lesson> {
        if let Some(failed) = self.failed
            && within(gap, failed.gap, SAME)
        {
            // An end again at the same gap: the failure is no longer ambiguous.
            self.last_end = None;
            self.proven = self.proven.max(gap.min(failed.gap));
            return match self.stage {
                ProberState::Hold { .. } => self.recheck_failed(failed.gap, now),
                ProberState::Learn | ProberState::Doubt { .. } | ProberState::Regrow => {
                    self.failed = Some(Failed { gap: failed.gap, ambiguous: false });
                    self.spend(1, now);
                    self.hold(now)
                }
            };
        }
        if gap > self.proven {
            self.proven = gap;
            self.failed = Some(Failed { gap, ambiguous: true });
            self.spend(1, now);
            self.last_end = None;
            return self.hold(now);
        }
        if self.last_end.is_some_and(|last| within(gap, last, SAME)) {
            return self.shrank(Failed { gap, ambiguous: false }, now);
        }
        // The end looks like a restart.
        self.last_end = Some(gap);
        let shortest = self.ends.add(gap, self.held(), now)?;
        self.spend(1, now);
        self.shrank(Failed { gap: shortest, ambiguous: true }, now)
    }

    /// The ends at this gap, below the proven gap, were the timeout.
    fn shrank(&mut self, failed: Failed, now: Moment) -> Option<Lesson> {
        self.last_end = None;
        self.proven = failed.gap;
        self.failed = Some(failed);
        // The doubted gaps lay above it.
        self.doubts.retain(|doubt| doubt.gap <= failed.gap);
        let _ = self.hold(now);
        Some(Lesson::Shrank { failed: failed.gap })
    }

    /// Learning has cost the link in use, if gaps are tried on it. A path
    /// whose timeout is shorter than any interval costs a link again and again: the
    /// latest drops count.
    pub(super) fn spend(&mut self, drops: usize, now: Moment) {
        if !self.has_scouts() {
            self.drops.extend(std::iter::repeat_n(now, drops));
            let too_many = self.drops.len().saturating_sub(MOST_DROPS);
            self.drops.drain(..too_many);
        }
    }

    /// Goes on learning, or holds if no gap is worth a try.
    pub(super) fn settle(&mut self, now: Moment) -> Option<Lesson> {
        let more = if self.has_scouts() { self.has_gaps_for_scouts() } else { self.next_try(now).is_some() };
        if more {
            self.stage = ProberState::Learn;
            None
        } else {
            self.hold(now)
        }
    }

    fn hold(&mut self, now: Moment) -> Option<Lesson> {
        let ambiguous = self.failed.is_some_and(|failed| failed.ambiguous) && !self.has_scouts();
        let wait = if ambiguous { self.recheck_after / RECHECK_AMBIGUOUS } else { self.recheck_after };
        self.stage = ProberState::Hold { recheck_at: now + wait };
        let found = self.failed.map(|failed| (self.proven, failed.gap));
        let news = found.filter(|_| found != self.told);
        self.told = found.or(self.told);
        news.map(|(proven, failed)| Lesson::Learned { proven, failed })
    }

    fn recheck_failed(&mut self, failed: Duration, now: Moment) -> Option<Lesson> {
        let was_ambiguous = self.failed.is_some_and(|failed| failed.ambiguous);
        self.failed = Some(Failed { gap: failed, ambiguous: false });
        if !was_ambiguous {
            let rarest = if self.has_scouts() { RECHECKS_RAREST_SCOUTS } else { RECHECKS_RAREST };
            self.recheck_after = (self.recheck_after * 2).min(first_recheck(&self.heartbeat) * rarest);
        }
        self.stage = ProberState::Hold { recheck_at: now + self.recheck_after };
        None
    }
}
