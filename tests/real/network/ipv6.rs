//! The same over IPv6, whose addresses come and go more freely.

use std::time::Duration;

use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::FIRST_6;
use crate::waits::{flow, until_abandoned, until_heard};

#[test]
fn in_ipv6_an_interface_that_goes_down_takes_the_link_along() {
    if !wanted() {
        return;
    }
    let stage = Stage::set_ipv6();
    let mut client = stage.proved("ipv6-down");
    client.say("the link goes down");
    let deed = stage.lab.ip("link set up0 down");
    until_abandoned(&mut client, deed, SOON);
    client.pass(Duration::from_secs(3));
    client.say("the link comes up");
    let deed = stage.lab.ip(&format!("link set up0 up\n{FIRST_6}"));
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(stage.server.sources(client.name()), ["fd00::2", "fd00::2"]);
}

#[test]
fn in_ipv6_a_link_outlives_the_addresses_beside_its_own_but_not_its_own() {
    if !wanted() {
        return;
    }
    let stage = Stage::set_ipv6();
    let mut client = stage.proved("ipv6-address");
    client.say("another address comes, and is preferred");
    stage.lab.ip("addr add fd00::3/64 dev up0 nodad\naddr change fd00::2/64 dev up0 preferred_lft 0");
    flow(&mut client, Duration::from_secs(5));
    assert_eq!(stage.server.logins(client.name()), 1);
    client.say("the old one is gone");
    let deed = stage.lab.ip("addr del fd00::2/64 dev up0");
    until_abandoned(&mut client, deed, SOON);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
    assert_eq!(stage.server.sources(client.name()), ["fd00::2", "fd00::3"]);
}
