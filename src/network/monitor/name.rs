//! Names the network that the host is on.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

use super::host::{Host, Route};

/// Where the host is attached, as far as it names the network.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    /// The index of the interface, which does not outlive the interface.
    pub(super) index: u32,
    interface: String,
    resolves: bool,
    /// The network of the host's own address there.
    network: Option<(IpAddr, u8)>,
    /// The host's own address, where it is a public one.
    public: Option<Ipv4Addr>,
    gateway: Option<IpAddr>,
}

impl Attachment {
    /// The attachment that the host would send from now: in IPv4 if it can, since
    /// IPv4's routers forget idle flows.
    pub(super) fn of(host: &Host) -> Option<Attachment> {
        let index = main_interface(host)?;
        let interface = host.interfaces.get(&index)?;
        let gateways = host.routes.iter().filter(|route| route.interface == index && route.gateway.is_some());
        let gateway = gateways.min_by_key(|route| taken_first(route)).and_then(|route| route.gateway);
        let own = host.addresses.iter().filter(|address| address.interface == index);
        let mut own: Vec<_> = own.filter(|address| !is_link_local(address.ip)).collect();
        own.sort_by_key(|address| (address.ip.is_ipv6(), address.ip));
        let mut networks = own.iter().map(|address| (network(address.ip, address.prefix), address.prefix));
        let holds_gateway =
            |found: &(IpAddr, u8)| gateway.is_some_and(|gateway| network(gateway, found.1) == found.0);
        Some(Attachment {
            index,
            interface: interface.name.clone(),
            resolves: interface.resolves,
            network: networks.clone().find(holds_gateway).or_else(|| networks.next()),
            public: own.iter().find_map(|address| match address.ip {
                IpAddr::V4(ip) if is_public(ip) => Some(ip),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }),
            gateway,
        })
    }

    /// The neighbour whose link-layer address is part of the name.
    pub(super) fn neighbour(&self) -> Option<IpAddr> {
        if self.resolves && self.public.is_none() { self.gateway } else { None }
    }

    /// Whether the host was attached here before, as far as can be seen. Many
    /// networks look the same.
    fn looks_like(&self, before: &Attachment) -> bool {
        let seen = |place: &Attachment| (place.network, place.public, place.gateway);
        self.interface == before.interface && seen(self) == seen(before)
    }

    /// The network's name: the same whenever the host is attached here, also
    /// for another process. The gateway's link-layer address tells apart the
    /// many networks whose gateway is 192.168.1.1.
    fn name(&self, link_layer: Option<&[u8]>) -> String {
        let mut text = String::from("longlink network 1\n");
        let told = match (self.public, self.gateway) {
            (Some(public), _) => write!(text, "host {public}"),
            (None, Some(gateway)) => match (link_layer, self.network) {
                (Some(link_layer), _) => write!(text, "gateway {gateway} at {link_layer:02x?}"),
                (None, Some((network, prefix))) => write!(text, "gateway {gateway} in {network}/{prefix}"),
                (None, None) => write!(text, "gateway {gateway}"),
            },
            (None, None) => match self.network {
                Some((network, prefix)) => write!(text, "{} in {network}/{prefix}", self.interface),
                None => write!(text, "{}", self.interface),
            },
        };
        told.expect("a string takes all that is written to it");
        let digest = Sha256::digest(text.as_bytes());
        digest[..16].iter().fold(String::with_capacity(32), |mut name, byte| {
            write!(name, "{byte:02x}").expect("a string takes all that is written to it");
            name
        })
    }
}

/// The name of the network that the host is on, or was on last.
#[derive(Debug, Default)]
pub(super) struct Naming {
    here: Option<(Attachment, Option<String>)>,
}

impl Naming {
    /// The network's name, if it is known.
    pub(super) fn name(&self) -> Option<String> {
        self.here.as_ref().and_then(|(_, name)| name.clone())
    }

    /// The neighbour that is asked for, on its interface.
    pub(super) fn neighbour(&self) -> Option<(u32, IpAddr)> {
        let (place, _) = self.here.as_ref()?;
        Some((place.index, place.neighbour()?))
    }

    /// The host is attached here. Returns whether the name is known for sure:
    /// the neighbour's address belongs to it, but the kernel knows that only after
    /// a packet was sent that way. Until then a network that looks like the
    /// last keeps its name, and another has none.
    pub(super) fn arrive(&mut self, place: Attachment, link_layer: Option<&[u8]>) -> bool {
        let known = place.neighbour().is_none() || link_layer.is_some();
        let name = if known {
            Some(place.name(link_layer))
        } else {
            self.here.take().filter(|(before, _)| place.looks_like(before)).and_then(|(_, name)| name)
        };
        self.here = Some((place, name));
        known
    }

