//! The kernel's facts about one TCP connection.
//!
//! Linux tells them to every process over a netlink socket (`sock_diag(7)`), the
//! same that `TCP_INFO` holds. The question names one connection, by its addresses
//! and its cookie, and never asks for a list. The kernel answers within the call
//! that asks, so this code never waits; it costs four system calls. Where the kernel
//! refuses (another kernel, a sandbox, another network namespace) nothing is known.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, recv, send, socket_with, sockopt,
};
use tokio::net::TcpStream;

use crate::keeper::PathFacts;

/// `SOCK_DIAG_BY_FAMILY`: the kind of the request and of its answer.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`, without `NLM_F_DUMP`: one socket is meant.
const NLM_F_REQUEST: u16 = 1;
/// `INET_DIAG_INFO`: the attribute that holds `struct tcp_info`.
const INET_DIAG_INFO: u16 = 2;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;

/// `struct nlmsghdr`.
const HEADER: usize = 16;
/// `struct inet_diag_req_v2`.
const REQUEST: usize = 56;
/// `struct inet_diag_msg`.
const ANSWER: usize = 72;
/// The place of `idiag_wqueue` in it: bytes that were written and not
/// acknowledged, sent or not.
const WRITE_QUEUE: usize = 60;

/// The places of the fields in `struct tcp_info`.
mod tcp_info {
    /// How often the retransmission timeout has doubled.
    pub(super) const BACKOFF: usize = 4;
    /// The retransmission timeout, in microseconds.
    pub(super) const RTO: usize = 8;
    /// Segments that were sent and not acknowledged.
    pub(super) const UNACKED: usize = 24;
    /// Milliseconds since data was last sent, or sent again.
    pub(super) const LAST_DATA_SENT: usize = 44;
    /// Milliseconds since the last acknowledgement came in.
    pub(super) const LAST_ACK_RECV: usize = 56;
    /// Bytes that were written and not sent.
    pub(super) const NOTSENT_BYTES: usize = 144;
}

/// The kernel's facts about this connection, if it tells them.
pub(crate) fn path_facts(stream: &TcpStream) -> Option<PathFacts> {
    let (local, peer) = (stream.local_addr().ok()?, stream.peer_addr().ok()?);
    let cookie = sockopt::socket_cookie(stream).ok()?;
    let netlink = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        Some(netlink::SOCK_DIAG),
    )
    .ok()?;
    send(&netlink, &request(local, peer, cookie)?, SendFlags::empty()).ok()?;
    let mut answer = [0; 1024];
    let (_, length) = recv(&netlink, &mut answer[..], RecvFlags::DONTWAIT).ok()?;
    read(answer.get(..length)?)
}

