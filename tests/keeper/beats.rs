//! Beats and the answers that belong to them.

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Input, Messages, Output};
use longlink::{Beat, Detection, Event, Heartbeat, NetworkStatus, Token};

/// A link in use whose round trip is known, in the instant of its next beat.
fn asking() -> Rig {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.forget();
    rig
}

/// The beat of this name is answered.
fn answer(rig: &mut Rig, token: Option<Token>) {
    let link = rig.main();
    rig.keeper.tell(Input::Read { link, messages: Messages::None, answers: &[token] });
    rig.drain();
}

#[test]
fn no_two_beats_of_a_link_have_the_same_name() {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
    rig.beat_answered(RTT);
    rig.until_death();
    let tokens = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Beat { token, .. } => Some(token.0),
        _ => None,
    });
    let mut tokens: Vec<u64> = tokens.collect();
    assert_eq!(tokens.len(), 6);
    tokens.dedup();
    assert_eq!(tokens.len(), 6, "{tokens:?}");
    assert!(tokens.is_sorted(), "answers come in order: {tokens:?}");
}

#[test]
fn an_answer_to_the_beat_before_confirms_nothing() {
    let mut rig = asking();
    let before = rig.token;
    rig.confirm();
    rig.pass(millis(10));
    // Something was written since.
    rig.confirm();
    rig.forget();
    answer(&mut rig, before);
    rig.pass(millis(10));
    assert_eq!(rig.beats(), NEVER, "the beat that is to confirm is still under way");
    rig.answer();
    rig.pass(millis(0));
    assert_eq!(rig.beats(), [rig.elapsed()]);
}

#[test]
fn a_late_answer_measures_the_round_trip_of_its_own_beat() {
    let mut rig = asking();
    let first = rig.token;
    rig.pass(millis(1_500));
    assert_eq!(rig.misses().len(), 1);
    answer(&mut rig, first);
    let told = rig.log.iter().find_map(|(_, output)| match output {
        Output::Emit(Event::BeatAnswered { rtt, .. }) => *rtt,
        _ => None,
    });
    assert_eq!(told, Some(millis(1_500)));
}

#[test]
fn a_beat_without_a_waiting_answer_has_its_deadline_first() {
    let mut rig = asking();
    rig.stalled();
    rig.pass(secs(50));
    rig.forget();
    rig.resumed();
    let resumed = rig.elapsed();
    assert_eq!(rig.until_beat(), resumed + secs(1));
    assert_eq!(rig.misses(), [resumed + secs(1)]);
    assert_eq!(rig.until_death(), resumed + secs(10));
}

#[test]
fn a_probe_to_come_neither_takes_the_place_of_beats_nor_comes_with_one() {
    // Nothing is read when the machine wakes: beats go on, and the probe comes
    // when it is.
    let mut rig = asking();
    rig.answer();
    rig.stalled();
    let stalled = rig.elapsed();
    rig.network(NetworkStatus::Woke);
    rig.pass(secs(90));
    assert_eq!(rig.beats(), [stalled + secs(60)]);
    rig.forget();
    rig.resumed();
    let resumed = rig.elapsed();
    rig.pass(millis(0));
    assert_eq!(rig.beats(), [resumed]);
    assert_eq!(rig.until_death(), resumed + secs(3));

    // A beat that is due by the server's rule while what waits is read.
    let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
    rig.open(Beat::KeepAlive { max_send_gap: secs(10) });
    rig.pass(millis(9_500));
    rig.network(NetworkStatus::Woke);
    assert_eq!(rig.until_beat(), secs(10));
    rig.heard();
    rig.forget();
    assert_eq!(rig.until_beat(), millis(10_500), "the probe comes at its time");
}

#[test]
fn a_message_after_a_wake_brings_the_probe_at_once() {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
    rig.beat_answered(RTT);
    rig.pass(secs(40));
    rig.network(NetworkStatus::Woke);
    rig.forget();
    rig.pass(millis(200));
    rig.sent();
    let sent = rig.elapsed();
    assert_eq!(rig.until_death(), sent + secs(3));
    assert_eq!((rig.beats(), rig.detection()), (vec![sent], Some(Detection::ProbeUnanswered)));
}