    /// The neighbour's address was asked for again, for the last time if
    /// `last`. Returns whether the network's name has changed.
    pub(super) fn asked_again(&mut self, link_layer: Option<&[u8]>, last: bool) -> bool {
        let Some((place, name)) = &mut self.here else { return false };
        if link_layer.is_none() && (name.is_some() || !last) {
            return false;
        }
        let found = Some(place.name(link_layer));
        let other = *name != found;
        *name = found;
        other
    }
}

/// The interface of the way out, or of the first address on a host without
/// one.
fn main_interface(host: &Host) -> Option<u32> {
    let runs = |index: &u32| host.runs(*index);
    let ways = host.ways.iter().filter(|way| runs(&way.interface));
    let way = ways.min_by_key(|way| way.destination.is_ipv6()).map(|way| way.interface);
    let routes = || host.routes.iter().filter(|route| runs(&route.interface));
    let first = || routes().min_by_key(|route| taken_first(route)).map(|route| route.interface);
    let addresses =
        || host.addresses.iter().filter(|address| runs(&address.interface) && !is_link_local(address.ip));
    way.or_else(first).or_else(|| addresses().map(|address| address.interface).min())
}

/// Sorts routes by which is taken first; IPv4 before IPv6.
fn taken_first(route: &Route) -> (bool, u8, u32, Option<IpAddr>) {
    (route.destination.is_ipv6(), u8::MAX - route.prefix, route.priority, route.gateway)
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// Whether no other host in the world has the address.
fn is_public(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let benchmark = a == 198 && (b == 18 || b == 19);
    let protocol = a == 192 && b == 0 && c == 0;
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || shared
        || benchmark
        || protocol
        || a == 0
        || a >= 240)
}

