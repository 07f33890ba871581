//! Reports that the network is gone: they lie at times.

use std::time::{Duration, Instant};

use longlink::{Detection, Event, Heartbeat, Reconnect, RetryReason};

use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::First;
use crate::uplinks::{Deed, Lab, SERVER};
use crate::waits::{count, flow, is_loss, is_offline, until_abandoned, until_heard, until_told};

/// All of longlink's times here: a minute is 3 s.
const SCALE: f64 = 1.0 / 20.0;
const MINUTE: Duration = Duration::from_secs(3);

/// Takes the default route away, though the server is still reached.
fn report_offline(lab: &Lab) -> Deed {
    lab.ip(&format!("route add {SERVER}/32 via {} dev up0", First.address(1)));
    lab.ip("route del default")
}

/// The gaps that beats end, in four minutes in which the network is reported
/// gone and works: `interval` is fixed.
fn beats_while_reported_gone(name: &str, interval: Duration) -> Vec<Duration> {
    let stage = Stage::set();
    let heartbeat = Heartbeat::fixed(interval.div_f64(SCALE)).scaled(SCALE);
    let mut client = stage.client_with(name, heartbeat, Reconnect::default().scaled(SCALE));
    client.until_connected(SOON);
    client.round_trip();
    let deed = report_offline(&stage.lab);
    until_told(&mut client, "offline", deed.begun, SOON, is_offline);
    client.round_trip();
    let quiet = Instant::now();
    client.pass(MINUTE * 4);
    let gaps = client.events.iter().filter_map(|(at, event)| match event {
        Event::BeatSent { gap, .. } if *at >= quiet => Some(*gap),
        _ => None,
    });
    let gaps = gaps.collect();
    flow(&mut client, Duration::from_secs(1));
    assert!(client.account.lost.is_empty());
    assert_eq!(stage.server.logins(client.name()), 1);
    gaps
}

#[test]
fn pitfall_39_offline_keeps_a_working_link_with_a_beat_a_minute() {
    if !wanted() {
        return;
    }
    let gaps = beats_while_reported_gone("offline-works", MINUTE * 2);
    assert!((3..=5).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap >= MINUTE.mul_f64(0.89)), "{gaps:?}");
}

#[test]
fn pitfall_39_a_link_that_answers_though_offline_keeps_its_interval() {
    if !wanted() {
        return;
    }
    let interval = MINUTE * 9 / 20;
    let gaps = beats_while_reported_gone("offline-answers", interval);
    // The first beat after a minute shows that the path works.
    assert!((5..=9).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap >= interval.mul_f64(0.89)), "{gaps:?}");
}

#[test]
fn pitfall_39_offline_is_tried_once_a_minute_all_the_same() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.set_way(First, false);
    let mut client = stage.client_with(
        "offline-tried",
        Heartbeat::adaptive().scaled(SCALE),
        Reconnect::default().scaled(SCALE),
    );
    client.pass(Duration::from_secs(1));
    let deed = report_offline(&stage.lab);
    let began = until_told(&mut client, "a wait for want of a network", deed.begun, SOON, |event| {
        matches!(event, Event::ReconnectScheduled { reason: RetryReason::Offline, .. })
    });
    client.pass(MINUTE * 3);
    let tries = count(&client, began, |event| matches!(event, Event::Connecting { .. }));
    assert!((2..=4).contains(&tries), "{tries} tries in three minutes");
    let way = stage.lab.set_way(First, true);
    // Nobody says so.
    let waited = until_heard(&mut client, way, SOON);
    assert!(waited <= MINUTE.mul_f64(1.01), "{waited:?}");
    assert_eq!(
        count(&client, way.begun, |event| matches!(event, Event::NetworkOnline | Event::NetworkChanged)),
        0
    );
    client.round_trip();
}

#[test]
fn a_link_that_dies_while_offline_dies_by_the_usual_rule() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.client_with(
        "offline-dies",
        Heartbeat::adaptive().scaled(SCALE),
        Reconnect::default().scaled(SCALE),
    );
    client.until_connected(SOON);
    client.round_trip();
    let deed = stage.lab.ip("link set up0 down");
    until_told(&mut client, "the death", deed.begun, SOON, is_loss);
    let beat = client.events.iter().find_map(|(at, event)| match event {
        Event::BeatSent { gap, .. } if *at >= deed.done => Some(*gap),
        _ => None,
    });
    assert!(beat.is_some_and(|gap| gap >= MINUTE.mul_f64(0.89)), "the first beat came after {beat:?}");
    assert_eq!(client.account.lost[0].detection, Detection::Unanswered { beats: 5 });
    client.pass(Duration::from_secs(1));
    let deed = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    until_heard(&mut client, deed, SOON);
    client.round_trip();
}

#[test]
fn a_link_whose_address_is_gone_is_abandoned_though_offline() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("offline-bare");
    let deed = stage.lab.ip(&format!("addr del {}/24 dev up0", First.address(2)));
    until_abandoned(&mut client, deed, SOON);
    client.pass(Duration::from_secs(3));
    let deed = stage.lab.ip(&format!("addr add {}/24 dev up0\n{}", First.address(2), First.default_route()));
    until_heard(&mut client, deed, SOON);
    client.round_trip();
}

#[test]
fn an_unvouched_retry_after_does_not_hold_what_online_advances() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.server.refuse(Some(Duration::from_secs(600)));
    let mut client = stage.client("told-to-wait");
    let began = Instant::now();
    until_told(&mut client, "a wait that the server named", began, SOON, |event| {
        matches!(event, Event::ReconnectScheduled { delay, reason: RetryReason::RetryAfter, .. }
            if *delay >= Duration::from_secs(600))
    });
    stage.server.refuse(None);
    let deed = stage.lab.set_carrier(First, false);
    until_told(&mut client, "offline", deed.begun, SOON, is_offline);
    client.pass(Duration::from_secs(3));
    let deed = stage.lab.set_carrier(First, true);
    let waited = until_heard(&mut client, deed, SOON);
    assert!(waited <= Duration::from_secs(1), "{waited:?}");
    client.round_trip();
}
