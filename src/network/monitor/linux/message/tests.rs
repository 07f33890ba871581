use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = ((ATTRIBUTE + value.len()) as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// A header and attributes after it.
fn body(header: &[u8], attributes: &[Vec<u8>]) -> Vec<u8> {
    [header, &attributes.concat()].concat()
}

fn whole(kind: u16, flags: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = ((HEADER + body.len()) as u32).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn link_header(index: u32, flags: u32) -> Vec<u8> {
    [&[0; 4][..], &index.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]].concat()
}

fn address_header(family: u8, prefix: u8, flags: u8, interface: u32) -> Vec<u8> {
    [&[family, prefix, flags, 0][..], &interface.to_ne_bytes()].concat()
}

fn route_header(family: u8, prefix: u8, table: u8, kind: u8) -> Vec<u8> {
    vec![family, prefix, 0, 0, table, 0, 0, kind, 0, 0, 0, 0]
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn octets(text: &str) -> Vec<u8> {
    match ip(text) {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

#[test]
fn messages_are_read_to_the_first_that_is_not_whole() {
    let mut bytes = [whole(16, 0, 7, b"abcde"), whole(3, 0x10, 8, &[])].concat();
    let first = NetlinkMessage { kind: 16, flags: 0, sequence: 7, body: b"abcde" };
    let second = NetlinkMessage { kind: 3, flags: INTERRUPTED, sequence: 8, body: &[] };
    assert_eq!(messages(&bytes).collect::<Vec<_>>(), [first, second]);
    bytes.pop();
    assert_eq!(messages(&bytes).collect::<Vec<_>>(), [first]);
    // A length that is too short to go on by.
    assert_eq!(messages(&[0; 64]).count(), 0);
}

#[test]
fn an_error_holds_its_number() {
    assert_eq!(error(&(-95_i32).to_ne_bytes()), Some(95));
    assert_eq!(error(&0_i32.to_ne_bytes()), Some(0));
    assert_eq!(error(&i32::MIN.to_ne_bytes()), Some(i32::MAX));
    assert_eq!(error(&[1, 2]), None);
}

#[test]
fn an_interface_runs_with_a_carrier_and_only_then() {
    let link = |flags| link(&body(&link_header(9, flags), &[attribute(3, b"eth0\0")])).unwrap();
    let (index, running) = link(0x1_1043);
    assert_eq!((index, running.name.as_str()), (9, "eth0"));
    assert!(running.running && running.resolves && !running.loopback && !running.joins_containers);
    assert!(!link(0x1043).1.running, "no carrier");
    assert!(!link(0x1_1003).1.running, "dormant");
    assert!(!link(0x1_1042).1.running, "down");
    assert!(link(0x1_0049).1.loopback);
    assert!(!link(0x1_00D1).1.resolves, "a tunnel");
}

#[test]
fn an_interface_that_joins_containers_is_known_by_its_kind() {
    let kind = |kind: &[u8]| attribute(18, &attribute(1, kind));
    let joins_containers = |kind| link(&body(&link_header(9, 0), &[kind])).unwrap().1.joins_containers;
    assert!(joins_containers(kind(b"veth\0")) && joins_containers(kind(b"bridge")));
    assert!(
        !joins_containers(kind(b"wireguard\0")) && !joins_containers(kind(b"")) && !joins_containers(vec![])
    );
}

#[test]
fn an_address_is_the_hosts_own_and_not_the_peers() {
    let header = address_header(AF_INET, 24, 0x80, 2);
    let local = attribute(2, &octets("10.0.0.2"));
    let found = HostAddress { interface: 2, ip: ip("10.0.0.2"), prefix: 24 };
    assert_eq!(address(&body(&header, &[attribute(1, &octets("10.0.0.1")), local.clone()])), Some(found));
    assert_eq!(address(&body(&header, &[local, attribute(1, &octets("10.0.0.1"))])), Some(found));
    let v6 = body(&address_header(AF_INET6, 64, 0, 2), &[attribute(1, &octets("2001:db8::2"))]);
    assert_eq!(address(&v6), Some(HostAddress { interface: 2, ip: ip("2001:db8::2"), prefix: 64 }));
    assert_eq!(address(&header), None);
}

#[test]
fn an_address_that_is_not_known_to_be_unique_cannot_be_used() {
    let flagged = |short, long: Option<u32>| {
        let mut attributes = vec![attribute(1, &octets("2001:db8::2"))];
        attributes.extend(long.map(|flags| attribute(8, &flags.to_ne_bytes())));
        address(&body(&address_header(AF_INET6, 64, short, 2), &attributes)).is_some()
    };
    assert!(!flagged(0x40, None), "tentative");
    assert!(!flagged(0, Some(0x40)), "tentative");
    assert!(flagged(0x40, Some(0x80)), "the longer flags count");
    assert!(flagged(0x44, None), "optimistic");
    assert!(!flagged(0x08, None), "a duplicate");
    assert!(flagged(0x20, None), "deprecated");
}

#[test]
fn a_default_route_is_read() {
    let attributes = [
        attribute(15, &51_820_u32.to_ne_bytes()),
        attribute(4, &3_u32.to_ne_bytes()),
        attribute(5, &octets("10.0.0.1")),
        attribute(6, &600_u32.to_ne_bytes()),
        attribute(7, &octets("10.0.0.2")),
    ];
    let found = routes(&body(&route_header(AF_INET, 0, 252, 1), &attributes));
    let route = Route {
        table: 51_820,
        destination: ip("0.0.0.0"),
        prefix: 0,
        priority: 600,
        interface: 3,
        gateway: Some(ip("10.0.0.1")),
        source: Some(ip("10.0.0.2")),
    };
    assert_eq!(found, [route]);
    assert!(route.is_default_like());
}

#[test]
fn a_route_with_several_ways_is_each_of_them() {
    let hop = |interface: u32, gateway: Vec<u8>| {
        let mut hop = ((NEXT_HOP + gateway.len()) as u16).to_ne_bytes().to_vec();
        hop.extend([0, 0]);
        hop.extend(interface.to_ne_bytes());
        hop.extend(gateway);
        hop
    };
    let via = [&[AF_INET6, 0][..], &octets("fe80::1")].concat();
    let via =
        if cfg!(target_endian = "little") { via } else { [&[0, AF_INET6][..], &octets("fe80::1")].concat() };
    let hops =
        [hop(3, attribute(5, &octets("10.0.0.1"))), hop(4, attribute(18, &via)), hop(5, vec![])].concat();
    let found = routes(&body(&route_header(AF_INET, 0, 254, 1), &[attribute(9, &hops)]));
    let found: Vec<_> = found.iter().map(|route| (route.interface, route.gateway)).collect();
    assert_eq!(found, [(3, Some(ip("10.0.0.1"))), (4, Some(ip("fe80::1"))), (5, None)]);
}

#[test]
fn routes_that_lead_nowhere_or_home_are_left_out() {
    let interface = [attribute(4, &3_u32.to_ne_bytes())];
    let count = |header: Vec<u8>| routes(&body(&header, &interface)).len();
    assert_eq!(count(route_header(AF_INET, 0, 254, 1)), 1);
    assert_eq!(count(route_header(AF_INET, 0, 254, 7)), 0, "unreachable");
    assert_eq!(count(route_header(AF_INET, 0, 255, 1)), 0, "the local table");
    assert_eq!(count(route_header(28, 0, 254, 1)), 0, "another family");
    assert!(routes(&route_header(AF_INET, 0, 254, 1)).is_empty(), "no interface");
}

#[test]
fn a_neighbour_counts_once_its_address_is_known() {
    let told = |state: u16, link_layer: &[u8]| {
        let header = [&[AF_INET, 0, 0, 0][..], &2_u32.to_ne_bytes(), &state.to_ne_bytes(), &[0, 0]].concat();
        neighbour(&body(&header, &[attribute(1, &octets("10.0.0.1")), attribute(2, link_layer)]))
    };
    let known = Neighbour { interface: 2, ip: ip("10.0.0.1"), link_layer: vec![2, 0, 0, 0, 0, 9] };
    for state in [0x02, 0x04, 0x08, 0x10, 0x80] {
        assert_eq!(told(state, &[2, 0, 0, 0, 0, 9]), Some(known.clone()), "{state:#x}");
    }
    for state in [0x00, 0x01, 0x20, 0x40] {
        assert_eq!(told(state, &[2, 0, 0, 0, 0, 9]), None, "{state:#x}");
    }
    assert_eq!(told(0x02, &[0; 6]), None);
}

fn read_all(bytes: &[u8]) -> usize {
    let read = |body| {
        link(body).is_some() as usize
            + address(body).is_some() as usize
            + routes(body).len()
            + neighbour(body).is_some() as usize
            + error(body).is_some() as usize
    };
    messages(bytes).map(|message| 1 + read(message.body)).sum::<usize>() + read(bytes)
}

/// A message of each kind as the kernel sends them, one after another.
fn real() -> Vec<u8> {
    let hop =
        [&16_u16.to_ne_bytes()[..], &[0, 0], &3_u32.to_ne_bytes(), &attribute(5, &[10, 0, 0, 1])].concat();
    [
        whole(
            NEW_LINK,
            2,
            1,
            &body(&link_header(2, 0x1_1043), &[attribute(3, b"eth0\0"), attribute(18, &[8; 12])]),
        ),
        whole(NEW_ADDRESS, 2, 1, &body(&address_header(AF_INET, 24, 0, 2), &[attribute(2, &[10, 0, 0, 2])])),
        whole(
            NEW_ROUTE,
            2,
            1,
            &body(&route_header(AF_INET, 0, 254, 1), &[attribute(4, &[2; 4]), attribute(9, &hop)]),
        ),
        whole(NEW_ROUTE, 2, 1, &body(&route_header(AF_INET6, 0, 254, 1), &[attribute(4, &[2; 4])])),
        whole(
            NEW_NEIGHBOUR,
            2,
            1,
            &body(&[AF_INET, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0], &[attribute(1, &[10, 0, 0, 1])]),
        ),
        whole(DONE, 2, 1, &[0; 4]),
    ]
    .concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The reader ends, does not panic, and finds no more than there can be.
    #[test]
    fn hostile_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..2_048)) {
        prop_assert!(read_all(&bytes) <= 6 + bytes.len());
    }

    #[test]
    fn broken_messages_do_no_harm(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..24),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = real();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        prop_assert!(read_all(&bytes) <= 6 + bytes.len());
    }
}
