//! The system's way to a peer, found out without sending a packet.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use crate::keeper::RouteFacts;

/// The facts about the way from `local` to `peer`; `None` where the system does not
/// tell.
pub(super) fn look(local: SocketAddr, peer: Option<SocketAddr>) -> Option<RouteFacts> {
    let stays = is_here(local)?;
    let source_stays = peer.and_then(source_towards).map(|source| source.ip() == local.ip());
    Some(RouteFacts::new(stays, source_stays))
}

/// Whether the address is one of this host's: only then can a socket have it.
fn is_here(mut address: SocketAddr) -> Option<bool> {
    address.set_port(0);
    match UdpSocket::bind(address) {
        Ok(_) => Some(true),
        Err(error) if error.kind() == ErrorKind::AddrNotAvailable => Some(false),
        // An IPv6 address names its interface, which may be gone, too.
        Err(error) if address.is_ipv6() && error.raw_os_error() == Some(NO_SUCH_DEVICE) => Some(false),
        Err(_) => None,
    }
}

/// `ENODEV` of Linux, macOS and the BSDs.
const NO_SUCH_DEVICE: i32 = 19;

/// The address that the system would send from: connecting a UDP socket sends
/// nothing and chooses it.
fn source_towards(peer: SocketAddr) -> Option<SocketAddr> {
    let any = match peer {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_of_this_host_stays_and_is_the_one_to_send_from() {
        let facts = look(address("127.0.0.1:4711"), Some(address("127.0.0.1:9")));
        assert_eq!(facts, Some(RouteFacts::new(true, Some(true))));
    }

    #[test]
    fn another_source_address_is_told() {
        let facts = look(address("127.0.0.2:4711"), Some(address("127.0.0.1:9")));
        assert_eq!(facts, Some(RouteFacts::new(true, Some(false))), "all of 127.0.0.0/8 is this host's");
    }

    #[test]
    fn an_address_that_is_not_this_hosts_is_gone() {
        // TEST-NET-1 and the documentation's prefix: nobody has them.
        for gone in ["192.0.2.1:4711", "[2001:db8::1]:4711"] {
            let facts = look(address(gone), None);
            let v6_works = TcpListener::bind("[::1]:0").is_ok();
            if address(gone).is_ipv4() || v6_works {
                assert_eq!(facts, Some(RouteFacts::new(false, None)), "{gone}");
            }
        }
    }

    #[test]
    fn a_port_that_is_in_use_does_not_matter() {
        let taken = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let local = taken.local_addr().expect("it is bound");
        assert_eq!(look(local, None), Some(RouteFacts::new(true, None)));
    }
}
