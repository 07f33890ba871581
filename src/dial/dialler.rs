//! Opening TCP connections to one host.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use super::ConnectError;
use super::failure::failed;
use super::race;
use crate::Failure;

/// How long one address is tried alone before the next joins in: 250 ms, as
/// RFC 8305 recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// Opens TCP connections to one host and port, and remembers which of its
/// addresses are good.
#[derive(Debug)]
pub(crate) struct Dialler {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    known: Mutex<AddressHistory>,
    /// The resolver's answers in a test, one for each attempt.
    #[cfg(test)]
    answers: Mutex<std::collections::VecDeque<Vec<SocketAddr>>>,
}

/// The experience of earlier attempts with a host's addresses. An address is
/// doubted from the moment that it has answered the dial until the link is open: a
/// server that hangs, or a path that drops long packets, answers a dial as well.
#[derive(Debug, Default)]
struct AddressHistory {
    /// The address of the last link that opened.
    good: Option<IpAddr>,
    /// Addresses that answered since without a link, the latest last.
    doubted: Vec<IpAddr>,
}

impl Dialler {
    pub(crate) fn new(host: impl Into<String>, port: u16) -> Dialler {
        Dialler {
            host: host.into(),
            port,
            known: Mutex::default(),
            #[cfg(test)]
            answers: Mutex::default(),
        }
    }

    /// Resolves the name and races its addresses. The connection that wins
    /// has TCP_NODELAY set. Where the attempt `counts` its address is doubted
    /// until it [`opened`](Dialler::opened) a link.
    pub(crate) async fn connect(&self, counts: bool) -> Result<TcpStream, ConnectError> {
        let found = self.resolve().await?;
        self.dial(found, counts).await
    }

    /// A link is open to this address.
    pub(crate) fn opened(&self, address: IpAddr) {
        *self.known() = AddressHistory { good: Some(address), doubted: Vec::new() };
    }

    async fn dial(&self, found: Vec<SocketAddr>, counts: bool) -> Result<TcpStream, ConnectError> {
        let addresses = {
            let known = self.known();
            race::order(found, known.good, &known.doubted)
        };
        match race::race(&addresses, STAGGER, dial_other).await {
            Ok((address, stream)) => {
                stream.set_nodelay(true)?;
                if counts {
                    self.known().doubt(address.ip());
                }
                Ok(stream)
            }
            Err(errors) => Err(verdict(errors)),
        }
    }

    fn known(&self) -> MutexGuard<'_, AddressHistory> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        #[cfg(test)]
        if let Some(answer) = self.answers.lock().unwrap().pop_front() {
            return Ok(answer);
        }
        tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map(Iterator::collect)
            .map_err(|error| ConnectError::with_source(Failure::Dns, error))
    }
}

async fn dial_other(address: SocketAddr) -> io::Result<TcpStream> {
    not_oneself(TcpStream::connect(address).await?, address)
}

/// Refuses a stream that is connected with itself. TCP makes such a stream where a
/// port of this machine has no listener and the system happens to dial from that very
/// port. The stream would hold the port of the server that is to come back there.
fn not_oneself(stream: TcpStream, dialled: SocketAddr) -> io::Result<TcpStream> {
    match stream.local_addr().is_ok_and(|local| local == dialled) {
        true => Err(io::ErrorKind::ConnectionRefused.into()),
        false => Ok(stream),
    }
}

impl AddressHistory {
    fn doubt(&mut self, address: IpAddr) {
        /// Addresses that are remembered: more than any name has.
        const MOST: usize = 32;
        self.good = self.good.filter(|good| *good != address);
        self.doubted.retain(|doubted| *doubted != address);
        if self.doubted.len() == MOST {
            self.doubted.remove(0);
        }
        self.doubted.push(address);
    }
}

/// The failure of all addresses together: an address that refused or timed
/// out says more than a family that has no route here.
fn verdict(errors: Vec<io::Error>) -> ConnectError {
    let rank = |error: &io::Error| {
        let failure = Failure::from_io(error);
        if failure == Failure::Unreachable {
            0
        } else if failure == Failure::TimedOut {
            1
        } else {
            2
        }
    };
    // Of equals the earlier is kept: the resolver names the better address first.
    let telling = errors.into_iter().reduce(|kept, next| if rank(&next) > rank(&kept) { next } else { kept });
    match telling {
        Some(error) => failed(error),
        None => ConnectError::new(Failure::Dns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: io::ErrorKind) -> io::Error {
        io::Error::from(kind)
    }

    #[test]
    fn an_address_that_refused_says_more_than_a_family_without_a_route() {
        use io::ErrorKind as Kind;
        let both = vec![error(Kind::NetworkUnreachable), error(Kind::ConnectionRefused)];
        assert_eq!(verdict(both).failure(), &Failure::Refused);
        let both = vec![error(Kind::TimedOut), error(Kind::HostUnreachable)];
        assert_eq!(verdict(both).failure(), &Failure::TimedOut);
        assert_eq!(verdict(Vec::new()).failure(), &Failure::Dns);
    }

    #[tokio::test]
    async fn nodelay_is_set() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dialler = Dialler::new("127.0.0.1", listener.local_addr().unwrap().port());
        let stream = dialler.connect(true).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_socket_that_was_connected_with_itself_was_refused() {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let itself = socket.local_addr().unwrap();
        let stream = socket.connect(itself).await.unwrap();
        let refused = not_oneself(stream, itself).unwrap_err();
        assert_eq!(Failure::from_io(&refused), Failure::Refused);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_address_that_answers_and_opens_no_link_is_tried_last() {
        let one = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = one.local_addr().unwrap().port();
        let mut listeners = vec![one];
        for last in 2..=3 {
            listeners.push(
                tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, last], port))).await.unwrap(),
            );
        }
        let found: Vec<SocketAddr> = listeners.iter().map(|one| one.local_addr().unwrap()).collect();
        let dialler = Dialler::new("a name", port);
        let reached = async |counts| {
            let stream = dialler.dial(found.clone(), counts).await.unwrap();
            stream.peer_addr().unwrap().to_string().replace(&format!(":{port}"), "")
        };
        for address in ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.2"] {
            assert_eq!(reached(true).await, address);
        }
        dialler.opened("127.0.0.2".parse().unwrap());
        // A scout may be refused where a link is welcome.
        for _ in 0..3 {
            assert_eq!(reached(false).await, "127.0.0.2");
        }
        assert_eq!(reached(true).await, "127.0.0.2");
        assert_eq!(reached(true).await, "127.0.0.1");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn pitfall_15_the_name_is_resolved_anew_for_every_attempt() {
        let before = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = before.local_addr().unwrap().port();
        let moved = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let dialler = Dialler::new("a name", port);
        for listener in [&before, &moved] {
            dialler.answers.lock().unwrap().push_back(vec![listener.local_addr().unwrap()]);
        }
        for listener in [&before, &moved] {
            let wanted = listener.local_addr().unwrap();
            let stream = dialler.connect(true).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), wanted);
            // The old server still listens, and was good.
            dialler.opened(wanted.ip());
        }
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_refused() {
        let port = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let refused = Dialler::new("127.0.0.1", port).connect(true).await.unwrap_err();
        assert_eq!(refused.failure(), &Failure::Refused);
        assert!(std::error::Error::source(&refused).is_some());
    }
}
