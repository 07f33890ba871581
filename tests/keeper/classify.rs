//! The answer to an end or a failure: the tables, and the application's own
//! answer.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::rig::{Rig, millis, secs, with_reconnect};
use longlink::keeper::{Config, Finish, Input};
use longlink::{
    Beat, Delays, Failure, GiveUp, LinkEnd, NetworkStatus, Reconnect, Retry, RetryReason, Setback,
};

/// A link that has been up for long enough and has said something.
fn proved(reconnect: Reconnect, seed: u64) -> Rig {
    let mut rig = Rig::connected(with_reconnect(reconnect), seed);
    rig.heard();
    rig.pass(secs(20));
    rig.heard();
    rig.pass(secs(11));
    rig.forget();
    rig
}

fn close(code: u16) -> LinkEnd {
    LinkEnd::closed(Some(code), "")
}

fn http(status: u16) -> Failure {
    Failure::Http { status, retry_after: None, verified: true }
}

/// The bounds of the first delay after a proved link ends so, over many draws;
/// `None` if it gives up.
fn first_delays(end: &LinkEnd) -> Option<(Duration, Duration)> {
    let delays: Option<Vec<Duration>> = (0..500)
        .map(|seed| {
            let mut rig = proved(Reconnect::default(), seed);
            rig.end(end.clone());
            rig.finished().is_none().then(|| rig.delay())
        })
        .collect();
    delays.map(|delays| {
        let least = delays.iter().min().expect("there are some");
        (*least, *delays.iter().max().expect("there are some"))
    })
}

/// Every close code of the table, with the delay that it asks for.
#[test]
fn each_close_code_asks_for_its_own_delay() {
    const SOON: (u64, u64) = (0, 1_000);
    // With jitter down to the floor, the first step of the backoff.
    const BACKOFF: (u64, u64) = (500, 1_000);
    for (code, (low, high)) in [
        (1000, BACKOFF),
        (1001, SOON),
        (1006, SOON),
        (1011, SOON),
        (1012, (5_000, 30_000)),
        // From half of the maximum on, and down to the floor.
        (1013, (500, 30_000)),
        (1015, SOON),
        (4000, SOON),
        (4999, SOON),
    ] {
        let (least, most) = first_delays(&close(code)).expect("it is retried");
        assert!(least >= millis(low) && most <= millis(high), "{code}: {least:?} to {most:?}");
        let part = (millis(high) - millis(low)) / 10;
        assert!(least <= millis(low) + part && most >= millis(high) - part, "{code}: {least:?} to {most:?}");
    }
    for code in [1003, 1007, 1008, 1010, 4001, 4003, 4004, 4401, 4403, 4409] {
        assert_eq!(first_delays(&close(code)), None, "{code}");
    }
}

#[test]
fn pitfall_14_giving_up_tells_the_code_and_the_reason() {
    let mut rig = proved(Reconnect::default(), 1);
    rig.end(LinkEnd::closed(Some(4403), "banned"));
    let reason = GiveUp::Close { code: 4403, reason: "banned".to_owned() };
    assert_eq!(rig.finished(), Some(Finish::GaveUp(reason)));
}

#[test]
fn pitfall_14_a_404_is_tried_three_times_in_the_first_minute() {
    for seed in 0..100 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        rig.fail(http(404));
        let mut tries = vec![Duration::ZERO];
        while rig.finished().is_none() {
            tries.push(rig.until_opening());
            rig.fail(http(404));
        }
        assert_eq!(tries.len(), 3);
        assert!(tries[1] >= secs(15) && tries[2] >= secs(30) && tries[2] <= secs(60), "{tries:?}");
        assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(http(404)))));
    }
}

#[test]
fn the_application_is_told_what_happened_and_what_the_table_says() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = Arc::clone(&told);
    let reconnect = Reconnect::default().classify(move |setback, usual| {
        telling.lock().expect("nobody panics").push((format!("{setback:?}"), usual));
        usual
    });
    let mut rig = proved(reconnect, 1);
    rig.end(close(1012));
    rig.until_opening();
    rig.fail(Failure::Refused);
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.until_death();
    let told = told.lock().expect("nobody panics");
    let setbacks: Vec<&str> = told.iter().map(|(setback, _)| setback.as_str()).collect();
    assert!(setbacks[0].contains("1012"), "{setbacks:?}");
    assert_eq!(setbacks[1..], ["Failed(Refused)", "Unanswered"]);
    let usual: Vec<Retry> = told.iter().map(|(_, usual)| *usual).collect();
    assert_eq!(usual, [Retry::Between { low: secs(5), high: secs(30) }, Retry::Backoff, Retry::Soon]);
}

