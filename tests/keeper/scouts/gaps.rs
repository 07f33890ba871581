//! Which gaps are tested, and what is learned of them.

use super::{await_scouts, gaps, linked, live, met, scouted, stats};
use crate::rig::secs;
use longlink::keeper::Output;
use longlink::{Beat, Event, ScoutResult};

#[test]
fn the_link_in_use_beats_at_the_shortest_until_a_scout_proves_more() {
    let mut rig = linked();
    assert_eq!(rig.interval(), secs(10));
    await_scouts(&mut rig);
    live(&mut rig, secs(13), |_| true);
    let beats = rig.beats();
    assert!(beats[0] <= secs(10) && beats[0] >= secs(9), "{beats:?}");
    assert_eq!(rig.interval(), secs(10));
    live(&mut rig, secs(2), |_| true);
    assert_eq!(rig.interval(), secs(12), "14 s are proven, 2 s less are held");
}

#[test]
fn three_scouts_at_once_test_gaps_that_grow_by_two_fifths() {
    let rig = scouted();
    assert!(rig.elapsed() >= secs(1) && rig.elapsed() <= secs(10), "a fleet does not dial at once");
    assert_eq!(gaps(&rig), [14.0, 19.6, 27.4]);
    let mut rig = rig;
    live(&mut rig, secs(15), |_| true);
    assert_eq!(gaps(&rig), [19.6, 27.4, 38.4]);
    assert_eq!(met(&rig), [ScoutResult::Survived]);
    assert_eq!(stats(&rig).proven, secs(14));
}

#[test]
fn a_live_scout_is_left_with_a_goodbye_and_a_dead_one_without() {
    let mut rig = scouted();
    let (lives, dies) = (rig.scouts()[0].link, rig.scouts()[1].link);
    live(&mut rig, secs(60), |scout| scout.gap == secs(14));
    let retired = |output: &Output| *output == Output::Retire { link: lives };
    let abandoned = |output: &Output| *output == Output::Abandon { link: dies };
    assert_eq!(rig.instants(retired).len(), 1);
    assert_eq!(rig.instants(abandoned).len(), 1);
}

#[test]
fn the_timeout_is_found_between_scouts_without_a_drop() {
    for timeout in [12, 15, 20, 30, 45, 60, 100, 240, 300, 1000, 7199] {
        let mut rig = linked();
        let timeout = secs(timeout);
        live(&mut rig, 5 * timeout + secs(120), |scout| scout.gap < timeout);
        let proven = stats(&rig).proven.as_secs_f64() / timeout.as_secs_f64();
        assert!((0.9..1.0).contains(&proven), "{timeout:?}: {proven} proven");
        assert!(rig.scouts().is_empty(), "{timeout:?}: it goes on: {:?}", gaps(&rig));
        assert!(rig.is_connected());
        assert_eq!(stats(&rig).reconnects, 0);
    }
}

#[test]
fn a_silent_scout_beside_a_heard_link_tells_the_timeout() {
    let mut rig = scouted();
    live(&mut rig, secs(60), |scout| scout.gap == secs(14));
    // 19.6 s failed: what lies above it is not tested any more.
    assert!(gaps(&rig).iter().all(|gap| *gap > 14.0 && *gap < 19.6), "{:?}", gaps(&rig));
    assert!(rig.is_connected());
}

#[test]
fn in_a_doubt_one_scout_tests_the_interval_and_half_is_held() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    assert!(rig.scouts().is_empty());
    let held = rig.interval();
    assert!(held > secs(250), "{held:?}");
    // One beat is not answered.
    rig.until_death();
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    assert!(rig.interval() <= held / 2, "{:?}", rig.interval());
    await_scouts(&mut rig);
    assert_eq!(rig.scouts().len(), 1);
    let tested = rig.scouts()[0].gap;
    assert!(tested <= held && tested >= held.mul_f64(0.9), "{tested:?}");
    // Its answer lifts the doubt, the link's own at half does not.
    live(&mut rig, secs(200), |_| true);
    assert!(rig.interval() <= held / 2, "{:?}", rig.interval());
    live(&mut rig, secs(100), |_| true);
    assert_eq!(rig.interval(), held);
}

#[test]
fn one_scout_looks_upward_after_a_day_and_then_ever_more_seldom() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    let settled = rig.elapsed();
    rig.forget();
    let day = secs(24 * 3600);
    live(&mut rig, 70 * day, |scout| scout.gap < secs(300));
    let looks = rig.instants(|output| matches!(output, Output::Emit(Event::ScoutSent { .. })));
    let days: Vec<u64> = looks
        .iter()
        .map(|at| (at.saturating_sub(settled).as_secs_f64() / day.as_secs_f64()).round() as u64)
        .collect();
    assert_eq!(days, [1, 3, 7, 15, 31, 59]);
    assert!(rig.is_connected());
    assert_eq!(stats(&rig).reconnects, 0);
}

#[test]
fn a_timeout_that_has_grown_is_found_by_a_look() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    live(&mut rig, secs(24 * 3600 + 6000), |scout| scout.gap < secs(900));
    let proven = stats(&rig).proven;
    assert!(proven >= secs(800) && proven < secs(900), "{proven:?}");
}
