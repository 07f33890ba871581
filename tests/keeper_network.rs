//! What the host says of the network, and what a sleep does: hints that
//! advance and probe, never verdicts.

#[path = "keeper/rig.rs"]
mod rig;

use std::time::Duration;

use longlink::keeper::{
    Beat, Because, Config, Event, Failure, Heartbeat, LinkEnd, NetworkStatus, Output, Reconnect, Seen, State,
};
use rig::{RTT, Rig, millis, secs, with_heartbeat};

/// Waiting for a late attempt: at least 20 s are left.
fn waiting(seed: u64) -> Rig {
    let mut rig = Rig::dialling(Reconnect::default(), seed);
    loop {
        rig.fail(Failure::Unreachable);
        if rig.delay() >= secs(20) {
            rig.forget();
            return rig;
        }
        rig.until_opening();
    }
}

/// A link in use that has just been heard.
fn linked() -> Rig {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::fixed(secs(300))), 1);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig
}

#[test]
fn pitfall_32_online_advances_the_attempt_to_within_a_second() {
    let mut delays = Vec::new();
    for seed in 0..200 {
        let mut rig = waiting(seed);
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(2));
        rig.network(NetworkStatus::Online);
        let came = rig.elapsed();
        let [(delay, because)] = rig.advanced()[..] else { panic!("advanced once: {:?}", rig.advanced()) };
        assert_eq!(because, Because::Network);
        assert!(delay >= millis(200) && delay <= secs(1), "{delay:?}");
        assert_eq!(rig.until_opening(), came + delay);
        delays.push(delay);
    }
    delays.sort();
    delays.dedup();
    assert!(delays.len() > 150, "a fleet must not come back all at once");
}

#[test]
fn pitfall_32_a_shorter_wait_is_not_made_longer() {
    for seed in 0..100 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        rig.fail(Failure::Unreachable);
        let due = rig.elapsed() + rig.delay();
        rig.pass(rig.delay() - millis(100));
        rig.network(NetworkStatus::Online);
        assert_eq!(rig.until_opening(), due, "seed {seed}");
    }
}

#[test]
fn pitfall_24_online_advances_once_a_burst() {
    for seed in 0..50 {
        let mut rig = waiting(seed);
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(1));
        let began = rig.elapsed();
        for _ in 0..10 {
            rig.network(NetworkStatus::Online);
            rig.pass(millis(10));
        }
        assert_eq!(rig.advanced().len(), 1);
        assert!(rig.opening.is_some() || rig.until_opening() <= began + secs(1));
    }
}

#[test]
fn pitfall_24_the_backoff_runs_on_if_online_never_comes() {
    let mut rig = waiting(1);
    rig.network(NetworkStatus::Offline);
    rig.until_opening();
}

#[test]
fn pitfall_24_online_too_early_does_not_start_the_backoff_anew() {
    let mut rig = waiting(1);
    let State::Waiting { attempt } = rig.keeper.state() else { panic!("{:?}", rig.keeper.state()) };
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.fail(Failure::Unreachable);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: attempt + 1 });
}

#[test]
fn pitfall_39_offline_is_tried_once_a_minute_all_the_same() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.network(NetworkStatus::Offline);
    rig.fail(Failure::Unreachable);
    let mut tries = Vec::new();
    for _ in 0..10 {
        tries.push(rig.until_opening());
        rig.fail(Failure::Unreachable);
    }
    for pair in tries.windows(2) {
        let wait = pair[1] - pair[0];
        assert!(wait >= secs(30) && wait <= secs(61), "{wait:?}");
    }
}

#[test]
fn pitfall_33_a_change_of_network_probes_a_link_and_does_not_drop_it() {
    let mut rig = linked();
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    assert!(rig.is_connected());
    assert_eq!(rig.until_beat(), changed + millis(250), "after the burst has settled");
    rig.pass(RTT);
    rig.answer();
    rig.pass(secs(100));
    assert!(rig.is_connected());
}

