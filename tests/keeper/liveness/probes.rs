//! Beats that the application asks for.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Config, Timer};
use longlink::{Beat, Detection};

#[test]
fn probe_now_beats_at_once_and_has_one_deadline_of_three_seconds() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.probe();
    let probed = rig.elapsed();
    assert_eq!(rig.beats(), [probed]);
    assert_eq!(rig.timer(), Some((probed + secs(3), Timer::Answer)));
    assert_eq!(rig.until_death(), probed + secs(3));
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
    assert_eq!(rig.beats(), [probed]);
}

#[test]
fn any_inbound_byte_answers_a_probe() {
    let mut rig = Rig::fixed(300);
    rig.pass(secs(10));
    rig.probe();
    rig.pass(millis(2_999));
    rig.heard();
    rig.pass(secs(200));
    assert!(rig.is_connected());
}

#[test]
fn confirm_beats_at_once() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.confirm();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [rig.elapsed()]);
}

#[test]
fn confirm_while_one_is_under_way_beats_again_when_that_is_answered() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.confirm();
    rig.forget();
    rig.pass(millis(10));
    rig.confirm();
    rig.confirm();
    rig.pass(millis(10));
    assert_eq!(rig.beats(), NEVER);
    rig.answer();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [rig.elapsed()], "what was written after the beat needs another");
    rig.forget();
    rig.pass(RTT);
    rig.answer();
    rig.pass(secs(10));
    assert_eq!(rig.beats(), NEVER, "and only one");
}

#[test]
fn a_probe_that_is_under_way_is_not_begun_anew() {
    let mut rig = Rig::linked();
    let probed = rig.elapsed();
    rig.probe();
    rig.pass(secs(1));
    rig.probe();
    assert_eq!(rig.beats(), [probed]);
    assert_eq!(rig.until_death(), probed + secs(3));
}

#[test]
fn a_link_that_only_listens_is_not_probed() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(60) });
    rig.probe();
    assert_eq!(rig.beats(), NEVER);
    assert_eq!(rig.timer(), Some((secs(60), Timer::Silence)));
}
