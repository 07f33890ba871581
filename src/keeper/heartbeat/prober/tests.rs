//! Exact cases; `properties` has what holds for any.

use super::*;
use crate::keeper::heartbeat::{Evidence, Growth, Lesson, Proof};
use crate::keeper::{Learned, Recalled};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn survive(prober: &mut Prober, gap: Duration, now: Moment) -> Option<Lesson> {
    prober.learn(Evidence::Survived { gap, proof: Proof::BeatAnswered }, now)
}

#[test]
fn a_wrong_failure_at_the_longest_gap_is_undone_by_a_look() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let mut dice = Dice::new(1);
    let begin = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(149), begin);
    // An outage that looked like an expiry.
    prober.learn(Evidence::Expired { gap: secs(285) }, begin);
    survive(&mut prober, secs(231), begin);
    assert_eq!(prober.interval(begin), Some(secs(231).mul_f64(HELD)));

    let look = begin + LOOK_AFTER;
    assert_eq!(prober.pace(&mut dice, look), Some(Pace { after: secs(285), chosen: true }));
    survive(&mut prober, secs(285), look);
    assert_eq!(prober.failed(), None);
    assert_eq!(prober.interval(look), Some(secs(285).mul_f64(HELD)));
    assert!(prober.pace(&mut dice, look).is_some_and(|pace| !pace.chosen));
}

#[test]
fn one_loss_never_shrinks_the_interval_for_good() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(58), now);
    prober.learn(Evidence::Expired { gap: secs(68) }, now);
    let held = prober.interval(now);
    assert_eq!(prober.learn(Evidence::Expired { gap: secs(53) }, now), None);
    let halved = prober.interval(now);
    assert_eq!(halved, held.map(|held| held / 2));
    survive(&mut prober, halved.unwrap(), now);
    assert_eq!(prober.interval(now), held);
}

#[test]
fn a_doubt_near_the_shortest_interval_does_not_make_it_longer() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    prober.learn(Evidence::Expired { gap: secs(27) }, now);
    survive(&mut prober, secs(10), now);
    prober.learn(Evidence::Expired { gap: secs(11) }, now);
    let held = prober.interval(now);
    assert_eq!(held, Some(secs(10).mul_f64(HELD)));
    prober.learn(Evidence::Expired { gap: secs(10).mul_f64(HELD) }, now);
    assert_eq!(prober.interval(now), held);
}

#[test]
fn a_proven_gap_that_fails_twice_has_shrunk() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(58), now);
    prober.learn(Evidence::Expired { gap: secs(68) }, now);
    prober.learn(Evidence::Expired { gap: secs(53) }, now);
    survive(&mut prober, secs(27), now);
    let lesson = prober.learn(Evidence::Expired { gap: secs(52) }, now);
    assert_eq!(lesson, Some(Lesson::Shrank { failed: secs(52) }));
    assert_eq!(prober.proven(), secs(27));
    // It grows again by a fifth.
    assert_eq!(prober.interval(now), Some(secs(27).mul_f64(1.2)));
}

#[test]
fn what_is_held_stays_below_what_is_proven() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let mut dice = Dice::new(7);
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(27), now);
    prober.learn(Evidence::Expired { gap: secs(34) }, now);
    prober.learn(Evidence::Expired { gap: secs(29) }, now);
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
            prober.learn(Evidence::Expired { gap: failed }, now);
            prober
        };
        let mut learning = known(secs(579));
        let mut doubting = known(secs(420));
        doubting.learn(Evidence::Expired { gap: secs(370) }, now);
        let mut old = Prober::new(Heartbeat::frugal().probing(probing));
        let week = LOOK_AFTER + secs(1);
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
        // What failed is not forgotten for that.
        learning.set_heartbeat(Heartbeat::frugal().probing(probing), now);
        assert_eq!(learning.failed(), Some(secs(579)));
    }
}

