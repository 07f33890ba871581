//! Reads the kernel's messages on a route socket (`rtnetlink(7)`).
//!
//! Only the few fields that are needed. No bytes make this code panic, and nothing
//! is read past a message's end.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::host::{HostAddress, Interface, Route};

pub(super) const ERROR: u16 = 2;
pub(super) const DONE: u16 = 3;
pub(super) const NEW_LINK: u16 = 16;
pub(super) const GET_LINK: u16 = 18;
pub(super) const NEW_ADDRESS: u16 = 20;
pub(super) const GET_ADDRESS: u16 = 22;
pub(super) const NEW_ROUTE: u16 = 24;
pub(super) const GET_ROUTE: u16 = 26;
pub(super) const NEW_NEIGHBOUR: u16 = 28;
pub(super) const GET_NEIGHBOUR: u16 = 30;

/// `NLM_F_DUMP_INTR`: the list changed while it was listed.
pub(super) const INTERRUPTED: u16 = 0x10;

pub(super) const AF_INET: u8 = 2;
pub(super) const AF_INET6: u8 = 10;

/// `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;
/// `struct ifinfomsg`.
pub(super) const LINK: usize = 16;
/// `struct ifaddrmsg`.
pub(super) const ADDRESS: usize = 8;
/// `struct rtmsg`.
pub(super) const ROUTE: usize = 12;
/// `struct ndmsg`.
pub(super) const NEIGHBOUR: usize = 12;
/// `struct rtattr`.
const ATTRIBUTE: usize = 4;
/// `struct rtnexthop`.
const NEXT_HOP: usize = 8;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NetlinkMessage<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    pub(super) body: &'a [u8],
}

