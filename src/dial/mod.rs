//! Reaching a peer: name, address race, TCP, TLS.
//!
//! Everything runs inside the caller's future: there are no tasks, so a dial
//! that is dropped has closed every socket that it had opened. Only a name
//! lookup that has begun runs to its end in the runtime's blocking pool, as
//! the system's resolver cannot be interrupted.

#[cfg(all(feature = "tcp-info", target_os = "linux"))]
mod path_facts;
mod race;
mod socket;
mod stream;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod way;

pub(crate) use socket::Socket;
pub(crate) use stream::Stream;
pub(crate) use tls::Tls;
pub(crate) use way::Way;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::keeper::Failure;
use crate::transport::ConnectError;

/// How long one address is tried alone before the next joins in: 250 ms, as
/// RFC 8305 recommends.
const STAGGER: Duration = Duration::from_millis(250);

/// Opens TCP connections to one host and port, and remembers which of its
/// addresses answered last.
#[derive(Debug)]
pub(crate) struct Dialler {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    /// The address that answered last goes first next time.
    last_good: Mutex<Option<IpAddr>>,
}

impl Dialler {
    pub(crate) fn new(host: impl Into<String>, port: u16) -> Dialler {
        Dialler { host: host.into(), port, last_good: Mutex::new(None) }
    }

    /// Resolves the name and races its addresses. The connection that wins
    /// has TCP_NODELAY set.
    pub(crate) async fn connect(&self) -> Result<TcpStream, ConnectError> {
        let found = self.resolve().await?;
        let last_good = *self.last_good.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = race::order(found, last_good);
        match race::race(&addresses, STAGGER, TcpStream::connect).await {
            Ok((address, stream)) => {
                stream.set_nodelay(true)?;
                *self.last_good.lock().unwrap_or_else(PoisonError::into_inner) = Some(address.ip());
                Ok(stream)
            }
            Err(errors) => Err(verdict(errors)),
        }
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map(Iterator::collect)
            .map_err(|error| ConnectError::with_source(Failure::Dns, error))
    }
}

/// What the failure of every address means: an address that refused or timed
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
    // Of equals the earlier is kept: the better address by the resolver's word.
    let telling = errors.into_iter().reduce(|kept, next| if rank(&next) > rank(&kept) { next } else { kept });
    match telling {
        Some(error) => failed(error),
        None => ConnectError::new(Failure::Dns),
    }
}

/// Sorts an error of a connection that is being opened: TLS failures are told
/// apart from those of the system.
pub(crate) fn failure(error: &io::Error) -> Failure {
    #[cfg(feature = "tls")]
    if tls::is_tls(error) {
        return Failure::Tls;
    }
    Failure::from_io(error)
}

/// The same with the error as its source.
fn failed(error: io::Error) -> ConnectError {
    ConnectError::with_source(failure(&error), error)
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
    async fn the_address_that_answered_is_remembered_and_nodelay_is_set() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let dialler = Dialler::new("127.0.0.1", listener.local_addr().unwrap().port());
        let stream = dialler.connect().await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert_eq!(*dialler.last_good.lock().unwrap(), Some("127.0.0.1".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_refused() {
        let port = {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap().port()
        };
        let refused = Dialler::new("127.0.0.1", port).connect().await.unwrap_err();
        assert_eq!(refused.failure(), &Failure::Refused);
        assert!(std::error::Error::source(&refused).is_some());
    }
}
