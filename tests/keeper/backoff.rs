//! Drop the old fast, come back fast, hurt nobody: when the next attempt is
//! made, and when none is.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{
    Beat, Because, Config, Event, Failure, Finish, GiveUp, Heartbeat, LinkEnd, NetworkStatus, Output,
    Reconnect, Seen, State,
};

const FLOOR: Duration = millis(500);
const CAP: Duration = secs(60);

fn code(code: u16) -> LinkEnd {
    LinkEnd::Closed { code: Some(code), reason: String::new() }
}

fn http(status: u16, verified: bool) -> Failure {
    Failure::Http { status, retry_after: None, verified }
}

/// A link that was in use for longer than 30 s and heard something, and is
/// idle now.
fn proved(seed: u64) -> Rig {
    let mut rig = Rig::connected(Config::default(), seed);
    rig.pass(secs(10));
    rig.heard();
    rig.pass(secs(25));
    if rig.is_connected() { rig } else { panic!("the link must live") }
}

/// The delay after a proved link that ended so.
fn first_delay(seed: u64, end: LinkEnd) -> Duration {
    let mut rig = proved(seed);
    rig.end(end);
    rig.delay()
}

fn seconds(delays: &[Duration]) -> Vec<f64> {
    delays.iter().map(Duration::as_secs_f64).collect()
}

/// That `delays` are drawn evenly between the bounds: within them, each fifth
/// of the span has its share, and no value stands out.
fn assert_even(delays: &[Duration], low: Duration, high: Duration) {
    assert!(delays.len() >= 500);
    let mut fifths = [0; 5];
    for &delay in delays {
        assert!(delay >= low && delay <= high, "{delay:?} is not within {low:?}..{high:?}");
        let part = (delay - low).as_secs_f64() / (high - low).as_secs_f64();
        fifths[((part * 5.0) as usize).min(4)] += 1;
    }
    for fifth in fifths {
        let share = f64::from(fifth) / delays.len() as f64;
        assert!((0.14..=0.26).contains(&share), "{fifths:?} of {low:?}..{high:?}");
    }
    let mut sorted = delays.to_vec();
    sorted.sort();
    sorted.dedup();
    assert!(sorted.len() > delays.len() * 95 / 100, "some delay is drawn over and over");
}

/// The delay before attempt `attempt + 1` after `attempt` refused ones.
fn delay_after(failures: u32, seed: u64) -> Duration {
    let mut rig = Rig::dialling(Reconnect::default(), seed);
    for number in 1..=failures {
        rig.fail(Failure::Refused);
        if number < failures {
            rig.until_opening();
        }
    }
    rig.delay()
}

#[test]
fn pitfall_09_one_attempt_at_a_time() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let opening = rig.opening;
    rig.forget();
    for _ in 0..3 {
        rig.reconnect();
        rig.probe();
        rig.pass(secs(2));
    }
    assert_eq!(rig.instants(|output| matches!(output, Output::Open { .. })), NEVER);
    assert_eq!(rig.opening, opening);
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
    assert_eq!(rig.seen(), Some(Seen::Asked));
}

#[test]
fn an_attempt_without_an_answer_is_abandoned_at_its_deadline() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let link = rig.opening.expect("an attempt is under way");
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
    assert_eq!(rig.finished, None);
}

#[test]
fn the_configured_number_of_attempts_is_made_and_no_more() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(3), 1);
    for _ in 0..2 {
        rig.fail(Failure::Refused);
        rig.until_opening();
    }
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished, Some(Finish::GaveUp(GiveUp::Attempts(3))));
    assert_eq!(rig.keeper.state(), State::GaveUp);
    assert_eq!(rig.timer(), None);
}

#[test]
fn pitfall_12_a_delay_is_never_zero_in_a_loop() {
    for seed in 0..50 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        for _ in 0..20 {
            rig.fail(Failure::Refused);
            assert!(rig.delay() >= FLOOR);
            rig.until_opening();
        }
    }
}

#[test]
fn pitfall_12_nor_by_a_policy_of_zeros() {
    let mut rig = Rig::dialling(Reconnect::default().delays(|| std::iter::repeat(Duration::ZERO)), 1);
    rig.fail(Failure::Refused);
    assert_eq!(rig.delay(), Duration::ZERO, "but the first may be");
    for _ in 0..100 {
        rig.until_opening();
        rig.fail(Failure::Refused);
        assert!(rig.delay() >= millis(1));
    }
    assert!(rig.elapsed() >= millis(99));
}

