//! Interfaces that come and go beside the one that works.

use std::time::Duration;

use longlink::Detection;

use crate::lab::client::Client;
use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::{First, Second, Vpn};
use crate::uplinks::{Lab, SERVER};
use crate::waits::{flow, is_loss, until_abandoned, until_heard, until_told};

/// Long enough for a burst to settle and a probe to fail.
const VERDICT: Duration = Duration::from_secs(5);

/// Messages flow on one link while something comes, and while it goes.
fn nothing_is_dropped(name: &str, come: impl Fn(&Lab), go: impl Fn(&Lab)) {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected(name);
    client.say("it comes");
    come(&stage.lab);
    flow(&mut client, VERDICT);
    client.say("it goes");
    go(&stage.lab);
    flow(&mut client, VERDICT);
    assert_kept(&stage, &client);
}

fn assert_kept(stage: &Stage, client: &Client) {
    assert!(client.account.lost.is_empty(), "{:?}", client.account);
    assert_eq!(stage.server.logins(client.name()), 1, "the same link all the time");
}

#[test]
fn pitfall_33_a_second_uplink_that_comes_and_goes_drops_nothing() {
    let route = format!("route add default via {} dev up1 metric 100", Second.address(1));
    nothing_is_dropped(
        "second-uplink",
        |lab| {
            lab.plug(Second);
            lab.ip(&route);
        },
        |lab| {
            lab.unplug(Second);
        },
    );
}

#[test]
fn pitfall_33_a_tunnel_that_takes_no_route_drops_nothing() {
    nothing_is_dropped(
        "tunnel-beside",
        |lab| {
            lab.ip("tuntap add tun0 mode tun\naddr add 10.3.0.2/24 dev tun0\nlink set tun0 up");
        },
        |lab| {
            lab.ip("link del tun0");
        },
    );
}

#[test]
fn pitfall_33_a_tunnel_around_the_servers_route_drops_nothing() {
    let own = format!("route add {SERVER}/32 via {} dev up0", First.address(1));
    nothing_is_dropped(
        "tunnel-around",
        |lab| {
            // It leads nowhere: were the link on it, it would be lost.
            lab.ip(&own);
            lab.ip("tuntap add tun0 mode tun\naddr add 10.3.0.2/24 dev tun0\nlink set tun0 up
                route add 0.0.0.0/1 dev tun0\nroute add 128.0.0.0/1 dev tun0");
        },
        |lab| {
            lab.ip("link del tun0");
        },
    );
}

#[test]
fn pitfall_33_a_tunnel_that_takes_the_link_over_alive_drops_nothing() {
    nothing_is_dropped(
        "tunnel-through",
        |lab| {
            lab.plug(Vpn);
            lab.ip(&Vpn.halves());
        },
        |lab| {
            lab.unplug(Vpn);
        },
    );
}

#[test]
fn a_link_inside_a_tunnel_ends_with_it_though_the_default_route_stays() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.plug(Vpn);
    stage.lab.ip(&format!("route add {SERVER}/32 via {} dev vpn", Vpn.address(1)));
    let mut client = stage.proved("tunnel-inside");
    client.say("the tunnel is gone");
    let deed = stage.lab.unplug(Vpn);
    until_abandoned(&mut client, deed, SOON);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(stage.server.sources(client.name()), [Vpn.address(2), First.address(2)]);
}

#[test]
fn a_tunnel_closed_to_the_link_costs_one_link_in_and_one_out() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.refuse_foreign_addresses(Vpn);
    let mut client = stage.proved("tunnel-refuses");
    client.say("a tunnel takes all routes");
    stage.lab.plug(Vpn);
    let deed = stage.lab.ip(&Vpn.halves());
    until_told(&mut client, "the link is lost", deed.begun, SOON, is_loss);
    assert_eq!(client.account.lost[0].detection, Detection::ProbeUnanswered);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));

    client.say("the tunnel is gone");
    let deed = stage.lab.unplug(Vpn);
    until_abandoned(&mut client, deed, SOON);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));

    assert_eq!(stage.server.sources(client.name()), [First.address(2), Vpn.address(2), First.address(2)]);
}
