//! One attempt at a time, and which of them count.

use std::time::Duration;

use super::{FLOOR, proved};
use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Config, Finish, Output};
use longlink::{Beat, Detection, Event, Failure, GiveUp, LinkEnd, NetworkStatus, Reconnect, State};

#[test]
fn pitfall_09_one_attempt_at_a_time() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let opening = rig.opening();
    rig.forget();
    for _ in 0..3 {
        rig.reconnect();
        rig.probe();
        rig.pass(secs(2));
    }
    assert_eq!(rig.instants(|output| matches!(output, Output::Open { .. })), NEVER);
    assert_eq!(rig.opening(), opening);
}

#[test]
fn pitfall_09_good_news_replaces_an_attempt_but_never_adds_one() {
    for seed in 0..50 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        let mut under_way = 0;
        for _ in 0..20 {
            rig.network(NetworkStatus::Offline);
            rig.pass(millis(700));
            rig.network(NetworkStatus::Online);
            rig.network(NetworkStatus::Changed);
            rig.pass(millis(900));
        }
        for output in rig.outputs() {
            match output {
                Output::Open { .. } => under_way += 1,
                Output::Abandon { .. } => under_way -= 1,
                _ => {}
            }
            assert!((0..=1).contains(&under_way), "{output:?}");
        }
    }
}

#[test]
fn pitfall_09_a_second_request_to_reconnect_changes_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.forget();
    rig.reconnect();
    rig.reconnect();
    rig.pass(secs(10));
    assert_eq!(rig.instants(|output| matches!(output, Output::Open { .. })), [Duration::ZERO]);
    assert_eq!(rig.detection(), Some(Detection::Asked));
}

#[test]
fn an_attempt_without_an_answer_is_abandoned_at_its_deadline() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let link = rig.opening().expect("an attempt is under way");
    rig.forget();
    rig.pass(secs(15));
    assert_eq!(rig.instants(|output| *output == Output::Abandon { link }), [secs(15)]);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: 2 });
}

#[test]
fn pitfall_10_accept_then_close_does_not_reset_the_count() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let mut attempts = Vec::new();
    for _ in 0..12 {
        rig.pass(millis(5));
        rig.open(Beat::Ping);
        rig.heard();
        rig.pass(millis(5));
        rig.end(LinkEnd::Eof);
        let (attempt, delay, _) = rig.scheduled().expect("an attempt is scheduled");
        attempts.push(attempt);
        assert!(delay >= FLOOR, "attempt {attempt} after {delay:?}");
        rig.until_opening();
    }
    assert!(attempts.windows(2).all(|pair| pair[1] == pair[0] + 1), "{attempts:?}");
    assert!(rig.elapsed() > secs(60), "a dozen storms take minutes, not {:?}", rig.elapsed());
}

#[test]
fn pitfall_10_thirty_seconds_without_a_word_do_not_reset_the_count() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..5 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.open(Beat::Listen { longest_silence: secs(60) });
    rig.pass(secs(59));
    rig.end(LinkEnd::Eof);
    let (attempt, delay, _) = rig.scheduled().expect("an attempt is scheduled");
    assert!(attempt > 5, "attempt {attempt}");
    assert!(delay >= FLOOR);
}

#[test]
fn pitfall_10_a_word_without_thirty_seconds_does_not_reset_the_count() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..5 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig.heard();
    rig.pass(millis(29_900));
    rig.end(LinkEnd::Eof);
    assert!(rig.scheduled().expect("an attempt is scheduled").0 > 5);
}

#[test]
fn pitfall_11_thirty_seconds_and_a_word_reset_the_count() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..5 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig.pass(secs(1));
    rig.heard();
    rig.pass(millis(29_100));
    rig.end(LinkEnd::Eof);
    let (attempt, delay, _) = rig.scheduled().expect("an attempt is scheduled");
    assert_eq!(attempt, 1);
    assert!(delay <= secs(1));
    // And the run after it grows from the first step again.
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert!(rig.delay() <= secs(2), "{:?}", rig.delay());
}

#[test]
fn pitfall_11_only_consecutive_attempts_are_limited() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(4), 1);
    for _ in 0..20 {
        for _ in 0..2 {
            rig.fail(Failure::Refused);
            rig.until_opening();
        }
        rig.open(Beat::Ping);
        rig.heard();
        rig.pass(secs(31));
        rig.heard();
        rig.end(LinkEnd::Reset);
        rig.until_opening();
    }
    assert_eq!(rig.finished(), None);
}

#[test]
fn the_configured_number_of_attempts_is_made_and_no_more() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(3), 1);
    for _ in 0..2 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Attempts(3))));
    assert_eq!(rig.keeper.state(), State::GaveUp);
    assert_eq!(rig.timer(), None);
}

#[test]
fn an_end_is_told_before_its_cause_and_a_wait_before_its_attempt() {
    let mut rig = proved(1);
    rig.forget();
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    let names: Vec<&str> = rig
        .outputs()
        .iter()
        .filter_map(|output| match output {
            Output::Emit(Event::Disconnected { .. }) => Some("disconnected"),
            Output::Emit(Event::ReconnectScheduled { .. }) => Some("scheduled"),
            Output::Emit(Event::Connecting { .. }) => Some("connecting"),
            Output::Emit(Event::Diagnosed { .. }) => Some("diagnosed"),
            Output::Emit(Event::Connected { .. }) => Some("connected"),
            _ => None,
        })
        .collect();
    let place = |name: &str| names.iter().position(|&other| other == name);
    for (before, after) in [
        ("disconnected", "scheduled"),
        ("scheduled", "connecting"),
        ("connecting", "connected"),
        ("disconnected", "diagnosed"),
    ] {
        assert!(place(before).is_some() && place(before) < place(after), "{names:?}");
    }
}

#[test]
fn an_application_that_asks_for_a_new_link_does_not_use_up_its_attempts() {
    for policy in [Reconnect::default().attempts(2), Reconnect::default().delays(|| [millis(5)])] {
        let mut rig = Rig::dialling(policy.clone(), 1);
        for _ in 0..5 {
            rig.open(Beat::Ping);
            rig.reconnect();
            assert_eq!(rig.finished(), None, "{policy:?}");
        }
        assert!(rig.opening().is_some());
        // One that fails is the first.
        rig.fail(Failure::Refused);
        assert_eq!(rig.finished(), None, "{policy:?}");
        assert_eq!(rig.keeper.state(), State::Waiting { attempt: 2 });
    }
}
