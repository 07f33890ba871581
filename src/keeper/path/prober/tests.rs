//! Exact cases; `properties` has the promises that hold for any path.

mod doubts;
mod ends;
mod recalled;
mod rechecks;

use super::*;
use crate::keeper::config::Growth;
use crate::keeper::link::Proof;
use crate::keeper::path::{Lesson, Observation};
use crate::keeper::{Learned, Recalled};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn survive(prober: &mut Prober, gap: Duration, now: Moment) -> Option<Lesson> {
    prober.learn(Observation::Survived { gap, proof: Proof::BeatAnswered }, now)
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> Moment {
    Moment::ORIGIN + secs(1000)
}

fn expire(prober: &mut Prober, gap: u64, now: Moment) -> Option<Lesson> {
    prober.learn(Observation::Expired { gap: secs(gap) }, now)
}

fn end(prober: &mut Prober, gap: u64, now: Moment) -> Option<Lesson> {
    prober.learn(Observation::EndedIdle { gap: secs(gap) }, now)
}

/// A prober that has proved the one and met with the end of the other.
fn knowing(heartbeat: Heartbeat, proven: u64, failed: u64) -> Prober {
    let mut prober = Prober::new(heartbeat);
    survive(&mut prober, secs(proven), start());
    expire(&mut prober, failed, start());
    prober
}

/// A heartbeat up to an hour, without the ladder's rungs.
fn free() -> Heartbeat {
    Heartbeat::adaptive().max(secs(7200)).growth(Growth::Step(secs(50)))
}

#[test]
fn what_is_held_stays_below_what_is_proven() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let mut dice = Dice::new(7);
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(27), now);
    prober.learn(Observation::Expired { gap: secs(34) }, now);
    prober.learn(Observation::Expired { gap: secs(29) }, now);
    for _ in 0..1000 {
        let pace = prober.pace(&mut dice, now).map(|pace| pace.after);
        // 0.93 of 27 s, at least 2 s less, up to a tenth shorter.
        assert!(pace.is_some_and(|pace| pace <= secs(25) && pace >= secs(25).mul_f64(0.9)), "{pace:?}");
    }
}

#[test]
fn with_a_shorter_longest_gap_nothing_beyond_it_is_tried_or_held() {
    let max = secs(285);
    let now = Moment::ORIGIN + secs(1000);
    for probing in [Probing::Main, Probing::Scout] {
        let known = |failed| {
            let mut prober = Prober::new(Heartbeat::frugal().probing(probing));
            survive(&mut prober, secs(404), now);
            prober.learn(Observation::Expired { gap: failed }, now);
            prober
        };
        let mut learning = known(secs(579));
        let mut doubting = known(secs(420));
        doubting.learn(Observation::Expired { gap: secs(370) }, now);
        let mut old = Prober::new(Heartbeat::frugal().probing(probing));
        let week = RECHECK_AFTER + secs(1);
        assert!(
            old.recall(&crate::keeper::Recalled::new(crate::keeper::Learned::new(secs(1167)), week), now)
        );
        for prober in [&mut learning, &mut doubting, &mut old] {
            prober.set_heartbeat(Heartbeat::adaptive().probing(probing), now);
            for step in 0..8 {
                let interval = prober.interval(now).unwrap();
                assert!(interval <= max, "{interval:?} in step {step}: {prober:?}");
                let trial = prober.next_trial(&[], now);
                assert!(trial.is_none_or(|gap| gap <= max), "{trial:?} in step {step}: {prober:?}");
                survive(prober, trial.unwrap_or(interval), now);
            }
            assert_eq!(prober.interval(now), Some(max.mul_f64(HELD)));
        }
        // The failed gap is not forgotten for that.
        learning.set_heartbeat(Heartbeat::frugal().probing(probing), now);
        assert_eq!(learning.failed(), Some(secs(579)));
    }
}

#[test]
fn what_is_known_can_always_be_kept() {
    let heartbeat = Heartbeat::adaptive().recheck_after(secs(200 * 24 * 3600));
    let mut prober = Prober::new(heartbeat);
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(96), now);
    prober.learn(Observation::Expired { gap: secs(100) }, now);
    prober.learn(Observation::Expired { gap: secs(102) }, now);
    assert_eq!(prober.learned(now).check(), Ok(()));
}

