//! Networks have names, and what was learned on one is remembered by its name.

use std::time::Duration;

use longlink::{Heartbeat, Reconnect};

use crate::lab::client::Client;
use crate::stage::{SOON, Stage};
use crate::uplinks::Lab;
use crate::uplinks::Uplink::{self, First, Second};
use crate::waits::{is_loss, until_told};

/// All of longlink's times here: the first gap is half a second.
const SCALE: f64 = 1.0 / 54.0;
/// A gap that takes a few beats to prove.
const LEARNED: Duration = Duration::from_millis(1000);

/// The client moves from one network to another, with new links.
fn move_to(client: &mut Client, stage: &Stage, from: Uplink, to: Uplink) {
    client.say(format_args!("moves to {to:?}"));
    stage.lab.plug(to);
    let event = stage.lab.ip(&format!("{}link del {}", to.default_route(), from.device()));
    until_told(client, "the link is abandoned", event, SOON, is_loss);
    client.until_connected(SOON);
    client.round_trip();
}

#[test]
fn what_was_learned_comes_back_with_the_network() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.client_with("names", Heartbeat::scaled(SCALE), Reconnect::scaled(SCALE));
    client.until_connected(SOON);
    client.until_survived(LEARNED, SOON);
    client.pass(Duration::from_millis(100));
    let home = client.stats().proven;
    assert!(home >= LEARNED, "{home:?}");

    move_to(&mut client, &stage, First, Second);
    let away = client.stats().proven;
    client.say(format_args!("proven: {home:.3?} there, {away:.3?} here"));
    assert!(away < LEARNED, "another network is another key: {away:?}");

    move_to(&mut client, &stage, Second, First);
    let again = client.stats().proven;
    client.say(format_args!("proven: {again:.3?} here again"));
    assert!(again >= home, "the same network has the same key: {again:?}");
}