#[test]
fn changes_of_settings_do_not_put_a_look_off() {
    for probing in [Probing::Main, Probing::Scout] {
        let heartbeat = Heartbeat::adaptive().probing(probing).look_after(LOOK_AFTER);
        let mut prober = Prober::new(heartbeat.clone());
        let mut now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(96), now);
        prober.learn(Evidence::Expired { gap: secs(100) }, now);
        let look = now + LOOK_AFTER;
        while now < look {
            now = now + LOOK_AFTER / 7;
            prober.set_heartbeat(heartbeat.clone().misses(4), now);
            prober.set_alone(true, now);
            prober.set_alone(false, now);
        }
        let (mut dice, gap) = (Dice::new(1), secs(102));
        match probing {
            Probing::Scout => assert_eq!(prober.next_trial(&[], now), Some(gap)),
            Probing::Main | Probing::Passive | Probing::Fixed | Probing::Off => {
                assert_eq!(prober.pace(&mut dice, now), Some(Pace { after: gap, chosen: true }))
            }
        }
    }
}

#[test]
fn while_a_scout_finds_out_what_an_end_was_the_shortest_interval_is_kept() {
    let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(19), now);
    prober.learn(Evidence::EndedIdle { gap: secs(12) }, now);
    assert!(prober.is_suspected(secs(12)));
    let pace = prober.pace(&mut Dice::new(1), now).unwrap();
    assert_eq!(pace.after, secs(10));
}

#[test]
fn a_scout_that_falls_silent_beyond_an_end_settles_what_that_end_was() {
    let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(100), now);
    prober.learn(Evidence::Expired { gap: secs(106) }, now);
    // A server restarts under a scout; the timeout is 101 s.
    prober.learn(Evidence::EndedIdle { gap: secs(97) }, now);
    let trial = prober.next_trial(&[], now).unwrap();
    assert!(trial > secs(101), "{trial:?}");
    prober.learn(Evidence::Expired { gap: trial }, now);
    assert_eq!(prober.next_trial(&[], now), None, "it is tested once");
    assert!(!prober.is_suspected(secs(97)));
}

#[test]
fn what_is_known_can_always_be_kept() {
    let heartbeat = Heartbeat::adaptive().look_after(secs(200 * 24 * 3600));
    let mut prober = Prober::new(heartbeat);
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(96), now);
    prober.learn(Evidence::Expired { gap: secs(100) }, now);
    prober.learn(Evidence::Expired { gap: secs(102) }, now);
    assert_eq!(prober.learned(now).check(), Ok(()));
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn start() -> Moment {
    Moment::ORIGIN + secs(1000)
}

fn expire(prober: &mut Prober, gap: u64, now: Moment) -> Option<Lesson> {
    prober.learn(Evidence::Expired { gap: secs(gap) }, now)
}

fn end(prober: &mut Prober, gap: u64, now: Moment) -> Option<Lesson> {
    prober.learn(Evidence::EndedIdle { gap: secs(gap) }, now)
}

/// A prober that has proved the one and met with the end of the other.
fn knowing(heartbeat: Heartbeat, proven: u64, failed: u64) -> Prober {
    let mut prober = Prober::new(heartbeat);
    survive(&mut prober, secs(proven), start());
    expire(&mut prober, failed, start());
    prober
}

/// As seldom as an hour, with no rungs of the ladder's.
fn free() -> Heartbeat {
    Heartbeat::adaptive().max(secs(7200)).growth(Growth::Step(secs(50)))
}

