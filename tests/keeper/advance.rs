//! News of the network while the next attempt is waited for or
//! under way: hints that advance, once a burst. With a link in use:
//! network.rs.

use crate::rig::{RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Finish, Input, Output, RouteFacts};
use longlink::{
    Beat, Event, Failure, GiveUp, Heartbeat, LinkEnd, NetworkStatus, Reconnect, RetryReason, State,
};

#[test]
fn pitfall_32_online_advances_the_attempt_to_within_a_second() {
    let mut delays = Vec::new();
    for seed in 0..200 {
        let mut rig = Rig::waiting(seed);
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(2));
        rig.network(NetworkStatus::Online);
        let came = rig.elapsed();
        let [(delay, reason)] = rig.advanced()[..] else { panic!("advanced once: {:?}", rig.advanced()) };
        assert_eq!(reason, RetryReason::Network);
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
        let mut rig = Rig::waiting(seed);
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(1));
        let began = rig.elapsed();
        for _ in 0..10 {
            rig.network(NetworkStatus::Online);
            rig.pass(millis(10));
        }
        assert_eq!(rig.advanced().len(), 1);
        assert!(rig.opening().is_some() || rig.until_opening() <= began + secs(1));
    }
}

#[test]
fn pitfall_24_the_backoff_runs_on_if_online_never_comes() {
    let mut rig = Rig::waiting(1);
    rig.network(NetworkStatus::Offline);
    rig.until_opening();
}

#[test]
fn pitfall_24_online_too_early_does_not_start_the_backoff_anew() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    let State::Waiting { attempt } = rig.keeper.state() else { panic!("{:?}", rig.keeper.state()) };
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: attempt + 1 });
}

#[test]
fn pitfall_24_attempts_without_a_way_do_not_count_once_online() {
    for failure in [Failure::Unreachable, Failure::Dns] {
        for news in [NetworkStatus::Online, NetworkStatus::Changed] {
            let mut rig = Rig::waiting_after(failure.clone(), 1);
            rig.network(news);
            rig.until_opening();
            rig.fail(failure.clone());
            // Online came before the routes did: what follows is the first step.
            assert_eq!(rig.keeper.state(), State::Waiting { attempt: 2 });
            assert!(rig.delay() <= secs(1), "{:?}", rig.delay());
        }
    }
}

#[test]
fn pitfall_24_endless_news_does_not_hold_the_backoff_at_its_start() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.forget();
    for _ in 0..300 {
        if rig.opening().is_some() {
            rig.fail(Failure::Unreachable);
        }
        rig.network(NetworkStatus::Changed);
        rig.pass(millis(200));
    }
    let attempts = rig.instants(|output| matches!(output, Output::Open { .. }));
    // One a burst, and the backoff's own.
    assert!(attempts.len() <= 31 + 8, "{} attempts", attempts.len());
}

#[test]
fn pitfall_24_news_within_a_burst_is_held_to_its_end_and_not_lost() {
    for seed in 0..50 {
        let mut rig = Rig::waiting_after(Failure::Refused, seed);
        rig.network(NetworkStatus::Online);
        let came = rig.elapsed();
        rig.until_opening();
        rig.fail(Failure::Refused);
        if rig.delay() < secs(4) {
            continue;
        }
        rig.forget();
        rig.pass(came + millis(1_500) - rig.elapsed());
        rig.network(NetworkStatus::Changed);
        let [(delay, RetryReason::Network)] = rig.advanced()[..] else { panic!("{:?}", rig.advanced()) };
        let due = rig.elapsed() + delay;
        assert!(due >= came + millis(2_200) && due <= came + secs(3), "{:?}", due - came);
        assert_eq!(rig.until_opening(), due);
    }
}

#[test]
fn news_during_an_attempt_counts_when_it_fails() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.until_opening();
    rig.pass(millis(900));
    rig.network(NetworkStatus::Online);
    assert!(rig.opening().is_some(), "an attempt this young goes on");
    rig.forget();
    rig.fail(Failure::Refused);
    let failed = rig.elapsed();
    let [(delay, RetryReason::Network)] = rig.advanced()[..] else { panic!("{:?}", rig.advanced()) };
    assert!(delay >= millis(200) && delay <= secs(1), "{delay:?}");
    assert_eq!(rig.until_opening(), failed + delay);
}

#[test]
fn news_just_before_an_attempt_counts_when_it_fails_too() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.pass(rig.due() - rig.elapsed() - millis(50));
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.forget();
    rig.fail(Failure::Unreachable);
    assert_eq!(rig.advanced().len(), 1, "its routes may not have been there yet");
}

#[test]
fn an_attempt_without_a_path_is_begun_anew_when_the_network_comes() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.until_opening();
    let old = rig.opening().expect("an attempt is under way");
    rig.pass(secs(1));
    rig.network(NetworkStatus::Changed);
    assert!(rig.outputs().contains(&&Output::Abandon { link: old }));
    assert!(rig.delay_advanced() <= secs(1));
}