#[test]
fn what_the_application_says_counts() {
    let say = |retry| Reconnect::default().classify(move |_, _| retry);
    let after_end = |retry| {
        let mut rig = proved(say(retry), 1);
        rig.end(close(4403));
        rig
    };
    assert!(after_end(Retry::Soon).delay() <= secs(1));
    assert!(after_end(Retry::Backoff).delay() >= millis(500));
    let delay = after_end(Retry::Between { low: secs(7), high: secs(8) }).delay();
    assert!(delay >= secs(7) && delay <= secs(8));
    assert!(after_end(Retry::Longest).delay() >= secs(30));
    assert!(after_end(Retry::Tls).delay() >= secs(30));
    let mut rig = after_end(Retry::After(secs(100)));
    assert_eq!(rig.scheduled().expect("an attempt is scheduled").2, RetryReason::RetryAfter);
    rig.network(NetworkStatus::Online);
    assert!(rig.until_opening() >= secs(131), "nothing advances it");
    assert!(matches!(
        after_end(Retry::Never).finished(),
        Some(Finish::GaveUp(GiveUp::Close { code: 4403, .. }))
    ));

    let mut rig = Rig::dialling(say(Retry::NeverAfter { answers: 3, apart: secs(20) }), 1);
    for _ in 0..2 {
        rig.fail(Failure::Refused);
        assert!(rig.delay() >= secs(10) && rig.delay() <= secs(20));
        rig.until_opening();
    }
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(Failure::Refused))));

    let mut rig = Rig::connected(with_reconnect(say(Retry::Never)), 1);
    rig.until_death();
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Policy)));
}

#[test]
fn pitfall_15_a_login_that_is_refused_twice_is_final_and_once_is_not() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(Failure::Unauthorized);
    assert_eq!(rig.finished(), None);
    rig.until_opening();
    rig.fail(Failure::Refused);
    rig.until_opening();
    rig.fail(Failure::Unauthorized);
    assert_eq!(rig.finished(), None, "not in a row");
    rig.until_opening();
    rig.fail(Failure::Unauthorized);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Failure(Failure::Unauthorized))));
}

#[test]
fn another_answer_in_between_begins_the_count_anew() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..5 {
        rig.fail(http(401));
        assert_eq!(rig.finished(), None);
        rig.until_opening();
        rig.fail(http(503));
        rig.until_opening();
    }
}

#[test]
fn a_wait_beyond_all_time_does_not_overflow() {
    for retry in [
        Retry::After(Duration::MAX),
        Retry::Between { low: Duration::MAX, high: Duration::MAX },
        Retry::Between { low: Duration::MAX, high: Duration::ZERO },
        Retry::NeverAfter { answers: 9, apart: Duration::MAX },
    ] {
        for scale in [1.0, 3.0] {
            let reconnect = Reconnect::default().scaled(scale).classify(move |_, _| retry);
            let mut rig = Rig::dialling(reconnect, 1);
            rig.fail(Failure::Refused);
            assert!(rig.delay() > secs(1_000_000), "{retry:?}");
        }
    }
}

/// Panics every other time.
struct Moody(AtomicU32);

impl Delays for Moody {
    fn delay(&self, _: u32, _: Setback<'_>) -> Option<Duration> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) % 2 == 1, "on purpose");
        Some(secs(7))
    }
}