#[test]
fn a_gap_that_fails_again_within_two_days_has_shrunk_and_later_it_has_not() {
    for (apart, shrank) in [(2 * DAY, true), (2 * DAY + secs(1), false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
        assert_eq!(expire(&mut prober, 53, start()), None);
        survive(&mut prober, secs(27), start());
        let lesson = expire(&mut prober, 52, start() + apart);
        assert_eq!(lesson.is_some(), shrank, "{apart:?} apart");
    }
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
fn the_first_look_comes_after_seven_days_and_with_scouts_after_one() {
    let mut dice = Dice::new(1);
    let looks = |prober: &Prober, dice: &mut Dice, at| prober.pace(dice, at).is_some_and(|pace| pace.chosen);
    let prober = knowing(Heartbeat::adaptive(), 96, 100);
    assert!(!looks(&prober, &mut dice, start() + (7 * DAY - secs(1))));
    assert!(looks(&prober, &mut dice, start() + 7 * DAY));
    let scouted = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    assert_eq!(scouted.next_trial_at(), Some(start() + DAY));
}

#[test]
fn another_time_of_the_first_look_begins_the_count_of_looks_anew() {
    let weekly = Heartbeat::adaptive().look_after(7 * DAY);
    let mut prober = knowing(weekly.clone(), 96, 100);
    expire(&mut prober, 102, start() + 7 * DAY);
    let now = start() + 7 * DAY;
    assert_eq!(prober.learned(now).looks_failed, 1);
    prober.set_heartbeat(weekly.misses(4), now);
    assert_eq!(prober.learned(now).looks_failed, 1, "the time is the same");
    prober.set_heartbeat(Heartbeat::adaptive().look_after(DAY), now);
    assert_eq!(prober.learned(now).looks_failed, 0);
    assert_eq!(prober.learned(now).look_in, Some(DAY));
}

#[test]
fn another_scale_begins_anew() {
    let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
    prober.set_calm(true);
    prober.set_heartbeat(Heartbeat::scaled(2.0), start());
    assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    let pace = prober.pace(&mut Dice::new(1), start());
    assert!(pace.is_some_and(|pace| !pace.chosen), "it stays calm");
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
    assert_eq!(prober.pace(&mut dice, start()), Some(Pace { after: secs(68), chosen: true }));
    prober.set_calm(true);
    assert_eq!(prober.interval(start()), Some(secs(58).mul_f64(HELD)));
    assert!(prober.pace(&mut dice, start()).is_some_and(|pace| !pace.chosen && pace.after < secs(58)));
    prober.set_calm(false);
    expire(&mut prober, 68, start());
    prober.set_calm(true);
    let look = start() + 7 * DAY;
    assert!(prober.pace(&mut dice, look).is_some_and(|pace| !pace.chosen));
    prober.set_calm(false);
    assert!(prober.pace(&mut dice, look).is_some_and(|pace| pace.chosen));
}

#[test]
fn an_end_is_near_the_timeout_within_a_twentieth() {
    let prober = knowing(Heartbeat::adaptive(), 96, 100);
    let near = |millis| prober.near_failed(Duration::from_millis(millis));
    assert_eq!([94_900, 95_000, 105_000, 105_100].map(near), [false, true, true, false]);
    assert!(!Prober::new(Heartbeat::adaptive()).near_failed(secs(27)), "nothing has failed");
}

#[test]
fn idleness_begins_at_nearly_half_of_what_is_usual_and_nearly_the_shortest_interval() {
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
        prober.learn(Evidence::Expired { gap }, start());
        prober.learn(Evidence::Forgotten { gap }, start());
        prober.learn(Evidence::EndedIdle { gap }, start());
        assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    }
    for evidence in [
        Evidence::Expired { gap: least },
        Evidence::Forgotten { gap: least },
        Evidence::EndedIdle { gap: least },
    ] {
        let mut prober = Prober::new(Heartbeat::adaptive());
        prober.learn(evidence, start());
        assert_eq!(prober.failed(), Some(least), "{evidence:?}");
    }
}

#[test]
fn a_fixed_interval_learns_nothing() {
    let mut prober = Prober::new(Heartbeat::fixed(secs(40)));
    survive(&mut prober, secs(100), start());
    expire(&mut prober, 40, start());
    assert_eq!((prober.proven(), prober.failed()), (Duration::ZERO, None));
    assert_eq!(prober.interval(start()), Some(secs(40)));
    assert_eq!(prober.pace(&mut Dice::new(1), start()), Some(Pace { after: secs(40), chosen: false }));
    assert!(!prober.learns());
    let off = Prober::new(Heartbeat::off());
    assert_eq!((off.interval(start()), off.pace(&mut Dice::new(1), start())), (None, None));
}

#[test]
fn what_was_forgotten_costs_no_link_and_counts_as_no_drop() {
    let mut prober = Prober::new(free());
    survive(&mut prober, secs(60), start());
    for gap in [7000, 600, 190] {
        prober.learn(Evidence::Forgotten { gap: secs(gap) }, start());
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
    // At the longest gap to survive is enough.
    let mut prober = knowing(Heartbeat::adaptive(), 231, 285);
    survive(&mut prober, secs(285), start());
    assert_eq!(prober.failed(), None);
}

#[test]
fn a_restart_taken_for_the_timeout_gives_its_drop_back() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(58), start());
    end(&mut prober, 65, start());
    assert_eq!(prober.learned(start()).drops.len(), 1);
    survive(&mut prober, secs(68), start());
    assert_eq!((prober.failed(), prober.learned(start()).drops.len()), (None, 0));
    assert_eq!(prober.interval(start()), Some(secs(115)));
    // One that a silence told is spent.
    let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
    survive(&mut prober, secs(70), start());
    assert_eq!((prober.failed(), prober.learned(start()).drops.len()), (None, 1));
}