#[test]
fn a_login_of_four_seconds_comes_to_its_end_though_the_network_flaps() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    let link = rig.opening().expect("an attempt is under way");
    rig.dialled(link, RTT);
    for _ in 0..20 {
        rig.network(NetworkStatus::Changed);
        rig.pass(millis(200));
    }
    assert_eq!(rig.opening(), Some(link));
    rig.open(Beat::Ping);
    assert!(rig.is_connected());
}

#[test]
fn an_attempt_with_a_path_has_3_s_left_when_the_network_changes() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.until_opening();
    let link = rig.opening().expect("an attempt is under way");
    rig.dialled(link, RTT);
    rig.pass(secs(2));
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    rig.network(NetworkStatus::Changed);
    rig.forget();
    let failed = rig.until(|output| matches!(output, Output::Emit(Event::AttemptFailed { .. })));
    assert_eq!(failed, changed + secs(3));
    assert_eq!(rig.advanced().len(), 1);
}

#[test]
fn pitfall_24_flapping_does_not_starve_the_attempts() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.refuses = true;
    rig.forget();
    let began = rig.elapsed();
    for _ in 0..30 {
        rig.network(NetworkStatus::Offline);
        rig.pass(millis(100));
        rig.network(NetworkStatus::Online);
        rig.pass(millis(100));
    }
    let attempts = rig.instants(|output| matches!(output, Output::Open { .. }));
    assert!(attempts.len() >= 2, "{attempts:?} from {began:?} on");
    for pair in attempts.windows(2) {
        assert!(pair[1] - pair[0] >= secs(2), "{attempts:?}");
    }
}

#[test]
fn pitfall_33_a_network_that_flaps_starts_no_storm() {
    // Five times a second for a minute.
    let flap = |rig: &mut Rig| {
        for _ in 0..300 {
            rig.network(NetworkStatus::Offline);
            rig.pass(millis(100));
            rig.network(NetworkStatus::Online);
            rig.pass(millis(100));
        }
    };
    let mut live = Rig::connected(with_heartbeat(Heartbeat::fixed(secs(300))), 1);
    live.answers_at_once = true;
    flap(&mut live);
    assert!(live.is_connected());
    assert!(live.beats().len() <= 31, "{} probes", live.beats().len());

    let mut waiting = Rig::waiting_after(Failure::Refused, 1);
    waiting.refuses = true;
    flap(&mut waiting);
    let attempts = waiting.instants(|output| matches!(output, Output::Open { .. }));
    assert!((1..=31).contains(&attempts.len()), "{} attempts", attempts.len());
    let still = waiting.elapsed();
    assert!(waiting.until_opening() <= still + secs(3));
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
fn a_tls_failure_of_another_network_does_not_hold_up_this_one() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..6 {
        rig.fail(Failure::Tls);
        rig.until_opening();
    }
    rig.fail(Failure::Tls);
    rig.network(NetworkStatus::Changed);
    assert!(rig.delay_advanced() <= secs(1));
    rig.until_opening();
    rig.fail(Failure::Tls);
    assert!(rig.delay() <= secs(60), "the first step: {:?}", rig.delay());
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
fn waking_advances_a_waiting_attempt() {
    let mut rig = Rig::waiting(1);
    rig.suspend(secs(5));
    let woke = rig.elapsed();
    rig.timeout();
    assert!(rig.until_opening() <= woke + secs(1));
    assert_eq!(rig.advanced().first().map(|&(_, reason)| reason), Some(RetryReason::Woke));
}

#[test]
fn pitfall_39_a_network_reported_gone_is_still_tried_once_a_minute() {
    let mut rig = Rig::waiting(1);
    rig.until_opening();
    let tried = rig.elapsed();
    rig.fail(Failure::Unreachable);
    for _ in 0..70 {
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(1));
    }
    let attempts = rig.instants(|output| matches!(output, Output::Open { .. }));
    assert!(attempts.iter().any(|at| *at > tried && *at <= tried + secs(60)), "{attempts:?}");
}

#[test]
fn news_during_an_attempt_that_worked_cuts_no_later_wait_short() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.network(NetworkStatus::Changed);
    rig.pass(RTT);
    rig.open(Beat::Ping);
    rig.answers_at_once = true;
    rig.pass(secs(100));
    rig.forget();
    let ended = rig.elapsed();
    rig.end(LinkEnd::closed(Some(1012), ""));
    assert_eq!(rig.advanced(), []);
    assert!(rig.until_opening() >= ended + secs(5));
}

#[test]
fn pitfall_24_news_beside_a_link_leaves_attempts_their_forgiveness() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(false, None));
    rig.until_opening();
    for _ in 0..6 {
        rig.fail(Failure::Unreachable);
        rig.until_opening();
    }
    rig.fail(Failure::Unreachable);
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.fail(Failure::Unreachable);
    assert!(rig.delay() <= secs(1), "the first step: {:?}", rig.delay());
}

