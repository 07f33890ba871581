//! Rechecks just above the failed gap: when, and how often.

use super::*;

#[test]
fn a_wrong_failure_at_the_longest_gap_is_undone_by_a_look() {
    let mut prober = Prober::new(Heartbeat::adaptive());
    let mut dice = Dice::new(1);
    let begin = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(149), begin);
    // An outage that looked like an expiry.
    prober.learn(Observation::Expired { gap: secs(285) }, begin);
    survive(&mut prober, secs(231), begin);
    assert_eq!(prober.interval(begin), Some(secs(231).mul_f64(HELD)));

    let recheck = begin + RECHECK_AFTER;
    assert_eq!(prober.pace(&mut dice, recheck), Some(Pace { after: secs(285), is_try: true }));
    survive(&mut prober, secs(285), recheck);
    assert_eq!(prober.failed(), None);
    assert_eq!(prober.interval(recheck), Some(secs(285).mul_f64(HELD)));
    assert!(prober.pace(&mut dice, recheck).is_some_and(|pace| !pace.is_try));
}

#[test]
fn a_gap_below_what_failed_that_fails_while_one_is_held_is_the_new_bound() {
    for (gap, failed) in [(98, 98), (100, 100), (102, 100)] {
        let mut prober = knowing(Heartbeat::adaptive(), 96, 100);
        assert_eq!(expire(&mut prober, gap, start()).is_some(), gap < 100, "{gap} s");
        assert_eq!((prober.proven(), prober.failed()), (secs(96), Some(secs(failed))));
        // A failed gap that was only confirmed is rechecked half as often from then on.
        assert_eq!(prober.learned(start()).rechecks_failed, u32::from(gap >= 100), "{gap} s");
    }
}

#[test]
fn changes_of_settings_do_not_put_a_look_off() {
    for probing in [Probing::Main, Probing::Scout] {
        let heartbeat = Heartbeat::adaptive().probing(probing).recheck_after(RECHECK_AFTER);
        let mut prober = Prober::new(heartbeat.clone());
        let mut now = Moment::ORIGIN + secs(1000);
        survive(&mut prober, secs(96), now);
        prober.learn(Observation::Expired { gap: secs(100) }, now);
        let recheck = now + RECHECK_AFTER;
        while now < recheck {
            now = now + RECHECK_AFTER / 7;
            prober.set_heartbeat(heartbeat.clone().misses(4), now);
            prober.set_alone(true, now);
            prober.set_alone(false, now);
        }
        let (mut dice, gap) = (Dice::new(1), secs(102));
        match probing {
            Probing::Scout => assert_eq!(prober.next_trial(&[], now), Some(gap)),
            Probing::Main | Probing::Passive => {
                assert_eq!(prober.pace(&mut dice, now), Some(Pace { after: gap, is_try: true }))
            }
        }
    }
}

#[test]
fn the_first_look_comes_after_seven_days_and_with_scouts_after_one() {
    let mut dice = Dice::new(1);
    let rechecks =
        |prober: &Prober, dice: &mut Dice, at| prober.pace(dice, at).is_some_and(|pace| pace.is_try);
    let prober = knowing(Heartbeat::adaptive(), 96, 100);
    assert!(!rechecks(&prober, &mut dice, start() + (7 * DAY - secs(1))));
    assert!(rechecks(&prober, &mut dice, start() + 7 * DAY));
    let scouted = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    assert_eq!(scouted.next_trial_at(), Some(start() + DAY));
}

#[test]
fn another_time_of_the_first_look_begins_the_count_of_looks_anew() {
    let weekly = Heartbeat::adaptive().recheck_after(7 * DAY);
    let mut prober = knowing(weekly.clone(), 96, 100);
    expire(&mut prober, 102, start() + 7 * DAY);
    let now = start() + 7 * DAY;
    assert_eq!(prober.learned(now).rechecks_failed, 1);
    prober.set_heartbeat(weekly.misses(4), now);
    assert_eq!(prober.learned(now).rechecks_failed, 1, "the time is the same");
    prober.set_heartbeat(Heartbeat::adaptive().recheck_after(DAY), now);
    assert_eq!(prober.learned(now).rechecks_failed, 0);
    assert_eq!(prober.learned(now).recheck_in, Some(DAY));
}

#[test]
fn failed_rechecks_become_rarer_up_to_8_times_and_28_with_scouts() {
    for (probing, first, rarest) in [(Probing::Main, 7 * DAY, 8), (Probing::Scout, DAY, 28)] {
        let mut prober = knowing(Heartbeat::adaptive().probing(probing), 96, 100);
        let mut wait = first;
        assert_eq!(prober.learned(start()).recheck_in, Some(wait));
        for rechecks in 1..8 {
            expire(&mut prober, 102, start());
            wait = (wait * 2).min(first * rarest);
            let learned = prober.learned(start());
            assert_eq!(learned.recheck_in, Some(wait), "after {rechecks} rechecks");
        }
        assert_eq!(wait, first * rarest);
    }
}