#[test]
fn an_end_seen_once_is_looked_at_after_a_day_and_seen_twice_after_seven() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(58), start());
    assert_eq!(end(&mut prober, 65, start()), Some(Lesson::Learned { proven: secs(65), failed: secs(65) }));
    let learned = prober.learned(start());
    assert_eq!((learned.ambiguous, learned.look_in), (true, Some(DAY)));
    assert_eq!(end(&mut prober, 66, start()), None);
    let learned = prober.learned(start());
    assert_eq!((learned.ambiguous, learned.look_in), (false, Some(7 * DAY)));
    assert_eq!(learned.looks_failed, 0, "it was no look");
}

#[test]
fn two_ends_within_a_fiftieth_below_what_is_proven_are_the_timeout() {
    for (first, second, shrank) in [(50, 51, true), (50, 52, false), (52, 50, false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
        assert_eq!(end(&mut prober, first, start()), None);
        assert!(prober.is_suspected(secs(first)));
        let lesson = end(&mut prober, second, start());
        assert_eq!(lesson, shrank.then_some(Lesson::Shrank { failed: secs(second) }));
        assert_eq!(prober.proven(), secs(if shrank { second } else { 58 }));
        assert_eq!(prober.is_suspected(secs(second)), !shrank);
    }
}

#[test]
fn a_suspicion_ends_where_a_longer_gap_survives_or_falls_silent() {
    let suspecting = || {
        let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
        end(&mut prober, 50, start());
        prober
    };
    let mut prober = suspecting();
    assert!(prober.is_suspected(secs(51)) && !prober.is_suspected(secs(52)));
    survive(&mut prober, Duration::from_millis(50_900), start());
    assert!(prober.is_suspected(secs(50)));
    survive(&mut prober, secs(51), start());
    assert!(!prober.is_suspected(secs(50)));
    let mut prober = suspecting();
    expire(&mut prober, 49, start());
    assert!(prober.is_suspected(secs(50)));
    let mut prober = suspecting();
    expire(&mut prober, 50, start());
    assert!(!prober.is_suspected(secs(50)));
}

#[test]
fn a_doubted_interval_is_halved_and_climbs_back_by_doubling() {
    let mut prober = knowing(Heartbeat::frugal(), 404, 420);
    let held = secs(404).mul_f64(HELD);
    assert_eq!(prober.interval(start()), Some(held));
    expire(&mut prober, 370, start());
    assert_eq!(prober.interval(start()), Some(held / 2));
    // Too short a gap proves nothing; another failure halves again.
    survive(&mut prober, (held / 2).mul_f64(0.89), start());
    assert_eq!(prober.interval(start()), Some(held / 2));
    expire(&mut prober, 187, start());
    assert_eq!(prober.interval(start()), Some(held / 4));
    survive(&mut prober, (held / 4).mul_f64(0.9), start());
    assert_eq!(prober.interval(start()), Some(held / 4 * 2));
    survive(&mut prober, held / 2, start());
    assert_eq!(prober.interval(start()), Some(held));
}

#[test]
fn what_is_doubted_is_held_to_the_full_so_that_the_next_answer_settles_it() {
    let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
    expire(&mut prober, 88, start());
    let pace = prober.pace(&mut Dice::new(1), start());
    assert_eq!(pace, Some(Pace { after: secs(96).mul_f64(HELD) / 2, chosen: false }));
    // What survived half is held again, no shorter than what is doubted.
    survive(&mut prober, secs(45), start());
    for seed in 0..100 {
        let pace = prober.pace(&mut Dice::new(seed), start()).map(|pace| pace.after);
        assert!(pace >= Some(secs(88)), "{pace:?}");
    }
}

#[test]
fn two_failures_that_are_an_eighth_apart_are_two_doubts() {
    for (second, shrank) in [(49, true), (46, false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
        expire(&mut prober, 53, start());
        survive(&mut prober, secs(27), start());
        assert_eq!(expire(&mut prober, second, start()).is_some(), shrank, "{second} s");
    }
}

#[test]
fn what_shrank_grows_again_by_a_fifth_with_one_drop_to_spend() {
    let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
    expire(&mut prober, 53, start());
    survive(&mut prober, secs(27), start());
    expire(&mut prober, 52, start());
    let drops = prober.learned(start()).drops.len();
    let mut grown = secs(27);
    for _ in 0..3 {
        grown = grown.mul_f64(1.2);
        assert_eq!(prober.interval(start()), Some(grown));
        assert_eq!(prober.pace(&mut Dice::new(1), start()), Some(Pace { after: grown, chosen: true }));
        survive(&mut prober, grown, start());
    }
    // 56 s would be beyond 0.98 of what failed.
    assert_eq!(prober.interval(start()), Some(grown.mul_f64(HELD)));
    assert_eq!(prober.learned(start()).look_in, Some(7 * DAY));

    let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
    expire(&mut prober, 53, start());
    survive(&mut prober, secs(27), start());
    expire(&mut prober, 52, start());
    expire(&mut prober, 32, start());
    assert_eq!((prober.failed(), prober.interval(start())), (Some(secs(32)), Some(secs(25))));
    assert_eq!(prober.learned(start()).drops.len(), drops + 1);
}

#[test]
fn looks_that_fail_become_rarer_up_to_eight_times_the_first_and_28_with_scouts() {
    for (probing, first, rarest) in [(Probing::Main, 7 * DAY, 8), (Probing::Scout, DAY, 28)] {
        let mut prober = knowing(Heartbeat::adaptive().probing(probing), 96, 100);
        let mut wait = first;
        assert_eq!(prober.learned(start()).look_in, Some(wait));
        for looks in 1..8 {
            expire(&mut prober, 102, start());
            wait = (wait * 2).min(first * rarest);
            let learned = prober.learned(start());
            assert_eq!(learned.look_in, Some(wait), "after {looks} looks");
        }
        assert_eq!(wait, first * rarest);
    }
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
    // Nothing is proven.
    assert_eq!(Prober::new(Heartbeat::adaptive()).held(), secs(27));
    assert_eq!(knowing(Heartbeat::adaptive(), 9, 40).held(), secs(10));
    assert_eq!(Prober::new(Heartbeat::adaptive().probing(Probing::Scout)).held(), secs(10));
}

#[test]
fn what_an_end_may_mean_covers_the_link_in_use_at_half_of_it() {
    let mut prober = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    end(&mut prober, 60, start());
    assert_eq!(prober.pace(&mut Dice::new(1), start()).map(|pace| pace.after), Some(secs(30)));
    prober.set_alone(true, start());
    let pace = prober.pace(&mut Dice::new(1), start()).map(|pace| pace.after);
    assert!(pace > Some(secs(75)), "{pace:?}");
}

#[test]
fn with_scouts_a_doubt_lasts_until_the_gap_that_failed_is_tested() {
    let doubting = || {
        let mut prober = knowing(Heartbeat::adaptive().probing(Probing::Scout), 100, 105);
        expire(&mut prober, 90, start());
        prober
    };
    let held = secs(100).mul_f64(HELD);
    let mut prober = doubting();
    survive(&mut prober, secs(88), start());
    assert_eq!(prober.interval(start()), Some(held / 2));
    survive(&mut prober, secs(89), start());
    assert_eq!(prober.interval(start()), Some(held));
    // Where none can be sent the link in use finds out by itself.
    let without_scouts: [fn(&mut Prober); 2] =
        [|prober| prober.set_calm(true), |prober| prober.set_alone(true, start())];
    for prepare in without_scouts {
        let mut prober = doubting();
        prepare(&mut prober);
        survive(&mut prober, secs(47), start());
        assert_eq!(prober.interval(start()), Some(held));
    }
}

#[test]
fn an_end_at_the_very_gap_that_is_proven_may_be_a_restart() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(58), start());
    end(&mut prober, 58, start());
    assert_eq!(prober.failed(), None);
    assert!(prober.is_suspected(secs(58)));
}

