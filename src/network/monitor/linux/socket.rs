//! The kernel's route socket.

use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, recvfrom, send, socket_with,
};

use super::message::{self, NetlinkMessage};

/// The changes to hear of, as bits of `nl_groups`: links, and for IPv4 and IPv6
/// addresses, routes, and the rules that choose a table of routes.
const GROUPS: u32 = LINK | IPV4_ADDRESS | IPV4_ROUTE | IPV4_RULE | IPV6_ADDRESS | IPV6_ROUTE | IPV6_RULE;
const LINK: u32 = 0x1;
const IPV4_ADDRESS: u32 = 0x10;
const IPV4_ROUTE: u32 = 0x40;
const IPV4_RULE: u32 = 0x80;
const IPV6_ADDRESS: u32 = 0x100;
const IPV6_ROUTE: u32 = 0x400;
const IPV6_RULE: u32 = 0x4_0000;

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x1;
/// `NLM_F_DUMP`: the whole list.
const DUMP: u16 = 0x300;

/// The kernel puts no more than this into one part of a list.
const PART: usize = 32 * 1024;

/// A socket that hears of every change.
pub(super) fn events() -> io::Result<OwnedFd> {
    let socket = open()?;
    bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
    Ok(socket)
}

fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?)
}

/// The result of taking from a socket of [`events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetlinkEvent {
    /// A message.
    Message,
    /// Messages were lost, since too many came at once.
    Loss,
}

/// Takes one message off a socket of [`events`], unread: only its presence
/// counts.
///
/// # Errors
///
/// `WouldBlock` when none waits.
pub(super) fn take(socket: &OwnedFd) -> io::Result<NetlinkEvent> {
    heard(recv(socket, &mut [0; 16][..], RecvFlags::DONTWAIT).map(drop))
}

fn heard(received: Result<(), Errno>) -> io::Result<NetlinkEvent> {
    match received {
        // One scan too many does no harm.
        Ok(()) | Err(Errno::INTR) => Ok(NetlinkEvent::Message),
        Err(Errno::NOBUFS) => Ok(NetlinkEvent::Loss),
        Err(error) => Err(error.into()),
    }
}

/// Asks the kernel, and reads its answers.
#[derive(Debug)]
pub(super) struct NetlinkSocket {
    socket: OwnedFd,
    sequence: u32,
    part: Vec<u8>,
}

impl NetlinkSocket {
    pub(super) fn new() -> io::Result<NetlinkSocket> {
        let socket = open()?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(NetlinkSocket { socket, sequence: 0, part: vec![0; PART] })
    }

    /// Asks for the whole list of a kind; `body` is its header.
    pub(super) fn ask_for_all(&mut self, kind: u16, body: &[u8]) -> io::Result<()> {
        self.ask(kind, REQUEST | DUMP, body)
    }

    /// Asks which route leads to `destination`.
    pub(super) fn ask_for_way(&mut self, destination: IpAddr) -> io::Result<()> {
        let (family, octets) = match destination {
            IpAddr::V4(ip) => (message::AF_INET, ip.octets().to_vec()),
            IpAddr::V6(ip) => (message::AF_INET6, ip.octets().to_vec()),
        };
        let mut body = vec![0; message::ROUTE];
        body[0] = family;
        body[1] = (octets.len() * 8) as u8;
        put_attribute(&mut body, 1, &octets);
        self.ask(message::GET_ROUTE, REQUEST, &body)
    }

    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut request = Vec::with_capacity(message::HEADER + body.len());
        request.extend_from_slice(&((message::HEADER + body.len()) as u32).to_ne_bytes());
        request.extend_from_slice(&kind.to_ne_bytes());
        request.extend_from_slice(&flags.to_ne_bytes());
        request.extend_from_slice(&self.sequence.to_ne_bytes());
        request.extend_from_slice(&[0; 4]);
        request.extend_from_slice(body);
        send(&self.socket, &request, SendFlags::empty())?;
        Ok(())
    }

    /// Reads the next part of the answer; each of its messages is given to
    /// `each`. The kernel has the answer ready within the call that asks, so this does
    /// not wait. Returns whether that was the last part.
    ///
    /// # Errors
    ///
    /// The kernel's own error; `Interrupted` if the list
    /// changed meanwhile; and `WouldBlock` if there is no answer.
    pub(super) fn read(&mut self, mut each: impl FnMut(&NetlinkMessage<'_>)) -> io::Result<bool> {
        let (_, length, from) =
            recvfrom(&self.socket, &mut self.part[..], RecvFlags::DONTWAIT | RecvFlags::TRUNC)?;
        // Any process with the right can send to this socket; the kernel's number is 0.
        if from.and_then(|from| SocketAddrNetlink::try_from(from).ok()).is_none_or(|from| from.pid() != 0) {
            return Ok(false);
        }
        let part = self.part.get(..length).ok_or(io::ErrorKind::InvalidData)?;
        let mut last = false;
        for message in message::messages(part).filter(|message| message.sequence == self.sequence) {
            if message.flags & message::INTERRUPTED != 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            match message.kind {
                message::ERROR | message::DONE => match message::error(message.body) {
                    None | Some(0) => last = true,
                    Some(number) => return Err(io::Error::from_raw_os_error(number)),
                },
                _ => each(&message),
            }
        }
        Ok(last)
    }
}

/// Appends an attribute whose value is as long as a multiple of four.
pub(super) fn put_attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    body.extend_from_slice(&kind.to_ne_bytes());
    body.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_messages_are_heard_of() {
        assert_eq!(heard(Ok(())).unwrap(), NetlinkEvent::Message);
        assert_eq!(heard(Err(Errno::INTR)).unwrap(), NetlinkEvent::Message);
        assert_eq!(heard(Err(Errno::NOBUFS)).unwrap(), NetlinkEvent::Loss);
        assert_eq!(heard(Err(Errno::AGAIN)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        assert!(heard(Err(Errno::BADF)).is_err());
    }

    #[test]
    fn a_refusal_of_the_kernel_is_an_error() {
        let mut netlink = NetlinkSocket::new().unwrap();
        // No message has this number.
        netlink.ask_for_all(0x3FFF, &[]).unwrap();
        let error = netlink.read(|_| panic!("no answer is expected")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
    }

    #[test]
    fn an_answer_to_an_earlier_question_is_passed_over() {
        let mut netlink = NetlinkSocket::new().unwrap();
        netlink.ask_for_way(std::net::Ipv4Addr::LOCALHOST.into()).unwrap();
        netlink.sequence += 1;
        assert!(!netlink.read(|_| panic!("it answers another question")).unwrap());
        assert_eq!(netlink.read(|_| ()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }
}
