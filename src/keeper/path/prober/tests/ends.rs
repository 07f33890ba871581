//! Ends that said nothing by themselves: the timeout, or a restart.

use super::*;

#[test]
fn while_a_scout_finds_out_what_an_end_was_the_shortest_interval_is_kept() {
    let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(19), now);
    prober.learn(Observation::EndedIdle { gap: secs(12) }, now);
    assert!(prober.is_suspected(secs(12)));
    let pace = prober.pace(&mut Dice::new(1), now).unwrap();
    assert_eq!(pace.after, secs(10));
}

#[test]
fn a_scout_that_falls_silent_beyond_an_end_settles_what_that_end_was() {
    let mut prober = Prober::new(Heartbeat::adaptive().probing(Probing::Scout));
    let now = Moment::ORIGIN + secs(1000);
    survive(&mut prober, secs(100), now);
    prober.learn(Observation::Expired { gap: secs(106) }, now);
    // A server restarts under a scout; the timeout is 101 s.
    prober.learn(Observation::EndedIdle { gap: secs(97) }, now);
    let trial = prober.next_trial(&[], now).unwrap();
    assert!(trial > secs(101), "{trial:?}");
    prober.learn(Observation::Expired { gap: trial }, now);
    assert_eq!(prober.next_trial(&[], now), None, "it is tested once");
    assert!(!prober.is_suspected(secs(97)));
}

#[test]
fn an_end_is_near_the_timeout_within_a_twentieth() {
    let prober = knowing(Heartbeat::adaptive(), 96, 100);
    let near = |millis| prober.near_failed(Duration::from_millis(millis));
    assert_eq!([94_900, 95_000, 105_000, 105_100].map(near), [false, true, true, false]);
    assert!(!Prober::new(Heartbeat::adaptive()).near_failed(secs(27)), "nothing has failed");
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
    // An end that a silence told is spent.
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
    assert_eq!((learned.ambiguous, learned.recheck_in), (true, Some(DAY)));
    assert_eq!(end(&mut prober, 66, start()), None);
    let learned = prober.learned(start());
    assert_eq!((learned.ambiguous, learned.recheck_in), (false, Some(7 * DAY)));
    assert_eq!(learned.rechecks_failed, 0, "it was no recheck");
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
fn what_an_end_may_mean_covers_the_link_in_use_at_half_of_it() {
    let mut prober = knowing(Heartbeat::adaptive().probing(Probing::Scout), 96, 100);
    end(&mut prober, 60, start());
    assert_eq!(prober.pace(&mut Dice::new(1), start()).map(|pace| pace.after), Some(secs(30)));
    prober.set_alone(true, start());
    let pace = prober.pace(&mut Dice::new(1), start()).map(|pace| pace.after);
    assert!(pace > Some(secs(75)), "{pace:?}");
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
    // The failure may have been an outage: a recheck comes within a day.
    let mut dice = Dice::new(1);
    assert!(!prober.pace(&mut dice, start() + held * 10).unwrap().is_try);
    assert!(prober.pace(&mut dice, start() + DAY * 2).unwrap().is_try);
}

#[test]
fn an_end_is_late_from_seven_tenths_of_the_held_gap_on() {
    // 93 s are held.
    for (millis, late) in [(65_100, true), (65_099, false)] {
        let mut prober = knowing(free(), 100, 150);
        end(&mut prober, 90, start());
        end(&mut prober, 80, start());
        let gap = Duration::from_millis(millis);
        let lesson = prober.learn(Observation::EndedIdle { gap }, start());
        assert_eq!(lesson, late.then_some(Lesson::Shrank { failed: gap }));
    }
}

#[test]
fn pitfall_41_restarts_at_any_moment_teach_nothing() {
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
fn a_server_that_ends_idle_links_in_rounds_is_learned() {
    // The server ends a link that was idle for 40 s at the next of its rounds, 20 s
    // apart. The first gap of a link falls in with the rounds so that it survives.
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
            prober.learn(Observation::EndedIdle { gap: end }, now);
        } else {
            survive(&mut prober, pace, now);
        }
    }
    assert!(lost.len() <= 20, "{} links lost in {:?}", lost.len(), now.since(start()));
    let quiet = now.since(lost[lost.len() - 1]);
    assert!(quiet > secs(3600), "the last one {quiet:?} ago; {:?} is held", prober.held());
}
