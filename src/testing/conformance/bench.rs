//! What the suite needs to put a transport to the test.

use std::future::Future;
use std::io;

use super::{Fault, Note};
use crate::LinkEnd;
use crate::transport::{Link, Transport};

/// The links of a bench's transport.
pub type LinkOf<B> = <<B as Bench>::Transport as Transport>::Link;
/// The messages that come in over them.
pub type InOf<B> = <LinkOf<B> as Link>::Incoming;
/// The messages that go out over them.
pub type OutOf<B> = <LinkOf<B> as Link>::Outgoing;

/// A transport on the test bench: beside the transport there are the server
/// that it leads to, and the faults that can be made on the way.
///
/// Each case gets a bench of its own.
pub trait Bench: Send + Sync + 'static {
    /// What is tested. Its messages can be cloned, as
    /// [`send_confirmed`](crate::Sender::send_confirmed) wants it.
    type Transport: Transport<Link: Link<Outgoing: Clone>>;
    /// The server's end of one link, played by other code than the
    /// transport's where that is possible.
    type Peer: Peer;

    /// A transport that leads to this bench's server. All that are made lead
    /// there.
    fn transport(&self) -> Self::Transport;

    /// Waits for the next link, through its handshake. Links that end before
    /// are passed over. Cancel safe between two links.
    fn accept(&self) -> impl Future<Output = Self::Peer> + Send;

    /// The message that says `note`.
    fn outgoing(&self, note: Note) -> OutOf<Self>;

    /// What a message says.
    ///
    /// # Panics
    ///
    /// If it is not as [`Note`] made it.
    fn incoming(&self, message: &InOf<Self>) -> Note;

    /// Makes a fault on the way; false if it has no counterpart here. Faults
    /// are in effect when this returns, and stay until
    /// [`restore`](Bench::restore).
    fn make(&self, fault: Fault) -> bool;

    /// Ends all faults. Links that suffered from them may end with it; links
    /// that come later are sound.
    fn restore(&self);

    /// How a link may end after `fault`. The default is what
    /// [`Fault::allows`] says; override it where the transport's system knows
    /// no such thing.
    fn allows(&self, fault: Fault, end: &LinkEnd) -> bool {
        fault.allows(end)
    }

    /// What [`Peer::close`] looks like to the link.
    fn closing(&self) -> LinkEnd;

    /// The size of the longest [`Note`] that passes, either way; `None`, the
    /// default, where there is no limit.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// What the protocol puts around a beat, in bytes: beyond the 10 that a
    /// beat may have. Default: nothing.
    fn framing(&self) -> usize {
        0
    }
}

/// The server's end of one link.
///
/// It answers the client's beats whenever it is in [`recv`](Peer::recv).
/// Dropping it ends the link as a server does whose process is gone.
pub trait Peer: Send + 'static {
    /// Sends a message, and waits for room where there is none.
    fn send(&mut self, note: Note) -> impl Future<Output = io::Result<()>> + Send;

    /// What the client says next.
    fn recv(&mut self) -> impl Future<Output = Heard> + Send;

    /// Sends a beat of the server's own, which the link has to answer; false
    /// if the protocol has none.
    fn ping(&mut self) -> impl Future<Output = io::Result<bool>> + Send;

    /// Says goodbye in the protocol's own words, or ends the stream where it
    /// has none, behind all that was sent. After the client's goodbye this
    /// answers it.
    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// What a server hears from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Note),
    /// The answer to [`Peer::ping`].
    Pong,
    /// The client has ended the link, in whatever way.
    End,
}
