//! News of the network around an attempt, to the instant at which it still
//! counts, or counts no more.

use std::time::Duration;

use crate::rig::{RTT, Rig, millis, secs};
use longlink::keeper::RouteFacts;
use longlink::{Failure, NetworkStatus, State};

#[test]
fn an_advanced_attempt_may_be_cut_short_after_the_burst() {
    for (age, begun_anew) in [(millis(1_999), false), (secs(2), true)] {
        let mut rig = Rig::waiting_after(Failure::Refused, 1);
        rig.network(NetworkStatus::Online);
        rig.until_opening();
        rig.pass(age);
        rig.network(NetworkStatus::Changed);
        assert_eq!(rig.opening().is_none(), begun_anew, "after {age:?}");
    }
}

#[test]
fn news_less_than_200_ms_before_an_attempt_counts_when_that_fails() {
    for (before, counts) in [(millis(199), true), (millis(200), false)] {
        let mut rig = Rig::waiting_after(Failure::Refused, 1);
        rig.pass(rig.due() - rig.elapsed() - before);
        rig.network(NetworkStatus::Online);
        rig.until_opening();
        rig.forget();
        rig.fail(Failure::Unreachable);
        assert_eq!(!rig.advanced().is_empty(), counts, "{before:?} before");
    }
}

#[test]
fn pitfall_32_news_before_a_servers_own_time_counts_after_a_failure() {
    let mut rig = Rig::waiting_after(Failure::Refused, 1);
    rig.until_opening();
    rig.fail(Failure::Http { status: 503, retry_after: Some(secs(100)), verified: true });
    let due = rig.due();
    rig.pass(due - rig.elapsed() - millis(50));
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.until_opening(), due, "it is kept to");
    assert_eq!(rig.advanced(), []);
    rig.fail(Failure::Unreachable);
    assert_eq!(rig.advanced().len(), 1, "its routes may not have been there yet");
    assert!(rig.until_opening() <= due + secs(3));
}

#[test]
fn a_fleet_that_comes_online_at_its_granted_attempt_is_spread() {
    let mut delays: Vec<Duration> = Vec::new();
    for seed in 0..50 {
        let mut rig = Rig::waiting(seed);
        rig.network(NetworkStatus::Online);
        let granted = rig.due();
        rig.network(NetworkStatus::Offline);
        rig.pass(granted - rig.elapsed());
        rig.network(NetworkStatus::Online);
        delays.push(rig.delay_advanced());
    }
    delays.sort();
    assert!(delays[49] <= millis(200), "what was granted still stands: {delays:?}");
    assert!(delays[49] - delays[0] >= millis(100), "{delays:?}");
}

#[test]
fn pitfall_24_news_with_nothing_to_forgive_uses_no_forgiveness_up() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(false, None));
    let lost = rig.elapsed();
    for _ in 0..3 {
        rig.until_opening();
        rig.pass(RTT);
        rig.fail(Failure::Unreachable);
    }
    assert!(rig.elapsed() < lost + secs(20), "within moments of that news");
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.keeper.state(), State::Waiting { attempt: 1 });
}

#[test]
fn what_news_has_granted_stands_for_less_than_a_burst() {
    for (late, stands) in [(millis(1_999), true), (secs(2), false)] {
        let mut delays = Vec::new();
        for seed in 0..50 {
            let mut rig = Rig::waiting(seed);
            rig.network(NetworkStatus::Online);
            let granted = rig.due();
            rig.network(NetworkStatus::Offline);
            rig.pass(granted + late - rig.elapsed());
            rig.network(NetworkStatus::Online);
            delays.push(rig.delay_advanced());
        }
        let within = |delay: &Duration| if stands { *delay <= millis(200) } else { *delay >= millis(200) };
        assert!(delays.iter().all(within), "{late:?} late: {delays:?}");
    }
}