#[test]
fn attempts_are_forgiven_again_when_the_network_comes_back_minutes_later() {
    let mut rig = Rig::waiting(1);
    rig.network(NetworkStatus::Changed);
    rig.network(NetworkStatus::Offline);
    for _ in 0..8 {
        rig.until_opening();
        rig.fail(Failure::Unreachable);
    }
    rig.network(NetworkStatus::Online);
    rig.until_opening();
    rig.fail(Failure::Unreachable);
    assert!(rig.delay() <= secs(1), "the first step: {:?}", rig.delay());
}

#[test]
fn pitfall_32_a_servers_own_time_outlasts_news_of_the_network() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(5)), verified: true });
    let due = rig.due();
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(1));
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.until_opening(), due);

    // The same where the network was gone before.
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.network(NetworkStatus::Offline);
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(5)), verified: true });
    assert!(rig.due() >= secs(54));
    rig.pass(secs(1));
    rig.network(NetworkStatus::Online);
    let tried = rig.until_opening();
    assert!(tried >= secs(5) && tried <= secs(6), "{tried:?}");
}

#[test]
fn an_attempt_is_left_alone_when_somebody_looks_at_the_application() {
    use longlink::Activity;
    for path in [false, true] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        let link = rig.opening().expect("an attempt is under way");
        if path {
            rig.dialled(link, RTT);
        }
        rig.keeper.tell(Input::Activity(Activity::Background));
        rig.pass(secs(2));
        rig.keeper.tell(Input::Activity(Activity::Foreground));
        rig.drain();
        rig.pass(secs(10));
        assert_eq!(rig.opening(), Some(link), "path: {path}");
        rig.forget();
        rig.fail(Failure::Refused);
        assert!(rig.delay_advanced() <= secs(1), "but somebody waits");
    }
}

#[test]
fn a_fleet_whose_network_only_blinked_is_spread_all_the_same() {
    let mut delays = Vec::new();
    for seed in 0..100 {
        let mut rig = Rig::waiting_after(Failure::Refused, seed);
        rig.network(NetworkStatus::Online);
        rig.pass(millis(100));
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(10));
        rig.forget();
        rig.network(NetworkStatus::Online);
        delays.push(rig.delay_advanced());
    }
    assert!(delays.iter().all(|delay| *delay >= millis(200)), "routes follow later");
    assert!(delays.iter().max() > Some(&millis(900)), "{:?}", delays.iter().max());
}

#[test]
fn a_young_attempt_that_finds_no_path_does_not_hold_up_the_news_for_long() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.until_opening();
    rig.pass(millis(900));
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    let failed = rig.until(|output| matches!(output, Output::Emit(Event::AttemptFailed { .. })));
    assert_eq!(failed, changed + secs(3));
}

#[test]
fn an_attempt_that_the_news_cut_short_does_not_count_towards_giving_up() {
    let mut rig = Rig::dialling(Reconnect::default().attempts(1), 1);
    rig.pass(secs(2));
    rig.network(NetworkStatus::Changed);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: 1 });
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Attempts(1))));
}

#[test]
fn news_that_an_attempt_has_served_is_not_held_for_the_next() {
    let mut held = 0;
    for seed in 0..200 {
        let mut rig = Rig::waiting_after(Failure::Refused, seed);
        rig.pass(rig.due() - rig.elapsed() - millis(400));
        rig.network(NetworkStatus::Online);
        if !rig.advanced().is_empty() {
            continue;
        }
        held += 1;
        rig.until_opening();
        rig.fail(Failure::Refused);
        assert_eq!(rig.advanced(), [], "seed {seed}: the attempt came 400 ms after the news");
    }
    assert!(held > 50, "{held} attempts were due before the news asked for one");
}

#[test]
fn offline_puts_an_attempt_off_to_a_minute_after_the_last() {
    let mut waits = Vec::new();
    for seed in 0..100 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        rig.fail(Failure::Refused);
        rig.network(NetworkStatus::Offline);
        waits.push(rig.until_opening());
    }
    waits.sort();
    assert!(waits[0] >= secs(54) && waits[99] <= secs(60), "{:?} to {:?}", waits[0], waits[99]);
    assert!(waits[99] - waits[0] >= secs(4), "a fleet must not try in step");
}

#[test]
fn an_attempt_without_a_path_is_stale_from_a_second_on() {
    for (age, begun_anew) in [(millis(999), false), (secs(1), true)] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.pass(age);
        rig.network(NetworkStatus::Online);
        assert_eq!(rig.opening().is_none(), begun_anew, "after {age:?}");
    }
}

#[test]
fn what_news_has_granted_still_stands_when_the_network_blinks() {
    for seed in 0..50 {
        let mut rig = Rig::waiting(seed);
        rig.network(NetworkStatus::Online);
        let granted = rig.due();
        rig.network(NetworkStatus::Offline);
        rig.pass(granted + millis(100) - rig.elapsed());
        rig.network(NetworkStatus::Online);
        assert!(rig.delay_advanced() <= millis(200), "{:?} with seed {seed}", rig.delay_advanced());
    }
}
