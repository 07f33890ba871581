//! A network that is reported gone, with a link in use: the report may be true, and
//! it may be false for ever.

use crate::rig::{NEVER, RTT, Rig, millis, secs};
use longlink::keeper::{Config, Input, Output, RouteFacts};
use longlink::{Activity, Beat, Detection, Event, Failure, LinkEnd, NetworkStatus, RetryReason};

#[test]
fn offline_keeps_the_link_and_beats_once_a_minute() {
    let mut rig = Rig::linked();
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
    assert_eq!(rig.instants(learned), NEVER);
}

#[test]
fn a_young_link_that_ends_while_offline_is_not_dialled_at_once() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.pass(secs(10));
    rig.network(NetworkStatus::Offline);
    rig.end(LinkEnd::Reset);
    // It was opened ten seconds ago.
    assert!(rig.delay() >= secs(44) && rig.delay() <= secs(50), "{:?}", rig.delay());
}

#[test]
fn a_gap_survived_while_the_network_is_reported_gone_proves_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    rig.network(NetworkStatus::Offline);
    rig.heard();
    // One beat a minute.
    rig.beat_answered(RTT);
    rig.beat_answered(RTT);
    assert_eq!(rig.keeper.stats().proven, secs(34));
}

#[test]
fn a_link_is_not_probed_while_the_network_is_reported_gone() {
    use longlink::Activity;
    let mut rig = Rig::linked();
    rig.keeper.tell(Input::Activity(Activity::Background));
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(1));
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    rig.drain();
    rig.pass(secs(4));
    assert!(rig.is_connected(), "somebody looks: silence without a network is no verdict");
    assert_eq!(rig.beats(), NEVER);

    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(1));
    rig.suspend(secs(300));
    rig.timeout();
    let woke = rig.elapsed();
    rig.pass(secs(6));
    assert!(rig.is_connected(), "it woke: silence without a network is no verdict");
    rig.network(NetworkStatus::Online);
    rig.answers_at_once = true;
    rig.pass(secs(10));
    assert!(rig.is_connected());
    assert!(rig.beats().iter().any(|at| *at == woke + secs(6)), "{:?}", rig.beats());
}

/// Reported gone, and nobody will ever say that it is back.
fn offline_for_good(rig: &mut Rig) {
    rig.network(NetworkStatus::Offline);
    rig.forget();
}

#[test]
fn a_link_that_works_though_offline_is_held_at_its_interval() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    offline_for_good(&mut rig);
    rig.pass(secs(20));
    rig.message();
    for _ in 0..50 {
        let heard = rig.elapsed();
        let silence = rig.until_beat() - heard;
        assert!(silence < secs(34) && silence >= secs(20), "the path may forget after 34 s: {silence:?}");
        rig.pass(RTT);
        rig.answer();
    }
}

#[test]
fn what_was_on_its_way_when_the_network_was_reported_gone_shows_nothing() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    offline_for_good(&mut rig);
    rig.pass(secs(10));
    rig.message();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat() - heard, secs(60));

    // Nor does what had waited to be read.
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    rig.stalled();
    offline_for_good(&mut rig);
    rig.pass(secs(20));
    rig.message();
    rig.resumed();
    let known = rig.elapsed() - secs(20);
    assert_eq!(rig.until_beat() - known, secs(60));
}

#[test]
fn a_link_that_opens_though_offline_is_held_at_its_interval() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    offline_for_good(&mut rig);
    rig.end(LinkEnd::Eof);
    assert_eq!(rig.opening(), None, "attempts go by what the host says");
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    let opened = rig.elapsed();
    assert!(rig.until_beat() - opened < secs(34));
}

#[test]
fn a_short_timeout_costs_few_links_though_offline_is_never_taken_back() {
    for timeout in [15, 30, 50].map(secs) {
        let mut rig = Rig::connected(Config::default(), 1);
        offline_for_good(&mut rig);
        let mut lost = 0;
        for _ in 0..200 {
            let heard = rig.elapsed();
            if rig.until_beat() - heard < timeout {
                rig.pass(RTT);
                rig.answer();
            } else {
                rig.until_death();
                lost += 1;
                rig.until_opening();
                rig.pass(RTT);
                rig.open(Beat::Ping);
            }
        }
        assert!(lost <= 4, "{timeout:?}: {lost} links were lost");
    }
}

#[test]
fn nothing_is_tried_on_a_network_that_is_reported_gone_though_it_works() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(27));
    assert_eq!(rig.interval(), secs(34), "it tries");
    offline_for_good(&mut rig);
    rig.pass(secs(20));
    rig.message();
    let heard = rig.elapsed();
    let silence = rig.until_beat() - heard;
    assert!(silence < secs(27), "{silence:?}");
    rig.pass(RTT);
    rig.answer();
    rig.network(NetworkStatus::Online);
    rig.pass(RTT);
    rig.answer();
    assert_eq!(rig.interval(), secs(34), "it goes on where it stopped");
}

