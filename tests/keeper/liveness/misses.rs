//! The bytes that clear misses, and the misses that end a link.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Input, Messages, Output, PathFacts, RouteFacts, Timer};
use longlink::{Beat, Detection, Event, Heartbeat, LinkEnd, LinkId, Token};

#[test]
fn pitfall_01_only_inbound_clears_misses() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    let dead_by = secs(27 + 30);
    // A busy publisher into a black hole.
    while rig.is_connected() {
        assert!(rig.elapsed() <= dead_by, "what we send proves nothing");
        rig.sent();
        rig.pass(millis(100));
    }
    assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
}

#[test]
fn pitfall_01_a_busy_publisher_does_not_delay_the_beat_or_any_miss() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    let silent_since = rig.elapsed();
    rig.forget();
    while rig.is_connected() {
        assert!(rig.elapsed() < secs(120), "what we send proves nothing");
        rig.sent();
        rig.pass(millis(250));
    }
    let first = rig.beats()[0];
    assert!(first - silent_since <= secs(30));
    let after: Vec<Duration> = rig.misses().iter().map(|&at| at - first).collect();
    assert_eq!(after, [1, 2, 4, 6, 10].map(secs));
}

#[test]
fn pitfall_02_any_inbound_is_life() {
    let mut rig = Rig::fixed(30);
    for _ in 0..20 {
        rig.until_beat();
        rig.pass(millis(2_999));
        rig.heard();
    }
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn pitfall_02_a_message_after_four_misses_starts_the_count_anew() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.forget();
    let first = rig.until_beat();
    rig.pass(secs(6));
    assert_eq!(rig.misses().len(), 4);
    rig.heard();
    rig.forget();
    // Only a whole new series may kill it.
    let dead = rig.until_death();
    assert_eq!(rig.misses().len(), 5);
    assert!(dead >= first + secs(6) + secs(27), "the next beat is an interval away");
}

#[test]
fn pitfall_02_a_round_trip_is_measured_from_the_matched_answer_only() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    rig.until_beat();
    rig.pass(millis(100));
    rig.keeper.tell(Input::Read { link, messages: Messages::None, answers: &[] });
    assert_eq!(rig.keeper.stats().rtt, None, "a message is no answer");
    rig.keeper.tell(Input::Read { link, messages: Messages::None, answers: &[Some(Token(u64::MAX))] });
    assert_eq!(rig.keeper.stats().rtt, None, "not one of our beats");
    rig.until_beat();
    rig.pass(millis(70));
    rig.answer();
    assert_eq!(rig.keeper.stats().rtt, Some(millis(70)));
}

#[test]
fn an_answer_that_names_no_beat_is_life_but_no_round_trip_is_invented() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    for _ in 0..3 {
        rig.until_beat();
        rig.pass(millis(400));
        rig.keeper.tell(Input::Read { link, messages: Messages::None, answers: &[None] });
        rig.pass(secs(20));
    }
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn pitfall_08_late_words_of_an_abandoned_link_are_ignored() {
    let mut rig = Rig::fixed(30);
    let old = rig.main();
    rig.until_death();
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.pass(secs(5));
    let (timer, state) = (rig.timer(), rig.keeper.state());
    let stats = rig.keeper.stats();
    rig.forget();

    let late: [fn(&mut Rig, LinkId); 9] = [
        |rig, old| rig.keeper.tell(Input::Read { link: old, messages: Messages::None, answers: &[] }),
        |rig, old| {
            rig.keeper.tell(Input::Read { link: old, messages: Messages::None, answers: &[rig.token] })
        },
        |rig, old| rig.keeper.tell(Input::Read { link: old, messages: Messages::None, answers: &[None] }),
        |rig, old| rig.keeper.tell(Input::Sent { link: old }),
        |rig, old| rig.keeper.tell(Input::Stalled { link: old }),
        |rig, old| rig.keeper.tell(Input::ReadAgain { link: old }),
        |rig, old| rig.keeper.tell(Input::Path { link: old, facts: Some(PathFacts::new(1, secs(60))) }),
        |rig, old| rig.keeper.tell(Input::Route { link: old, facts: Some(RouteFacts::new(false, None)) }),
        |rig, old| rig.keeper.tell(Input::Ended { link: old, end: LinkEnd::Reset }),
    ];
    for word in late {
        word(&mut rig, old);
        assert_eq!(rig.keeper.poll_output(), None);
        assert_eq!((rig.timer(), rig.keeper.state()), (timer, state));
    }
    assert_eq!(rig.keeper.stats(), stats);
}

#[test]
fn the_number_of_misses_is_a_setting() {
    for (misses, span) in [(1, 1), (2, 2), (3, 4), (4, 6), (5, 10)] {
        let mut rig = Rig::beating(Heartbeat::fixed(secs(30)).misses(misses));
        rig.beat_answered(RTT);
        let first = rig.until_beat();
        assert_eq!(rig.until_death(), first + secs(span), "{misses} misses");
    }
}

#[test]
fn a_dead_link_is_dropped_before_anything_else_is_said() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    rig.until_beat();
    rig.pass(secs(29));
    rig.forget();
    rig.until_death();
    let dropped = rig.outputs().iter().position(|&output| *output == Output::Abandon { link });
    let told =
        rig.outputs().iter().position(|output| matches!(output, Output::Emit(Event::Disconnected { .. })));
    assert!(dropped.is_some() && dropped < told, "{:?}", rig.outputs());
}

#[test]
fn a_listened_link_is_never_asked_and_dies_of_silence() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(45) });
    for _ in 0..10 {
        rig.pass(secs(44));
        rig.heard();
    }
    let heard = rig.elapsed();
    assert_eq!(rig.timer(), Some((heard + secs(45), Timer::Silence)));
    assert_eq!(rig.until_death(), heard + secs(45));
    assert_eq!(rig.detection(), Some(Detection::Silent));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn an_unanswered_beat_of_a_fixed_rhythm_is_a_miss_and_five_are_a_death() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Every { interval: secs(41) });
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(30));
    assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
}

#[test]
fn with_the_heartbeat_off_a_link_lives_until_its_transport_ends_it() {
    let mut rig = Rig::beating(Heartbeat::off());
    rig.pass(secs(7 * 24 * 3600));
    assert!(rig.is_connected());
    assert_eq!(rig.beats(), NEVER);
    rig.end(LinkEnd::Eof);
    assert!(!rig.is_connected());
}

#[test]
fn pitfall_07_a_new_link_starts_with_no_misses() {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::fixed(secs(30))), 1);
    rig.beat_answered(RTT);
    rig.until_beat();
    rig.pass(secs(6));
    assert_eq!(rig.misses().len(), 4);
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.forget();
    rig.until_death();
    assert_eq!(rig.misses().len(), 5);
}
