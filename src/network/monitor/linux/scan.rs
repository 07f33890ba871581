//! Scans the host: asks the kernel for links, addresses and routes, a part at a time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::host::Host;
use super::message;
use super::socket::{NetlinkSocket, put_attribute};

/// Public addresses, to which nothing is sent: the kernel is asked which way
/// it would take there (the first of the root name servers).
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 41, 0, 4));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30));

/// A scan that is under way.
#[derive(Debug)]
pub(super) struct HostScan {
    netlink: NetlinkSocket,
    asked: Query,
    host: Host,
}

/// The last question to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Query {
    Links,
    Addresses,
    Routes,
    Way(IpAddr),
}

impl HostScan {
    pub(super) fn begin() -> io::Result<HostScan> {
        let mut scan =
            HostScan { netlink: NetlinkSocket::new()?, asked: Query::Links, host: Host::default() };
        scan.ask(Query::Links)?;
        Ok(scan)
    }

    /// Goes on by one part, which takes well under a millisecond. Returns
    /// the facts once the scan is complete.
    ///
    /// # Errors
    ///
    /// The errors of [`NetlinkSocket::read`].
    pub(super) fn step(&mut self) -> io::Result<Option<Host>> {
        let next = match self.asked {
            Query::Links => self.read_links()?.then_some(Query::Addresses),
            Query::Addresses => self.read_addresses()?.then_some(Query::Routes),
            Query::Routes => self.read_routes()?.then_some(Query::Way(FAR_V4)),
            Query::Way(to) => {
                self.read_way()?;
                match to {
                    IpAddr::V4(_) => Some(Query::Way(FAR_V6)),
                    IpAddr::V6(_) => return Ok(Some(std::mem::take(&mut self.host))),
                }
            }
        };
        if let Some(next) = next {
            self.ask(next)?;
        }
        Ok(None)
    }

    /// Scans in one go.
    pub(super) fn at_once() -> io::Result<Host> {
        let mut scan = HostScan::begin()?;
        loop {
            if let Some(host) = scan.step()? {
                return Ok(host);
            }
        }
    }

    fn ask(&mut self, question: Query) -> io::Result<()> {
        /// `IFLA_EXT_MASK`, and its bit that leaves out the counters.
        const EXTENT: u16 = 29;
        const NO_COUNTERS: u32 = 8;
        self.asked = question;
        match question {
            Query::Links => {
                let mut body = vec![0; message::LINK];
                put_attribute(&mut body, EXTENT, &NO_COUNTERS.to_ne_bytes());
                self.netlink.ask_for_all(message::GET_LINK, &body)
            }
            Query::Addresses => self.netlink.ask_for_all(message::GET_ADDRESS, &[0; message::ADDRESS]),
            Query::Routes => self.netlink.ask_for_all(message::GET_ROUTE, &[0; message::ROUTE]),
            Query::Way(to) => self.netlink.ask_for_way(to),
        }
    }

    fn read_links(&mut self) -> io::Result<bool> {
        let interfaces = &mut self.host.interfaces;
        self.netlink.read(|found| {
            if found.kind == message::NEW_LINK {
                interfaces.extend(message::link(found.body));
            }
        })
    }

    fn read_addresses(&mut self) -> io::Result<bool> {
        let addresses = &mut self.host.addresses;
        self.netlink.read(|found| {
            if found.kind == message::NEW_ADDRESS {
                addresses.extend(message::address(found.body));
            }
        })
    }

    fn read_routes(&mut self) -> io::Result<bool> {
        let routes = &mut self.host.routes;
        self.netlink.read(|found| {
            if found.kind == message::NEW_ROUTE {
                routes
                    .extend(message::routes(found.body).into_iter().filter(|route| route.is_default_like()));
            }
        })
    }

    /// The answer is one message: the route, or that there is none, or that
    /// the kernel does not know this family.
    fn read_way(&mut self) -> io::Result<()> {
        let ways = &mut self.host.ways;
        let read = self.netlink.read(|found| {
            if found.kind == message::NEW_ROUTE {
                ways.extend(message::routes(found.body));
            }
        });
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// The link-layer address of a neighbour, if the kernel knows it.
#[derive(Debug)]
pub(super) struct Neighbours {
    netlink: NetlinkSocket,
    interface: u32,
    ip: IpAddr,
    found: Option<Vec<u8>>,
}

impl Neighbours {
    pub(super) fn ask(interface: u32, ip: IpAddr) -> io::Result<Neighbours> {
        let mut netlink = NetlinkSocket::new()?;
        netlink.ask_for_all(message::GET_NEIGHBOUR, &[0; message::NEIGHBOUR])?;
        Ok(Neighbours { netlink, interface, ip, found: None })
    }

    /// Goes on by one part. Returns whether that was all.
    pub(super) fn step(&mut self) -> io::Result<bool> {
        let (interface, ip, found) = (self.interface, self.ip, &mut self.found);
        self.netlink.read(|told| {
            if told.kind == message::NEW_NEIGHBOUR
                && let Some(neighbour) = message::neighbour(told.body)
                && (neighbour.interface, neighbour.ip) == (interface, ip)
            {
                *found = Some(neighbour.link_layer);
            }
        })
    }

    /// Asks in one go.
    pub(super) fn at_once(interface: u32, ip: IpAddr) -> io::Result<Option<Vec<u8>>> {
        let mut neighbours = Neighbours::ask(interface, ip)?;
        while !neighbours.step()? {}
        Ok(neighbours.found)
    }

    pub(super) fn into_link_layer(self) -> Option<Vec<u8>> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_finds_the_loopback_that_every_host_has() {
        let host = HostScan::at_once().unwrap();
        let (index, loopback) = host.interfaces.iter().find(|(_, interface)| interface.loopback).unwrap();
        assert_eq!(loopback.name, "lo");
        assert!(!host.runs(*index), "it leads nowhere");
        for address in &host.addresses {
            assert!(host.interfaces.contains_key(&address.interface), "{address:?}");
        }
        assert!(host.routes.iter().all(|route| route.is_default_like()));
        assert!(host.ways.len() <= 2);
    }

    #[test]
    fn a_neighbour_that_is_not_there_has_no_address() {
        assert_eq!(Neighbours::at_once(1, FAR_V4).unwrap(), None);
    }
}
