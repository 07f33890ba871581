//! Stored knowledge at the start, and the knowledge that is stored.

use super::*;

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
fn a_stored_failure_counts_where_no_longer_gap_has_survived() {
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

    // Nor is it found again when the longest gap is longer.
    kept.set_heartbeat(Heartbeat::adaptive(), start());
    assert_eq!(kept.failed(), None);

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
    let mut fails = regaining(remembered(96, 115));
    expire(&mut fails, 96, start());
    assert_eq!(fails.interval(start()), Some(secs(48).mul_f64(2.0_f64.sqrt())), "it is tried once");
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
    // A gap has failed since: the failure is believed.
    let mut prober = Prober::new(Heartbeat::adaptive());
    expire(&mut prober, 90, start());
    assert!(recall(&mut prober, remembered(80, 85), OLD));
    assert_eq!(prober.proven(), secs(40));
    assert!(!matches!(prober.stage, ProberState::Doubt { .. }));
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
    assert!(prober.learned(start() + 7 * DAY + secs(1)).drops.is_empty());
}

#[test]
fn a_look_that_is_due_waits_an_hour_after_a_start() {
    for (recheck_in, age, waits) in [
        (secs(10), Duration::ZERO, secs(3600)),
        (DAY, Duration::ZERO, DAY),
        (DAY, DAY / 2, DAY / 2),
        (DAY, 2 * DAY, secs(3600)),
        (30 * DAY, Duration::ZERO, 7 * DAY),
    ] {
        let mut prober = Prober::new(Heartbeat::adaptive());
        recall(&mut prober, Learned { recheck_in: Some(recheck_in), ..remembered(96, 100) }, age);
        assert_eq!(prober.learned(start()).recheck_in, Some(waits), "{recheck_in:?} told {age:?} ago");
    }
}

#[test]
fn rechecks_that_failed_before_make_the_next_rarer_up_to_the_rarest() {
    for (probing, failed, times) in [
        (Probing::Main, 0, 1),
        (Probing::Main, 1, 2),
        (Probing::Main, 2, 4),
        (Probing::Main, 3, 8),
        (Probing::Main, 9, 8),
        (Probing::Scout, 4, 16),
        (Probing::Scout, 5, 28),
    ] {
        let heartbeat = Heartbeat::adaptive().probing(probing).recheck_after(DAY);
        let mut prober = Prober::new(heartbeat);
        recall(&mut prober, Learned { rechecks_failed: failed, ..remembered(96, 100) }, Duration::ZERO);
        assert_eq!(prober.learned(start()).recheck_in, Some(DAY * times), "{failed} rechecks");
        assert_eq!(prober.summary().map(|summary| summary.rechecks_failed), Some(failed.min(times.ilog2())));
    }
}