#[test]
fn what_is_worth_a_word_is_a_failure_or_nearly_the_first_interval() {
    let gist = |prober: &Prober| prober.gist().map(|gist| (gist.proven, gist.failed));
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(25), start());
    assert_eq!(gist(&prober), None);
    survive(&mut prober, Duration::from_millis(25_110), start());
    assert_eq!(gist(&prober), Some((Duration::from_millis(25_110), None)));
    let mut failed = Prober::new(Heartbeat::adaptive());
    expire(&mut failed, 27, start());
    assert_eq!(gist(&failed), Some((Duration::ZERO, Some((secs(27), false)))));
    let mut doubting = knowing(Heartbeat::adaptive(), 96, 100);
    expire(&mut doubting, 88, start());
    assert_eq!(gist(&doubting), None);
    survive(&mut doubting, secs(88), start());
    assert_eq!(gist(&doubting), Some((secs(96), Some((secs(100), false)))));
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

fn recall(prober: &mut Prober, learned: Learned, age: Duration) -> bool {
    prober.recall(&Recalled::new(learned, age), start())
}

fn remembered(proven: u64, failed: u64) -> Learned {
    Learned::new(secs(proven)).failed(secs(failed))
}

#[test]
fn in_a_doubt_or_without_anything_to_learn_nothing_is_recalled() {
    let mut doubting = knowing(Heartbeat::adaptive(), 58, 68);
    expire(&mut doubting, 53, start());
    assert!(!recall(&mut doubting, remembered(200, 240), DAY));
    assert!(!recall(&mut Prober::new(Heartbeat::fixed(secs(60))), remembered(96, 100), DAY));
    assert!(recall(&mut knowing(Heartbeat::adaptive(), 58, 68), remembered(60, 64), DAY));
}