#[test]
fn a_third_drop_in_seven_days_ends_learning_until_the_first_is_older() {
    let mut prober = knowing(free(), 60, 7000);
    let middle = |low: f64, high: f64| Duration::from_secs_f64(low).mul_f64((high / low).sqrt());
    assert_eq!(prober.interval(start()), Some(middle(60.0, 7000.0)));
    expire(&mut prober, 600, start() + DAY);
    assert_eq!(prober.interval(start() + DAY), Some(middle(60.0, 600.0)));
    expire(&mut prober, 190, start() + 2 * DAY);
    let held = Some(secs(60).mul_f64(HELD));
    assert_eq!(prober.interval(start() + 2 * DAY), held, "three were spent");
    prober.set_heartbeat(free().misses(4), start() + 7 * DAY);
    assert_eq!(prober.interval(start() + 7 * DAY), held, "a drop counts for seven days");
    let later = start() + 7 * DAY + secs(1);
    prober.set_heartbeat(free(), later);
    assert_eq!(prober.interval(later), Some(middle(60.0, 190.0)));
}

#[test]
fn another_scale_begins_anew() {
    let mut prober = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    prober.set_calm(true);
    prober.set_alone(true, start());
    prober.set_heartbeat(Heartbeat::adaptive().scaled(2.0).probing(Probing::Scout), start());
    assert!(!prober.has_scouts(), "they stay refused");
    prober.set_heartbeat(Heartbeat::adaptive().scaled(2.0), start());
    assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    let pace = prober.pace(&mut Dice::new(1), start());
    assert!(pace.is_some_and(|pace| !pace.is_try), "it stays calm");
}

#[test]
fn a_longer_longest_gap_is_learned_up_to() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(285), start());
    assert_eq!(prober.interval(start()), Some(secs(285).mul_f64(HELD)));
    prober.set_heartbeat(Heartbeat::frugal(), start());
    assert_eq!(prober.interval(start()), Some(secs(338)));
}

#[test]
fn while_calm_what_is_proven_is_held_and_no_look_is_taken() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let mut dice = Dice::new(1);
    survive(&mut prober, secs(58), start());
    assert_eq!(prober.pace(&mut dice, start()), Some(Pace { after: secs(68), is_try: true }));
    prober.set_calm(true);
    assert_eq!(prober.interval(start()), Some(secs(58).mul_f64(HELD)));
    assert!(prober.pace(&mut dice, start()).is_some_and(|pace| !pace.is_try && pace.after < secs(58)));
    prober.set_calm(false);
    expire(&mut prober, 68, start());
    prober.set_calm(true);
    let recheck = start() + 7 * DAY;
    assert!(prober.pace(&mut dice, recheck).is_some_and(|pace| !pace.is_try));
    prober.set_calm(false);
    assert!(prober.pace(&mut dice, recheck).is_some_and(|pace| pace.is_try));
}

#[test]
fn idleness_begins_at_nearly_half_of_the_held_interval() {
    let prober = knowing(Heartbeat::adaptive(), 100, 105);
    let idle = |prober: &Prober, millis| prober.is_idleness(Duration::from_millis(millis), start());
    // 0.45 of 93 s.
    assert_eq!([41_800, 41_900].map(|gap| idle(&prober, gap)), [false, true]);
    let short = Prober::new(Heartbeat::fixed(secs(10)));
    assert_eq!([8_900, 9_000].map(|gap| idle(&short, gap)), [false, true]);
}

#[test]
fn what_is_shorter_than_any_interval_teaches_nothing() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let least = Duration::from_millis(9_000);
    for gap in [least - Duration::from_nanos(1), secs(1)] {
        prober.learn(Observation::Expired { gap }, start());
        prober.learn(Observation::Forgotten { gap }, start());
        prober.learn(Observation::EndedIdle { gap }, start());
        assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    }
    for observation in [
        Observation::Expired { gap: least },
        Observation::Forgotten { gap: least },
        Observation::EndedIdle { gap: least },
    ] {
        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(observation, start());
        assert_eq!(prober.failed(), Some(least), "{observation:?}");
    }
}