#[test]
fn pitfall_12_nor_by_an_eager_policy() {
    let mut rig = Rig::dialling(Reconnect::eager(), 1);
    for _ in 0..20 {
        rig.open(Beat::Ping);
        rig.heard();
        rig.end(code(1000));
        assert!(rig.delay() >= FLOOR, "only the first retry after a proved link is immediate");
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig.heard();
    rig.pass(secs(31));
    rig.heard();
    rig.end(code(1011));
    assert_eq!(rig.delay(), Duration::ZERO);
}

#[test]
fn pitfall_12_no_more_delays_means_give_up() {
    // Three delays are three retries; the first connect does not wait.
    let delays = || [secs(1), secs(2), secs(3)];
    let mut rig = Rig::dialling(Reconnect::default().delays(delays), 1);
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(1));
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(3));
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(6));
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished, Some(Finish::GaveUp(GiveUp::Policy)));
    assert_eq!(rig.timer(), None);
}

#[test]
fn pitfall_13_at_the_cap_the_delays_still_spread_and_never_exceed_it() {
    let delays: Vec<Duration> = (0..800).map(|seed| delay_after(12, seed)).collect();
    assert_even(&delays, FLOOR, CAP);
}

#[test]
fn the_delays_double_from_a_second_to_a_minute() {
    let longest = [1, 2, 4, 8, 16, 32, 60, 60].map(secs);
    for (failures, longest) in (1..).zip(longest) {
        let delays: Vec<Duration> = (0..600).map(|seed| delay_after(failures, seed)).collect();
        assert_even(&delays, FLOOR, longest);
    }
}

#[test]
fn pitfall_31_a_close_with_1000_is_retried() {
    let mut rig = proved(1);
    rig.end(code(1000));
    assert_eq!(rig.finished, None);
    assert!(matches!(rig.keeper.state(), State::Waiting { .. }));
    rig.until_opening();
}

#[test]
fn pitfall_31_unless_we_closed() {
    let mut rig = proved(1);
    let link = rig.main();
    rig.forget();
    rig.close();
    assert_eq!(rig.keeper.state(), State::Closing);
    assert!(rig.outputs().contains(&&Output::Retire { link }));
    rig.pass(RTT);
    rig.keeper.handle_ended(link, code(1000), rig.now);
    rig.pass(Duration::ZERO);
    drain_to_finish(&mut rig);
    assert_eq!(rig.keeper.state(), State::Closed);
}

#[test]
fn pitfall_25_a_close_does_not_wait_for_a_peer_that_is_silent() {
    let mut rig = proved(1);
    rig.close();
    let asked = rig.elapsed();
    rig.pass(millis(2_999));
    assert_eq!(rig.finished, None);
    rig.pass(millis(1));
    assert_eq!((rig.finished.clone(), rig.elapsed()), (Some(Finish::Closed), asked + secs(3)));
}

#[test]
fn pitfall_25_a_close_during_a_wait_or_an_attempt_ends_at_once() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let link = rig.opening.expect("an attempt is under way");
    rig.close();
    assert_eq!(rig.finished, Some(Finish::Closed));
    assert!(rig.outputs().contains(&&Output::Abandon { link }));

    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Refused);
    rig.close();
    assert_eq!((rig.finished.clone(), rig.timer()), (Some(Finish::Closed), None));
}

#[test]
fn pitfall_42_after_a_restart_an_idle_fleet_comes_back_over_a_second() {
    // Idle links that the server ended: it may have restarted, and then
    // everybody is on the way.
    for end in [LinkEnd::Eof, LinkEnd::Reset, code(1001)] {
        let delays: Vec<Duration> = (0..800).map(|seed| first_delay(seed, end.clone())).collect();
        assert_even(&delays, Duration::ZERO, secs(1));
    }
}

#[test]
fn pitfall_42_an_end_that_is_this_clients_alone_is_answered_within_50_ms() {
    let delays: Vec<Duration> = (0..600)
        .map(|seed| {
            let mut rig = proved(seed);
            rig.address_gone();
            assert_eq!(rig.scheduled().map(|(_, _, because)| because), Some(Because::EndedAlone));
            rig.delay()
        })
        .collect();
    assert_even(&delays, Duration::ZERO, millis(50));
}

#[test]
fn pitfall_42_a_gap_that_the_prober_chose_is_this_clients_alone() {
    for seed in 0..50 {
        let mut rig = Rig::connected(Config::default(), seed);
        rig.learn(secs(58));
        // The next longer gap kills it.
        rig.until_death();
        assert!(rig.delay() <= millis(50), "seed {seed}: {:?}", rig.scheduled());
    }
}

#[test]
fn pitfall_42_a_probe_that_fails_after_a_network_event_is_this_clients_alone() {
    for seed in 0..50 {
        let mut rig = proved(seed);
        rig.network(NetworkStatus::Offline);
        rig.network(NetworkStatus::Online);
        rig.until_death();
        assert!(rig.delay() <= millis(50), "seed {seed}: {:?}", rig.scheduled());
    }
}