#[test]
fn offline_asks_nothing_for_a_minute_after_any_silence() {
    let mut rig = Rig::linked();
    rig.pass(secs(200));
    rig.network(NetworkStatus::Offline);
    let gone = rig.elapsed();
    assert_eq!(rig.until_beat() - gone, secs(60), "a short outage costs no link");

    // But no later than it would have been due without the news.
    let mut rig = Rig::linked();
    let heard = rig.elapsed() - secs(10);
    rig.pass(secs(270));
    rig.network(NetworkStatus::Offline);
    assert_eq!(rig.until_beat() - heard, secs(300), "the path may forget right after");

    // That it is said again and again puts nothing off.
    let mut rig = Rig::linked();
    let gone = rig.elapsed();
    for _ in 0..5 {
        rig.network(NetworkStatus::Offline);
        rig.pass(secs(13));
    }
    assert_eq!(rig.beats().first(), Some(&(gone + secs(60))));
}

#[test]
fn back_online_a_beat_is_due_by_the_last_byte_in() {
    let mut rig = Rig::linked();
    let heard = rig.elapsed() - secs(10);
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(30));
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(true, Some(true)));
    assert_eq!(rig.beats(), NEVER, "the way is the same");
    assert_eq!(rig.until_beat(), heard + secs(300));
}

#[test]
fn a_silence_in_which_the_network_changed_is_no_try() {
    // The way is the same, so that nothing is asked; but the end of this
    // silence would say nothing.
    let mut rig = Rig::connected(Config::default(), 1);
    rig.named("home");
    rig.learn(secs(149));
    assert_eq!(rig.interval(), secs(285), "it tries");
    let heard = rig.elapsed();
    rig.pass(secs(20));
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(true, Some(true)));
    let silence = rig.until_beat() - heard;
    assert!(silence < secs(149) && silence > secs(120), "{silence:?}");
    rig.pass(RTT);
    rig.answer();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat() - heard, secs(285), "the next one is");
}

#[test]
fn bytes_from_a_standstill_do_not_show_that_the_network_is_there() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.learn(secs(34));
    offline_for_good(&mut rig);
    rig.pass(secs(5));
    // It comes in soon after, and is read when a beat has long been due.
    rig.freeze(secs(60));
    rig.message();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat() - heard, secs(60));
}

#[test]
fn a_link_that_works_though_offline_is_probed_as_any() {
    let looks: fn(&mut Rig) = |rig| {
        rig.keeper.tell(Input::Activity(Activity::Background));
        rig.keeper.tell(Input::Activity(Activity::Foreground));
        rig.drain();
    };
    let wakes: fn(&mut Rig) = |rig| rig.network(NetworkStatus::Woke);
    for happens in [looks, wakes] {
        let mut rig = Rig::linked();
        offline_for_good(&mut rig);
        rig.pass(secs(20));
        rig.message();
        rig.pass(secs(5));
        let before = rig.elapsed();
        happens(&mut rig);
        let probed = rig.until_beat();
        assert!(probed <= before + secs(1), "{probed:?}");
        assert_eq!(rig.until_death(), probed + secs(3));
    }
}

/// An attempt that was begun after the report has shown that it is false, and
/// the link that came of it was in use for a while.
fn disproved_and_in_use(seed: u64) -> Rig {
    let mut rig = Rig::new(Config::default(), seed);
    offline_for_good(&mut rig);
    rig.fail(Failure::Refused);
    rig.until_opening();
    rig.pass(millis(100));
    rig.open(Beat::Ping);
    rig.pass(secs(20));
    rig.heard();
    rig.forget();
    rig
}

#[test]
fn an_offline_that_was_disproved_slows_no_attempt_down() {
    for seed in 0..20 {
        let mut rig = disproved_and_in_use(seed);
        // After the link's end, and after each attempt that fails.
        rig.end(LinkEnd::closed(Some(1012), ""));
        for _ in 0..3 {
            let (_, delay, reason) = rig.scheduled().expect("an attempt was scheduled");
            assert!(reason != RetryReason::Offline && delay <= secs(30), "{reason:?}: {delay:?}");
            rig.until_opening();
            rig.fail(Failure::Refused);
        }
    }
}

#[test]
fn a_disproved_offline_slows_nothing_down_when_repeated() {
    let mut rig = disproved_and_in_use(1);
    rig.end(LinkEnd::closed(Some(1012), ""));
    let due = rig.due();
    rig.forget();
    rig.network(NetworkStatus::Offline);
    assert_eq!((rig.due(), rig.scheduled()), (due, None));
    // Once the host has said otherwise in between, it counts again.
    rig.network(NetworkStatus::Online);
    rig.network(NetworkStatus::Offline);
    assert_eq!(rig.scheduled().map(|(_, _, reason)| reason), Some(RetryReason::Offline));
}

#[test]
fn a_disproved_offline_calls_no_probe_off_when_repeated() {
    let mut rig = disproved_and_in_use(1);
    rig.keeper.tell(Input::Activity(Activity::Background));
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    rig.drain();
    // Before the probe is sent, and while it is under way.
    rig.network(NetworkStatus::Offline);
    let probed = rig.until_beat();
    rig.network(NetworkStatus::Offline);
    assert_eq!(rig.until_death(), probed + secs(3));
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
}
