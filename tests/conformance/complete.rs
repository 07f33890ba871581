//! A case passes where it makes no sense. Here is told what makes no sense for
//! which transport, so that none passes for want of a fault.

use longlink::testing::conformance::{self, Bench, Fault, Peer};
use longlink::testing::{Cut, Direction};
use longlink::transport::{Attempt, Transport};

use crate::in_memory::InMemory;
use crate::streams;
use crate::web_sockets::WebSockets;

const FAULTS: [Fault; 11] = [
    Fault::Fin,
    Fault::Reset,
    Fault::HalfClose,
    Fault::MidFrame(Cut::Fin),
    Fault::MidFrame(Cut::Reset),
    Fault::SpoiltToClient,
    Fault::SpoiltToServer,
    Fault::BlackHole(Direction::ToServer),
    Fault::BlackHole(Direction::ToClient),
    Fault::Refused,
    Fault::Unanswered,
];
/// Where nothing is encrypted.
const SPOILT: [Fault; 2] = [Fault::SpoiltToClient, Fault::SpoiltToServer];

/// The faults that are not made on a bench. Its server pings, and its messages
/// have a limit if `limited`.
fn left_out<B: Bench>(limited: bool, make: impl AsyncFnOnce() -> B) -> Vec<Fault> {
    let mut left_out = Vec::new();
    conformance::run(make, async |bench| {
        assert_eq!(bench.limit().is_some(), limited);
        let (transport, attempt) = (bench.transport(), Attempt::standalone(1, None));
        let (link, mut peer) = tokio::join!(transport.connect(&attempt), bench.accept());
        assert!(peer.ping().await.unwrap(), "the server pings");
        drop((link, peer));
        for fault in FAULTS {
            if !bench.make(fault) {
                left_out.push(fault);
            }
            bench.restore();
        }
        Ok(())
    });
    left_out
}

#[test]
fn no_fault_is_left_out_in_memory_but_those_of_bytes() {
    let bytes = [Fault::MidFrame(Cut::Fin), Fault::MidFrame(Cut::Reset)];
    assert_eq!(left_out(false, async || InMemory::new()), [&bytes[..], &SPOILT].concat());
}

#[test]
fn no_fault_is_left_out_over_tcp_but_those_of_encryption() {
    assert_eq!(left_out(true, async || streams::tcp().await), SPOILT);
    assert_eq!(left_out(true, async || WebSockets::plain().await), SPOILT);
}

#[test]
fn no_fault_is_left_out_over_tls() {
    assert_eq!(left_out(true, async || streams::tls().await), []);
    assert_eq!(left_out(true, async || WebSockets::secure().await), []);
}

#[cfg(unix)]
#[test]
fn no_fault_is_left_out_over_unix_sockets_but_resets_and_those_of_encryption() {
    let resets = [Fault::Reset, Fault::MidFrame(Cut::Reset)];
    assert_eq!(left_out(true, async || streams::unix().await), [&resets[..], &SPOILT].concat());
}