#[test]
fn pitfall_44_delays_are_drawn_evenly_from_the_floor_up() {
    for failures in [1, 2, 3] {
        let delays: Vec<Duration> = (0..1_000).map(|seed| delay_after(failures, seed)).collect();
        let on_the_floor = delays.iter().filter(|&&delay| delay == FLOOR).count();
        assert!(on_the_floor <= 5, "{on_the_floor} of 1,000 on the floor");
        assert_even(&delays, FLOOR, secs(1 << (failures - 1)));
    }
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

#[test]
fn a_close_code_that_is_final_stops() {
    for last in [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409] {
        let mut rig = proved(1);
        rig.end(code(last));
        assert!(
            matches!(&rig.finished, Some(Finish::GaveUp(GiveUp::Close { code, .. })) if *code == last),
            "{last}: {:?}",
            rig.finished
        );
    }
}

#[test]
fn a_close_code_that_is_not_final_is_retried() {
    for passing in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 3000, 4000, 4999] {
        let mut rig = proved(1);
        rig.end(code(passing));
        assert_eq!(rig.finished, None, "{passing}");
        rig.until_opening();
    }
    let mut rig = proved(1);
    rig.end(LinkEnd::Closed { code: None, reason: String::new() });
    assert_eq!(rig.finished, None);
}

#[test]
fn a_service_that_restarts_is_given_5_to_30_seconds() {
    let delays: Vec<Duration> = (0..600).map(|seed| first_delay(seed, code(1012))).collect();
    assert_even(&delays, secs(5), secs(30));
}

#[test]
fn a_service_that_is_overloaded_is_asked_from_half_the_maximum_on() {
    for seed in 0..200 {
        assert!(first_delay(seed, code(1013)) <= secs(30));
    }
    let mean = seconds(&(0..600).map(|seed| first_delay(seed, code(1013))).collect::<Vec<_>>());
    let mean = mean.iter().sum::<f64>() / 600.0;
    assert!((10.0..=23.0).contains(&mean), "the mean is {mean} s");
}

#[test]
fn a_protocol_error_stops_after_three_in_a_row() {
    for end in [code(1002), code(1009)] {
        let mut rig = proved(1);
        for _ in 0..2 {
            rig.end(end.clone());
            assert_eq!(rig.finished, None);
            rig.until_opening();
            rig.open(Beat::Ping);
            rig.heard();
        }
        rig.end(end.clone());
        assert!(matches!(rig.finished, Some(Finish::GaveUp(_))), "{end}");
    }
}

#[test]
fn pitfall_14_a_final_answer_of_a_verified_server_stops() {
    for status in [400, 403, 405, 410, 426, 431, 451, 501, 505] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(http(status, true));
        assert!(
            matches!(rig.finished, Some(Finish::GaveUp(GiveUp::Failure(_)))),
            "{status}: {:?}",
            rig.finished
        );
    }
}

#[test]
fn pitfall_43_an_answer_of_nobody_known_never_stops() {
    for status in [200, 302, 400, 401, 403, 404, 405, 407, 410, 426, 431, 451, 501, 505] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        for _ in 0..10 {
            rig.fail(http(status, false));
            assert_eq!(rig.finished, None, "{status}");
            rig.until_opening();
        }
    }
}

#[test]
fn pitfall_43_a_breach_of_the_protocol_by_nobody_known_never_stops() {
    let breaches = [LinkEnd::Protocol("RSV1".to_owned()), LinkEnd::TooBig { size: 9, limit: 8 }];
    for (vouched, end) in breaches.iter().flat_map(|end| [(true, end), (false, end)]) {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        for times in 1..=10 {
            rig.open_as(|opened| opened.vouched = vouched);
            rig.end(end.clone());
            if vouched && times == 3 {
                assert_eq!(rig.finished, Some(Finish::GaveUp(GiveUp::Link(end.clone()))));
                break;
            }
            assert_eq!(rig.finished, None, "{end}, the {times}th time");
            rig.until_opening();
        }
        assert_eq!(rig.finished.is_some(), vouched, "{end}");
    }
}

#[test]
fn pitfall_14_the_same_401_twice_stops_and_once_does_not() {
    for status in [401, 407] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(http(status, true));
        assert_eq!(rig.finished, None, "fresh credentials may help");
        rig.until_opening();
        rig.fail(http(status, true));
        assert!(matches!(rig.finished, Some(Finish::GaveUp(GiveUp::Failure(_)))), "{status}");
    }
}

