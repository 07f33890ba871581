//! How messages lie on a stream of bytes: a codec, and the protocol's own
//! words for beats, answers and goodbyes.

mod frames;
mod link;

pub use link::StreamLink;

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::codec::{Decoder, Encoder};

use self::frames::Frames;
use super::framed::end_of;
use super::{ConfirmedBy, MAX_MESSAGE, MessageTooBig, PongMatch};
use crate::dial::Stream;
use crate::{Beat, Invalid, LinkEnd, Token};

/// What an idle link keeps for reading: 4 KiB. A long message takes more while
/// it comes in.
const READ_BUFFER: usize = 4 * 1024;

/// A protocol over a stream of bytes, for [`Tcp`](crate::Tcp) and
/// [`Unix`](crate::Unix): a `tokio_util` codec that cuts the stream into
/// messages, and what the protocol says for beats, their answers and goodbyes.
///
/// `C` decodes the messages that come in (`C::Item`) and encodes those that go
/// out (`Out`, named where the codec takes more than one type). Every link has
/// a codec of its own.
///
/// Without a [`ping`](Protocol::ping) the peer is listened to, and its silence
/// never ends the link: set [`with_beat`](Protocol::with_beat) to change that.
///
/// ```
/// use longlink::{Protocol, Tcp, Token};
/// use tokio_util::codec::LinesCodec;
///
/// # fn main() -> Result<(), longlink::Invalid> {
/// let lines = Protocol::<_, String>::new(LinesCodec::new)
///     .ping(|Token(token)| format!("PING {token}"))
///     .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
///     .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
///     .goodbye(|| "QUIT".to_owned())
///     .weigh_out(String::len)
///     .max_message(4096)?;
/// let transport = Tcp::new("feed.example.com:7000", lines)?;
/// # Ok(())
/// # }
/// ```
///
/// Two things differ from the bare codec. What the end of the stream cuts is
/// dropped: a price line that lost its last digits is worse than none, so
/// `decode_eof` is never called. And a message that grows beyond
/// [`max_message`](Protocol::max_message) ends the link, whatever the codec
/// would bear; room that a codec makes for more than two such messages is taken
/// back. But what a codec keeps to itself it has to limit itself, and it should
/// refuse a length that it is not to make room for at all.
pub struct Protocol<C: Decoder, Out> {
    codec: Box<dyn Fn() -> C + Send + Sync>,
    ping: Option<Words<Token, Out>>,
    pong: Option<Reads<C::Item, PongMatch>>,
    answer: Option<Reads<C::Item, Option<Out>>>,
    alive: Option<Reads<C::Item, bool>>,
    closes: Option<Reads<C::Item, Option<LinkEnd>>>,
    ask_after: Option<Words<Duration, Out>>,
    goodbye: Option<Arc<dyn Fn() -> Out + Send + Sync>>,
    ends: Reads<C::Error, LinkEnd>,
    beat: Option<Beat>,
    confirmed_by: Option<ConfirmedBy>,
    weigh_in: Option<fn(&C::Item) -> usize>,
    weigh_out: fn(&Out) -> usize,
    park: Option<fn(C::Item) -> C::Item>,
    max_message: usize,
}

type Words<Cause, Out> = Arc<dyn Fn(Cause) -> Out + Send + Sync>;
type Reads<In, Verdict> = Arc<dyn Fn(&In) -> Verdict + Send + Sync>;