fn request(local: SocketAddr, peer: SocketAddr, cookie: u64) -> Option<[u8; HEADER + REQUEST]> {
    let (family, source, destination, interface) = match (local, peer) {
        (SocketAddr::V4(local), SocketAddr::V4(peer)) => {
            let wide = |octets: [u8; 4]| {
                let mut wide = [0; 16];
                wide[..4].copy_from_slice(&octets);
                wide
            };
            (AF_INET, wide(local.ip().octets()), wide(peer.ip().octets()), 0)
        }
        (SocketAddr::V6(local), SocketAddr::V6(peer)) => {
            (AF_INET6, local.ip().octets(), peer.ip().octets(), local.scope_id())
        }
        (SocketAddr::V4(_), SocketAddr::V6(_)) | (SocketAddr::V6(_), SocketAddr::V4(_)) => return None,
    };
    let mut request = [0; HEADER + REQUEST];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        request[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    put(&((HEADER + REQUEST) as u32).to_ne_bytes());
    put(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    put(&NLM_F_REQUEST.to_ne_bytes());
    // A number and a sender, which the kernel ignores.
    put(&[0; 8]);
    put(&[family, IPPROTO_TCP, 1 << (INET_DIAG_INFO - 1), 0]);
    // In any state.
    put(&u32::MAX.to_ne_bytes());
    put(&local.port().to_be_bytes());
    put(&peer.port().to_be_bytes());
    put(&source);
    put(&destination);
    put(&interface.to_ne_bytes());
    put(&(cookie as u32).to_ne_bytes());
    put(&((cookie >> 32) as u32).to_ne_bytes());
    Some(request)
}

/// Reads the kernel's answer: one message, with `struct tcp_info` among its
/// attributes. An error is a message of another kind.
fn read(message: &[u8]) -> Option<PathFacts> {
    let (length, kind) = (read_u32(message, 0)? as usize, read_u16(message, 4)?);
    if kind != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let written = read_u32(message, HEADER + WRITE_QUEUE)?;
    let mut attributes = message.get(HEADER + ANSWER..length)?;
    loop {
        let (length, kind) = (usize::from(read_u16(attributes, 0)?), read_u16(attributes, 2)?);
        if kind == INET_DIAG_INFO {
            return facts(written, attributes.get(4..length)?);
        }
        // Each begins at a multiple of four.
        attributes = attributes.get(length.max(4).next_multiple_of(4)..)?;
    }
}

fn facts(written: u32, info: &[u8]) -> Option<PathFacts> {
    if read_u32(info, tcp_info::UNACKED)? == 0 {
        return Some(PathFacts::default());
    }
    // Kernels before 4.6 do not have this field.
    let not_sent = read_u32(info, tcp_info::NOTSENT_BYTES).unwrap_or(0);
    let unacknowledged = written.saturating_sub(not_sent).max(1);
    // Each retransmission doubles the timeout. Between the first time the oldest byte
    // was sent and the last lies the sum of the timeouts so far, which is the present
    // timeout less the first. A tail loss probe, which comes before the first timeout,
    // is left out.
    let timeout = read_u32(info, tcp_info::RTO)?;
    let doublings = u32::from(*info.get(tcp_info::BACKOFF)?).min(31);
    let retried = Duration::from_micros(u64::from(timeout - (timeout >> doublings)));
    let millis = |at| read_u32(info, at).map(|millis| Duration::from_millis(u64::from(millis)));
    let sent = millis(tcp_info::LAST_DATA_SENT)? + retried;
    // While acknowledgements come in the path works, however long the queue.
    let waiting = sent.min(millis(tcp_info::LAST_ACK_RECV)?);
    Some(PathFacts::new(u64::from(unacknowledged), waiting))
}

fn read_u16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

fn read_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(fields: &[(usize, u32)], doublings: u8) -> Vec<u8> {
        let mut info = vec![0; 200];
        for (at, value) in fields {
            info[*at..at + 4].copy_from_slice(&value.to_ne_bytes());
        }
        info[tcp_info::BACKOFF] = doublings;
        info
    }

    #[test]
    fn the_oldest_byte_has_waited_for_all_timeouts_so_far() {
        let fields = [
            (tcp_info::UNACKED, 2),
            (tcp_info::RTO, 1_600_000),
            (tcp_info::LAST_DATA_SENT, 500),
            (tcp_info::LAST_ACK_RECV, 60_000),
            (tcp_info::NOTSENT_BYTES, 30),
        ];
        // 0.2, 0.4 and 0.8 s, and half a second since.
        let waiting = Duration::from_millis(1_900);
        assert_eq!(facts(70, &info(&fields, 3)), Some(PathFacts::new(40, waiting)));
    }

    #[test]
    fn nothing_waits_longer_than_since_the_last_acknowledgement() {
        let fields = [
            (tcp_info::UNACKED, 9),
            (tcp_info::RTO, 200_000),
            (tcp_info::LAST_DATA_SENT, 80),
            (tcp_info::LAST_ACK_RECV, 3),
        ];
        assert_eq!(facts(900, &info(&fields, 0)), Some(PathFacts::new(900, Duration::from_millis(3))));
    }

    #[test]
    fn bytes_that_the_peer_has_no_room_for_do_not_wait() {
        let fields = [(tcp_info::NOTSENT_BYTES, 70_000), (tcp_info::LAST_ACK_RECV, 90_000)];
        assert_eq!(facts(70_000, &info(&fields, 0)), Some(PathFacts::default()));
    }

    #[test]
    fn an_answer_that_is_cut_short_or_an_error_tells_nothing() {
        let mut message = vec![0; HEADER + ANSWER + 4 + 160];
        let length = message.len();
        message[..4].copy_from_slice(&(length as u32).to_ne_bytes());
        message[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        let attribute = HEADER + ANSWER;
        message[attribute..attribute + 2].copy_from_slice(&164u16.to_ne_bytes());
        message[attribute + 2..attribute + 4].copy_from_slice(&INET_DIAG_INFO.to_ne_bytes());
        assert_eq!(read(&message), Some(PathFacts::default()));
        for cut in 0..length {
            assert_eq!(read(&message[..cut]), None, "cut at {cut}");
        }
        message[4..6].copy_from_slice(&2u16.to_ne_bytes());
        assert_eq!(read(&message), None);
    }

    /// Nothing where the system has no such address.
    async fn pair(address: &str) -> Option<(TcpStream, TcpStream)> {
        let listener = tokio::net::TcpListener::bind((address, 0)).await.ok()?;
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        Some((client, listener.accept().await.unwrap().0))
    }

    /// The kernel acknowledges in place of a peer that does not read: at
    /// once, or within the time that a delayed acknowledgement may take.
    async fn until_acknowledged(stream: &TcpStream) -> bool {
        for _ in 0..400 {
            if path_facts(stream) == Some(PathFacts::default()) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_has_acknowledged() {
        for address in ["127.0.0.1", "::1"] {
            let Some((client, _peer)) = pair(address).await else { continue };
            assert_eq!(path_facts(&client), Some(PathFacts::default()), "{address}");
            assert_eq!(client.try_write(&[7; 1000]).unwrap(), 1000);
            assert!(until_acknowledged(&client).await, "{address}");
        }
    }

    #[tokio::test]
    async fn a_peer_that_has_no_room_has_acknowledged_what_it_was_sent() {
        let (client, _peer) = pair("127.0.0.1").await.unwrap();
        while client.writable().await.is_ok() && client.try_write(&[7; 64 * 1024]).is_ok() {}
        assert!(until_acknowledged(&client).await);
    }
}
