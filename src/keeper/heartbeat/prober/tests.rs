//! Exact cases; `properties` has what holds for any.

use super::*;
use crate::keeper::heartbeat::{Evidence, Lesson, Proof};

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
