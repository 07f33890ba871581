//! What a prober knows, to be kept, and how far it trusts what was kept.

use std::time::Duration;

use super::{Failed, HELD, Prober, ProberState, RECHECKS_RAREST, RECHECKS_RAREST_SCOUTS, first_recheck};
use crate::keeper::config::{Heartbeat, Mode};
use crate::keeper::moment::Moment;
use crate::keeper::path::learned::{LONGEST, Learned, MOST_DROPS, Recalled};

/// Unseen for longer, a path is trusted with half of what is known of it.
const UNSEEN: Duration = Duration::from_secs(7 * 24 * 3600);
/// A look that is due waits at least this long after a start: those who start
/// together with the same memory must not all look at once.
const LOOK_SETTLES: Duration = Duration::from_secs(3600);
/// A gap is tried again no closer to the one that failed than this.
const BELOW_FAILED: f64 = 0.97;

/// What a prober has of what was kept, beside its own books.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// The gap that used to survive and was not seen to for long: the next to
    /// try.
    goal: Option<Duration>,
    /// When each drop that was spent before stops counting.
    spent: Vec<Moment>,
    /// A gap that failed, longer than any that this heartbeat tries.
    beyond: Option<Failed>,
}

impl Hints {
    /// The gap to try first.
    pub(super) fn next_try(&self, proven: Duration, failed: Option<Duration>) -> Option<Duration> {
        self.goal.filter(|&goal| goal > proven && failed.is_none_or(|failed| goal < failed))
    }

    /// How many drops that were spent before still count.
    pub(super) fn spent(&self, now: Moment) -> usize {
        self.spent.iter().filter(|&&until| now < until).count()
    }
}

/// The parts of what is known that are worth telling when they change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::keeper) struct Summary {
    pub(in crate::keeper) proven: Duration,
    /// What failed, and whether that is ambiguous.
    pub(in crate::keeper) failed: Option<(Duration, bool)>,
    pub(in crate::keeper) rechecks_failed: u32,
}

impl Prober {
    /// Whether there is anything to learn at all.
    pub(in crate::keeper) fn learns(&self) -> bool {
        match self.heartbeat.mode {
            Mode::Learns(_) => true,
            Mode::Fixed | Mode::Off => false,
        }
    }

    /// Forgets what was learned: the path is another. What the application
    /// and the server allow stays.
    pub(in crate::keeper) fn begin_anew(&mut self) {
        *self = Prober { alone: self.alone, calm: self.calm, ..Prober::new(self.heartbeat.clone()) };
    }

    /// Whether the gap that used to survive is still to be tried again.
    pub(in crate::keeper) fn regains(&self) -> bool {
        !self.has_scouts() && self.hints.next_try(self.proven, self.failed()).is_some()
    }

    /// What is known, in short; `None` while it is doubted or regained, or
    /// not worth a word.
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

