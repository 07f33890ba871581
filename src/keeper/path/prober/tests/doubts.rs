//! A proven gap that failed is doubted, and believed when it fails again.

use super::*;

#[test]
fn one_loss_never_shrinks_the_interval_for_good() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(58), now);
    prober.learn(Observation::Expired { gap: secs(68) }, now);
    let held = prober.interval(now);
    assert_eq!(prober.learn(Observation::Expired { gap: secs(53) }, now), None);
    let halved = prober.interval(now);
    assert_eq!(halved, held.map(|held| held / 2));
    survive(&mut prober, halved.unwrap(), now);
    assert_eq!(prober.interval(now), held);
}

#[test]
fn the_longest_survived_gap_is_doubted_when_it_fails() {
    let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
    let held = prober.interval(start());
    assert_eq!(expire(&mut prober, 58, start()), None);
    assert_eq!((prober.proven(), prober.failed()), (secs(58), Some(secs(68))));
    assert_eq!(prober.interval(start()), held.map(|held| held / 2));
}

#[test]
fn a_doubt_near_the_shortest_interval_does_not_make_it_longer() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    prober.learn(Observation::Expired { gap: secs(27) }, now);
    survive(&mut prober, secs(10), now);
    prober.learn(Observation::Expired { gap: secs(11) }, now);
    let held = prober.interval(now);
    assert_eq!(held, Some(secs(10).mul_f64(HELD)));
    prober.learn(Observation::Expired { gap: secs(10).mul_f64(HELD) }, now);
    assert_eq!(prober.interval(now), held);
}

#[test]
fn a_proven_gap_that_fails_twice_has_shrunk() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(58), now);
    prober.learn(Observation::Expired { gap: secs(68) }, now);
    prober.learn(Observation::Expired { gap: secs(53) }, now);
    survive(&mut prober, secs(27), now);
    let lesson = prober.learn(Observation::Expired { gap: secs(52) }, now);
    assert_eq!(lesson, Some(Lesson::Shrank { failed: secs(52) }));
    assert_eq!(prober.proven(), secs(27));
    // The interval grows again by a fifth.
    assert_eq!(prober.interval(now), Some(secs(27).mul_f64(1.2)));
}

#[test]
fn a_gap_that_fails_again_within_two_days_has_shrunk() {
    for (apart, shrank) in [(2 * DAY, true), (2 * DAY + secs(1), false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
        assert_eq!(expire(&mut prober, 53, start()), None);
        survive(&mut prober, secs(27), start());
        let lesson = expire(&mut prober, 52, start() + apart);
        assert_eq!(lesson.is_some(), shrank, "{apart:?} apart");
    }
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
    assert!(prober.learned(start()).recheck_in.is_some(), "the doubt is over");
    // A survived gap of nearly the whole ends the doubt at once.
    let mut prober = knowing(Heartbeat::frugal(), 404, 420);
    expire(&mut prober, 370, start());
    expire(&mut prober, 187, start());
    survive(&mut prober, held.mul_f64(0.98), start());
    assert!(prober.learned(start()).recheck_in.is_some(), "the doubt is over");
}

#[test]
fn a_doubted_gap_is_held_in_full_until_an_answer_settles_it() {
    let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
    expire(&mut prober, 88, start());
    let pace = prober.pace(&mut Dice::new(1), start());
    assert_eq!(pace, Some(Pace { after: secs(96).mul_f64(HELD) / 2, is_try: false }));
    // The gap that survived half is held again, no shorter than the doubted one.
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
        assert_eq!(prober.pace(&mut Dice::new(1), start()), Some(Pace { after: grown, is_try: true }));
        survive(&mut prober, grown, start());
    }
    // 56 s would be beyond 0.98 of what failed.
    assert_eq!(prober.interval(start()), Some(grown.mul_f64(HELD)));
    assert_eq!(prober.learned(start()).recheck_in, Some(7 * DAY));

    let mut prober = knowing(Heartbeat::adaptive(), 58, 68);
    expire(&mut prober, 53, start());
    survive(&mut prober, secs(27), start());
    expire(&mut prober, 52, start());
    expire(&mut prober, 32, start());
    assert_eq!((prober.failed(), prober.interval(start())), (Some(secs(32)), Some(secs(25))));
    assert_eq!(prober.learned(start()).drops.len(), drops + 1);
}

#[test]
fn what_shrank_is_not_grown_to_0_98_of_what_failed() {
    // A fifth above 49 s is 58.8 s, which is near 60 s. A fifth above 48.9 s is not.
    for (sound, grows) in [(48_900, true), (49_000, false)] {
        let mut prober = knowing(Heartbeat::adaptive(), 68, 77);
        expire(&mut prober, 60, start());
        survive(&mut prober, Duration::from_millis(sound), start());
        assert!(expire(&mut prober, 60, start()).is_some());
        let pace = prober.pace(&mut Dice::new(1), start());
        assert_eq!(pace.map(|pace| pace.is_try), Some(grows), "{sound} ms");
    }
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
    survive(&mut prober, secs(90).mul_f64(0.98), start());
    assert_eq!(prober.interval(start()), Some(held));
    // Where no scout can be sent the link in use finds out by itself.
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
fn a_doubt_beyond_the_longest_gap_is_forgotten() {
    for (max, doubted) in [(88, Some(secs(88))), (87, None)] {
        let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
        expire(&mut prober, 88, start());
        prober.set_heartbeat(Heartbeat::adaptive().max(secs(max)), start());
        assert_eq!(prober.doubted_last(), doubted);
    }
}
