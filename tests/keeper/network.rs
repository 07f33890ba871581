//! News of the network, and a sleep, with a link in
//! use: hints that probe, never verdicts. Without one: advance.rs.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Config, Output, RouteFacts};
use longlink::{Beat, Detection, Event, Failure, Heartbeat, NetworkStatus, RetryReason};

#[test]
fn offline_calls_off_a_probe_and_the_next_online_probes_again() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Online);
    rig.pass(millis(100));
    let probed = rig.beats()[0];
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(10));
    assert!(rig.is_connected(), "silence without a network is no verdict");
    rig.forget();
    rig.network(NetworkStatus::Online);
    let came = rig.elapsed();
    assert!(came >= probed + secs(2));
    assert_eq!(rig.until_death(), came + secs(3));
    assert_eq!(rig.beats(), [came]);
}

#[test]
fn pitfall_33_a_change_of_network_probes_a_link_and_does_not_drop_it() {
    let mut rig = Rig::linked();
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
    let mut rig = Rig::linked();
    for _ in 0..20 {
        rig.network(NetworkStatus::Changed);
        rig.pass(millis(10));
    }
    rig.pass(secs(1));
    assert_eq!(rig.beats().len(), 1);
}

#[test]
fn online_probes_a_link_at_once_with_one_deadline_of_three_seconds() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Offline);
    rig.pass(secs(1));
    rig.network(NetworkStatus::Online);
    let came = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [came]);
    assert_eq!(rig.until_death(), came + secs(3));
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
    assert!(rig.delay() <= millis(50));
}

#[test]
fn any_inbound_byte_answers_the_probe_after_online() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Offline);
    rig.network(NetworkStatus::Online);
    rig.pass(millis(2_999));
    rig.heard();
    rig.pass(secs(200));
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn an_address_that_is_gone_takes_its_link_with_it_at_once() {
    let mut rig = Rig::linked();
    let link = rig.main();
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    rig.look(RouteFacts::new(false, None));
    assert_eq!(rig.elapsed(), changed + millis(250), "after the burst has settled");
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    assert_eq!(rig.detection(), Some(Detection::AddressGone));
    assert_eq!(rig.beats(), NEVER);
    assert!(rig.delay() <= millis(50));
}

#[test]
fn an_address_that_is_gone_when_the_network_is_back_is_not_probed() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Offline);
    rig.look(RouteFacts::new(true, None));
    rig.pass(secs(1));
    rig.network(NetworkStatus::Online);
    let came = rig.elapsed();
    rig.look(RouteFacts::new(false, Some(false)));
    assert_eq!(rig.elapsed(), came);
    assert_eq!(rig.detection(), Some(Detection::AddressGone));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn offline_drops_a_link_without_its_address_and_tries_each_minute() {
    let mut rig = Rig::linked();
    rig.answers_at_once = true;
    rig.pass(secs(60));
    rig.network(NetworkStatus::Offline);
    let gone = rig.elapsed();
    rig.look(RouteFacts::new(false, None));
    assert_eq!(rig.elapsed(), gone + millis(250));
    assert_eq!(rig.detection(), Some(Detection::AddressGone));
    // Events lie: one try, and then one a minute.
    assert!(rig.delay() <= millis(50));
    let tried = rig.until_opening();
    rig.fail(Failure::Unreachable);
    let again = rig.until_opening();
    assert!(again - tried >= secs(54) && again - tried <= secs(60), "{:?}", again - tried);
}

#[test]
fn pitfall_33_a_change_elsewhere_costs_not_even_a_beat() {
    for (named, facts, probes) in [
        (true, RouteFacts::new(true, Some(true)), 0),
        (true, RouteFacts::new(true, Some(false)), 1),
        (true, RouteFacts::new(true, None), 1),
        // Without its name it may be another network with the same addresses.
        (false, RouteFacts::new(true, Some(true)), 1),
    ] {
        let mut rig = Rig::linked();
        rig.named("home");
        rig.look(RouteFacts::new(true, Some(true)));
        rig.pass(secs(10));
        rig.forget();
        if named {
            rig.named("home");
        }
        rig.network(NetworkStatus::Changed);
        rig.look(facts);
        rig.pass(millis(100));
        assert_eq!(rig.beats().len(), probes, "named: {named}, {facts:?}");
        assert!(rig.is_connected());
    }
}

#[test]
fn a_networks_first_name_is_no_reason_to_probe_where_the_way_is_the_same() {
    for (source_stays, probes) in [(Some(true), 0), (Some(false), 1), (None, 1)] {
        let mut rig = Rig::linked();
        rig.named("home");
        rig.look(RouteFacts::new(true, source_stays));
        assert_eq!(rig.beats().len(), probes, "{source_stays:?}");
    }
}

#[test]
fn another_networks_name_asks_for_a_probe_at_the_same_address() {
    let mut rig = Rig::linked();
    rig.named("home");
    rig.look(RouteFacts::new(true, Some(true)));
    rig.pass(secs(10));
    rig.forget();
    rig.named("cafe");
    rig.network(NetworkStatus::Changed);
    let changed = rig.elapsed();
    rig.look(RouteFacts::new(true, Some(true)));
    assert_eq!(rig.beats(), [changed + millis(250)]);
}

#[test]
fn the_host_says_that_it_woke_where_the_clocks_do_not() {
    let mut rig = Rig::linked();
    rig.network(NetworkStatus::Woke);
    let woke = rig.elapsed();
    assert_eq!(rig.until_beat(), woke + secs(1), "what waits is read first");
    assert_eq!(rig.until_death(), woke + secs(4));

    let mut rig = Rig::waiting(1);
    rig.network(NetworkStatus::Woke);
    let [(delay, RetryReason::Woke)] = rig.advanced()[..] else { panic!("{:?}", rig.advanced()) };
    assert!(delay >= millis(200) && delay <= secs(1));
}