#[test]
fn what_was_proven_once_counts_unless_a_shorter_gap_has_failed_since() {
    for (proven, counts) in [(51_000, true), (51_001, false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 30, 50);
        let learned = Learned::new(Duration::from_millis(proven)).failed(secs(90));
        assert!(recall(&mut prober, learned, DAY));
        assert_eq!(prober.proven() > secs(30), counts, "{proven} ms");
        assert_eq!(prober.failed(), Some(secs(50)));
    }
}

#[test]
fn what_failed_once_counts_where_it_is_shorter_and_nothing_has_survived_it() {
    let mut prober = knowing(Heartbeat::adaptive(), 50, 100);
    recall(&mut prober, remembered(60, 90), DAY);
    assert_eq!(prober.failed(), Some(secs(90)));
    let ambiguous = Learned { ambiguous: true, ..remembered(60, 100) };
    let mut prober = knowing(Heartbeat::adaptive(), 50, 100);
    recall(&mut prober, ambiguous.clone(), DAY);
    assert!(!prober.learned(start()).ambiguous, "it was seen since");
    let mut prober = Prober::new(Heartbeat::adaptive());
    recall(&mut prober, ambiguous, DAY);
    assert!(prober.learned(start()).ambiguous);
    for (survived, failed) in [(99, Some(secs(100))), (100, None)] {
        let mut prober = Prober::new(Heartbeat::adaptive());
        survive(&mut prober, secs(survived), start());
        recall(&mut prober, remembered(60, 100), DAY);
        assert_eq!(prober.failed(), failed);
    }
}

