//! Routes and addresses that change under a link.

use std::time::Duration;

use longlink::Detection;

use crate::lab::client::Client;
use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Lab;
use crate::uplinks::Uplink::{First, Second};
use crate::waits::{count, flow, is_loss, until_abandoned, until_heard, until_told};

fn source(stage: &Stage, client: &Client) -> Option<String> {
    stage.server.sources(client.name()).pop()
}

#[test]
fn pitfall_33_a_link_that_works_by_the_new_route_too_is_not_dropped() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("route-works");
    stage.lab.plug(Second);
    client.pass(Duration::from_secs(3));
    client.say("the default route is switched");
    let deed = stage.lab.ip(&Second.default_route());
    until_heard(&mut client, deed, SOON);
    flow(&mut client, Duration::from_secs(4));
    assert!(client.account.lost.is_empty());
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn a_link_is_probed_when_another_gateway_takes_over() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.add_gateway(First, 254);
    let mut client = stage.connected("gateway");
    client.pass(Duration::from_secs(3));
    client.say("another gateway");
    let deed = stage.lab.ip(&format!("route replace default via {}", First.address(254)));
    until_heard(&mut client, deed, SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn a_link_dead_with_its_route_is_replaced_from_the_new_address() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.proved("route-dead");
    stage.lab.plug(Second);
    stage.lab.refuse_foreign_addresses(Second);
    client.pass(Duration::from_secs(3));
    client.say("the default route is switched");
    let deed = stage.lab.ip(&Second.default_route());
    until_told(&mut client, "the link is lost", deed.begun, SOON, is_loss);
    assert_eq!(client.account.lost[0].detection, Detection::ProbeUnanswered);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(source(&stage, &client), Some(Second.address(2)));
}

#[test]
fn a_link_whose_address_went_with_the_route_is_abandoned_at_once() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.proved("route-gone");
    stage.lab.plug(Second);
    client.pass(Duration::from_secs(3));
    client.say("the first uplink is gone, the second takes over");
    let deed = stage.lab.ip(&format!("{}link del up0", Second.default_route()));
    until_abandoned(&mut client, deed, SOON);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(source(&stage, &client), Some(Second.address(2)));
}

#[test]
fn a_link_whose_address_was_replaced_is_abandoned_at_once() {
    if !Lab::possible() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.proved("address");
    client.say("another address");
    let (old, new) = (First.address(2), First.address(3));
    let deed = stage
        .lab
        .ip(&format!("addr del {old}/24 dev up0\naddr add {new}/24 dev up0\n{}", First.default_route()));
    until_abandoned(&mut client, deed, SOON);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(source(&stage, &client), Some(new));
}

#[test]
fn another_address_beside_the_links_own_drops_nothing() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("second-address");
    client.say("another address is added, and taken away");
    let added = stage.lab.ip(&format!("addr add {}/24 dev up0", First.address(3)));
    flow(&mut client, Duration::from_secs(3));
    stage.lab.ip(&format!("addr del {}/24 dev up0", First.address(3)));
    flow(&mut client, Duration::from_secs(3));
    assert_eq!(count(&client, added.begun, is_loss), 0);
    assert_eq!(stage.server.logins(client.name()), 1);
}
