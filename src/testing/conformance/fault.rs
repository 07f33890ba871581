//! The faults between a link and its server.

use crate::LinkEnd;
use crate::testing::{Cut, Direction, Newcomers, Proxy};

/// A fault between a link and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// All present links end in both directions, without a goodbye.
    Fin,
    /// All present links are reset.
    Reset,
    /// All present links end towards the client, without a goodbye. The
    /// direction to the server stays open.
    HalfClose,
    /// The next message of at least 1 KiB to the client is cut in its middle.
    MidFrame(Cut),
    /// The next bytes to the client are spoilt, so that the client's
    /// encryption refuses them (TLS: the client sends an alert).
    SpoiltToClient,
    /// The next bytes to the server are spoilt, so that the server's
    /// encryption refuses them (TLS: the client gets an alert).
    SpoiltToServer,
    /// Everything in this direction is silently lost, on present and future
    /// links.
    BlackHole(Direction),
    /// Nobody listens: attempts are refused. Present links stay.
    Refused,
    /// Attempts reach a server that says nothing. Present links stay.
    Unanswered,
}

impl Fault {
    /// Whether a link may end like this after the fault.
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

    /// Makes the fault with a proxy that stands before the server. Returns
    /// true, for a bench's [`make`](super::Bench::make). A bench without
    /// encryption must not call this for the faults that spoil bytes, and
    /// returns false for them.
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

    /// Ends all faults of a proxy, and all connections through the proxy.
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