#[test]
fn a_wake_that_the_clocks_tell_is_not_counted_again() {
    let mut rig = Rig::linked();
    rig.suspend(secs(30));
    rig.network(NetworkStatus::Woke);
    rig.pass(millis(500));
    rig.network(NetworkStatus::Woke);
    let slept = rig.instants(|output| matches!(output, Output::Emit(Event::Slept { .. })));
    assert_eq!(slept.len(), 1);
}

#[test]
fn an_address_that_is_gone_after_a_sleep_is_not_probed() {
    let mut rig = Rig::linked();
    rig.suspend(secs(30));
    rig.timeout();
    let woke = rig.elapsed();
    rig.look(RouteFacts::new(false, None));
    assert_eq!(rig.elapsed(), woke + secs(1));
    assert_eq!(rig.detection(), Some(Detection::AddressGone));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn a_sleep_of_more_than_ten_minutes_is_not_worth_a_probe() {
    let mut rig = Rig::linked();
    let link = rig.main();
    rig.suspend(secs(601));
    rig.timeout();
    rig.pass(secs(1));
    assert!(rig.outputs().contains(&&Output::Abandon { link }));
    assert_eq!(rig.detection(), Some(Detection::Slept));
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
fn a_link_is_let_move_to_the_network_that_came_before_it_is_probed() {
    for (status, moves) in
        [(NetworkStatus::Online, true), (NetworkStatus::Changed, true), (NetworkStatus::Offline, false)]
    {
        let mut rig = Rig::linked();
        let link = rig.main();
        rig.network(status);
        let came = rig.elapsed();
        let migrates = |output: &Output| *output == Output::Migrate { link };
        assert_eq!(rig.instants(migrates), if moves { vec![came] } else { vec![] }, "{status:?}");
        assert_eq!(rig.beats(), NEVER, "{status:?}");
    }
}

#[test]
fn events_tell_what_the_host_said() {
    let mut rig = Rig::linked();
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
fn the_name_of_one_piece_of_news_is_not_taken_for_that_of_the_next() {
    let mut rig = Rig::linked();
    rig.named("home");
    rig.look(RouteFacts::new(true, Some(true)));
    rig.pass(secs(10));
    rig.forget();
    // Both are read in one turn. Only the first says which network it is.
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.network(NetworkStatus::Changed);
    rig.look(RouteFacts::new(true, Some(true)));
    assert_eq!(rig.beats().len(), 1);
}

#[test]
fn a_way_that_was_looked_at_before_the_news_had_settled_says_nothing() {
    let mut rig = Rig::linked();
    rig.named("home");
    rig.look(RouteFacts::new(true, Some(true)));
    rig.pass(secs(10));
    rig.forget();
    rig.named("home");
    rig.network(NetworkStatus::Changed);
    rig.route(RouteFacts::new(true, Some(true)));
    rig.look(RouteFacts::new(true, Some(false)));
    assert_eq!(rig.beats().len(), 1);
}

#[test]
fn news_around_a_death_keeps_it_from_teaching_anything() {
    // When the news comes: never, in the silence before the beat, while its
    // answer is waited for, after the death.
    for (when, learns) in [(0, true), (1, false), (2, false), (3, false)] {
        let mut rig = Rig::connected(Config::default(), 1);
        rig.named("home");
        rig.look(RouteFacts::new(true, Some(true)));
        rig.learn(secs(58));
        rig.forget();
        let news = |rig: &mut Rig, now: u32| {
            if when == now {
                rig.named("home");
                rig.network(NetworkStatus::Changed);
                if now < 3 {
                    rig.look(RouteFacts::new(true, Some(true)));
                }
            }
        };
        rig.pass(secs(20));
        news(&mut rig, 1);
        rig.until_beat();
        news(&mut rig, 2);
        rig.until_death();
        news(&mut rig, 3);
        rig.until_opening();
        rig.pass(RTT);
        rig.open(Beat::Ping);
        let learned = |output: &Output| matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. }));
        assert_eq!(!rig.instants(learned).is_empty(), learns, "news at {when}");
    }
}

#[test]
fn a_gap_in_which_the_network_changed_proves_nothing() {
    for (changes, proves) in [(false, true), (true, false)] {
        let mut rig = Rig::connected(Config::default(), 1);
        rig.named("home");
        rig.look(RouteFacts::new(true, Some(true)));
        rig.learn(secs(58));
        let before = rig.keeper.stats().proven;
        rig.pass(secs(20));
        if changes {
            rig.named("home");
            rig.network(NetworkStatus::Changed);
            rig.look(RouteFacts::new(true, Some(true)));
        }
        rig.beat_answered(RTT);
        assert_eq!(rig.keeper.stats().proven > before, proves, "changes: {changes}");
    }
}

#[test]
fn a_sleep_is_no_silence_of_the_application() {
    let mut config = with_heartbeat(Heartbeat::fixed(secs(300)));
    config.silence_limit = Some(secs(60));
    let mut rig = Rig::connected(config, 1);
    rig.message();
    rig.answers_at_once = true;
    rig.suspend(secs(59));
    rig.timeout();
    rig.pass(secs(59));
    assert!(rig.is_connected(), "the limit begins anew when the machine wakes");
    rig.pass(secs(1));
    assert_eq!(rig.detection(), Some(Detection::NoMessage));
}
