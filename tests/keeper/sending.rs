//! A message of the application ends a silence as a beat does: whether the link
//! survives it says the same about the idle timeout.

use std::time::Duration;

use crate::rig::{RTT, Rig, secs};
use longlink::keeper::{Config, Output};
use longlink::{Beat, Cause, Event, Evidence, LinkEnd};

/// 149 s are known to survive, and 285 s are tried.
fn trying() -> Rig {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(149));
    assert_eq!(rig.interval(), secs(285));
    rig.forget();
    rig
}

/// The link dies, and the next connects at once.
fn dies_and_returns(rig: &mut Rig) -> Option<Duration> {
    rig.until_death();
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Emit(Event::Disconnected { gap, .. }) => Some(*gap),
        _ => None,
    })
}

#[test]
fn a_link_that_dies_of_a_message_after_a_silence_was_idle_for_too_long() {
    let mut rig = trying();
    rig.pass(secs(200));
    rig.sent();
    assert_eq!(dies_and_returns(&mut rig), Some(secs(200)));
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
    assert!(rig.interval() < secs(200), "{:?}", rig.interval());
}

#[test]
fn a_client_that_publishes_now_and_then_does_not_lose_its_link_for_ever() {
    // The path forgets after 90 s, and nobody says anything but the client,
    // each 100 s.
    let timeout = secs(90);
    let mut rig = trying();
    let mut lost = 0;
    for _ in 0..100 {
        let heard = rig.elapsed();
        let beat = rig.timer().expect("a beat is due").0;
        if beat - heard >= secs(100) {
            rig.pass(secs(100));
            rig.sent();
            rig.until_beat();
        } else {
            rig.until_beat();
        }
        if rig.elapsed() - heard < timeout {
            rig.pass(RTT);
            rig.answer();
        } else {
            dies_and_returns(&mut rig);
            lost += 1;
        }
    }
    assert!(lost <= 6, "{lost} links were lost");
    assert!(rig.interval() < timeout);
}

#[test]
fn a_silence_ended_by_our_message_is_proven_by_its_answered_beat() {
    let mut rig = trying();
    rig.pass(secs(200));
    rig.sent();
    assert_eq!(rig.until_beat(), rig.elapsed(), "it is asked at once whether it has arrived");
    rig.pass(RTT);
    rig.answer();
    assert_eq!(rig.keeper.stats().proven, secs(200));
}

#[test]
fn of_several_silences_the_longest_counts() {
    let mut rig = trying();
    for silence in [100, 30, 60].map(secs) {
        rig.pass(silence);
        rig.sent();
    }
    // Not one of them was long enough to ask: the beat is due as ever.
    assert_eq!(dies_and_returns(&mut rig), Some(secs(100)));

    let mut rig = trying();
    rig.pass(secs(100));
    rig.sent();
    // 185 s are left, and the longer silence.
    assert_eq!(dies_and_returns(&mut rig), Some(secs(185)));
}

#[test]
fn what_was_sent_before_the_last_byte_came_in_counts_no_more() {
    let mut rig = trying();
    rig.pass(secs(130));
    rig.sent();
    rig.pass(RTT);
    rig.heard();
    rig.pass(secs(100));
    rig.confirm();
    assert_eq!(dies_and_returns(&mut rig), Some(secs(100)));
}

#[test]
fn a_busy_publisher_into_a_black_hole_says_nothing_of_idleness() {
    let mut rig = trying();
    let interval = rig.interval();
    while rig.is_connected() {
        rig.pass(secs(5));
        if rig.is_connected() {
            rig.sent();
        }
    }
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.diagnoses(), [(Cause::ServerStuck, Evidence::ConnectedAtOnce)]);
    assert_eq!(rig.interval(), interval);
}

#[test]
fn a_reset_answering_our_message_says_the_silence_was_too_long() {
    // Less than half of the interval: no beat asks what became of it.
    let mut rig = trying();
    for _ in 0..2 {
        let heard = rig.elapsed();
        let beat = rig.timer().expect("a beat is due").0;
        rig.pass((beat - heard).mul_f64(0.48));
        rig.sent();
        rig.pass(RTT);
        rig.end(LinkEnd::Reset);
        rig.until_opening();
        rig.pass(RTT);
        rig.open(Beat::Ping);
    }
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce); 2]);
    assert!(rig.interval() < secs(70), "half is doubted at once: {:?}", rig.interval());
}

#[test]
fn a_reset_long_after_a_message_of_ours_is_no_answer_to_it() {
    let mut rig = trying();
    let interval = rig.interval();
    rig.pass(secs(100));
    rig.sent();
    rig.pass(secs(10));
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.diagnoses(), [(Cause::ClosedByPeer, Evidence::ConnectedAtOnce)]);
    assert_eq!(rig.interval(), interval);
}