    /// What is known, in full. How links end there is not the prober's to
    /// say.
    pub(in crate::keeper) fn learned(&self, now: Moment) -> Learned {
        let within = first_recheck(&self.heartbeat);
        let own = self.drops.iter().map(|&drop| now.since(drop));
        let before = self.hints.spent.iter().filter(|&&until| now < until);
        let before = before.map(|until| within.saturating_sub(until.since(now)));
        let mut drops: Vec<_> = own.chain(before).filter(|&age| age <= within.min(LONGEST)).collect();
        // No more than is taken back, and of those the latest.
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

    /// Begins with what was known of the path. What was observed since the
    /// start wins where the two contradict each other. False if nothing came
    /// of it.
    pub(in crate::keeper) fn recall(&mut self, recalled: &Recalled, now: Moment) -> bool {
        let Recalled { learned, age } = recalled;
        match self.stage {
            ProberState::Learn | ProberState::Hold { .. } => {}
            // A link has died here: what was known is in question.
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
            let least = self.heartbeat.unit(LOOK_SETTLES);
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

    /// The limits may be others: nothing beyond the longest gap is tried, held or
    /// doubted, and what failed there is only kept in mind.
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

    /// How often a look has failed in a row, by how far apart looks are.
    fn rechecks_failed(&self) -> u32 {
        let times = self.recheck_after.as_secs_f64() / first_recheck(&self.heartbeat).as_secs_f64();
        (times.round() as u32).max(1).ilog2()
    }

    fn recall_looks(&mut self, failed: u32) {
        let rarest = if self.has_scouts() { RECHECKS_RAREST_SCOUTS } else { RECHECKS_RAREST };
        self.recheck_after = first_recheck(&self.heartbeat) * rarest.min(1 << failed.min(16));
    }
}

/// No gap longer than this is of any use to `heartbeat`.
fn longest(heartbeat: &Heartbeat) -> Duration {
    heartbeat.max.mul_f64(1.02)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::Dice;
    use crate::keeper::config::Probing;
    use crate::keeper::link::{Pace, Proof};
    use crate::keeper::path::Observation;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn now() -> Moment {
        Moment::ORIGIN + secs(1000)
    }

    fn recalling(heartbeat: Heartbeat, learned: Learned, age: Duration) -> Prober {
        let mut prober = Prober::new(heartbeat);
        assert!(prober.recall(&Recalled::new(learned, age), now()));
        prober
    }

    fn known() -> Learned {
        Learned { drops: vec![DAY], recheck_in: Some(3 * DAY), ..Learned::new(secs(96)).failed(secs(115)) }
    }

    #[test]
    fn a_known_path_is_held_at_once() {
        let prober = recalling(Heartbeat::adaptive(), known(), DAY);
        assert_eq!(prober.interval(now()), Some(secs(96).mul_f64(HELD)));
        let mut dice = Dice::new(1);
        // The look comes when it was due.
        let look = now() + 2 * DAY;
        assert!(prober.pace(&mut dice, now() + (2 * DAY - secs(1))).is_some_and(|pace| !pace.is_try));
        let looking = Pace { after: secs(115).mul_f64(1.02), is_try: true };
        assert_eq!(prober.pace(&mut dice, look), Some(looking));
    }

    #[test]
    fn what_is_kept_and_recalled_at_once_is_the_same() {
        let prober = recalling(Heartbeat::adaptive(), known(), Duration::ZERO);
        assert_eq!(prober.learned(now()), known());
        let later = now() + DAY;
        let aged = Learned { drops: vec![2 * DAY], recheck_in: Some(2 * DAY), ..known() };
        assert_eq!(prober.learned(later), aged);
    }

    #[test]
    fn learning_goes_on_where_it_stopped() {
        let prober = recalling(Heartbeat::adaptive(), Learned::new(secs(68)), DAY);
        assert_eq!(prober.interval(now()), Some(secs(115)));
    }

    #[test]
    fn what_was_not_seen_for_a_week_starts_at_half() {
        let mut prober = recalling(Heartbeat::adaptive(), known(), 7 * DAY + secs(1));
        assert_eq!(prober.proven(), secs(48));
        assert_eq!(prober.interval(now()), Some(secs(48).mul_f64(HELD)));
        // Answered there, what used to survive is tried once; then it is held
        // as before, and what failed is looked at after a day.
        prober.learn(Observation::Survived { gap: secs(44), proof: Proof::BeatAnswered }, now());
        assert_eq!(prober.interval(now()), Some(secs(96)));
        prober.learn(Observation::Survived { gap: secs(96), proof: Proof::BeatAnswered }, now());
        assert_eq!(prober.interval(now()), Some(secs(96).mul_f64(HELD)));
        let learned = prober.learned(now());
        assert_eq!((learned.ambiguous, learned.recheck_in), (true, Some(DAY)));
        assert_eq!(recalling(Heartbeat::adaptive(), known(), 7 * DAY).proven(), secs(96));
    }

    #[test]
    fn half_of_what_was_known_may_be_too_much_and_is_halved_again() {
        let mut prober = recalling(Heartbeat::adaptive(), known(), 30 * DAY);
        prober.learn(Observation::Expired { gap: secs(44) }, now());
        let quarter = secs(48).mul_f64(HELD) / 2;
        assert_eq!(prober.interval(now()), Some(quarter));
    }

    #[test]
    fn the_present_limits_are_respected() {
        let far = Learned::new(secs(1672)).failed(secs(2126));
        let prober = recalling(Heartbeat::adaptive(), far.clone(), DAY);
        assert_eq!(prober.interval(now()), Some(secs(285).mul_f64(HELD)));
        // What this heartbeat cannot use is not forgotten for that.
        assert_eq!(prober.learned(now()), far);
        for age in [DAY, 30 * DAY] {
            let mut prober = recalling(Heartbeat::adaptive(), far.clone(), age);
            for _ in 0..8 {
                let interval = prober.interval(now()).unwrap();
                assert!(interval <= secs(285), "{interval:?}");
                prober.learn(Observation::Survived { gap: interval, proof: Proof::BeatAnswered }, now());
            }
            assert_eq!(prober.interval(now()), Some(secs(285).mul_f64(HELD)));
        }
        let near = Learned::new(secs(4)).failed(secs(5));
        let prober = recalling(Heartbeat::adaptive(), near, DAY);
        assert_eq!(prober.interval(now()), Some(secs(10)));
    }

    #[test]
    fn what_was_observed_meanwhile_wins() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(Observation::Survived { gap: secs(130), proof: Proof::BeatAnswered }, now());
        assert!(prober.recall(&Recalled::new(known(), DAY), now()));
        assert_eq!((prober.proven(), prober.failed()), (secs(130), None));

        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(Observation::Survived { gap: secs(27), proof: Proof::BeatAnswered }, now());
        prober.learn(Observation::Expired { gap: secs(34) }, now());
        assert!(prober.recall(&Recalled::new(known(), DAY), now()));
        assert_eq!((prober.proven(), prober.failed()), (secs(27), Some(secs(34))));

        // Where both can be true, both count.
        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(Observation::Survived { gap: secs(27), proof: Proof::BeatAnswered }, now());
        assert!(prober.recall(&Recalled::new(known(), DAY), now()));
        assert_eq!((prober.proven(), prober.failed()), (secs(96), Some(secs(115))));
    }

    #[test]
    fn drops_that_were_spent_count_until_their_week_is_over() {
        let wide = Learned { drops: vec![secs(60); 3], ..Learned::new(secs(149)).failed(secs(288)) };
        let heartbeat = || Heartbeat::frugal();
        let spent = recalling(heartbeat(), wide.clone(), DAY);
        assert_eq!(spent.interval(now()), Some(secs(149).mul_f64(HELD)));
        let free = recalling(heartbeat(), Learned { drops: Vec::new(), ..wide }, DAY);
        assert_eq!(free.interval(now()), Some(secs(231)));
        let over = now() + (6 * DAY - secs(60));
        assert_eq!((spent.hints.spent(now()), spent.hints.spent(over)), (3, 0));
        assert_eq!(spent.learned(now()).drops, [DAY + secs(60); 3]);
        assert!(spent.learned(over).drops.is_empty());
    }

    #[test]
    fn scouts_go_on_where_they_stopped() {
        let heartbeat = || Heartbeat::adaptive().probing(Probing::Scout);
        let narrow = Learned { recheck_in: Some(3 * DAY), ..Learned::new(secs(96)).failed(secs(100)) };
        let prober = recalling(heartbeat(), narrow.clone(), DAY);
        assert_eq!(prober.interval(now()), Some(secs(96).mul_f64(HELD)));
        assert_eq!(prober.next_trial(&[], now()), None);
        // With scouts the first look comes after a day at most.
        assert_eq!(prober.next_trial(&[], now() + DAY), Some(secs(102)));
        assert!(recalling(heartbeat(), known(), DAY).next_trial(&[], now()).is_some());

        // Not seen for long, the link in use holds half, and once that is
        // answered scouts look for the rest: nothing is tried on it.
        let mut old = recalling(heartbeat(), narrow, 30 * DAY);
        let half = Some(secs(48).mul_f64(HELD));
        assert_eq!((old.interval(now()), old.next_trial(&[], now())), (half, None));
        old.learn(Observation::Survived { gap: secs(44), proof: Proof::BeatAnswered }, now());
        assert_eq!(old.interval(now()), half);
        let trial = old.next_trial(&[], now()).unwrap();
        assert!(trial > secs(48) && trial < secs(100), "{trial:?}");
        assert!(!old.regains());
    }

    #[test]
    fn looks_that_failed_are_remembered() {
        let often = Learned { rechecks_failed: 2, recheck_in: Some(20 * DAY), ..known() };
        let mut prober = recalling(Heartbeat::adaptive(), often, DAY);
        assert_eq!(prober.learned(now()).recheck_in, Some(19 * DAY));
        // One more, and it is 56 days to the next.
        prober.learn(Observation::Expired { gap: secs(117) }, now() + 19 * DAY);
        let learned = prober.learned(now() + 19 * DAY);
        assert_eq!((learned.rechecks_failed, learned.recheck_in), (3, Some(56 * DAY)));
        let absurd = Learned { rechecks_failed: u32::MAX, ..known() };
        assert_eq!(recalling(Heartbeat::adaptive(), absurd, DAY).learned(now()).rechecks_failed, 3);
    }

    #[test]
    fn of_all_the_drops_the_latest_sixteen_are_kept_and_taken_back() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(Observation::Expired { gap: secs(11) }, now());
        for minute in 0..1_000 {
            prober.spend(1, now() + secs(60 * minute));
            assert!(prober.drops.len() <= 16);
        }
        let later = now() + secs(60 * 1_000);
        let learned = prober.learned(later);
        let ages: Vec<Duration> = (1..=16).map(|minutes| secs(60 * minutes)).collect();
        assert_eq!((learned.drops.clone(), learned.check()), (ages, Ok(())));

        // What was spent before the start counts beside what is spent now.
        let mut prober = Prober::new(Heartbeat::adaptive());
        assert!(prober.recall(&Recalled::new(learned, secs(60)), later));
        for minute in 0..10 {
            prober.spend(1, later + secs(60 * minute));
        }
        let learned = prober.learned(later + secs(60 * 10));
        let ages: Vec<Duration> = (1..=10).chain(12..=17).map(|minutes| secs(60 * minutes)).collect();
        assert_eq!((learned.drops.clone(), learned.check()), (ages, Ok(())));
    }

    #[test]
    fn nonsense_is_not_taken() {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let nonsense = Learned::new(secs(100)).failed(secs(50));
        assert!(!prober.recall(&Recalled::new(nonsense, DAY), now()));
        assert_eq!(prober.interval(now()), Some(secs(27)));
    }
}