#[test]
fn pitfall_16_an_own_policy_that_panics_is_contained_and_counted() {
    let reconnect = Reconnect::default().classify(|_, _| panic!("on purpose"));
    let mut rig = Rig::dialling(reconnect, 1);
    rig.fail(Failure::Refused);
    assert!(rig.delay() >= millis(500) && rig.delay() <= secs(1), "the table's word counts");
    assert_eq!(rig.keeper.stats().policy_panics, 1);

    let mut rig = Rig::dialling(Reconnect::default().policy(Moody(AtomicU32::new(0))), 1);
    assert_eq!(rig.keeper.stats().policy_panics, 0);
    rig.fail(Failure::Refused);
    assert!(rig.delay() <= secs(1), "the backoff's delay");
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.delay(), secs(7));
    assert_eq!(rig.keeper.stats().policy_panics, 1);
    rig.until_opening();
    rig.fail(Failure::Refused);
    assert_eq!(rig.keeper.stats().policy_panics, 2);
}

#[test]
fn in_the_background_the_backoff_grows_to_five_minutes() {
    use longlink::Activity;
    let longest = |activity: Option<Activity>, reconnect: Reconnect| {
        let delays = (0..200).map(|seed| {
            let mut rig = Rig::dialling(reconnect.clone(), seed);
            if let Some(activity) = activity {
                rig.keeper.tell(Input::Activity(activity));
                rig.drain();
            }
            for _ in 0..12 {
                rig.fail(Failure::Refused);
                rig.until_opening();
            }
            rig.fail(Failure::Refused);
            rig.delay()
        });
        delays.max().expect("there are some")
    };
    for (activity, cap) in [(None, 60), (Some(Activity::Foreground), 60), (Some(Activity::Background), 300)] {
        let longest = longest(activity, Reconnect::default());
        assert!(longest <= secs(cap) && longest >= secs(cap).mul_f64(0.9), "{activity:?}: {longest:?}");
    }
    let own = Reconnect::default().cap(secs(600));
    assert!(longest(Some(Activity::Background), own) > secs(500), "never less than the cap");
    let own = Reconnect::default().background_cap(secs(120));
    assert!(longest(Some(Activity::Background), own) <= secs(120));
}

#[test]
fn somebody_who_looks_again_is_not_kept_waiting() {
    use longlink::{Activity, Detection};
    for seed in 0..50 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        rig.keeper.tell(Input::Activity(Activity::Background));
        rig.drain();
        for _ in 0..12 {
            rig.fail(Failure::Refused);
            rig.until_opening();
        }
        rig.fail(Failure::Refused);
        rig.forget();
        let before = rig.due();
        rig.keeper.tell(Input::Activity(Activity::Foreground));
        rig.drain();
        let looked = rig.elapsed();
        assert!(rig.until_opening() <= before.min(looked + millis(50)));
        // Told again it is no news.
        rig.fail(Failure::Refused);
        rig.forget();
        rig.keeper.tell(Input::Activity(Activity::Foreground));
        rig.drain();
        assert_eq!(rig.advanced(), []);
    }

    let mut rig = Rig::connected(Config::default(), 1);
    rig.keeper.tell(Input::Activity(Activity::Background));
    rig.pass(secs(5));
    rig.forget();
    let looked = rig.elapsed();
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    rig.drain();
    assert_eq!(rig.until_death(), looked + secs(3), "a link that died meanwhile is known for it");
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
    assert_eq!(rig.beats(), [looked]);
}

#[test]
fn pitfall_12_a_server_that_names_no_time_at_all_is_backed_off_from() {
    let nothing = Some(Duration::ZERO);
    for failure in [
        Failure::RetryAfter(Duration::ZERO),
        Failure::Http { status: 503, retry_after: nothing, verified: true },
        Failure::Http { status: 429, retry_after: nothing, verified: false },
    ] {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        for _ in 0..8 {
            rig.fail(failure.clone());
            assert!(rig.delay() >= millis(500), "{:?} after {failure:?}", rig.delay());
            rig.until_opening();
        }
        assert!(rig.elapsed() >= secs(20), "eight attempts in {:?}", rig.elapsed());
    }
}

#[test]
fn pitfall_24_news_of_the_network_does_not_make_a_404_final_any_sooner() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    let mut tries = vec![Duration::ZERO];
    while rig.finished().is_none() {
        rig.fail(http(404));
        if rig.finished().is_none() {
            rig.network(NetworkStatus::Online);
            tries.push(rig.until_opening());
        }
    }
    assert!(tries.len() == 3 && tries[2] >= secs(30), "{tries:?}");
}

