//! A reader that stalls: nothing is read meanwhile, so nothing is missed.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Config, Output};
use longlink::{Beat, Detection, Event, Heartbeat};

#[test]
fn a_stalled_reader_suspends_the_deadlines_but_not_the_beats() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.forget();
    rig.stalled();
    rig.pass(secs(600));
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
    let beats = rig.beats().len();
    assert!((20..=24).contains(&beats), "{beats} beats hold the NAT");
}

#[test]
fn no_pace_is_so_quick_that_a_stalled_reader_makes_the_client_run_hot() {
    let mut rig = Rig::beating(Heartbeat::fixed(millis(1)));
    rig.stalled();
    rig.forget();
    rig.pass(secs(60));
    assert!(rig.is_connected());
    let beats = rig.beats().len();
    assert!((50..=60).contains(&beats), "{beats} beats, with nobody to answer them");
}

#[test]
fn a_stalled_reader_is_told_of_after_a_second() {
    let mut rig = Rig::fixed(30);
    rig.pass(secs(3));
    rig.stalled();
    rig.pass(millis(999));
    let told = |output: &Output| matches!(output, Output::Emit(Event::ReaderStalled { .. }));
    assert_eq!(rig.instants(told), NEVER);
    rig.pass(secs(60));
    assert_eq!(rig.instants(told), [secs(4)]);
}

#[test]
fn a_short_stall_is_not_told() {
    let mut rig = Rig::fixed(30);
    rig.stalled();
    rig.pass(millis(900));
    rig.resumed();
    rig.pass(secs(20));
    assert_eq!(rig.instants(|output| matches!(output, Output::Emit(Event::ReaderStalled { .. }))), NEVER);
}

#[test]
fn a_reader_that_resumes_is_given_one_full_deadline() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.stalled();
    rig.pass(secs(300));
    rig.forget();
    let resumed = rig.elapsed();
    rig.resumed();
    rig.pass(millis(999));
    assert_eq!(rig.misses(), NEVER);
    let dead = rig.until_death();
    assert!(dead >= resumed + secs(10) && dead <= resumed + secs(30 + 10), "{:?}", dead - resumed);
}

#[test]
fn a_stalled_reader_on_a_dead_path_is_noticed_by_what_is_unacknowledged() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.stalled();
    let mut waiting = Duration::ZERO;
    while rig.is_connected() {
        assert!(waiting < secs(60), "a dead path goes unseen");
        rig.pass(millis(500));
        waiting += millis(500);
        rig.unacknowledged(1, waiting);
    }
    assert_eq!(rig.detection(), Some(Detection::Unacknowledged));
}

#[test]
fn a_probe_whose_answer_waited_behind_a_stalled_reader_is_answered() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.probe();
    rig.stalled();
    rig.pass(secs(60));
    // Waiting bytes are read first.
    rig.answer();
    rig.resumed();
    rig.pass(secs(100));
    assert!(rig.is_connected(), "{:?}", rig.detection());
}

#[test]
fn an_answer_that_waited_unread_is_no_round_trip() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.stalled();
    rig.pass(secs(20));
    rig.answer();
    rig.resumed();
    assert_eq!(rig.keeper.stats().rtt, Some(RTT), "it was read late");
    rig.until_beat();
    rig.suspend(secs(20));
    rig.answer();
    assert_eq!(rig.keeper.stats().rtt, Some(RTT), "it waited while the machine slept");
    rig.until_beat();
    rig.pass(RTT);
    rig.answer();
    assert!(rig.keeper.stats().rtt.is_some_and(|rtt| rtt.abs_diff(RTT) < millis(1)));
}

#[test]
fn a_listened_link_that_is_read_again_is_given_one_full_deadline() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(45) });
    rig.stalled();
    rig.pass(secs(46));
    let resumed = rig.elapsed();
    rig.resumed();
    assert_eq!(rig.until_death(), resumed + secs(45));
}

#[test]
fn what_waited_behind_a_stalled_reader_is_no_reason_to_beat_any_later() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.stalled();
    let beat = rig.until_beat();
    // The answer waits, and is read when the path has been silent for long.
    rig.pass(secs(25));
    rig.answer();
    rig.resumed();
    assert_eq!(rig.until_beat(), beat + secs(30), "the path saw the last byte with the beat");
}

#[test]
fn a_slow_reader_of_what_waits_does_not_keep_the_link_from_beating() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.stalled();
    rig.forget();
    // Every 10 s it takes one message, of many that came at once.
    for _ in 0..30 {
        rig.pass(secs(10));
        rig.message();
        rig.resumed();
        rig.stalled();
    }
    assert!(rig.beats().len() >= 9, "{:?}", rig.beats());
}

#[test]
fn a_silence_that_a_stall_has_spoiled_is_no_try() {
    // Its end would say nothing: on a path that forgets before, each link that
    // begins with more than its reader takes at once would be lost so.
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(149));
    assert_eq!(rig.interval(), secs(285), "it tries");
    rig.stalled();
    rig.message();
    rig.pass(millis(10));
    rig.resumed();
    let known = rig.elapsed() - millis(10);
    let silence = rig.until_beat() - known;
    assert!(silence < secs(149) && silence > secs(120), "{silence:?}");
    rig.pass(RTT);
    rig.answer();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat() - heard, secs(285), "the next one is");
}

#[test]
fn a_stalled_reader_does_not_have_its_beats_try_anything() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(149));
    let known = rig.elapsed();
    rig.stalled();
    let silence = rig.until_beat() - known;
    assert!(silence < secs(149) && silence > secs(120), "{silence:?}");
}
