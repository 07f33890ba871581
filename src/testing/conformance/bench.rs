//! The interfaces that the user implements for the suite.

use std::future::Future;
use std::io;

use super::{Fault, Note};
use crate::LinkEnd;
use crate::transport::{Link, Transport};

/// The links of a bench's transport.
pub(super) type BenchLink<B> = <<B as Bench>::Transport as Transport>::Link;
/// The messages that a bench's links bring in.
pub type InOf<B> = <BenchLink<B> as Link>::Incoming;
/// The messages that a bench's links take out.
pub type OutOf<B> = <BenchLink<B> as Link>::Outgoing;

/// A transport on the test bench, with the server that it leads to and the
/// faults between them.
///
/// Each case gets a bench of its own.
pub trait Bench: Send + Sync + 'static {
    /// The transport under test. Its messages can be cloned, as
    /// [`send_confirmed`](crate::Sender::send_confirmed) requires.
    type Transport: Transport<Link: Link<Outgoing: Clone>>;
    /// The server's end of one link. Where possible, other code than the
    /// transport's own implements the protocol here.
    type Peer: Peer;

    /// Makes a transport that leads to the server of this bench. The suite
    /// makes several.
    fn transport(&self) -> Self::Transport;

    /// Waits until the next link has completed its handshake. Skips links that
    /// end before. Cancel safe between two links.
    fn accept(&self) -> impl Future<Output = Self::Peer> + Send;

    /// Makes the message that carries `note`.
    fn outgoing(&self, note: Note) -> OutOf<Self>;

    /// Reads the note that a message carries.
    ///
    /// # Panics
    ///
    /// If the message is not as [`Note`] made it.
    fn incoming(&self, message: &InOf<Self>) -> Note;

    /// Makes a fault between client and server. False if the bench cannot make
    /// this fault; cases that need the fault then do not apply. A fault is in
    /// effect when this method returns, and lasts until
    /// [`restore`](Bench::restore).
    fn make(&self, fault: Fault) -> bool;

    /// Ends all faults. Links that a fault has hit may end now; later links
    /// work.
    fn restore(&self);

    /// Whether a link may end like this after `fault`. Default:
    /// [`Fault::allows`]. Override it where the system reports the fault in
    /// another way.
    fn allows(&self, fault: Fault, end: &LinkEnd) -> bool {
        fault.allows(end)
    }

    /// The end that the link reports after [`Peer::close`].
    fn closing(&self) -> LinkEnd;

    /// The size of the longest [`Note`] that passes in both directions, in
    /// bytes. Default: `None`, no limit.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// The bytes that the protocol puts around a beat, beyond the 10 that the
    /// beat itself may have. Default: 0.
    fn framing(&self) -> usize {
        0
    }
}

/// The server's end of one link.
///
/// A peer answers the client's beats while [`recv`](Peer::recv) runs.
/// Dropping the peer ends the link, as a server does whose process is gone.
pub trait Peer: Send + 'static {
    /// Sends a message. Waits while there is no room.
    fn send(&mut self, note: Note) -> impl Future<Output = io::Result<()>> + Send;

    /// Waits for the next word of the client.
    fn recv(&mut self) -> impl Future<Output = FromClient> + Send;

    /// Sends a beat of the server's own, which the link must answer. False if
    /// the protocol has no such beat.
    fn ping(&mut self) -> impl Future<Output = io::Result<bool>> + Send;

    /// Says goodbye in the protocol's own words, behind all messages that were
    /// sent. Ends the stream where the protocol has no goodbye. After the
    /// client's goodbye, answers that goodbye.
    fn close(&mut self) -> impl Future<Output = io::Result<()>> + Send;
}

/// A word that the server receives from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromClient {
    /// A message.
    Message(Note),
    /// The answer to [`Peer::ping`].
    Pong,
    /// The client has ended the link, in any way.
    End,
}
