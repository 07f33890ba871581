//! How long an answer is waited for.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Config, Input};
use longlink::{Activity, Beat, Detection, Heartbeat, LinkEnd};

/// The instants, counted from the first of them.
fn from_the_first(instants: &[Duration]) -> Vec<Duration> {
    instants.iter().map(|&at| at - instants[0]).collect()
}

#[test]
fn a_link_that_opened_quickly_answers_as_quickly() {
    // The whole attempt took several round trips: no answer takes longer.
    for (took, first) in [(millis(30), secs(1)), (millis(1_400), millis(1_400)), (secs(9), secs(3))] {
        for (activity, least) in [(None, Duration::ZERO), (Some(Activity::Background), millis(2_500))] {
            let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
            if let Some(activity) = activity {
                rig.keeper.tell(Input::Activity(activity));
            }
            rig.open_as(|opened| opened.took = took);
            let first = first.max(least);
            let asked = rig.until_beat();
            assert_eq!(rig.until_death() - asked, first * 10, "{took:?}, {activity:?}");
        }
    }
}

#[test]
fn a_busy_feed_that_falls_silent_is_dead_10_s_after_the_first_beat() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open_as(|opened| opened.took = millis(100));
    // Traffic spares all beats, so that no round trip is ever measured.
    for _ in 0..1_000 {
        rig.pass(millis(200));
        rig.message();
    }
    assert_eq!(rig.beats(), NEVER);
    let silent = rig.elapsed();
    let died = rig.until_death() - silent;
    assert!(died <= secs(27 + 10), "{died:?}");
}

#[test]
fn before_the_first_round_trip_is_known_a_deadline_is_three_seconds() {
    let mut rig = Rig::fixed(30);
    let first = rig.until_beat();
    let dead = rig.until_death();
    assert_eq!(dead, first + secs(30));
    assert_eq!(from_the_first(&rig.beats()), [0, 3, 6, 12, 18].map(secs));
    assert_eq!(rig.misses(), [3, 6, 12, 18, 30].map(|after| first + secs(after)));
}

#[test]
fn on_a_quick_path_the_five_deadlines_are_1_1_2_2_and_4_seconds() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.forget();
    let first = rig.until_beat();
    let dead = rig.until_death();
    assert_eq!(rig.misses(), [1, 2, 4, 6, 10].map(|after| first + secs(after)));
    assert_eq!(from_the_first(&rig.beats()), [0, 1, 2, 4, 6].map(secs), "each follows the miss before");
    assert_eq!(dead, first + secs(10));
    assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
}

#[test]
fn on_a_slow_path_the_deadline_follows_the_round_trip() {
    let mut rig = Rig::fixed(30);
    // One sample: SRTT 0.8 s, RTTVAR 0.4 s.
    rig.beat_answered(millis(800));
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + 10 * millis(2_400));
}

#[test]
fn a_deadline_is_never_longer_than_five_seconds() {
    let mut rig = Rig::fixed(60);
    rig.beat_answered(millis(2_500));
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(50));
}

#[test]
fn a_new_link_starts_without_a_round_trip() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.open(Beat::Ping);
    assert_eq!(rig.keeper.stats().rtt, None);
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(30));
}

#[test]
fn a_scaled_heartbeat_has_all_its_instants_scaled() {
    let mut rig = Rig::beating(Heartbeat::adaptive().scaled(1.0 / 20.0));
    assert_eq!(rig.until_beat(), millis(1_350));
    // 3 s before the first round trip become 150 ms.
    assert_eq!(rig.until_death(), millis(1_350 + 10 * 150));
}
