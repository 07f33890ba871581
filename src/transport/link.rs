//! One live link.

use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::keeper::PathFacts;
use crate::{Beat, LinkEnd, Token};

/// A frame that came in over a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<M> {
    /// A message for the application.
    Message(M),
    /// The answer to a beat: the token of the beat that it answers, or `None`
    /// where the protocol's answers do not say.
    Pong(Option<Token>),
    /// Another sign of life: a peer's ping (which the link answers
    /// itself), a comment, a part of a message.
    Alive,
}

/// Any link that carries these messages. [`Link::boxed`] makes one.
pub type BoxLink<In, Out = In> = Box<dyn Link<Incoming = In, Outgoing = Out>>;

/// One live link: what one successful [`Transport::connect`] made.
///
/// All methods are called by one task, the driver's, one at a time. The poll
/// methods follow the rules of futures: `Pending` only after arranging a
/// wake-up. Every error is final: the link is dropped soon after it; after an
/// error of a sending method only `poll_next` is still called, for what the
/// peer had said before. Dropping a link at any time must end it at once,
/// without waiting for its peer.
///
/// A link answers its peer's pings itself: the answer is written, at the
/// latest, by the next [`poll_flush`](Link::poll_flush), which the driver
/// calls after every batch that brought a [`Frame::Alive`].
///
/// [`Transport::connect`]: super::Transport::connect
pub trait Link: Send + 'static {
    /// The messages that come in.
    type Incoming: Send + 'static;
    /// The messages that go out; [`Infallible`](std::convert::Infallible)
    /// for a link that only receives.
    type Outgoing: Send + 'static;

    /// The next frame, or how the link ended. On a peer's close or end of
    /// stream everything readable before it is returned first.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Self::Incoming>, LinkEnd>>;

    /// Ready when the link can take one message. Ready again without cost
    /// until a message was given.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>>;

    /// Takes one message; only after `poll_ready` was ready. From here on the
    /// message may have reached the peer.
    fn start_send(&mut self, message: Self::Outgoing) -> Result<(), LinkEnd>;

    /// Queues one beat of at most 10 bytes. The call may come without a
    /// `poll_ready`, also while messages wait: a link keeps room for the beat. A
    /// link whose [`beat`](Link::beat) is [`Beat::Listen`] never gets the call.
    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd>;

    /// Ready when all that was taken was handed to the system.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>>;

    /// Says goodbye in the protocol's own words. Ready when it was written;
    /// the peer's answer then ends `poll_next`. A goodbye of the peer's that
    /// `poll_next` returns before this is ready is its own, and confirms
    /// nothing. The driver puts a deadline on both.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>>;

    /// Who beats on this link. Asked once, when the link is taken into use.
    fn beat(&self) -> Beat {
        Beat::Ping
    }

    /// The sign that a message has reached the peer. The default goes by
    /// [`beat`](Link::beat): an answered beat, or nothing where the peer is
    /// only listened to.
    fn confirmed_by(&self) -> ConfirmedBy {
        ConfirmedBy::of(self.beat())
    }

    /// Whether opening the link has shown that its peer speaks the
    /// protocol: by a handshake of the protocol itself, by TLS, or because the peer
    /// lives on this machine. If true, the default, a peer that breaks the
    /// protocol three times in a row, or sends too long a message, is not
    /// tried again. If false, any host may have answered, such as a captive
    /// portal over plain TCP, and the peer is tried again for ever, unless
    /// [`Reconnect::classify`](crate::Reconnect::classify) says otherwise.
    /// Called once, when the link is taken into use.
    fn is_vouched_for(&self) -> bool {
        true
    }

    /// The local address of the link's socket, if it has one: when the
    /// address is gone from the system, so is the link.
    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// The address of the link's peer, if it has one: after news of the
    /// network the system is asked whether its way there is still the same.
    fn peer_addr(&self) -> Option<SocketAddr> {
        None
    }

    /// Bytes received and sent so far, if the link counts them. Lets parts of
    /// a long message count as life.
    fn traffic(&self) -> Option<Traffic> {
        None
    }

    /// The system's facts about the path under the link, if it tells them.
    ///
    /// Called when the link is taken into use and when a beat is not answered.
    /// If there were facts at first, also called when messages went out
    /// and nothing has come back for as long as a beat may take, and while
    /// the reader stalls. So the call may cost some system calls; it must not wait.
    fn path_facts(&self) -> Option<PathFacts> {
        None
    }

    /// Moves the link to the system's present path (QUIC), after news of the
    /// network; a probe follows. False, the default, if it cannot: then the
    /// probe shows whether the old path still works.
    fn migrate(&mut self) -> bool {
        false
    }

    /// Whether the peer can be asked to say something after a silence
    /// ([`answer_me_after`](Link::answer_me_after)). False, the default, where
    /// the protocol has no such request. Called once, when the link is taken
    /// into use.
    ///
    /// A peer that speaks first is the strongest evidence of how long a path
    /// may be idle: some routers forget a flow and take it up again for a packet of
    /// the client, so that its beats are answered and the server's
    /// pushes are lost.
    fn answers_after(&self) -> bool {
        false
    }

    /// Queues a request, as [`start_beat`](Link::start_beat) does, that the
    /// peer say something, whatever it is, `silence` from now. The request takes the
    /// place of a beat. Only called where
    /// [`answers_after`](Link::answers_after).
    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        let _ = silence;
        Ok(())
    }

    /// The size of a message in bytes, as it counts against the inbox's byte
    /// limit. Default: its size in memory, without the data that it points to.
    fn size(&self, message: &Self::Incoming) -> usize {
        size_of_val(message)
    }

    /// Detaches a message, which waits in the inbox longer than a moment, from
    /// the shared buffer of which it is a small part. Default: it waits as it
    /// is.
    fn detach(&self, message: Self::Incoming) -> Self::Incoming {
        message
    }

    /// This link with its type hidden, so that unlike links for the same
    /// messages can stand in each other's place.
    fn boxed(self) -> BoxLink<Self::Incoming, Self::Outgoing>
    where
        Self: Sized,
    {
        Box::new(self)
    }
}

/// The sign that a message has reached the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfirmedBy {
    /// An answered beat: on an ordered link it covers all messages that were
    /// written before the beat.
    Answer,
    /// A finished flush: the link's `poll_flush` is ready only once the peer
    /// has accepted all messages (a POST that was answered).
    Flush,
    /// Nothing: a confirmed message ends as maybe sent.
    Never,
}

impl ConfirmedBy {
    /// The default for a link: an answered beat, or
    /// nothing where the peer is only listened to.
    pub fn of(beat: Beat) -> ConfirmedBy {
        match beat {
            Beat::Listen { .. } => ConfirmedBy::Never,
            Beat::Ping | Beat::Every { .. } | Beat::KeepAlive { .. } => ConfirmedBy::Answer,
        }
    }
}

/// Bytes over a link since it opened, as its transport counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes received.
    pub received: u64,
    /// Bytes handed to the system.
    pub sent: u64,
}
