//! Networks have names, and what was learned on one is remembered by its name.

use std::time::{Duration, Instant};

use longlink::{Event, Heartbeat, Reconnect};

use crate::lab::client::Client;
use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::{self, First, Second};
use crate::uplinks::{Deed, SERVER};
use crate::waits::{is_loss, is_offline, until_heard, until_told};

/// All of longlink's times here: the first gap is half a second.
const SCALE: f64 = 1.0 / 54.0;
/// A gap that takes a few beats to prove.
const LEARNED: Duration = Duration::from_millis(1000);

/// The client moves from one network to another, with new links.
fn move_to(client: &mut Client, stage: &Stage, from: Uplink, to: Uplink) -> Deed {
    client.say(format_args!("moves to {to:?}"));
    stage.lab.plug(to);
    let deed = stage.lab.ip(&format!("{}link del {}", to.default_route(), from.device()));
    until_told(client, "the link is abandoned", deed.begun, SOON, is_loss);
    client.until_connected(SOON);
    client.round_trip();
    deed
}

#[test]
fn a_network_has_the_same_name_when_its_gateway_is_not_known_yet() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    // Whoever speaks with the gateway knows its link-layer address.
    let speak = async { tokio::net::TcpStream::connect((SERVER, 9000)).await.map(drop) };
    stage.lab.client().settle().wait_for(speak).expect("the server listens");
    let mut client = stage.client_with(
        "same-name",
        Heartbeat::adaptive().scaled(SCALE),
        Reconnect::default().scaled(SCALE),
    );
    client.until_connected(SOON);
    client.until_proven(LEARNED, SOON);
    let before = client.stats().keeper.proven;

    client.say("the link goes down, and the gateway is forgotten");
    let deed = stage.lab.ip("link set up0 down");
    until_told(&mut client, "offline", deed.begun, SOON, is_offline);
    let deed = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    until_heard(&mut client, deed, SOON);
    client.pass(Duration::from_millis(300));
    let after = client.stats().keeper.proven;
    assert!(after >= before, "{after:?} after {before:?}");
}

#[test]
fn what_was_learned_comes_back_with_the_network() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client =
        stage.client_with("names", Heartbeat::adaptive().scaled(SCALE), Reconnect::default().scaled(SCALE));
    client.until_connected(SOON);
    client.until_proven(LEARNED, SOON);
    let home = client.stats().keeper.proven;

    move_to(&mut client, &stage, First, Second);
    // A network may be named a moment after it came.
    let deadline = Instant::now() + SOON;
    while client.stats().keeper.proven >= LEARNED {
        assert!(Instant::now() < deadline, "another network, but all that was learned: {home:?}");
        client.pass(Duration::from_millis(50));
    }

    let deed = move_to(&mut client, &stage, Second, First);
    until_told(
        &mut client,
        "the network is known",
        deed.begun,
        SOON,
        |event| matches!(event, Event::IdleTimeoutRecalled { proven, .. } if *proven >= home),
    );
    assert!(client.stats().keeper.proven >= home);
}