#[test]
fn what_failed_beyond_the_longest_gap_is_only_kept_in_mind() {
    let beyond = |failed| {
        let mut prober = Prober::new(Heartbeat::adaptive().max(secs(100)));
        recall(&mut prober, Learned::new(secs(80)).failed(Duration::from_millis(failed)), DAY);
        prober
    };
    assert_eq!(beyond(102_000).failed(), Some(secs(102)));
    let mut kept = beyond(102_001);
    assert_eq!((kept.failed(), kept.learned(start()).failed), (None, Some(Duration::from_millis(102_001))));
    survive(&mut kept, secs(102), start());
    assert!(kept.learned(start()).failed.is_some());
    survive(&mut kept, Duration::from_millis(102_001), start());
    assert_eq!(kept.learned(start()).failed, None, "it has survived that");

    // The same where the limit comes later, and goes again.
    for (max, fails) in [(100, true), (99, false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 80, 102);
        prober.set_heartbeat(Heartbeat::adaptive().max(secs(max)), start());
        assert_eq!(prober.failed().is_some(), fails);
        prober.set_heartbeat(Heartbeat::adaptive(), start());
        assert_eq!(prober.failed(), Some(secs(102)));
    }
}

#[test]
fn a_doubt_beyond_the_longest_gap_is_forgotten() {
    for (max, doubted) in [(88, Some(secs(88))), (87, None)] {
        let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
        expire(&mut prober, 88, start());
        prober.set_heartbeat(Heartbeat::adaptive().max(secs(max)), start());
        assert_eq!(prober.doubted_last(), doubted);
    }
}

#[test]
fn what_is_regained_is_tried_below_what_failed_and_within_the_limits() {
    const OLD: Duration = Duration::from_secs(8 * 24 * 3600);
    let regaining = |learned: Learned| {
        let mut prober = Prober::new(Heartbeat::adaptive());
        assert!(recall(&mut prober, learned, OLD));
        let held = prober.held();
        survive(&mut prober, held, start());
        prober
    };
    assert_eq!(regaining(remembered(96, 115)).interval(start()), Some(secs(96)));
    assert_eq!(regaining(remembered(96, 97)).interval(start()), Some(secs(97).mul_f64(0.97)));
    assert_eq!(regaining(Learned::new(secs(400))).interval(start()), Some(secs(285)));
    // Half of it must be an interval at all.
    assert!(regaining(remembered(20, 25)).regains());
    let mut short = Prober::new(Heartbeat::adaptive());
    assert!(recall(&mut short, remembered(19, 25), OLD));
    assert!(!short.regains() && short.doubted_last().is_none());
    assert_eq!(short.interval(start()), Some(secs(25).mul_f64(0.5) + secs(5)));
    // More than half was seen since: nothing is held at half.
    let mut prober = Prober::new(Heartbeat::adaptive());
    survive(&mut prober, secs(48), start());
    assert!(recall(&mut prober, remembered(96, 115), OLD));
    assert_eq!((prober.proven(), prober.interval(start())), (secs(48), Some(secs(96))));
    // Something has failed since: that is believed.
    let mut prober = Prober::new(Heartbeat::adaptive());
    expire(&mut prober, 90, start());
    assert!(recall(&mut prober, remembered(80, 85), OLD));
    assert_eq!(prober.proven(), secs(40));
    assert!(!matches!(prober.stage, Stage::Doubt { .. }));
}

#[test]
fn a_look_that_is_due_waits_an_hour_after_a_start() {
    for (look_in, age, waits) in [
        (secs(10), Duration::ZERO, secs(3600)),
        (DAY, Duration::ZERO, DAY),
        (DAY, DAY / 2, DAY / 2),
        (DAY, 2 * DAY, secs(3600)),
        (30 * DAY, Duration::ZERO, 7 * DAY),
    ] {
        let mut prober = Prober::new(Heartbeat::adaptive());
        recall(&mut prober, Learned { look_in: Some(look_in), ..remembered(96, 100) }, age);
        assert_eq!(prober.learned(start()).look_in, Some(waits), "{look_in:?} told {age:?} ago");
    }
}

#[test]
fn looks_that_failed_before_make_the_next_rarer_up_to_the_rarest() {
    for (probing, failed, times) in [
        (Probing::Main, 0, 1),
        (Probing::Main, 1, 2),
        (Probing::Main, 2, 4),
        (Probing::Main, 3, 8),
        (Probing::Main, 9, 8),
        (Probing::Scout, 4, 16),
        (Probing::Scout, 5, 28),
    ] {
        let heartbeat = Heartbeat::adaptive().probing(probing).look_after(DAY);
        let mut prober = Prober::new(heartbeat);
        recall(&mut prober, Learned { looks_failed: failed, ..remembered(96, 100) }, Duration::ZERO);
        assert_eq!(prober.learned(start()).look_in, Some(DAY * times), "{failed} looks");
        assert_eq!(prober.gist().map(|gist| gist.looks_failed), Some(failed.min(times.ilog2())));
    }
}

