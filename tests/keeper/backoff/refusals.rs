//! The answers to close codes, statuses and failures: another attempt,
//! a later one, or none.

use std::time::Duration;

use super::{assert_even, code, first_delay, proved};
use crate::rig::{Rig, millis, secs};
use longlink::keeper::Finish;
use longlink::{Beat, Failure, GiveUp, LinkEnd, Reconnect, RetryReason, State};

fn http(status: u16, verified: bool) -> Failure {
    Failure::Http { status, retry_after: None, verified }
}

fn seconds(delays: &[Duration]) -> Vec<f64> {
    delays.iter().map(Duration::as_secs_f64).collect()
}

#[test]
fn pitfall_31_a_close_with_1000_is_retried() {
    let mut rig = proved(1);
    rig.end(code(1000));
    assert_eq!(rig.finished(), None);
    assert!(matches!(rig.keeper.state(), State::Waiting { .. }));
    rig.until_opening();
}

#[test]
fn a_close_code_that_is_final_stops() {
    for last in [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409] {
        let mut rig = proved(1);
        rig.end(code(last));
        assert!(
            matches!(&rig.finished(), Some(Finish::GaveUp(GiveUp::Close { code, .. })) if *code == last),
            "{last}: {:?}",
            rig.finished()
        );
    }
}

#[test]
fn a_close_code_that_is_not_final_is_retried() {
    for passing in [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1015, 3000, 4000, 4999] {
        let mut rig = proved(1);
        rig.end(code(passing));
        assert_eq!(rig.finished(), None, "{passing}");
        rig.until_opening();
    }
    let mut rig = proved(1);
    rig.end(LinkEnd::Closed { code: None, reason: String::new() });
    assert_eq!(rig.finished(), None);
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
            assert_eq!(rig.finished(), None);
            rig.until_opening();
            rig.open(Beat::Ping);
            rig.heard();
        }
        rig.end(end.clone());
        assert!(matches!(rig.finished(), Some(Finish::GaveUp(_))), "{end}");
    }
}

#[test]
fn pitfall_14_a_final_answer_of_a_verified_server_stops() {
    for status in [400, 403, 405, 410, 426, 431, 451, 501, 505] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(http(status, true));
        assert!(
            matches!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(_)))),
            "{status}: {:?}",
            rig.finished()
        );
    }
}

#[test]
fn pitfall_43_an_answer_of_nobody_known_never_stops() {
    for status in [200, 302, 400, 401, 403, 404, 405, 407, 410, 426, 431, 451, 501, 505] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        for _ in 0..10 {
            rig.fail(http(status, false));
            assert_eq!(rig.finished(), None, "{status}");
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
                assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Link(end.clone()))));
                break;
            }
            assert_eq!(rig.finished(), None, "{end}, the {times}th time");
            rig.until_opening();
        }
        assert_eq!(rig.finished().is_some(), vouched, "{end}");
    }
}

#[test]
fn pitfall_14_the_same_401_twice_stops_and_once_does_not() {
    for status in [401, 407] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(http(status, true));
        assert_eq!(rig.finished(), None, "fresh credentials may help");
        rig.until_opening();
        rig.fail(http(status, true));
        assert!(matches!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(_)))), "{status}");
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
            assert_eq!(rig.finished(), None, "{failure}");
            rig.until_opening();
        }
    }
}

#[test]
fn a_failure_that_says_stop_stops() {
    for failure in [Failure::Stop, Failure::Hook { retry: false }] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(failure.clone());
        assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(failure))));
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
                assert_eq!(rig.scheduled().map(|(_, _, reason)| reason), Some(RetryReason::RetryAfter));
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