#[test]
fn passing_failures_are_always_retried() {
    let passing = [
        Failure::Dns,
        Failure::Refused,
        Failure::Unreachable,
        Failure::TimedOut,
        Failure::Tls,
        http(500, true),
        http(503, true),
        Failure::Ended(LinkEnd::Eof),
        Failure::Hook { retry: true },
    ];
    for failure in passing {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        for _ in 0..30 {
            rig.fail(failure.clone());
            assert_eq!(rig.finished, None, "{failure}");
            rig.until_opening();
        }
    }
}

#[test]
fn a_failure_that_says_stop_stops() {
    for failure in [Failure::Stop, Failure::Hook { retry: false }] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(failure.clone());
        assert_eq!(rig.finished, Some(Finish::GaveUp(GiveUp::Failure(failure))));
    }
}

#[test]
fn a_tls_failure_waits_half_a_minute_and_at_most_five() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..20 {
        rig.fail(Failure::Tls);
        assert!(rig.delay() >= secs(15) && rig.delay() <= secs(300), "{:?}", rig.delay());
        rig.until_opening();
    }
}

#[test]
fn retry_after_is_waited_for_and_stretched_by_a_fifth_at_most() {
    let asked = secs(100);
    for failure in [
        Failure::RetryAfter(asked),
        Failure::Http { status: 429, retry_after: Some(asked), verified: true },
        Failure::Http { status: 503, retry_after: Some(asked), verified: true },
    ] {
        let delays: Vec<Duration> = (0..600)
            .map(|seed| {
                let mut rig = Rig::dialling(Reconnect::default(), seed);
                rig.fail(failure.clone());
                assert_eq!(rig.scheduled().map(|(_, _, because)| because), Some(Because::RetryAfter));
                rig.delay()
            })
            .collect();
        assert_even(&delays, asked, secs(120));
    }
}

#[test]
fn retry_after_is_never_longer_than_an_hour_and_a_fifth() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::RetryAfter(secs(30 * 24 * 3600)));
    assert!(rig.delay() >= secs(3600) && rig.delay() <= secs(4320), "{:?}", rig.delay());
}

#[test]
fn pitfall_12_a_retry_after_of_nothing_is_backed_off_from() {
    for failure in [
        Failure::RetryAfter(Duration::ZERO),
        Failure::Http { status: 503, retry_after: Some(Duration::ZERO), verified: true },
        Failure::Http { status: 503, retry_after: Some(millis(499)), verified: false },
    ] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        let mut longest = Duration::ZERO;
        for _ in 0..12 {
            rig.fail(failure.clone());
            assert!(rig.delay() >= millis(500) && rig.delay() <= secs(60), "{:?}", rig.delay());
            longest = longest.max(rig.delay());
            rig.until_opening();
        }
        assert!(longest > secs(30), "it does not grow: {longest:?}");
    }
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

fn drain_to_finish(rig: &mut Rig) {
    rig.timeout();
    assert_eq!(rig.finished, Some(Finish::Closed));
}

#[test]
fn an_application_that_asks_for_a_new_link_does_not_use_up_its_attempts() {
    for policy in [Reconnect::default().attempts(2), Reconnect::default().delays(|| [millis(5)])] {
        let mut rig = Rig::dialling(policy.clone(), 1);
        for _ in 0..5 {
            rig.open(Beat::Ping);
            rig.reconnect();
            assert_eq!(rig.finished, None, "{policy:?}");
        }
        assert!(rig.opening.is_some());
        // One that fails is the first.
        rig.fail(Failure::Refused);
        assert_eq!(rig.finished, None, "{policy:?}");
        assert_eq!(rig.keeper.state(), State::Waiting { attempt: 2 });
    }
}

#[test]
fn a_reset_that_the_network_may_have_brought_is_not_this_clients_alone() {
    let delay = |seed, news: bool| {
        let mut rig = Rig::connected(Config::default(), seed);
        rig.beat_answered(RTT);
        // The gap of the next beat is one that the prober tries.
        rig.until_beat();
        if news {
            rig.network(NetworkStatus::Changed);
        }
        rig.pass(millis(10));
        rig.end(LinkEnd::Reset);
        rig.delay()
    };
    let longest = |news| (0..100).map(|seed| delay(seed, news)).max();
    assert!(longest(false) <= Some(millis(50)));
    assert!(longest(true) > Some(millis(500)));
}

#[test]
fn a_cap_below_half_a_second_makes_every_delay_half_a_second() {
    let mut rig = Rig::dialling(Reconnect::default().base(millis(10)).cap(millis(100)), 1);
    for _ in 0..5 {
        rig.fail(Failure::Refused);
        assert_eq!(rig.delay(), millis(500));
        rig.until_opening();
    }
}