#[test]
fn drops_of_before_and_of_now_count_together_and_are_kept() {
    let heartbeat = Heartbeat::frugal();
    let mut prober = Prober::new(heartbeat);
    let learned = Learned { drops: vec![DAY, 6 * DAY], ..remembered(149, 288) };
    recall(&mut prober, learned, DAY);
    assert_eq!(prober.learned(start()).drops, [2 * DAY], "seven days are over for one");
    assert_eq!(prober.interval(start()), Some(secs(231)));
    expire(&mut prober, 231, start());
    assert_eq!(prober.learned(start() + DAY).drops, [DAY, 3 * DAY]);
    assert_eq!(prober.learned(start() + 7 * DAY).drops, [7 * DAY]);
    assert_eq!(prober.learned(start() + 7 * DAY + secs(1)).drops, []);
}

#[test]
fn three_late_ends_within_ten_gaps_are_no_restarts() {
    let mut prober = knowing(free(), 100, 150);
    let held = prober.held();
    assert_eq!(held, secs(93));
    assert_eq!(end(&mut prober, 90, start()), None);
    survive(&mut prober, secs(93), start() + secs(93));
    assert_eq!(end(&mut prober, 70, start() + secs(200)), None);
    survive(&mut prober, secs(93), start() + secs(300));
    assert_eq!(end(&mut prober, 80, start() + held * 10), Some(Lesson::Shrank { failed: secs(70) }));
    assert_eq!((prober.proven(), prober.failed()), (secs(70), Some(secs(70))));
    assert_eq!(prober.interval(start() + held * 10), Some(secs(65) + Duration::from_millis(100)));
    // It may have been an outage: a look upward comes within a day.
    let mut dice = Dice::new(1);
    assert!(!prober.pace(&mut dice, start() + held * 10).unwrap().chosen);
    assert!(prober.pace(&mut dice, start() + DAY * 2).unwrap().chosen);
}

#[test]
fn pitfall_41_restarts_that_come_now_and_then_or_at_any_moment_teach_nothing() {
    for (gaps, apart) in [([90, 80, 70], secs(466)), ([90, 80, 65], secs(100)), ([30, 40, 50], secs(100))] {
        let mut prober = knowing(free(), 100, 150);
        let mut now = start();
        for gap in gaps.into_iter().cycle().take(9) {
            assert_eq!(end(&mut prober, gap, now), None, "{gaps:?} at {now:?}");
            survive(&mut prober, secs(93), now);
            now = now + if gap == 65 { secs(1000) } else { apart };
        }
        assert_eq!((prober.proven(), prober.failed()), (secs(100), Some(secs(150))));
    }
}

#[test]
fn a_server_that_looks_for_idle_links_in_rounds_costs_no_link_every_other_gap() {
    // It ends what was idle for 40 s at the next of its rounds, 20 s apart. The
    // first gap of a link falls in with the rounds so that it survives.
    let mut prober = Prober::new(free());
    survive(&mut prober, secs(58), start());
    prober.heartbeat = Heartbeat::adaptive().max(secs(60));
    let mut dice = Dice::new(1);
    let (mut now, mut phase, mut lost, mut fresh) = (start(), 0, Vec::new(), true);
    for _ in 0..2_000 {
        let pace = prober.pace(&mut dice, now).unwrap().after;
        phase = (phase + 7_919) % 20_000;
        let end = Duration::from_millis(40_000 + if fresh { 19_999 } else { phase });
        now = now + pace.min(end);
        fresh = end < pace;
        if fresh {
            lost.push(now);
            prober.learn(Evidence::EndedIdle { gap: end }, now);
        } else {
            survive(&mut prober, pace, now);
        }
    }
    assert!(lost.len() <= 20, "{} links lost in {:?}", lost.len(), now.since(start()));
    let quiet = now.since(lost[lost.len() - 1]);
    assert!(quiet > secs(3600), "the last one {quiet:?} ago; {:?} is held", prober.held());
}
