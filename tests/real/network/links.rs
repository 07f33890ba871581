//! Links that go down and come up, with and without their carrier.

use std::thread;
use std::time::{Duration, Instant};

use longlink::Event;
use longlink::keeper::Because;

use crate::lab::client::Client;
use crate::stage::{SOON, Stage};
use crate::uplinks::Lab;
use crate::uplinks::Uplink::First;
use crate::waits::{flow, is_offline, until_heard, until_told};

/// How a client is cut off, and how it is let in again; each gives the moment
/// when the kernel was done.
type Cut = (&'static str, fn(&Lab) -> Instant, fn(&Lab) -> Instant);

const CUTS: [Cut; 2] = [
    (
        "down",
        |lab| lab.ip("link set up0 down"),
        |lab| lab.ip(&format!("link set up0 up\n{}", First.default_route())),
    ),
    ("carrier", |lab| lab.set_carrier(First, false), |lab| lab.set_carrier(First, true)),
];

fn each_cut(test: fn(&Stage, Cut)) {
    if !Lab::possible() {
        return;
    }
    thread::scope(|scope| {
        for cut in CUTS {
            scope.spawn(move || test(&Stage::set(), cut));
        }
    });
}

fn cut_off(client: &mut Client, stage: &Stage, (name, cut, _): Cut) {
    client.say(format_args!("cut off: {name}"));
    let event = cut(&stage.lab);
    let told = until_told(client, "the network is gone", event, SOON, is_offline);
    client.say(format_args!("told {:.0?} after the event", told - event));
}

#[test]
fn a_link_that_outlives_the_cut_is_heard_again_at_once() {
    each_cut(|stage, cut| {
        let mut client = stage.connected(&format!("kept-{}", cut.0));
        cut_off(&mut client, stage, cut);
        client.pass(Duration::from_secs(3));
        assert!(client.account.lost.is_empty(), "its address exists: {:?}", client.account.lost);
        client.say("let in again");
        let event = cut.2(&stage.lab);
        until_heard(&mut client, event, SOON);
        flow(&mut client, Duration::from_secs(1));
        assert_eq!(stage.server.logins(client.name()), 1);
    });
}

#[test]
fn a_link_that_ended_behind_the_cut_is_replaced_at_once() {
    each_cut(|stage, cut| {
        let mut client = stage.proved(&format!("replaced-{}", cut.0));
        cut_off(&mut client, stage, cut);
        stage.server.forget_links();
        client.pass(Duration::from_secs(3));
        assert!(client.account.lost.is_empty(), "nobody could tell: {:?}", client.account.lost);
        client.say("let in again");
        let event = cut.2(&stage.lab);
        until_heard(&mut client, event, SOON);
        client.until_connected(SOON);
        flow(&mut client, Duration::from_secs(1));
        assert_eq!(stage.server.logins(client.name()), 2);
    });
}

#[test]
fn pitfall_32_a_client_that_waits_is_back_within_a_second_of_the_network() {
    each_cut(|stage, cut| {
        cut.1(&stage.lab);
        let mut client = stage.client(&format!("waiting-{}", cut.0));
        until_told(&mut client, "a long wait", Instant::now(), SOON, |event| {
            matches!(event, Event::ReconnectScheduled { delay, because: Because::Offline, .. }
                if *delay > Duration::from_secs(50))
        });
        client.pass(Duration::from_secs(2));
        client.say("let in");
        let event = cut.2(&stage.lab);
        let back = until_heard(&mut client, event, SOON);
        assert!(back.waited <= Duration::from_secs(1), "{back:?}");
        client.round_trip();
    });
}
