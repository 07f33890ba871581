//! Which gaps scouts test.
//!
//! While nothing has failed, gaps grow by [`GROWTH`] and up to three are
//! tested at once, so that the whole climb takes little longer than its last
//! gap. Once one has failed, three points between it and what is proven are
//! tested at once, until the two are close. A doubt is tested by one scout
//! while the link in use holds half, a look by one scout above what failed.

use std::time::Duration;

use super::prober::{Prober, Stage, within};
use crate::keeper::Moment;

/// Scouts at once, at most.
pub(crate) const SCOUTS: usize = 3;
/// The first gap that is tested: 14 s.
const FIRST: Duration = Duration::from_secs(14);
/// Each gap of the climb is this many times the one before.
const GROWTH: f64 = 1.4;
/// A bracket is narrow enough below this factor.
const NARROW: f64 = 1.06;
/// What reaches this part of the longest gap ends the climb.
const NEAR_THE_TOP: f64 = 0.97;
/// Idle timeouts that the world likes, in seconds. A gap that would be tested
/// near one of them is tested just below it instead.
const LIKED: [u64; 19] =
    [30, 45, 55, 60, 65, 90, 100, 120, 180, 240, 300, 350, 480, 600, 900, 1200, 1800, 3600, 7200];
/// Just below: the beat and its way take a moment.
const BELOW: f64 = 0.985;

impl Prober {
    /// The next gap that a scout may test at `now`, beside those that others
    /// test already.
    pub(crate) fn next_trial(&self, under_way: &[Duration], now: Moment) -> Option<Duration> {
        if !self.has_scouts() || self.calm || under_way.len() >= SCOUTS {
            return None;
        }
        match self.stage {
            Stage::Learn | Stage::Regrow => self.next_of_survey(under_way),
            Stage::Hold { .. } if !under_way.is_empty() => None,
            Stage::Hold { look_at } => match self.suspicion() {
                Some(gap) => Some(gap),
                None => self.look().filter(|_| now >= look_at),
            },
            Stage::Doubt { .. } => self.doubted_last().filter(|_| under_way.is_empty()),
        }
    }

    /// When [`next_trial`](Prober::next_trial) may have another answer though
    /// nothing was learned.
    pub(crate) fn next_trial_at(&self) -> Option<Moment> {
        match self.stage {
            Stage::Hold { look_at } if self.has_scouts() && !self.calm && self.failed.is_some() => {
                Some(look_at)
            }
            Stage::Hold { .. } | Stage::Learn | Stage::Doubt { .. } | Stage::Regrow => None,
        }
    }

    /// Whether what a scout tests is still unknown.
    pub(crate) fn is_open(&self, gap: Duration) -> bool {
        let below = self.failed().is_none_or(|failed| gap < failed);
        match self.stage {
            Stage::Learn | Stage::Regrow => gap > self.proven && below,
            Stage::Hold { .. } => {
                [self.look(), self.suspicion()].into_iter().flatten().any(|look| within(gap, look, 0.001))
            }
            Stage::Doubt { .. } => true,
        }
    }

    /// What tells whether an end that said nothing was the timeout: the
    /// interval, which is longer.
    fn suspicion(&self) -> Option<Duration> {
        let suspected = self.suspected()?;
        let tested = self.held().max(suspected.mul_f64(1.05));
        Some(tested.min(self.heartbeat.max))
    }

    /// Whether scouts have more to test while learning.
    pub(super) fn survey_goes_on(&self) -> bool {
        self.next_of_survey(&[]).is_some()
    }

    fn next_of_survey(&self, under_way: &[Duration]) -> Option<Duration> {
        match self.failed() {
            None => self.next_of_climb(under_way),
            Some(failed) => self.next_inside(failed, under_way),
        }
    }

    fn next_of_climb(&self, under_way: &[Duration]) -> Option<Duration> {
        let heartbeat = &self.heartbeat;
        let first = heartbeat.unit(FIRST).clamp(heartbeat.min, heartbeat.max);
        let highest = under_way.iter().copied().fold(self.proven, Duration::max);
        if highest >= heartbeat.max.mul_f64(NEAR_THE_TOP) {
            return None;
        }
        let next = if highest < first.mul_f64(0.98) { first } else { highest.mul_f64(GROWTH) };
        Some(next.min(heartbeat.max))
    }

    /// Three points between what is proven and what failed, in even ratios.
    fn next_inside(&self, failed: Duration, under_way: &[Duration]) -> Option<Duration> {
        let low = self.proven.max(self.heartbeat.min.mul_f64(0.9));
        let ratio = failed.as_secs_f64() / low.as_secs_f64();
        if ratio <= NARROW {
            return None;
        }
        let step = ratio.powf(0.25);
        (1..=3)
            .map(|point| self.just_below_liked(low.mul_f64(step.powi(point)), step))
            .find(|point| under_way.iter().all(|other| !near(*point, *other, step)))
    }

    /// `gap`, or just below a timeout that the world likes if one lies within
    /// half a step of it.
    fn just_below_liked(&self, gap: Duration, step: f64) -> Duration {
        LIKED
            .iter()
            .map(|&secs| self.heartbeat.unit(Duration::from_secs(secs)).mul_f64(BELOW))
            .find(|&liked| near(gap, liked, step))
            .unwrap_or(gap)
    }
}

/// Whether two gaps lie within half a step of each other.
fn near(a: Duration, b: Duration, step: f64) -> bool {
    let ratio = a.as_secs_f64() / b.as_secs_f64();
    let half = step.sqrt();
    ratio < half && ratio > 1.0 / half
}
