//! Links that go down and come up, with and without their carrier.

use std::thread;
use std::time::Duration;

use longlink::{Event, RetryReason};

use crate::lab::client::Client;
use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::First;
use crate::uplinks::{Deed, Lab};
use crate::waits::{flow, is_offline, until_heard, until_told};

/// How a client is cut off, and how it is let in again.
type Cut = (&'static str, fn(&Lab) -> Deed, fn(&Lab) -> Deed);

const CUTS: [Cut; 2] = [
    (
        "down",
        |lab| lab.ip("link set up0 down"),
        |lab| lab.ip(&format!("link set up0 up\n{}", First.default_route())),
    ),
    ("carrier", |lab| lab.set_carrier(First, false), |lab| lab.set_carrier(First, true)),
];

fn each_cut(test: fn(&Stage, Cut)) {
    thread::scope(|scope| {
        for cut in CUTS {
            scope.spawn(move || test(&Stage::set(), cut));
        }
    });
}

fn cut_off(client: &mut Client, stage: &Stage, (name, cut, _): Cut) {
    client.say(format_args!("cut off: {name}"));
    let deed = cut(&stage.lab);
    let told = until_told(client, "the network is gone", deed.begun, SOON, is_offline);
    client.say(format_args!("told {:.0?} after the event", told.saturating_duration_since(deed.done)));
}

#[test]
fn a_link_that_outlives_the_cut_is_heard_again_at_once() {
    if !Lab::possible() {
        return;
    }
    each_cut(|stage, cut| {
        let mut client = stage.connected(&format!("kept-{}", cut.0));
        cut_off(&mut client, stage, cut);
        client.pass(Duration::from_secs(3));
        assert!(client.account.lost.is_empty(), "its address exists: {:?}", client.account.lost);
        client.say("let in again");
        let deed = cut.2(&stage.lab);
        until_heard(&mut client, deed, SOON);
        flow(&mut client, Duration::from_secs(1));
        assert_eq!(stage.server.logins(client.name()), 1);
    });
}

#[test]
fn a_link_that_ended_behind_the_cut_is_replaced_at_once() {
    if !wanted() {
        return;
    }
    each_cut(|stage, cut| {
        let mut client = stage.proved(&format!("replaced-{}", cut.0));
        cut_off(&mut client, stage, cut);
        stage.server.forget_links();
        client.pass(Duration::from_secs(3));
        assert!(client.account.lost.is_empty(), "nobody could tell: {:?}", client.account.lost);
        client.say("let in again");
        let deed = cut.2(&stage.lab);
        until_heard(&mut client, deed, SOON);
        client.until_connected(SOON);
        flow(&mut client, Duration::from_secs(1));
        assert_eq!(stage.server.logins(client.name()), 2);
    });
}

#[test]
fn pitfall_32_a_client_that_waits_is_back_within_a_second_of_the_network() {
    if !wanted() {
        return;
    }
    each_cut(|stage, cut| {
        let deed = cut.1(&stage.lab);
        let mut client = stage.client(&format!("waiting-{}", cut.0));
        until_told(&mut client, "a long wait", deed.begun, SOON, |event| {
            matches!(event, Event::ReconnectScheduled { delay, reason: RetryReason::Offline, .. }
                if *delay > Duration::from_secs(50))
        });
        client.pass(Duration::from_secs(2));
        client.say("let in");
        let deed = cut.2(&stage.lab);
        let waited = until_heard(&mut client, deed, SOON);
        assert!(waited <= Duration::from_secs(1), "{waited:?}");
        client.round_trip();
    });
}