#[test]
fn a_time_is_taken_from_an_answer_that_speaks_of_now_and_from_no_other() {
    let reason = |status| {
        let mut rig = Rig::dialling(Reconnect::default(), 1);
        rig.fail(Failure::Http { status, retry_after: Some(secs(100)), verified: true });
        rig.scheduled().map(|scheduled| scheduled.2)
    };
    for status in [408, 421, 425, 429, 500, 502, 503, 504, 520, 529] {
        assert_eq!(reason(status), Some(RetryReason::RetryAfter), "{status}");
    }
    for status in [302, 401, 404, 519, 530] {
        assert_eq!(reason(status), Some(RetryReason::AttemptFailed), "{status}");
    }
    for status in [403, 410, 501] {
        assert_eq!(reason(status), None, "{status} is final");
    }
}

#[test]
fn pitfall_43_an_unknown_peers_answer_is_retried_from_half_the_cap() {
    let delays = (0..100).map(|seed| {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        rig.fail(Failure::Http { status: 403, retry_after: None, verified: false });
        rig.delay()
    });
    let mut delays: Vec<Duration> = delays.collect();
    delays.sort();
    assert!(delays[0] >= secs(30) && delays[99] <= secs(60), "{:?} to {:?}", delays[0], delays[99]);
    assert!(delays[99] - delays[0] >= secs(25), "a fleet must not come in step");
}

#[test]
fn tls_failures_double_the_longest_wait_from_a_minute_to_five() {
    for (failures, longest) in [(1, 60), (2, 120), (3, 240), (4, 300), (6, 300)] {
        let delays = (0..100).map(|seed| {
            let mut rig = Rig::dialling(Reconnect::default(), seed);
            for _ in 1..failures {
                rig.fail(Failure::Tls);
                rig.until_opening();
            }
            rig.fail(Failure::Tls);
            rig.delay()
        });
        let mut delays: Vec<Duration> = delays.collect();
        delays.sort();
        let (least, most) = (delays[0], delays[99]);
        assert!(least >= secs(30) && most <= secs(longest), "{failures}: {least:?} to {most:?}");
        assert!(most >= secs(longest).mul_f64(0.9), "{failures}: {least:?} to {most:?}");
    }
}

#[test]
fn an_opened_link_starts_the_counts_of_refusals_anew() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    for _ in 0..6 {
        rig.fail(Failure::Tls);
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig.reconnect();
    rig.fail(Failure::Tls);
    assert!(rig.delay() <= secs(60), "the first of a row: {:?}", rig.delay());

    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.fail(http(401));
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.reconnect();
    rig.fail(http(401));
    assert_eq!(rig.finished(), None, "once in a row is not final");
    rig.until_opening();
    rig.fail(http(401));
    assert!(matches!(rig.finished(), Some(Finish::GaveUp(_))), "{:?}", rig.finished());
}

#[test]
fn another_reconnect_policy_counts_from_the_next_failure_on() {
    let mut rig = Rig::dialling(Reconnect::default(), 1);
    rig.update(with_reconnect(Reconnect::default().attempts(1)));
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Attempts(1))));
}

#[test]
fn news_does_not_bring_ends_together_that_are_set_apart() {
    let apart = |_: Setback<'_>, _| Retry::NeverAfter { answers: 3, apart: secs(60) };
    let mut rig = Rig::connected(with_reconnect(Reconnect::default().classify(apart)), 1);
    rig.end(LinkEnd::Eof);
    let due = rig.due();
    assert!(due >= secs(30) && due <= secs(60), "{due:?}");
    rig.network(NetworkStatus::Online);
    assert_eq!(rig.until_opening(), due);
}

#[test]
fn a_service_that_goes_away_is_retried_over_a_second() {
    let delays = (0..100).map(|seed| {
        let mut rig = Rig::connected(Config::default(), seed);
        rig.end(close(1001));
        rig.delay()
    });
    let mut delays: Vec<Duration> = delays.collect();
    delays.sort();
    assert!(delays[0] <= millis(100) && delays[99] >= millis(900), "{:?} to {:?}", delays[0], delays[99]);
    assert!(delays[99] <= secs(1), "{:?}", delays[99]);
}