#[test]
fn a_fixed_interval_learns_nothing() {
    let mut prober = Prober::new(Heartbeat::fixed(secs(40)));
    survive(&mut prober, secs(100), start());
    expire(&mut prober, 40, start());
    assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    assert_eq!(prober.interval(start()), Some(secs(40)));
    assert_eq!(prober.pace(&mut Dice::new(1), start()), Some(Pace { after: secs(40), is_try: false }));
    assert!(!prober.learns());
    let off = Prober::new(Heartbeat::off());
    assert_eq!((off.interval(start()), off.pace(&mut Dice::new(1), start())), (None, None));
}

#[test]
fn what_was_forgotten_costs_no_link_and_counts_as_no_drop() {
    let mut prober = Prober::new(free());
    survive(&mut prober, secs(60), start());
    for gap in [7000, 600, 190] {
        prober.learn(Observation::Forgotten { gap: secs(gap) }, start());
    }
    assert!(prober.learned(start()).drops.is_empty());
    let middle = secs(60).mul_f64((190.0_f64 / 60.0).sqrt());
    assert_eq!(prober.interval(start()), Some(middle), "it learns on");
    let scouts = knowing(Heartbeat::adaptive().probing(Probing::Scout), 60, 100);
    assert!(scouts.learned(start()).drops.is_empty(), "nor does what a scout met with");
}

#[test]
fn what_failed_is_disproved_by_a_gap_just_above_it() {
    for (gap, disproved) in [(100_900, false), (101_000, true)] {
        let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
        survive(&mut prober, Duration::from_millis(gap), start());
        assert_eq!(prober.failed().is_none(), disproved, "{gap} ms");
    }
    // At the longest gap it is enough that it survives.
    let mut prober = knowing(Heartbeat::adaptive(), 231, 285);
    survive(&mut prober, secs(285), start());
    assert_eq!(prober.failed(), None);
}

#[test]
fn the_shortest_of_several_gaps_that_failed_counts() {
    let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
    survive(&mut prober, secs(60), start());
    expire(&mut prober, 150, start());
    expire(&mut prober, 200, start());
    assert_eq!(prober.failed(), Some(secs(150)));
    expire(&mut prober, 100, start());
    assert_eq!(prober.failed(), Some(secs(100)));
}

#[test]
fn near_the_shortest_interval_the_margin_gives_way_and_the_part_does_not() {
    let held = |proven| knowing(Heartbeat::adaptive(), proven, 40).held();
    assert_eq!(held(30), secs(30).mul_f64(HELD).min(secs(28)));
    assert_eq!(held(20), secs(18), "two seconds less");
    assert_eq!(held(11), secs(10));
    assert_eq!(held(10), secs(10).mul_f64(HELD));
    // No gap is proven.
    assert_eq!(Prober::new(Heartbeat::adaptive()).held(), secs(27));
    assert_eq!(knowing(Heartbeat::adaptive(), 9, 40).held(), secs(10));
    assert_eq!(Prober::new(Heartbeat::adaptive().probing(Probing::Scout)).held(), secs(10));
}

#[test]
fn what_is_worth_a_word_is_a_failure_or_nearly_the_first_interval() {
    let summary = |prober: &Prober| prober.summary().map(|summary| (summary.proven, summary.failed));
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(25), start());
    assert_eq!(summary(&prober), None);
    survive(&mut prober, Duration::from_millis(25_110), start());
    assert_eq!(summary(&prober), Some((Duration::from_millis(25_110), None)));
    let mut failed = Prober::new(Heartbeat::adaptive());
    expire(&mut failed, 27, start());
    assert_eq!(summary(&failed), Some((Duration::ZERO, Some((secs(27), false)))));
    let mut doubting = knowing(Heartbeat::adaptive(), 96, 100);
    expire(&mut doubting, 88, start());
    assert_eq!(summary(&doubting), None);
    survive(&mut doubting, secs(88), start());
    assert_eq!(summary(&doubting), Some((secs(96), Some((secs(100), false)))));
}

#[test]
fn a_new_path_has_the_applications_and_the_servers_word_still() {
    let mut prober = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    prober.set_alone(true, start());
    prober.set_calm(true);
    prober.begin_anew();
    assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    assert!(!prober.has_scouts() && prober.calm);
}
