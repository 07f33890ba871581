//! The facts that a scan found on the host, and the news in them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use crate::NetworkStatus;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    /// Switched on, with a carrier, and ready.
    pub(super) running: bool,
    pub(super) loopback: bool,
    /// Whether the interface is of a kind that joins containers to each other. Such an
    /// interface counts only where a default route goes over it.
    pub(super) joins_containers: bool,
    /// Whether the interface asks for the link-layer addresses of its neighbours.
    pub(super) resolves: bool,
}

/// An address of the host that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HostAddress {
    pub(super) interface: u32,
    pub(super) ip: IpAddr,
    /// How many bits of the address name its network.
    pub(super) prefix: u8,
}

/// One next hop of one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) table: u32,
    pub(super) destination: IpAddr,
    pub(super) prefix: u8,
    /// A lower priority is taken first.
    pub(super) priority: u32,
    pub(super) interface: u32,
    pub(super) gateway: Option<IpAddr>,
    /// The address that the route says to send from.
    pub(super) source: Option<IpAddr>,
}

impl Route {
    /// Whether the route is for all addresses, or for so many that it stands in for a
    /// default route: VPNs put two halves (0.0.0.0/1 and 128.0.0.0/1) before
    /// the default route that they leave in place, or 2000::/3, which is all
    /// of the public IPv6 space.
    pub(super) fn is_default_like(&self) -> bool {
        self.prefix <= if self.destination.is_ipv4() { 1 } else { 3 }
    }
}

/// The facts that a scan of the host found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) interfaces: BTreeMap<u32, Interface>,
    pub(super) addresses: Vec<HostAddress>,
    /// Routes that are like a default route.
    pub(super) routes: Vec<Route>,
    /// The ways that the system would take towards the public Internet now, in IPv4
    /// and in IPv6, after all tables and rules.
    pub(super) ways: Vec<Route>,
}

impl Host {
    /// Whether anything can go over this interface.
    pub(super) fn runs(&self, index: u32) -> bool {
        self.interfaces.get(&index).is_some_and(|interface| interface.running && !interface.loopback)
    }
}

/// Says what each scan means after the scans before.
#[derive(Debug, Default)]
pub(super) struct Judge {
    last: View,
    /// Whether there ever was a default route.
    had_default: bool,
    /// Whether something may have changed, and changed back, unseen.
    missed: bool,
}

impl Judge {
    /// A change before the next scan may be unseen: it counts as a
    /// change.
    #[cfg_attr(any(not(target_os = "linux"), longlink_netwatch), allow(dead_code))]
    pub(super) fn miss(&mut self) {
        self.missed = true;
    }

    /// The news in a scan, if there is any. The first scan is compared
    /// with a host without a network.
    pub(super) fn judge(&mut self, host: &Host) -> Option<NetworkStatus> {
        let found = View::of(host);
        self.had_default |= found.has_default();
        let was_online = self.is_online();
        let before = std::mem::replace(&mut self.last, found);
        let missed = std::mem::take(&mut self.missed);
        match (was_online, self.is_online()) {
            (false, false) => None,
            (true, false) => Some(NetworkStatus::Offline),
            (false, true) => Some(NetworkStatus::Online),
            (true, true) => (missed || before != self.last).then_some(NetworkStatus::Changed),
        }
    }

    /// Whether there is a way out: a default route, or, on a host that never
    /// had one, an address.
    pub(super) fn is_online(&self) -> bool {
        if self.had_default { self.last.has_default() } else { !self.last.addresses.is_empty() }
    }
}

/// The facts of a scan that make a difference, in an order that does not depend on
/// how they were listed.
#[derive(Debug, Default, PartialEq, Eq)]
struct View {
    /// The default routes, and routes that stand in for them, over interfaces that
    /// run.
    defaults: Vec<DefaultRoute>,
    /// Over which interfaces and from which addresses the system would send.
    ways: BTreeSet<(u32, Option<IpAddr>)>,
    addresses: BTreeSet<HostAddress>,
}

/// In the order in which routes are taken. The priority itself says nothing.
type DefaultRoute = (u32, IpAddr, u8, u32, Option<IpAddr>);

impl View {
    fn of(host: &Host) -> View {
        let mut routes: Vec<&Route> = host
            .routes
            .iter()
            .filter(|route| route.is_default_like() && host.runs(route.interface))
            .collect();
        routes.sort_by_key(|route| {
            (route.table, route.destination, route.prefix, route.priority, route.interface, route.gateway)
        });
        let mut defaults: Vec<DefaultRoute> = routes
            .iter()
            .map(|route| (route.table, route.destination, route.prefix, route.interface, route.gateway))
            .collect();
        defaults.dedup();
        let ways: BTreeSet<_> = host
            .ways
            .iter()
            .filter(|way| host.runs(way.interface))
            .map(|way| (way.interface, way.source))
            .collect();
        let uplinks: BTreeSet<u32> =
            defaults.iter().map(|route| route.3).chain(ways.iter().map(|way| way.0)).collect();
        let matters = |address: &&HostAddress| {
            let joins_containers =
                host.interfaces.get(&address.interface).is_some_and(|interface| interface.joins_containers);
            host.runs(address.interface)
                && is_usable(address.ip)
                && (!joins_containers || uplinks.is_empty() || uplinks.contains(&address.interface))
        };
        let addresses = host.addresses.iter().filter(matters).copied().collect();
        View { defaults, ways, addresses }
    }

    /// Whether there is a way out. The kernel's answer counts beside the list,
    /// which does not show the ways of every kind of route (nexthop objects).
    fn has_default(&self) -> bool {
        !self.defaults.is_empty() || !self.ways.is_empty()
    }
}

/// Whether a link over the network may have this address. An address that a host
/// gives itself leads no farther than the cable.
fn is_usable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_loopback() && !ip.is_link_local() && ip != Ipv4Addr::UNSPECIFIED,
        IpAddr::V6(ip) => !ip.is_loopback() && !ip.is_unicast_link_local() && !ip.is_unspecified(),
    }
}
