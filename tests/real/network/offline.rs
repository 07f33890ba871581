//! Reports that the network is gone: they lie at times.

use std::time::{Duration, Instant};

use longlink::keeper::{Because, Seen};
use longlink::{Event, Heartbeat, Reconnect};

use crate::stage::{SOON, Stage};
use crate::uplinks::Lab;
use crate::uplinks::SERVER;
use crate::uplinks::Uplink::First;
use crate::waits::{ALLOWED, SETTLES, count, flow, is_loss, is_offline, until_heard, until_told};

/// All of longlink's times here: a minute is 3 s.
const SCALE: f64 = 1.0 / 20.0;
const MINUTE: Duration = Duration::from_secs(3);

/// Takes the default route away, though the server is still reached.
fn report_offline(lab: &Lab) -> Instant {
    lab.ip(&format!("route add {SERVER}/32 via {} dev up0", First.address(1)));
    lab.ip("route del default")
}

#[test]
fn pitfall_39_offline_while_a_path_works_keeps_the_link_with_one_beat_a_minute() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.client_with(
        "offline-works",
        Heartbeat::scaled(SCALE).probing(longlink::Probing::Fixed),
        Reconnect::scaled(SCALE),
    );
    client.until_connected(SOON);
    client.round_trip();
    let event = report_offline(&stage.lab);
    until_told(&mut client, "offline", event, SOON, is_offline);
    client.round_trip();
    let quiet = Instant::now();
    client.pass(MINUTE * 4);
    let gaps: Vec<Duration> = client
        .events
        .iter()
        .filter_map(|(at, event)| match event {
            Event::BeatSent { gap, .. } if *at >= quiet => Some(*gap),
            _ => None,
        })
        .collect();
    assert!((3..=5).contains(&gaps.len()), "{gaps:?}");
    assert!(gaps.iter().all(|gap| *gap >= MINUTE.mul_f64(0.89)), "{gaps:?}");
    flow(&mut client, Duration::from_secs(1));
    assert!(client.account.lost.is_empty());
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn pitfall_39_offline_is_tried_once_a_minute_all_the_same() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    report_offline(&stage.lab);
    stage.lab.set_way(First, false);
    let mut client = stage.client_with("offline-tried", Heartbeat::scaled(SCALE), Reconnect::scaled(SCALE));
    let began = Instant::now();
    until_told(&mut client, "a wait for want of a network", began, SOON, |event| {
        matches!(event, Event::ReconnectScheduled { because: Because::Offline, .. })
    });
    client.pass(MINUTE * 3);
    let tries = count(&client, began, |event| matches!(event, Event::Connecting { .. }));
    // The first one, perhaps another before the report, and one a minute.
    assert!((3..=6).contains(&tries), "{tries} tries in three minutes");
    let way = Instant::now();
    stage.lab.set_way(First, true);
    // Nobody says so.
    let back = until_heard(&mut client, way, SOON);
    assert!(back.waited <= MINUTE.mul_f64(1.01), "{back:?}");
    assert_eq!(count(&client, way, |event| matches!(event, Event::NetworkOnline | Event::NetworkChanged)), 0);
    client.round_trip();
}

#[test]
fn a_link_that_dies_while_offline_dies_by_the_usual_rule() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.client_with("offline-dies", Heartbeat::scaled(SCALE), Reconnect::scaled(SCALE));
    client.until_connected(SOON);
    client.round_trip();
    let event = stage.lab.ip("link set up0 down");
    let ended = until_told(&mut client, "the death", event, SOON, is_loss);
    assert!(ended - event >= MINUTE.mul_f64(0.85), "{:?}", ended - event);
    assert_eq!(client.account.lost[0].seen, Seen::Unanswered { beats: 5 });
    client.pass(Duration::from_secs(1));
    let event = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    until_heard(&mut client, event, SOON);
    client.round_trip();
}

#[test]
fn a_link_whose_address_is_gone_is_abandoned_though_offline() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("offline-bare");
    let event = stage.lab.ip(&format!("addr del {}/24 dev up0", First.address(2)));
    let ended = until_told(&mut client, "the link is abandoned", event, SOON, is_loss);
    let took = ended - event;
    assert!(took <= SETTLES + ALLOWED + crate::hiccups::between(event, ended), "{took:?}");
    assert_eq!(client.account.lost[0].seen, Seen::AddressGone);
    client.pass(Duration::from_secs(3));
    let event = stage.lab.ip(&format!("addr add {}/24 dev up0\n{}", First.address(2), First.default_route()));
    until_heard(&mut client, event, SOON);
    client.round_trip();
}

#[test]
fn a_retry_after_of_a_server_that_nobody_vouches_for_does_not_hold_what_online_advances() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    stage.server.refuse(Some(Duration::from_secs(600)));
    let mut client = stage.client("told-to-wait");
    let began = Instant::now();
    until_told(&mut client, "a wait that the server named", began, SOON, |event| {
        matches!(event, Event::ReconnectScheduled { delay, because: Because::RetryAfter, .. }
            if *delay >= Duration::from_secs(600))
    });
    stage.server.refuse(None);
    let event = stage.lab.set_carrier(First, false);
    until_told(&mut client, "offline", event, SOON, is_offline);
    client.pass(Duration::from_secs(3));
    let event = stage.lab.set_carrier(First, true);
    let back = until_heard(&mut client, event, SOON);
    assert!(back.waited <= Duration::from_secs(1), "{back:?}");
    client.round_trip();
}
