//! What can go wrong between a link and its server.

use crate::LinkEnd;
use crate::testing::{Cut, Direction, Newcomers, Proxy};

/// What can go wrong between a link and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// All present links end, both ways, without a goodbye.
    Fin,
    /// All present links are reset.
    Reset,
    /// All present links end towards the client, without a goodbye. The way
    /// to the server stays open.
    HalfClose,
    /// The next message of at least 1 KiB to the client is cut in its middle.
    MidFrame(Cut),
    /// What comes next to the client is spoilt, so that the encryption
    /// refuses it (TLS: the client sends an alert).
    SpoiltToClient,
    /// What comes next to the server is spoilt, so that the server's
    /// encryption refuses it (TLS: the client gets an alert).
    SpoiltToServer,
    /// What is sent that way, on present and future links, is silently lost.
    BlackHole(Direction),
    /// Nobody listens: attempts are refused. Present links stay.
    Refused,
    /// Attempts get to a server that says nothing. Present links stay.
    Unanswered,
}

impl Fault {
    /// How a link may end after it.
    pub fn allows(self, end: &LinkEnd) -> bool {
        match self {
            Fault::Fin | Fault::HalfClose | Fault::MidFrame(Cut::Fin) => *end == LinkEnd::Eof,
            Fault::Reset | Fault::MidFrame(Cut::Reset) => *end == LinkEnd::Reset,
            Fault::SpoiltToClient | Fault::SpoiltToServer => {
                matches!(end, LinkEnd::Io { .. } | LinkEnd::Protocol(_))
            }
            Fault::BlackHole(_) | Fault::Refused | Fault::Unanswered => false,
        }
    }

    /// Makes it on a proxy that stands before the server, as a bench's
    /// [`make`](super::Bench::make) wants it. What spoils bytes makes sense
    /// only where they are encrypted: answer false to those otherwise.
    ///
    /// # Panics
    ///
    /// If the proxy cannot listen again.
    pub fn make_at(self, proxy: &Proxy) -> bool {
        /// Beyond the header of any frame, within 1 KiB.
        const INSIDE: u64 = 100;
        let newcomers = |newcomers| proxy.newcomers(newcomers).expect("the proxy holds its port");
        match self {
            Fault::Fin => proxy.half_close(Direction::Both),
            Fault::Reset => proxy.reset(Direction::Both),
            Fault::HalfClose => proxy.half_close(Direction::ToClient),
            Fault::MidFrame(cut) => proxy.cut_after(Direction::ToClient, INSIDE, cut),
            Fault::SpoiltToClient => proxy.flip_bit_after(Direction::ToClient, INSIDE),
            Fault::SpoiltToServer => proxy.flip_bit_after(Direction::ToServer, INSIDE),
            Fault::BlackHole(direction) => proxy.black_hole(direction),
            Fault::Refused => newcomers(Newcomers::Refused),
            Fault::Unanswered => newcomers(Newcomers::Unanswered),
        }
        true
    }

    /// Ends all faults of a proxy, and the connections that go through it.
    ///
    /// # Panics
    ///
    /// If the proxy cannot listen again.
    pub fn restore_at(proxy: &Proxy) {
        proxy.newcomers(Newcomers::Connected).expect("the proxy holds its port");
        proxy.restore(Direction::Both);
        proxy.reset(Direction::Both);
    }
}
