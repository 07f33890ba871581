//! When a beat is due, and what makes it unnecessary or brings it forward.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::{Beat, Detection, Heartbeat};

#[test]
fn the_first_beat_comes_after_27_seconds_of_silence() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    assert_eq!(rig.until_beat(), secs(27));
}

#[test]
fn inbound_traffic_saves_beats() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    for _ in 0..100 {
        rig.pass(secs(20));
        rig.heard();
    }
    assert_eq!(rig.beats(), NEVER);
    assert!(rig.keeper.stats().beats_saved > 0);
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat(), heard + secs(27));
}

#[test]
fn a_fixed_interval_stays_whatever_is_answered() {
    let mut rig = Rig::fixed(30);
    for _ in 0..50 {
        let silent_since = rig.elapsed();
        let at = rig.beat_answered(RTT);
        assert!(at - silent_since <= secs(30) && at - silent_since >= secs(27));
    }
    assert_eq!(rig.interval(), secs(30));
}

#[test]
fn a_beat_of_a_fixed_rhythm_goes_out_at_its_time_whatever_flows() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Every { interval: secs(41) });
    for _ in 0..1_000 {
        rig.pass(millis(500));
        rig.heard();
        rig.sent();
        if rig.beats().last() == Some(&rig.elapsed()) {
            rig.answer();
        }
    }
    let beats = rig.beats();
    assert_eq!(beats.len(), 12);
    for pair in beats.windows(2) {
        assert_eq!(pair[1] - pair[0], secs(41));
    }
}

#[test]
fn a_keep_alive_is_not_saved_by_inbound_traffic() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::KeepAlive { max_send_gap: secs(20) });
    let mut silent_since = rig.elapsed();
    for _ in 0..400 {
        rig.forget();
        rig.pass(millis(500));
        if let Some(&at) = rig.beats().first() {
            assert!(at - silent_since <= secs(20), "beat after {:?}", at - silent_since);
            assert!(at - silent_since > secs(10), "beat after {:?}", at - silent_since);
            silent_since = at;
            rig.answer();
        }
        assert!(rig.elapsed() - silent_since < secs(21));
        rig.heard();
    }
}

#[test]
fn a_keep_alive_counts_from_the_last_byte_that_we_send() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::KeepAlive { max_send_gap: secs(20) });
    for _ in 0..100 {
        rig.pass(secs(9));
        rig.sent();
        rig.heard();
    }
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn the_first_send_after_a_long_silence_brings_the_beat_forward() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(151));
    assert_eq!(rig.beats(), NEVER);
    rig.sent();
    let sent = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [sent]);
    // It only brings the next beat forward: five misses decide.
    assert_eq!(rig.until_death(), sent + secs(10));
    assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
}

#[test]
fn beats_that_traffic_made_unnecessary_are_counted_whatever_else_beats() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    let before = rig.keeper.stats().beats_saved;
    // An hour of messages from the peer, one a second.
    for _ in 0..3600 {
        rig.pass(secs(1));
        rig.heard();
    }
    assert_eq!(rig.keeper.stats().beats_saved - before, 3600 / 300);
}

#[test]
fn a_publisher_who_is_never_answered_is_not_beaten_for_twice_as_often() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    let heard = rig.elapsed();
    for _ in 0..299 {
        rig.pass(secs(1));
        rig.sent();
    }
    assert_eq!(rig.beats(), NEVER);
    rig.pass(secs(1));
    assert_eq!(rig.beats(), [heard + secs(300)]);
}

#[test]
fn a_send_after_a_short_silence_does_not() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(130));
    rig.sent();
    rig.pass(secs(10));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn a_byte_unacknowledged_beyond_a_deadline_brings_the_beat_forward() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(20));
    rig.unacknowledged(1, millis(900));
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), NEVER, "within the deadline it may still come");
    rig.pass(millis(200));
    rig.unacknowledged(1, millis(1_100));
    let told = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [told]);
    assert_eq!(rig.until_death(), told + secs(10));
}
