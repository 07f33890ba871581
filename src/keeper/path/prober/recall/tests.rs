//! Stored knowledge, taken back and given away.

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
    // The recheck comes when it was due.
    let recheck = now() + 2 * DAY;
    assert!(prober.pace(&mut dice, now() + (2 * DAY - secs(1))).is_some_and(|pace| !pace.is_try));
    let pace = Pace { after: secs(115).mul_f64(1.02), is_try: true };
    assert_eq!(prober.pace(&mut dice, recheck), Some(pace));
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
    // A beat is answered there: the gap that used to survive is tried once. Then
    // it is held as before, and the failed gap is rechecked after a day.
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
    // A gap that this heartbeat cannot use is not forgotten for that.
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
    // With scouts the first recheck comes after a day at most.
    assert_eq!(prober.next_trial(&[], now() + DAY), Some(secs(102)));
    assert!(recalling(heartbeat(), known(), DAY).next_trial(&[], now()).is_some());

    // A path that was not seen for long: the link in use holds half. Once that is
    // answered, scouts test the rest, and no gap is tried on the link in use.
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
fn rechecks_that_failed_are_remembered() {
    let often = Learned { rechecks_failed: 2, recheck_in: Some(20 * DAY), ..known() };
    let mut prober = recalling(Heartbeat::adaptive(), often, DAY);
    assert_eq!(prober.learned(now()).recheck_in, Some(19 * DAY));
    // One more recheck fails, and the next comes in 56 days.
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

    // Drops from before the start count beside the drops since.
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