fn network(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let host = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(ip.to_bits() & !host))
        }
        IpAddr::V6(ip) => {
            let host = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::host::{HostAddress, Interface};
    use super::*;

    const MAC: Option<&[u8]> = Some(&[2, 0, 0, 0, 0, 1]);
    const OTHER_MAC: Option<&[u8]> = Some(&[2, 0, 0, 0, 0, 2]);

    fn add(host: &mut Host, name: &str, addresses: &[&str], gateway: Option<&str>) -> u32 {
        let index = host.interfaces.len() as u32 + 2;
        let interface = Interface {
            name: name.into(),
            running: true,
            loopback: false,
            joins_containers: false,
            resolves: true,
        };
        host.interfaces.insert(index, interface);
        for text in addresses {
            let (ip, prefix) = text.split_once('/').unwrap();
            let address =
                HostAddress { interface: index, ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() };
            host.addresses.push(address);
        }
        if let Some(gateway) = gateway {
            let gateway: IpAddr = gateway.parse().unwrap();
            let destination = match gateway {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            host.routes.push(Route {
                table: 254,
                destination,
                prefix: 0,
                priority: 100 + index,
                interface: index,
                gateway: Some(gateway),
                source: None,
            });
        }
        index
    }

    fn place(name: &str, addresses: &[&str], gateway: Option<&str>) -> Attachment {
        let mut host = Host::default();
        add(&mut host, name, addresses, gateway);
        Attachment::of(&host).unwrap()
    }

    fn home() -> Attachment {
        place("wlan0", &["192.168.1.7/24", "fe80::7/64", "2001:db8::7/64"], Some("192.168.1.1"))
    }

    /// The name is the same in another process, another release of Rust and on
    /// another machine.
    #[test]
    fn a_name_is_the_same_in_the_next_process() {
        assert_eq!(home().name(MAC), "d1439a615f62374aa6f80223d1df02b9");
        assert_eq!(home().name(None), "bc03ec16935b9ce16ac868075b499f4d");
        assert_eq!(
            place("eth0", &["9.9.9.9/24"], Some("9.9.9.1")).name(MAC),
            "8de09a3bb3a990ba3b99b66dd4069f09"
        );
    }

    #[test]
    fn a_name_shows_no_address() {
        for name in [home().name(MAC), home().name(None)] {
            assert!(name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()), "{name}");
        }
    }

    #[test]
    fn the_gateway_names_the_network_whatever_the_hosts_address_there() {
        let again = place("wlan1", &["192.168.1.99/24"], Some("192.168.1.1"));
        assert_eq!(again.name(MAC), home().name(MAC));
        assert_eq!(again.name(None), home().name(None));
        assert_ne!(home().name(OTHER_MAC), home().name(MAC));
        assert_ne!(home().name(None), home().name(MAC));
        let larger = place("wlan0", &["192.168.1.7/16"], Some("192.168.1.1"));
        assert_ne!(larger.name(None), home().name(None));
    }

    #[test]
    fn a_public_address_names_the_network_alone() {
        let public = |gateway| place("eth0", &["10.0.0.5/24", "9.9.9.9/24"], Some(gateway));
        assert_eq!(public("9.9.9.1").name(None), public("9.9.9.2").name(MAC));
        assert_eq!(public("9.9.9.1").neighbour(), None);
        assert_eq!(home().neighbour(), Some("192.168.1.1".parse().unwrap()));
        let not_public = [
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.0.1",
            "172.31.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "203.0.113.9",
            "0.0.0.0",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
        ];
        for ip in not_public {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["9.9.9.9", "100.63.255.255", "100.128.0.0", "172.32.0.1", "198.20.0.1", "192.0.1.1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn without_a_gateway_the_interface_names_it() {
        let tunnel = |name, address| place(name, &[address], None).name(None);
        assert_eq!(tunnel("wg0", "10.8.0.2/24"), tunnel("wg0", "10.8.0.3/24"));
        assert_ne!(tunnel("wg0", "10.8.0.2/24"), tunnel("wg1", "10.8.0.2/24"));
        assert_ne!(tunnel("wg0", "10.8.0.2/24"), tunnel("wg0", "10.9.0.2/24"));
        assert!(Attachment::of(&Host::default()).is_none());
    }

    #[test]
    fn an_address_more_does_not_rename_it() {
        let more = ["10.0.0.9/8", "192.168.1.7/24", "192.168.1.8/24", "2001:db8:9::7/64"];
        let more = place("wlan0", &more, Some("192.168.1.1"));
        assert!(more.looks_like(&home()));
        assert_eq!(more.name(None), home().name(None));
    }

    #[test]
    fn the_way_that_the_system_takes_names_it() {
        let mut host = Host::default();
        let eth = add(&mut host, "eth0", &["192.168.1.7/24"], Some("192.168.1.1"));
        let wlan = add(&mut host, "wlan0", &["10.0.0.7/24"], Some("10.0.0.1"));
        assert_eq!(Attachment::of(&host).unwrap().index, eth);
        let way = |destination: &str, interface| Route {
            destination: destination.parse().unwrap(),
            prefix: 32,
            interface,
            ..host.routes[0]
        };
        host.ways = vec![way("2001:db8::1", eth), way("198.41.0.4", wlan)];
        let place = Attachment::of(&host).unwrap();
        assert_eq!((place.index, place.gateway), (wlan, "10.0.0.1".parse().ok()));
        host.interfaces.get_mut(&wlan).unwrap().running = false;
        assert_eq!(Attachment::of(&host).unwrap().index, eth);
    }

    #[test]
    fn the_smallest_of_the_gateways_that_are_taken_first_names_it() {
        let mut host = Host::default();
        let eth = add(&mut host, "eth0", &["2001:db8::7/64"], Some("fe80::2"));
        for (gateway, priority) in [("fe80::3", 102), ("fe80::1", 102), ("fe80::0", 1024)] {
            host.routes.push(Route { gateway: gateway.parse().ok(), priority, ..host.routes[0] });
        }
        let place = Attachment::of(&host).unwrap();
        assert_eq!(place.neighbour(), "fe80::1".parse().ok());
        assert_eq!((place.index, place.network), (eth, Some(("2001:db8::".parse().unwrap(), 64))));
    }

    #[test]
    fn a_network_keeps_its_name_until_the_gateway_is_known_to_be_another() {
        let mut naming = Naming::default();
        assert!(naming.arrive(home(), MAC));
        let name = naming.name();
        assert_eq!(name, Some(home().name(MAC)));
        // Away and back: no packet was sent to the gateway yet.
        assert!(!naming.arrive(home(), None));
        assert_eq!(naming.name(), name);
        assert!(!naming.asked_again(None, false));
        assert!(!naming.asked_again(MAC, false));
        assert!(!naming.arrive(home(), None));
        assert!(naming.asked_again(OTHER_MAC, false), "it was another network");
        assert_eq!(naming.name(), Some(home().name(OTHER_MAC)));
    }

    #[test]
    fn a_network_not_seen_before_has_no_name_until_the_gateway_is_known() {
        let cafe = || place("wlan0", &["10.0.0.7/24"], Some("10.0.0.1"));
        let mut naming = Naming::default();
        naming.arrive(home(), MAC);
        assert!(!naming.arrive(cafe(), None));
        assert_eq!(naming.name(), None);
        assert!(!naming.asked_again(None, false));
        assert!(naming.asked_again(MAC, false));
        assert_eq!(naming.name(), Some(cafe().name(MAC)));
        // A gateway that never answers.
        assert!(!naming.arrive(home(), None));
        assert!(naming.asked_again(None, true));
        assert_eq!(naming.name(), Some(home().name(None)));
    }
}
