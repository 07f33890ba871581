//! The news in scans of a host that changes.

use NetworkStatus::{Changed, Offline, Online};

use super::*;

const ETH: u32 = 2;
const WLAN: u32 = 3;
const DOCKER: u32 = 4;
const VETH: u32 = 5;
const VPN: u32 = 6;

/// A name, and the change of a host.
type Case = (&'static str, fn(&mut Host));

fn interface(name: &str) -> Interface {
    Interface { name: name.into(), running: true, loopback: false, joins_containers: false, resolves: true }
}

fn address(interface: u32, text: &str) -> HostAddress {
    let (ip, prefix) = text.split_once('/').unwrap();
    HostAddress { interface, ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() }
}

fn route(interface: u32, to: &str, via: Option<&str>, priority: u32) -> Route {
    let (destination, prefix) = to.split_once('/').unwrap();
    Route {
        table: 254,
        destination: destination.parse().unwrap(),
        prefix: prefix.parse().unwrap(),
        priority,
        interface,
        gateway: via.map(|via| via.parse().unwrap()),
        source: None,
    }
}

/// A laptop at home, with a container beside it.
fn home() -> Host {
    let mut host = Host::default();
    host.interfaces.insert(1, Interface { loopback: true, ..interface("lo") });
    host.interfaces.insert(ETH, interface("eth0"));
    host.interfaces.insert(DOCKER, Interface { joins_containers: true, ..interface("docker0") });
    host.addresses =
        ["192.168.1.7/24", "fe80::7/64", "2001:db8:1::7/64"].map(|text| address(ETH, text)).to_vec();
    host.addresses.push(address(1, "127.0.0.1/8"));
    host.addresses.push(address(DOCKER, "172.17.0.1/16"));
    host.routes = vec![route(ETH, "0.0.0.0/0", Some("192.168.1.1"), 100)];
    let source = Some("192.168.1.7".parse().unwrap());
    host.ways = vec![Route { source, ..route(ETH, "198.41.0.4/32", Some("192.168.1.1"), 0) }];
    host
}

/// The news after home, and then after `change`.
fn after(change: impl FnOnce(&mut Host)) -> Option<NetworkStatus> {
    let mut judge = Judge::default();
    assert_eq!(judge.judge(&home()), Some(Online));
    let mut host = home();
    change(&mut host);
    judge.judge(&host)
}

fn running(host: &mut Host, index: u32, running: bool) {
    host.interfaces.get_mut(&index).unwrap().running = running;
}

#[test]
fn without_a_default_route_over_a_running_interface_it_is_offline() {
    let table: [Case; 4] = [
        ("the route is gone", |host| {
            host.routes.clear();
            host.ways.clear();
        }),
        ("the carrier is lost", |host| running(host, ETH, false)),
        ("the interface is gone", |host| drop(host.interfaces.remove(&ETH))),
        ("everything is gone", |host| *host = Host::default()),
    ];
    for (what, change) in table {
        assert_eq!(after(change), Some(Offline), "{what}");
    }
}

#[test]
fn a_way_that_the_list_of_routes_does_not_show_is_one() {
    assert_eq!(after(|host| host.routes.clear()), Some(Changed));
}

#[test]
fn another_way_or_address_is_a_change() {
    let table: [Case; 13] = [
        ("another gateway", |host| host.routes[0].gateway = "192.168.1.254".parse().ok()),
        ("an address more", |host| host.addresses.push(address(ETH, "192.168.1.8/24"))),
        ("an address less", |host| host.addresses.truncate(2)),
        ("an address replaced", |host| host.addresses[0] = address(ETH, "192.168.1.9/24")),
        ("its network is larger", |host| host.addresses[0].prefix = 16),
        ("a second uplink", |host| {
            host.interfaces.insert(WLAN, interface("wlan0"));
            host.routes.push(route(WLAN, "0.0.0.0/0", Some("10.0.0.1"), 600));
        }),
        ("an IPv6 router", |host| host.routes.push(route(ETH, "::/0", Some("fe80::1"), 100))),
        ("a VPN before the default route", |host| {
            host.interfaces.insert(VPN, interface("tun0"));
            host.routes.push(route(VPN, "0.0.0.0/1", None, 0));
            host.routes.push(route(VPN, "128.0.0.0/1", None, 0));
        }),
        ("a VPN in a table of its own", |host| {
            host.interfaces.insert(VPN, interface("wg0"));
            host.routes.push(Route { table: 51_820, ..route(VPN, "0.0.0.0/0", None, 0) });
        }),
        ("an address on a VPN without a default route", |host| {
            host.interfaces.insert(VPN, interface("tun0"));
            host.addresses.push(address(VPN, "10.8.0.2/24"));
        }),
        ("a rule sends elsewhere", |host| host.ways[0].interface = DOCKER),
        ("another source address is taken", |host| host.ways[0].source = "192.168.1.8".parse().ok()),
        ("a default route over a bridge", |host| {
            host.routes.push(route(DOCKER, "0.0.0.0/0", Some("172.17.0.9"), 900));
        }),
    ];
    for (what, change) in table {
        assert_eq!(after(change), Some(Changed), "{what}");
    }
}

#[test]
fn noise_is_no_change() {
    let table: [Case; 12] = [
        ("nothing", |_| ()),
        ("listed in another order", |host| {
            host.addresses.reverse();
            host.routes.reverse();
        }),
        ("a link-local address", |host| host.addresses.push(address(ETH, "fe80::8/64"))),
        ("an address that the host gave itself", |host| host.addresses.push(address(ETH, "169.254.9.9/16"))),
        ("an address on the loopback", |host| host.addresses.push(address(1, "10.9.9.9/32"))),
        ("an address on an interface that is down", |host| {
            host.interfaces.insert(WLAN, Interface { running: false, ..interface("wlan0") });
            host.addresses.push(address(WLAN, "10.0.0.2/24"));
        }),
        ("an interface without an address", |host| drop(host.interfaces.insert(WLAN, interface("wlan0")))),
        ("a container started", |host| {
            host.interfaces.insert(VETH, Interface { joins_containers: true, ..interface("veth1") });
            host.addresses.push(address(VETH, "fe80::9/64"));
            host.addresses.push(address(VETH, "172.18.0.1/16"));
        }),
        ("the last container stopped", |host| running(host, DOCKER, false)),
        ("a container network removed", |host| drop(host.interfaces.remove(&DOCKER))),
        ("a route to a single network", |host| {
            host.routes.push(route(ETH, "10.0.0.0/8", Some("192.168.1.2"), 0));
        }),
        ("the only route has another priority", |host| host.routes[0].priority = 20_100),
    ];
    for (what, change) in table {
        assert_eq!(after(change), None, "{what}");
    }
}

#[test]
fn the_order_of_two_uplinks_is_what_counts_of_their_priorities() {
    let two = |first: u32, second: u32| {
        let mut host = home();
        host.interfaces.insert(WLAN, interface("wlan0"));
        host.routes[0].priority = first;
        host.routes.push(route(WLAN, "0.0.0.0/0", Some("10.0.0.1"), second));
        host
    };
    let mut judge = Judge::default();
    judge.judge(&two(100, 600));
    assert_eq!(judge.judge(&two(101, 20_600)), None);
    assert_eq!(judge.judge(&two(20_100, 600)), Some(Changed));
}

#[test]
fn a_host_that_never_had_a_default_route_is_online_with_an_address() {
    let alone = |text: &str| {
        let mut host = Host::default();
        host.interfaces.insert(VETH, Interface { joins_containers: true, ..interface("eth0") });
        host.addresses.push(address(VETH, text));
        host
    };
    let mut judge = Judge::default();
    assert_eq!(judge.judge(&Host::default()), None);
    assert_eq!(judge.judge(&alone("fe80::1/64")), None);
    assert_eq!(judge.judge(&alone("10.1.0.2/24")), Some(Online));
    assert_eq!(judge.judge(&alone("10.1.0.3/24")), Some(Changed));
    assert_eq!(judge.judge(&Host::default()), Some(Offline));
    assert_eq!(judge.judge(&home()), Some(Online));
    // From here on the host is known to have one.
    assert_eq!(judge.judge(&alone("10.1.0.2/24")), Some(Offline));
    assert_eq!(judge.judge(&alone("10.1.0.3/24")), None);
    assert_eq!(judge.judge(&home()), Some(Online));
}

#[test]
fn a_change_that_may_have_been_missed_is_told_once() {
    let mut judge = Judge::default();
    judge.judge(&home());
    judge.miss();
    assert_eq!(judge.judge(&home()), Some(Changed));
    assert_eq!(judge.judge(&home()), None);
    judge.miss();
    assert_eq!(judge.judge(&Host::default()), Some(Offline));
    judge.miss();
    assert_eq!(judge.judge(&Host::default()), None, "still offline");
    assert_eq!(judge.judge(&home()), Some(Online));
    assert_eq!(judge.judge(&home()), None);
}

#[test]
fn an_uplink_that_is_replaced_at_once_is_a_change_and_not_offline() {
    let mut host = home();
    host.interfaces.insert(WLAN, interface("wlan0"));
    host.routes.push(route(WLAN, "0.0.0.0/0", Some("10.0.0.1"), 600));
    let mut judge = Judge::default();
    judge.judge(&host);
    running(&mut host, ETH, false);
    assert_eq!(judge.judge(&host), Some(Changed));
    running(&mut host, WLAN, false);
    assert_eq!(judge.judge(&host), Some(Offline));
}