/// The messages in the bytes of one reception. Ends at the first message that is
/// not whole.
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = NetlinkMessage<'_>> {
    std::iter::from_fn(move || {
        let length = read_u32(bytes, 0)? as usize;
        let message = NetlinkMessage {
            kind: read_u16(bytes, 4)?,
            flags: read_u16(bytes, 6)?,
            sequence: read_u32(bytes, 8)?,
            body: bytes.get(HEADER..length)?,
        };
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// The number of the error that an [`ERROR`] tells; 0 says that there is none.
pub(super) fn error(body: &[u8]) -> Option<i32> {
    Some(i32::from_ne_bytes(*body.first_chunk()?).saturating_neg())
}

/// A [`NEW_LINK`]: the interface and its index.
pub(super) fn link(body: &[u8]) -> Option<(u32, Interface)> {
    const NAME: u16 = 3;
    const LINK_INFO: u16 = 18;
    const INFO_KIND: u16 = 1;
    const UP: u32 = 0x1;
    const LOOPBACK: u32 = 0x8;
    const POINT_TO_POINT: u32 = 0x10;
    const RUNNING: u32 = 0x40;
    const NO_ARP: u32 = 0x80;
    const LOWER_UP: u32 = 0x1_0000;

    let (index, flags) = (read_u32(body, 4)?, read_u32(body, 8)?);
    // Running says that it may be used, lower up that there is a carrier;
    // right after it was made an interface can be the one without the other.
    let needed = UP | RUNNING | LOWER_UP;
    let mut interface = Interface {
        name: String::new(),
        running: flags & needed == needed,
        loopback: flags & LOOPBACK != 0,
        joins_containers: false,
        resolves: flags & (POINT_TO_POINT | NO_ARP) == 0,
    };
    for (kind, value) in attributes(body.get(LINK..)?) {
        match kind {
            NAME => interface.name = text(value),
            LINK_INFO => {
                let kind = attributes(value).find(|(kind, _)| *kind == INFO_KIND);
                interface.joins_containers = kind.is_some_and(|(_, kind)| joins_containers(&text(kind)));
            }
            _ => {}
        }
    }
    Some((index, interface))
}

/// The kinds of interface that container hosts make and remove by the dozen.
fn joins_containers(kind: &str) -> bool {
    matches!(kind, "veth" | "bridge" | "dummy" | "ifb" | "vxlan" | "geneve" | "openvswitch" | "ipvlan")
}

/// A [`NEW_ADDRESS`]: an address of the host that can be used.
pub(super) fn address(body: &[u8]) -> Option<HostAddress> {
    const PEER: u16 = 1;
    const LOCAL: u16 = 2;
    const FLAGS: u16 = 8;
    const DUPLICATE: u32 = 0x8;
    const OPTIMISTIC: u32 = 0x4;
    const TENTATIVE: u32 = 0x40;

    let (family, prefix) = (*body.first()?, *body.get(1)?);
    let interface = read_u32(body, 4)?;
    let mut flags = u32::from(*body.get(2)?);
    let (mut local, mut peer) = (None, None);
    for (kind, value) in attributes(body.get(ADDRESS..)?) {
        match kind {
            // With a peer the attribute holds the peer's address, otherwise the host's own.
            PEER => peer = ip(family, value),
            LOCAL => local = ip(family, value),
            FLAGS => flags = read_u32(value, 0)?,
            _ => {}
        }
    }
    let waits = flags & TENTATIVE != 0 && flags & OPTIMISTIC == 0;
    (!waits && flags & DUPLICATE == 0).then_some(())?;
    Some(HostAddress { interface, ip: local.or(peer)?, prefix })
}

/// A [`NEW_ROUTE`]: the ways that a unicast route offers. None for the local
/// table, and for routes that go nowhere.
pub(super) fn routes(body: &[u8]) -> Vec<Route> {
    read_routes(body).unwrap_or_default()
}

fn read_routes(body: &[u8]) -> Option<Vec<Route>> {
    const DESTINATION: u16 = 1;
    const INTERFACE: u16 = 4;
    const GATEWAY: u16 = 5;
    const PRIORITY: u16 = 6;
    const SOURCE: u16 = 7;
    const MULTIPATH: u16 = 9;
    const TABLE: u16 = 15;
    const VIA: u16 = 18;
    const UNICAST: u8 = 1;
    const LOCAL_TABLE: u32 = 255;

    let (family, prefix) = (*body.first()?, *body.get(1)?);
    let mut table = u32::from(*body.get(4)?);
    if *body.get(7)? != UNICAST {
        return None;
    }
    let mut destination = match family {
        AF_INET => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        AF_INET6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let (mut priority, mut source, mut several) = (0, None, None);
    let (mut interface, mut gateway) = (None, None);
    for (kind, value) in attributes(body.get(ROUTE..)?) {
        match kind {
            DESTINATION => destination = ip(family, value)?,
            INTERFACE => interface = read_u32(value, 0),
            GATEWAY => gateway = ip(family, value),
            VIA => gateway = via(value),
            PRIORITY => priority = read_u32(value, 0)?,
            SOURCE => source = ip(family, value),
            TABLE => table = read_u32(value, 0)?,
            MULTIPATH => several = Some(value),
            _ => {}
        }
    }
    if table == LOCAL_TABLE {
        return None;
    }
    let route =
        |interface, gateway| Route { table, destination, prefix, priority, interface, gateway, source };
    let mut routes: Vec<Route> = interface.map(|interface| route(interface, gateway)).into_iter().collect();
    let mut hops = several.unwrap_or_default();
    while let Some((length, interface)) = read_u16(hops, 0).zip(read_u32(hops, 4)) {
        let Some(hop) = hops.get(NEXT_HOP..usize::from(length)) else { break };
        let mut gateway = None;
        for (kind, value) in attributes(hop) {
            match kind {
                GATEWAY => gateway = ip(family, value),
                VIA => gateway = via(value),
                _ => {}
            }
        }
        routes.push(route(interface, gateway));
        hops = hops.get(usize::from(length).next_multiple_of(4)..).unwrap_or_default();
    }
    Some(routes)
}

/// A gateway of another family than the route's (`struct rtvia`).
fn via(value: &[u8]) -> Option<IpAddr> {
    ip(u8::try_from(read_u16(value, 0)?).ok()?, value.get(2..)?)
}

/// A neighbour whose link-layer address is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Neighbour {
    pub(super) interface: u32,
    pub(super) ip: IpAddr,
    pub(super) link_layer: Vec<u8>,
}

/// A [`NEW_NEIGHBOUR`], if its link-layer address is known and valid.
pub(super) fn neighbour(body: &[u8]) -> Option<Neighbour> {
    const DESTINATION: u16 = 1;
    const LINK_LAYER: u16 = 2;
    /// Reachable, stale, delay, probe, permanent.
    const KNOWN: u16 = 0x02 | 0x04 | 0x08 | 0x10 | 0x80;

    let family = *body.first()?;
    let interface = read_u32(body, 4)?;
    if read_u16(body, 8)? & KNOWN == 0 {
        return None;
    }
    let (mut destination, mut link_layer) = (None, None);
    for (kind, value) in attributes(body.get(NEIGHBOUR..)?) {
        match kind {
            DESTINATION => destination = ip(family, value),
            LINK_LAYER => link_layer = Some(value.to_vec()),
            _ => {}
        }
    }
    let link_layer = link_layer.filter(|address| address.iter().any(|byte| *byte != 0))?;
    Some(Neighbour { interface, ip: destination?, link_layer })
}

/// The attributes in these bytes, to the first that is not whole.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// The upper two bits are flags.
    const KIND: u16 = 0x3FFF;
    std::iter::from_fn(move || {
        let length = usize::from(read_u16(bytes, 0)?);
        let kind = read_u16(bytes, 2)? & KIND;
        let value = bytes.get(ATTRIBUTE..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn ip(family: u8, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET => Some(IpAddr::from(<[u8; 4]>::try_from(value).ok()?)),
        AF_INET6 => Some(IpAddr::from(<[u8; 16]>::try_from(value).ok()?)),
        _ => None,
    }
}

/// Up to the first zero.
fn text(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests;
