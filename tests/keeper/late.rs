//! Timers that come late: a process that was frozen, a host that slept.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Output, PathFacts};
use longlink::{Beat, Detection, Event, Heartbeat, NetworkStatus};

#[test]
fn pitfall_22_a_burst_of_ticks_after_a_suspend_counts_once() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.forget();
    rig.suspend(secs(300));
    for _ in 0..50 {
        rig.timeout();
    }
    assert!(rig.misses().len() <= 1, "{:?}", rig.misses());
    assert!(rig.is_connected());
}

#[test]
fn pitfall_22_a_late_timer_within_the_limit_moves_the_count_by_one() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.forget();
    // Two deadlines have passed, but only one wake-up.
    rig.freeze(millis(2_500));
    for _ in 0..50 {
        rig.timeout();
    }
    assert_eq!(rig.misses().len(), 1);
}

#[test]
fn pitfall_23_a_sleep_is_only_a_hint_to_probe() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.suspend(secs(60));
    let woke = rig.elapsed();
    rig.timeout();
    assert!(rig.is_connected());
    // Waiting bytes are read for a second, then the probe goes out.
    assert_eq!(rig.until_beat(), woke + secs(1));
    rig.pass(millis(2_999));
    assert!(rig.is_connected());
    rig.answer();
    rig.pass(secs(60));
    assert!(rig.is_connected());
}

#[test]
fn pitfall_23_a_link_that_died_asleep_is_dropped_by_the_probe() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.suspend(secs(60));
    let woke = rig.elapsed();
    rig.timeout();
    assert_eq!(rig.until_death(), woke + secs(4));
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
}

#[test]
fn pitfall_34_a_late_timer_gives_one_full_deadline() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.forget();
    // The deadline is 1 s; the process is frozen for 20 s.
    rig.freeze(secs(20));
    let thawed = rig.elapsed();
    rig.timeout();
    assert_eq!(rig.misses(), NEVER, "the answer may be waiting");
    assert!(rig.is_connected());
    rig.pass(millis(999));
    assert_eq!(rig.misses(), NEVER);
    assert!(rig.is_connected());
    // Unanswered after a full deadline it counts, one by one.
    let dead = rig.until_death();
    assert!(dead >= thawed + secs(1));
    assert!(dead <= thawed + secs(1 + 10), "and no more than a series is given");
}

#[test]
fn pitfall_34_what_waited_is_heard_and_the_link_lives() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.forget();
    rig.freeze(secs(20));
    rig.timeout();
    rig.pass(millis(3));
    rig.answer();
    rig.pass(secs(20));
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn pitfall_45_sleep_counts_in_gaps() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.suspend(secs(100));
    rig.timeout();
    rig.until_beat();
    let gap = rig.log.iter().find_map(|(_, output)| match output {
        Output::Emit(Event::BeatSent { gap, .. }) => Some(*gap),
        _ => None,
    });
    assert_eq!(gap, Some(secs(10 + 100 + 1)));
}

#[test]
fn pitfall_45_a_suspend_makes_a_beat_due_by_the_sleep_clock() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.suspend(secs(400));
    rig.forget();
    rig.timeout();
    rig.pass(secs(1));
    assert_eq!(rig.beats().len(), 1);
}

#[test]
fn pitfall_34_a_late_timer_gives_a_probe_its_whole_deadline_again() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.probe();
    rig.freeze(secs(20));
    let thawed = rig.elapsed();
    rig.timeout();
    assert_eq!(rig.until_death(), thawed + secs(3));
}

#[test]
fn pitfall_34_a_timer_2_s_late_counts_and_a_later_one_does_not() {
    for (late, misses) in [(secs(2), 1), (secs(2) + Duration::from_nanos(1), 0)] {
        let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
        rig.beat_answered(RTT);
        rig.until_beat();
        // A round trip of 50 ms: the deadline is a second.
        rig.freeze(secs(1) + late);
        rig.timeout();
        assert_eq!(rig.misses().len(), misses, "{late:?} late");
    }
}

#[test]
fn a_listened_to_peer_has_its_whole_limit_again_after_a_sleep() {
    // It ends past the limit, just before it, and long before it.
    for asleep in [secs(20), millis(18_900), secs(2)] {
        let mut rig = Rig::new(Default::default(), 1);
        rig.open(Beat::Listen { longest_silence: secs(30) });
        rig.pass(secs(11));
        rig.suspend(asleep);
        rig.timeout();
        let woke = rig.elapsed();
        assert_eq!(rig.until_death(), woke + secs(30), "asleep for {asleep:?}");
        assert_eq!(rig.detection(), Some(Detection::Silent));
    }
}

#[test]
fn a_listened_to_peer_has_its_limit_again_after_a_told_sleep() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(30) });
    rig.pass(secs(29));
    rig.network(NetworkStatus::Woke);
    let woke = rig.elapsed();
    assert_eq!(rig.until_death(), woke + secs(30));
}

#[test]
fn what_was_unacknowledged_when_the_machine_slept_has_its_time_once_more() {
    let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(30))), 1);
    rig.open_as(|opened| opened.tells_path = true);
    rig.stalled();
    rig.sent();
    rig.pass(secs(1));
    rig.suspend(secs(60));
    let woke = rig.elapsed();
    // As the driver does it: the system is asked before the deadline is handled.
    let waits = |at: Duration| PathFacts::new(1, at);
    rig.unacknowledged(1, secs(61));
    assert!(rig.is_connected(), "the peer has had no time to acknowledge");
    rig.pass_with(secs(60), waits);
    assert_eq!(rig.detection(), Some(Detection::Unacknowledged));
    let died = rig.instants(|output| matches!(output, Output::Emit(Event::Disconnected { .. })));
    // A row of beats takes 30 s: it is looked at then, and once more.
    assert_eq!(died, [woke + millis(37_500)]);
}

#[test]
fn an_attempt_is_not_given_up_for_the_time_that_the_machine_slept() {
    let mut rig = Rig::new(Default::default(), 1);
    let link = rig.opening().expect("an attempt is under way");
    rig.pass(RTT);
    rig.dialled(link, RTT);
    rig.suspend(secs(60));
    let woke = rig.elapsed();
    rig.timeout();
    assert_eq!(rig.opening(), Some(link), "what its server says has had no time to come in");
    // Its path may be the old one: three seconds, as after any good news.
    let failed = |output: &Output| matches!(output, Output::Emit(Event::AttemptFailed { .. }));
    assert_eq!(rig.until(failed), woke + secs(3));
}
