//! Which gaps scouts test.
//!
//! While no gap has failed, gaps grow by [`GROWTH`] and up to three are
//! tested at once, so that the whole climb takes little longer than its last
//! gap. Once one has failed, three points between it and the proven gap are
//! tested at once, until the two are close. One scout tests a doubt
//! while the link in use holds half. One scout rechecks above the failed gap.

use std::time::Duration;

use super::{Prober, ProberState, within};
use crate::keeper::moment::Moment;

/// Scouts at once, at most.
pub(in crate::keeper) const SCOUTS: usize = 3;
/// The first gap that is tested: 14 s.
const FIRST: Duration = Duration::from_secs(14);
/// Each gap of the climb is this many times the one before.
const GROWTH: f64 = 1.4;
/// A bracket is narrow enough below this factor.
const NARROW: f64 = 1.06;
/// A gap that reaches this part of the longest gap ends the climb.
const NEAR_THE_TOP: f64 = 0.97;
/// Idle timeouts that are common in the world, in seconds. A gap that would be
/// tested near one of them is tested just below it instead.
const LIKED: [u64; 19] =
    [30, 45, 55, 60, 65, 90, 100, 120, 180, 240, 300, 350, 480, 600, 900, 1200, 1800, 3600, 7200];
/// The factor for just below: the beat and its way take a moment.
const BELOW: f64 = 0.985;

impl Prober {
    /// The next gap that a scout may test at `now`, beside the gaps that other
    /// scouts test already.
    pub(in crate::keeper) fn next_trial(&self, under_way: &[Duration], now: Moment) -> Option<Duration> {
        if !self.has_scouts() || self.calm || under_way.len() >= SCOUTS {
            return None;
        }
        match self.stage {
            ProberState::Learn | ProberState::Regrow => self.next_for_scouts(under_way),
            ProberState::Hold { .. } if !under_way.is_empty() => None,
            ProberState::Hold { recheck_at } => match self.suspicion() {
                Some(gap) => Some(gap),
                None => self.recheck_gap().filter(|_| now >= recheck_at),
            },
            ProberState::Doubt { .. } => self.doubted_last().filter(|_| under_way.is_empty()),
        }
    }

    /// When [`next_trial`](Prober::next_trial) may have another answer without a
    /// new observation.
    pub(in crate::keeper) fn next_trial_at(&self) -> Option<Moment> {
        match self.stage {
            ProberState::Hold { recheck_at } if self.has_scouts() && !self.calm && self.failed.is_some() => {
                Some(recheck_at)
            }
            ProberState::Hold { .. }
            | ProberState::Learn
            | ProberState::Doubt { .. }
            | ProberState::Regrow => None,
        }
    }

    /// Whether the gap that a scout tests is still unknown.
    pub(in crate::keeper) fn is_open(&self, gap: Duration) -> bool {
        let below = self.failed().is_none_or(|failed| gap < failed);
        match self.stage {
            ProberState::Learn | ProberState::Regrow => gap > self.proven && below,
            ProberState::Hold { .. } => [self.recheck_gap(), self.suspicion()]
                .into_iter()
                .flatten()
                .any(|open| within(gap, open, 0.001)),
            ProberState::Doubt { .. } => true,
        }
    }

    /// The gap that tells whether an end that said nothing was the timeout: the
    /// interval, which is longer.
    fn suspicion(&self) -> Option<Duration> {
        let suspected = self.suspected()?;
        let tested = self.held().max(suspected.mul_f64(1.05));
        Some(tested.min(self.heartbeat.max))
    }

    /// Whether scouts have more to test while learning.
    pub(super) fn has_gaps_for_scouts(&self) -> bool {
        self.next_for_scouts(&[]).is_some()
    }