#[test]
fn pitfall_33_a_burst_of_changes_is_one_probe() {
    let mut rig = linked();
    for _ in 0..20 {
        rig.network(NetworkStatus::Changed);
        rig.pass(millis(10));
    }
    rig.pass(secs(1));
    assert_eq!(rig.beats().len(), 1);
}

#[test]
fn online_probes_a_link_at_once_with_one_deadline_of_three_seconds() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(1));
    rig.network(NetworkStatus::Online);
    let came = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [came]);
    assert_eq!(rig.until_death(), came + secs(3));
    assert_eq!(rig.seen(), Some(Seen::ProbeUnanswered));
    assert!(rig.delay() <= millis(50));
}

#[test]
fn any_inbound_byte_answers_the_probe_after_online() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    rig.pass(millis(2_999));
    rig.heard();
    rig.pass(secs(200));
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), []);
}

#[test]
fn an_address_that_is_gone_takes_its_link_with_it_at_once() {
    let mut rig = linked();
    let link = rig.main();
    rig.address_gone();
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    assert_eq!(rig.seen(), Some(Seen::AddressGone));
    assert!(rig.delay() <= millis(50));
}

#[test]
fn offline_keeps_the_link_and_beats_once_a_minute() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    assert!(rig.is_connected());
    for _ in 0..5 {
        let heard = rig.elapsed();
        let at = rig.until_beat();
        assert!(at - heard <= secs(60) && at - heard >= secs(50), "{:?}", at - heard);
        rig.pass(RTT);
        rig.answer();
    }
}

#[test]
fn a_death_while_offline_says_nothing_of_the_idle_timeout() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(115));
    let interval = rig.interval();
    rig.network(NetworkStatus::Offline);
    rig.until_death();
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.interval(), interval);
    let learned = |output: &Output| {
        matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. } | Event::IdleTimeoutShrank { .. }))
    };
    assert_eq!(rig.instants(learned), []);
}

#[test]
fn a_retry_after_of_a_verified_server_outranks_online() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: true });
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    assert!(rig.until_opening() >= secs(100));
}

#[test]
fn a_retry_after_of_nobody_known_does_not() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: false });
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    assert!(rig.until_opening() <= secs(1));
}

#[test]
fn a_sleep_of_more_than_ten_minutes_is_not_worth_a_probe() {
    let mut rig = linked();
    let link = rig.main();
    rig.suspend(secs(601));
    rig.timeout();
    rig.pass(secs(1));
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    assert_eq!(rig.seen(), Some(Seen::Slept));
}

#[test]
fn waking_advances_a_waiting_attempt() {
    let mut rig = waiting(1);
    rig.suspend(secs(5));
    let woke = rig.elapsed();
    rig.timeout();
    assert!(rig.until_opening() <= woke + secs(1));
    assert_eq!(rig.advanced().first().map(|&(_, because)| because), Some(Because::Woke));
}

#[test]
fn a_sleep_makes_no_evidence_of_an_idle_timeout() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(58));
    let interval = rig.interval();
    rig.suspend(secs(300));
    rig.timeout();
    rig.until_death();
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.interval(), interval);
}

#[test]
fn events_tell_what_the_host_said() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    rig.network(NetworkStatus::Changed);
    let said: Vec<&Output> = rig
        .outputs()
        .into_iter()
        .filter(|output| {
            matches!(
                output,
                Output::Emit(Event::NetworkOffline | Event::NetworkOnline | Event::NetworkChanged)
            )
        })
        .collect();
    let expected = [Event::NetworkOffline, Event::NetworkOnline, Event::NetworkChanged].map(Output::Emit);
    assert_eq!(said, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_link_that_ends_while_offline_is_not_dialled_at_once() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    rig.end(LinkEnd::Reset);
    let ended = rig.elapsed();
    assert!(rig.until_opening() <= ended + secs(61));
}

#[test]
fn a_gap_that_a_link_survives_while_the_network_is_reported_gone_proves_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    rig.network(NetworkStatus::Offline);
    rig.heard();
    // One beat a minute.
    rig.beat_answered(RTT);
    rig.beat_answered(RTT);
    assert_eq!(rig.keeper.figures(rig.now).proven, secs(34));
}
