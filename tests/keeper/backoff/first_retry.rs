//! How soon the first attempt comes after a link that had proved itself.

use std::time::Duration;

use super::{assert_even, code, first_delay, proved};
use crate::rig::{RTT, Rig, millis, secs};
use longlink::keeper::Config;
use longlink::{LinkEnd, NetworkStatus, RetryReason};

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
            assert_eq!(rig.scheduled().map(|(_, _, reason)| reason), Some(RetryReason::EndedAlone));
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
fn pitfall_42_a_failed_probe_after_news_is_this_clients_alone() {
    for seed in 0..50 {
        let mut rig = proved(seed);
        rig.network(NetworkStatus::Offline);
        rig.network(NetworkStatus::Online);
        rig.until_death();
        assert!(rig.delay() <= millis(50), "seed {seed}: {:?}", rig.scheduled());
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