    fn next_for_scouts(&self, under_way: &[Duration]) -> Option<Duration> {
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

    /// Three points between the proven gap and the failed one, in even ratios.
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

    /// `gap`, or just below a common timeout if one lies within
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::config::{Heartbeat, Probing};
    use crate::keeper::link::Proof;
    use crate::keeper::path::Observation;

    fn secs(secs: f64) -> Duration {
        Duration::from_secs_f64(secs)
    }

    fn now() -> Moment {
        Moment::ORIGIN + secs(1000.0)
    }

    /// A prober whose scouts proved one gap and met with the end of the other.
    fn knowing(proven: f64, failed: Option<f64>) -> Prober {
        let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
        if proven > 0.0 {
            prober.learn(Observation::Survived { gap: secs(proven), proof: Proof::BeatAnswered }, now());
        }
        if let Some(failed) = failed {
            prober.learn(Observation::Expired { gap: secs(failed) }, now());
        }
        prober
    }

    /// The next gap in seconds, to a hundredth.
    fn next(prober: &Prober, under_way: &[f64]) -> Option<f64> {
        let under_way: Vec<Duration> = under_way.iter().map(|&gap| secs(gap)).collect();
        prober.next_trial(&under_way, now()).map(|gap| (gap.as_secs_f64() * 100.0).round() / 100.0)
    }

    #[test]
    fn the_climb_begins_at_14_s_and_grows_by_two_fifths_three_at_once() {
        let nothing = knowing(0.0, None);
        assert_eq!(next(&nothing, &[]), Some(14.0));
        assert_eq!(next(&nothing, &[14.0]), Some(19.6));
        assert_eq!(next(&nothing, &[14.0, 19.6]), Some(27.44));
        assert_eq!(next(&nothing, &[14.0, 19.6, 27.44]), None);
        assert_eq!(next(&knowing(13.7, None), &[]), Some(14.0));
        // A gap within a fiftieth of the first is the first.
        assert_eq!(next(&knowing(13.72, None), &[]), Some(19.21));
        assert_eq!(next(&knowing(100.0, None), &[]), Some(140.0));
        assert_eq!(next(&knowing(100.0, None), &[90.0]), Some(140.0));
    }

    #[test]
    fn the_climb_ends_near_the_longest_gap() {
        assert_eq!(next(&knowing(210.0, None), &[]), Some(285.0));
        assert_eq!(next(&knowing(276.4, None), &[]), Some(285.0));
        assert_eq!(next(&knowing(276.45, None), &[]), None);
        assert_eq!(next(&knowing(210.0, None), &[285.0]), None);
    }

    #[test]
    fn three_points_inside_a_bracket_are_tested_at_once() {
        let bracket = knowing(100.0, Some(180.0));
        // 115.8 is near 120, and becomes just below it.
        assert_eq!(next(&bracket, &[]), Some(118.2));
        assert_eq!(next(&bracket, &[118.2]), Some(134.16));
        assert_eq!(next(&bracket, &[118.2, 134.16]), Some(155.4));
        // A point that another is near is tested already.
        assert_eq!(next(&bracket, &[110.0]), Some(134.16));
        assert_eq!(next(&bracket, &[109.0]), Some(118.2));
        assert_eq!(next(&bracket, &[127.0]), Some(155.4), "it is near two of them");
        assert_eq!(next(&bracket, &[128.0]), Some(118.2));
        // With nothing proven from 0.9 of the shortest interval on.
        assert_eq!(next(&knowing(0.0, Some(18.0)), &[]), Some(10.7));
    }

    #[test]
    fn a_bracket_narrower_than_a_sixteenth_is_left() {
        assert_eq!(next(&knowing(100.0, Some(106.0)), &[]), None);
        assert_eq!(next(&knowing(100.0, Some(107.0)), &[]), Some(101.71));
    }

    #[test]
    fn near_is_within_half_a_step_either_way() {
        // The root of 1.21 is 1.1.
        let near = |a, b| near(secs(a), secs(b), 1.21);
        assert_eq!([near(109.9, 100.0), near(110.1, 100.0)], [true, false]);
        assert_eq!([near(91.0, 100.0), near(90.9, 100.0)], [true, false]);
        assert_eq!([near(1.1, 1.0), near(100.0, 100.0)], [false, true]);
        // Half a step to the bit.
        assert_eq!(
            [super::near(secs(2.0), secs(1.0), 4.0), super::near(secs(1.0), secs(2.0), 4.0)],
            [false; 2]
        );
    }

    #[test]
    fn a_gap_is_open_while_it_lies_inside_the_bracket() {
        let climbing = knowing(100.0, None);
        let open = |prober: &Prober, gap| prober.is_open(secs(gap));
        assert_eq!(
            [open(&climbing, 100.0), open(&climbing, 100.1), open(&climbing, 900.0)],
            [false, true, true]
        );
        let bracket = knowing(100.0, Some(180.0));
        assert_eq!([100.0, 100.1, 179.9, 180.0].map(|gap| open(&bracket, gap)), [false, true, true, false]);
    }

    #[test]
    fn what_is_held_is_looked_at_by_one_scout_when_the_look_is_due() {
        let held = knowing(100.0, Some(105.0));
        let day = secs(24.0 * 3600.0);
        let recheck = secs(105.0).mul_f64(1.02);
        assert_eq!(held.next_trial_at(), Some(now() + day));
        assert_eq!(held.next_trial(&[], now() + (day - secs(1.0))), None);
        assert_eq!(held.next_trial(&[], now() + day), Some(recheck));
        assert_eq!(held.next_trial(&[recheck], now() + day), None);
        assert!(held.is_open(recheck) && !held.is_open(secs(103.0)));
        // No gap failed: there is nothing to recheck.
        assert_eq!(knowing(285.0, None).next_trial_at(), None);
    }

    #[test]
    fn an_end_that_said_nothing_is_tested_at_the_interval() {
        let suspecting = |gap| {
            let mut prober = knowing(100.0, Some(105.0));
            prober.learn(Observation::EndedIdle { gap: secs(gap) }, now());
            prober
        };
        // 0.93 of 100 s is held.
        assert_eq!(next(&suspecting(50.0), &[]), Some(93.0));
        assert_eq!(next(&suspecting(95.0), &[]), Some(99.75));
        assert_eq!(next(&suspecting(95.0), &[99.75]), None);
        assert!(suspecting(95.0).is_open(secs(99.75)) && !suspecting(95.0).is_open(secs(97.0)));
        let mut top = knowing(285.0, None);
        top.learn(Observation::EndedIdle { gap: secs(280.0) }, now());
        assert_eq!(next(&top, &[]), Some(285.0));
    }

    #[test]
    fn a_doubt_is_tested_by_one_scout() {
        let mut prober = knowing(100.0, Some(105.0));
        prober.learn(Observation::Expired { gap: secs(90.0) }, now());
        assert_eq!((next(&prober, &[]), next(&prober, &[90.0])), (Some(90.0), None));
        assert!(prober.is_open(secs(90.0)));
        assert_eq!(prober.next_trial_at(), None);
    }

    #[test]
    fn nothing_is_tested_in_the_foreground_or_without_scouts() {
        let mut prober = knowing(100.0, Some(105.0));
        prober.set_calm(true);
        assert_eq!((next(&prober, &[]), prober.next_trial_at()), (None, None));
        let mut climbing = knowing(100.0, None);
        climbing.set_calm(true);
        assert_eq!(next(&climbing, &[]), None);
        climbing.set_calm(false);
        climbing.set_alone(true, now());
        assert_eq!(next(&climbing, &[]), None);
        let mut alone = knowing(100.0, Some(105.0));
        alone.set_alone(true, now());
        assert_eq!((next(&alone, &[]), alone.next_trial_at()), (None, None));
    }
}