impl<C, Out> Protocol<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
    <C as Decoder>::Error: StdError + 'static,
{
    /// A protocol of messages and nothing else; `codec` makes the codec of
    /// each link.
    ///
    /// An error of the codec that is an I/O error, or has one among its
    /// sources, ends the link as [`LinkEnd::from_io`] says; any other is a
    /// [`LinkEnd::Protocol`] with the error's words, cut to 123 bytes. Use
    /// [`ends`](Protocol::ends) where those words could quote a message. A
    /// message that the codec cannot encode ends the link too: it was
    /// accepted, and counts as maybe sent; it is not tried again.
    pub fn new(codec: impl Fn() -> C + Send + Sync + 'static) -> Protocol<C, Out> {
        Protocol {
            codec: Box::new(codec),
            ping: None,
            pong: None,
            answer: None,
            alive: None,
            closes: None,
            ask_after: None,
            goodbye: None,
            ends: Arc::new(|error| end_of(error)),
            beat: None,
            confirmed_by: None,
            weigh_in: None,
            weigh_out: |message| size_of_val(message),
            park: None,
            max_message: MAX_MESSAGE,
        }
    }

    /// How our beat is written: 10 bytes at most, by this crate's promise. The
    /// link then beats ([`Beat::Ping`]) unless
    /// [`with_beat`](Protocol::with_beat) says otherwise.
    pub fn ping(mut self, ping: impl Fn(Token) -> Out + Send + Sync + 'static) -> Self {
        self.ping = Some(Arc::new(ping));
        self
    }

    /// Which messages answer our beats: `true`, or the token of the beat
    /// where they tell it. They do not reach the application.
    pub fn pong<P: Into<PongMatch>>(mut self, pong: impl Fn(&C::Item) -> P + Send + Sync + 'static) -> Self {
        self.pong = Some(Arc::new(move |message| pong(message).into()));
        self
    }

    /// Which messages are the peer's beats, and what answers them. They do
    /// not reach the application. One answer waits at most: where there is no
    /// room, only the latest beat is answered; where there is, each is, though
    /// several come at once.
    pub fn answer(mut self, answer: impl Fn(&C::Item) -> Option<Out> + Send + Sync + 'static) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    /// Which messages are signs of life and nothing else. They do not reach
    /// the application.
    pub fn alive(mut self, alive: impl Fn(&C::Item) -> bool + Send + Sync + 'static) -> Self {
        self.alive = Some(Arc::new(alive));
        self
    }

    /// Which messages are the peer's goodbye, and how the link has ended
    /// then: [`LinkEnd::closed`] with the protocol's own code, which
    /// [`Reconnect::classify`](crate::Reconnect::classify) may judge; one of
    /// 1000 and more is otherwise judged as WebSocket's. They do not reach the
    /// application, and nothing after them is read. In the login hook they are
    /// the error of [`Handshake::recv`](crate::Handshake::recv). Default: the
    /// stream's end says it all.
    ///
    /// One without a code, or with 1000, that comes after our own
    /// [`goodbye`](Protocol::goodbye) counts as its answer: all that was sent
    /// is delivered then. So give another code to a goodbye that the peer says
    /// for reasons of its own, where it can be told apart.
    ///
    /// ```
    /// use longlink::{LinkEnd, Protocol};
    /// use tokio_util::codec::LinesCodec;
    ///
    /// let irc = Protocol::<_, String>::new(LinesCodec::new)
    ///     .closes(|line| line.strip_prefix("ERROR :").map(|why| LinkEnd::closed(None, why)));
    /// ```
    pub fn closes(mut self, closes: impl Fn(&C::Item) -> Option<LinkEnd> + Send + Sync + 'static) -> Self {
        self.closes = Some(Arc::new(closes));
        self
    }

    /// How the peer is asked to say something after a silence
    /// ([`Link::answer_me_after`](super::Link::answer_me_after)), if the
    /// protocol has such a request.
    pub fn ask_after(mut self, ask: impl Fn(Duration) -> Out + Send + Sync + 'static) -> Self {
        self.ask_after = Some(Arc::new(ask));
        self
    }

    /// The message that says goodbye, written before the stream is shut down.
    /// Default: the stream's end is the goodbye.
    pub fn goodbye(mut self, goodbye: impl Fn() -> Out + Send + Sync + 'static) -> Self {
        self.goodbye = Some(Arc::new(goodbye));
        self
    }

    /// Who beats. Kinds other than [`Beat::Listen`] need
    /// [`ping`](Protocol::ping): without it, the first beat ends the link.
    pub fn with_beat(mut self, beat: Beat) -> Self {
        self.beat = Some(beat);
        self
    }

    /// What shows that a message has reached the peer. The default goes by
    /// the beat, as for every link.
    pub fn with_confirmed_by(mut self, confirmed_by: ConfirmedBy) -> Self {
        self.confirmed_by = Some(confirmed_by);
        self
    }

    /// How an error of the codec ends the link.
    pub fn ends(mut self, ends: impl Fn(&<C as Decoder>::Error) -> LinkEnd + Send + Sync + 'static) -> Self {
        self.ends = Arc::new(ends);
        self
    }

    /// What a message counts against the inbox's byte limit. The default is
    /// its length on the stream.
    pub fn weigh_in(mut self, weigh: fn(&C::Item) -> usize) -> Self {
        self.weigh_in = Some(weigh);
        self
    }

    /// What a message that is offered for sending counts against the outbox's
    /// byte limit, and against [`max_message`](Protocol::max_message). The
    /// default is its size in memory, which leaves out what it points to.
    pub fn weigh_out(mut self, weigh: fn(&Out) -> usize) -> Self {
        self.weigh_out = weigh;
        self
    }

    /// Makes a message that has to wait for the application let go of a
    /// buffer that it shares ([`Link::park`](super::Link::park)): for codecs
    /// whose messages are slices of what was read. Default: it waits as it is.
    pub fn park(mut self, park: fn(C::Item) -> C::Item) -> Self {
        self.park = Some(park);
        self
    }

    /// The longest message in bytes, either way: as it lies on the stream
    /// where it comes in, as [`weigh_out`](Protocol::weigh_out) says where it
    /// goes out. A longer one is refused when it is offered for sending, and
    /// ends the link when it comes in. Default:
    /// [`MAX_MESSAGE`].
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field `protocol.max_message`: zero.
    pub fn max_message(mut self, bytes: usize) -> Result<Self, Invalid> {
        if bytes == 0 {
            return Err(Invalid::new("protocol.max_message", "must not be zero"));
        }
        self.max_message = bytes;
        Ok(self)
    }

    /// A link of this protocol over `stream`.
    pub(super) fn link(
        &self,
        stream: Stream,
        local: Option<SocketAddr>,
        peer: Option<SocketAddr>,
    ) -> StreamLink<C, Out>
    where
        C: Send + 'static,
        C::Item: Send + 'static,
        Out: Send + Unpin + 'static,
    {
        let frames = Frames::new((self.codec)(), Arc::clone(&self.ends), self.max_message);
        let mut framed = link::framed(stream, frames).with_local_addr(local).with_peer_addr(peer);
        if let Some(ping) = self.ping.clone() {
            framed = framed.ping(move |token| ping(token));
        }
        if let Some(pong) = self.pong.clone() {
            framed = framed.pong(move |message| pong(message));
        }
        if let Some(answer) = self.answer.clone() {
            framed = framed.answer(move |message| answer(message));
        }
        if let Some(alive) = self.alive.clone() {
            framed = framed.alive(move |message| alive(message));
        }
        if let Some(ask) = self.ask_after.clone() {
            framed = framed.ask_after(move |silence| ask(silence));
        }
        if let Some(goodbye) = &self.goodbye {
            framed = framed.goodbye(goodbye());
        }
        if let Some(beat) = self.beat {
            framed = framed.with_beat(beat);
        }
        if let Some(confirmed_by) = self.confirmed_by {
            framed = framed.with_confirmed_by(confirmed_by);
        }
        StreamLink::new(framed, self.goodbye.is_some(), self.closes.clone(), self.weigh_in, self.park)
    }

    /// What `message` counts, unless it is too long.
    pub(super) fn weigh(&self, message: &Out) -> Result<usize, MessageTooBig> {
        match (self.weigh_out)(message) {
            size if size > self.max_message => Err(MessageTooBig::new(size, self.max_message)),
            size => Ok(size),
        }
    }
}

impl<C: Decoder, Out> fmt::Debug for Protocol<C, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protocol")
            .field("beat", &self.beat)
            .field("confirms", &self.confirmed_by)
            .field("max_message", &self.max_message)
            .finish_non_exhaustive()
    }
}
