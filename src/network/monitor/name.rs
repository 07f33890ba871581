//! Names the network that the host is on.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

use super::host::{Host, Route};

/// Where the host is attached, as far as it names the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The index of the interface, which does not outlive it.
    pub(super) index: u32,
    interface: String,
    /// The network of the host's own address there.
    network: Option<(IpAddr, u8)>,
    /// The host's own address, where it is a public one.
    public: Option<Ipv4Addr>,
    pub(super) gateway: Option<IpAddr>,
}

impl Place {
    /// Where the host would send from now: in IPv4 if it can, since it is
    /// IPv4's routers that forget idle flows.
    pub(super) fn of(host: &Host) -> Option<Place> {
        let index = main_interface(host)?;
        let own = host.addresses.iter().filter(|address| address.interface == index);
        let mut own: Vec<_> = own.filter(|address| !is_link_local(address.ip)).copied().collect();
        own.sort_by_key(|address| (address.ip.is_ipv6(), address.ip));
        let gateways = host.routes.iter().filter(|route| route.interface == index && route.gateway.is_some());
        let gateway = gateways.min_by_key(|route| taken_first(route)).and_then(|route| route.gateway);
        Some(Place {
            index,
            interface: host.interfaces.get(&index)?.name.clone(),
            network: own.first().map(|address| (network(address.ip, address.prefix), address.prefix)),
            public: own.iter().find_map(|address| match address.ip {
                IpAddr::V4(ip) if is_public(ip) => Some(ip),
                IpAddr::V4(_) | IpAddr::V6(_) => None,
            }),
            gateway,
        })
    }

    /// The network's name: the same whenever the host is in this place, also
    /// for another process. The gateway's link-layer address tells apart the
    /// many networks whose gateway is 192.168.1.1.
    pub(super) fn name(&self, link_layer: Option<&[u8]>) -> String {
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

/// Whether it is the host's alone in the world.
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
