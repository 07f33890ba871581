//! Paths that are slow: an answer takes longer than any deadline, or a dial
//! longer than a second.

use std::time::Duration;

use longlink::keeper::{Dialled, Input, Opened, Output};
use longlink::{Beat, Cause, Detection, Event, Evidence, Heartbeat, NetworkStatus};

use super::rig::{Rig, millis, secs, with_heartbeat};

/// The round trip, beyond the longest deadline of 5 s.
const SLOW: Duration = secs(8);

#[test]
fn where_every_answer_is_late_a_message_before_one_says_nothing() {
    let mut rig = Rig::new(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.open_as(|opened| {
        opened.took = SLOW * 3;
    });
    for _ in 0..10 {
        rig.until_beat();
        let first = rig.token;
        // The first deadlines are 3 s, the others 5 s.
        rig.pass(secs(6));
        rig.message();
        rig.pass(SLOW - secs(6));
        rig.token = first;
        rig.answer();
        assert!(rig.interval() >= secs(27), "{:?}", rig.interval());
    }
    let told = |output: &Output| {
        matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. } | Event::IdleTimeoutShrank { .. }))
    };
    assert!(rig.instants(told).is_empty());
    assert!(rig.is_connected());
}

/// With a link in use whose round trip has been measured.
fn measured(rtt: Duration) -> Rig {
    measured_by(Heartbeat::fixed(secs(300)), rtt)
}

fn measured_by(heartbeat: Heartbeat, rtt: Duration) -> Rig {
    let mut rig = Rig::beating(heartbeat);
    for _ in 0..4 {
        rig.until_beat();
        let first = rig.token;
        rig.pass(rtt);
        rig.answer_all(&[first]);
    }
    // The answers to what was sent meanwhile.
    rig.pass(rtt);
    rig.answer();
    rig.pass(secs(60));
    rig.forget();
    rig
}

#[test]
fn news_costs_no_link_with_a_round_trip_beyond_the_usual_probe() {
    // Over a satellite or two, and with a telephone of the last century.
    for rtt in [millis(1_200), millis(3_500), secs(6), SLOW] {
        for news in [NetworkStatus::Online, NetworkStatus::Changed] {
            let mut rig = measured(rtt);
            rig.network(news);
            if rig.beats().is_empty() {
                rig.until_beat();
            }
            rig.pass(rtt);
            assert!(rig.is_connected(), "{rtt:?}: it is given the time that it needs");
            rig.answer();
            rig.pass(secs(60));
            assert!(rig.is_connected(), "{rtt:?}");
        }
    }
}

#[test]
fn a_probe_waits_as_long_as_the_path_needs_up_to_a_row_of_beats() {
    // The measured round trip, and how long a probe waits then: not less than
    // 3 s, the beats' deadline of at most 5 s, or twice the shortest round trip.
    for (rtt, waits) in [(50, 3), (500, 3), (3_500, 7), (6_000, 12), (20_000, 40)] {
        let mut rig = measured(millis(rtt));
        rig.probe();
        let probed = rig.elapsed();
        assert_eq!(rig.until_death() - probed, secs(waits), "{rtt} ms");
        assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
    }
    let mut rig = measured_by(Heartbeat::fixed(secs(300)).misses(3), secs(11));
    rig.probe();
    let probed = rig.elapsed();
    assert_eq!(rig.until_death() - probed, secs(20), "three beats are a row");
}

#[test]
fn an_answer_that_an_outage_has_held_up_makes_no_probe_wait_for_as_long() {
    let mut rig = measured(millis(50));
    rig.until_beat();
    let first = rig.token;
    rig.pass(secs(9));
    rig.answer_all(&[first]);
    rig.probe();
    let probed = rig.elapsed();
    assert!(rig.until_death() - probed <= secs(5), "the longest deadline of a beat");
}

#[test]
fn a_link_that_took_long_to_open_is_given_longer_for_its_first_probe() {
    for (took, waits) in [(millis(100), 3), (secs(4), 4), (secs(14), 5)] {
        let mut rig = Rig::new(with_heartbeat(Heartbeat::adaptive()), 1);
        rig.open_as(|opened| opened.took = took);
        rig.probe();
        assert_eq!(rig.until_death(), secs(waits), "{took:?}");
    }
}

/// A link whose dial took `before` has died of its first beat; the next dial
/// takes `after`.
fn judged_by_dials(before: Duration, after: Duration) -> (Cause, Evidence) {
    let mut rig = Rig::new(with_heartbeat(Heartbeat::adaptive()), 1);
    let open = |rig: &mut Rig, dial| {
        let link = rig.opening().expect("an attempt is under way");
        let opened = Opened::new(Beat::Ping, Dialled::new(dial, None), dial);
        rig.tell(Input::Opened { link, opened });
    };
    open(&mut rig, before);
    rig.until_death();
    rig.until_opening();
    open(&mut rig, after);
    rig.diagnoses()[0]
}

#[test]
fn a_dial_tells_an_idle_timeout_up_to_twice_the_dial_before() {
    let idle = (Cause::IdleExpiry, Evidence::ConnectedAtOnce);
    let dead = (Cause::PathDead, Evidence::DialFailed);
    for dial in [millis(600), millis(1_200), secs(3), secs(10)] {
        assert_eq!(judged_by_dials(dial, dial), idle, "{dial:?}");
        assert_eq!(judged_by_dials(dial, dial * 2), idle, "{dial:?}");
        assert_eq!(judged_by_dials(dial, dial * 2 + Duration::from_nanos(1)), dead, "{dial:?}");
    }
    // Where dials are quick a second is.
    assert_eq!(judged_by_dials(millis(20), secs(1)), idle);
    assert_eq!(judged_by_dials(millis(20), millis(1_001)), dead);
}
