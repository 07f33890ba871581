//! A link out of any stream and sink.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::{Stream, TryStream};
use futures_sink::Sink;

use super::{ConfirmedBy, Frame, Link};
use crate::{Beat, LinkEnd, Token};

/// How long a link may be silent of which nothing is known: for ever, as far
/// as any clock can tell.
const NEVER_TOO_LONG: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The most beats that wait for room beside the latest: more than a link lives
/// to send without an answer. Then the oldest goes.
const EARLIER_BEATS: usize = 32;

/// Adapts a `Stream` and `Sink` of messages, such as a codec over a socket,
/// into a [`Link`].
///
/// What it cannot know it is told: how a beat is written
/// ([`ping`](Framed::ping)), how its answer is recognised
/// ([`pong`](Framed::pong)), how the peer's own beats are answered
/// ([`answer`](Framed::answer)). A protocol without any of these is listened
/// to, and its silence never ends the link: set [`with_beat`](Framed::with_beat) to
/// change that.
///
/// ```
/// use longlink::{LinkEnd, Token};
/// use longlink::transport::{Framed, from_fn};
/// use tokio::net::TcpStream;
/// use tokio_util::codec::{self, LinesCodec, LinesCodecError};
///
/// let transport = from_fn(|attempt| async move {
///     let stream = TcpStream::connect("feed.example.com:7000").await?;
///     attempt.dialled(stream.local_addr().ok());
///     let local = stream.local_addr().ok();
///     let lines = codec::Framed::new(stream, LinesCodec::new_with_max_length(4096));
///     Ok(Framed::<_, String>::new(lines)
///         .ping(|Token(token)| format!("PING {token}"))
///         .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
///         .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
///         .with_weigh(String::len)
///         .with_local_addr(local)
///         .ends(|error| match error {
///             LinesCodecError::Io(error) => LinkEnd::from_io(error),
///             LinesCodecError::MaxLineLengthExceeded => LinkEnd::Protocol("line too long".into()),
///         }))
/// });
/// # fn is_transport(_: impl longlink::transport::Transport) {}
/// # is_transport(transport);
/// ```
///
/// `Out` is named where the sink takes more than one type, as a line codec's
/// does. The stream's end is [`LinkEnd::Eof`].
pub struct Framed<S: TryStream, Out> {
    io: S,
    ping: Option<Box<dyn FnMut(Token) -> Out + Send>>,
    pong: Option<Recognize<S::Ok, PongMatch>>,
    answer: Option<Recognize<S::Ok, Option<Out>>>,
    alive: Option<Recognize<S::Ok, bool>>,
    ask_after: Option<Box<dyn FnMut(Duration) -> Out + Send>>,
    ends: Ends<S::Error>,
    weigh: fn(&S::Ok) -> usize,
    beat: Option<Beat>,
    confirmed_by: Option<ConfirmedBy>,
    local_addr: Option<SocketAddr>,
    peer_addr: Option<SocketAddr>,
    goodbye: Option<Out>,
    /// What waits for room in the sink: the answer to the peer's latest beat,
    /// our own beats, and our latest request to speak.
    pending_answer: Option<Out>,
    /// Our beats before the latest: where answers have no names they are
    /// counted, so that a beat that never went out would be one too few.
    earlier_beats: VecDeque<Out>,
    pending_beat: Option<Out>,
    pending_request: Option<Out>,
    /// Goodbye was said: what comes in is read, and nothing is answered.
    closing: bool,
}

type Recognize<In, Verdict> = Box<dyn FnMut(&In) -> Verdict + Send>;
type Ends<E> = Box<dyn Fn(&E) -> LinkEnd + Send>;

/// Whether a message is the answer to a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PongMatch {
    /// It is not.
    No,
    /// It is, and does not say to which.
    Any,
    /// It answers this beat.
    Of(Token),
}

impl From<bool> for PongMatch {
    fn from(is_pong: bool) -> PongMatch {
        if is_pong { PongMatch::Any } else { PongMatch::No }
    }
}

impl From<Option<Token>> for PongMatch {
    fn from(token: Option<Token>) -> PongMatch {
        token.map_or(PongMatch::No, PongMatch::Of)
    }
}

impl<S, Out> Framed<S, Out>
where
    S: TryStream + Sink<Out, Error = <S as TryStream>::Error>,
{
    /// A link over `io` that carries its messages and nothing else.
    ///
    /// An error of `io` that is an I/O error, or has one among its sources,
    /// ends the link as [`LinkEnd::from_io`] says; any other is a
    /// [`LinkEnd::Protocol`] with the error's words, cut to 123 bytes. Use
    /// [`ends`](Framed::ends) where those words could quote a message.
    pub fn new(io: S) -> Framed<S, Out>
    where
        <S as TryStream>::Error: StdError + 'static,
    {
        Framed {
            io,
            ping: None,
            pong: None,
            answer: None,
            alive: None,
            ask_after: None,
            ends: Box::new(|error| end_of(error)),
            weigh: |message| size_of_val(message),
            beat: None,
            confirmed_by: None,
            local_addr: None,
            peer_addr: None,
            goodbye: None,
            pending_answer: None,
            earlier_beats: VecDeque::new(),
            pending_beat: None,
            pending_request: None,
            closing: false,
        }
    }

    /// How our beat is written. The link then beats ([`Beat::Ping`]) unless
    /// [`with_beat`](Framed::with_beat) says otherwise.
    pub fn ping(mut self, ping: impl FnMut(Token) -> Out + Send + 'static) -> Self {
        self.ping = Some(Box::new(ping));
        self
    }

    /// Which messages answer our beats: `true` or the token of the beat.
    /// They do not reach the application.
    pub fn pong<P: Into<PongMatch>>(mut self, mut pong: impl FnMut(&S::Ok) -> P + Send + 'static) -> Self {
        self.pong = Some(Box::new(move |message| pong(message).into()));
        self
    }

    /// Which messages are the peer's beats, and what answers them. They do
    /// not reach the application. One answer waits at most: where the sink
    /// has no room, only the latest beat is answered; where it has, each is,
    /// though several come at once.
    pub fn answer(mut self, answer: impl FnMut(&S::Ok) -> Option<Out> + Send + 'static) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    /// Who beats. Kinds other than [`Beat::Listen`] need
    /// [`ping`](Framed::ping): without it, the first beat ends the link.
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

    /// What a message counts against the inbox's byte limit. The default is
    /// its size in memory, which leaves out what it points to.
    pub fn with_weigh(mut self, weigh: fn(&S::Ok) -> usize) -> Self {
        self.weigh = weigh;
        self
    }

    /// The local address of the socket underneath.
    pub fn with_local_addr(mut self, local: Option<SocketAddr>) -> Self {
        self.local_addr = local;
        self
    }

    /// The address of the socket's peer.
    pub fn with_peer_addr(mut self, peer: Option<SocketAddr>) -> Self {
        self.peer_addr = peer;
        self
    }

    /// Which messages are signs of life and nothing else. They do not reach
    /// the application.
    pub fn alive(mut self, alive: impl FnMut(&S::Ok) -> bool + Send + 'static) -> Self {
        self.alive = Some(Box::new(alive));
        self
    }

    /// How the peer is asked to say something after a silence
    /// ([`Link::answer_me_after`]), if the protocol has such a request. What
    /// it says then is recognised by [`alive`](Framed::alive), or reaches the
    /// application.
    pub fn ask_after(mut self, ask: impl FnMut(Duration) -> Out + Send + 'static) -> Self {
        self.ask_after = Some(Box::new(ask));
        self
    }

    /// The message that says goodbye, written before the sink is closed.
    pub fn goodbye(mut self, goodbye: Out) -> Self {
        self.goodbye = Some(goodbye);
        self
    }

    /// How an error of the stream or the sink ends the link.
    pub fn ends(mut self, ends: impl Fn(&<S as TryStream>::Error) -> LinkEnd + Send + 'static) -> Self {
        self.ends = Box::new(ends);
        self
    }

    /// The stream and sink underneath.
    #[cfg(feature = "tcp")]
    pub(super) fn io(&self) -> &S {
        &self.io
    }

    #[cfg(feature = "tcp")]
    pub(super) fn io_mut(&mut self) -> &mut S {
        &mut self.io
    }

    /// Hands what waits to the sink, as far as it has room.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>>
    where
        S: Unpin,
    {
        if self.closing {
            return Poll::Ready(Ok(()));
        }
        while self.pending_answer.is_some() || self.pending_beat.is_some() || self.pending_request.is_some() {
            ready!(Pin::new(&mut self.io).poll_ready(cx)).map_err(|error| (self.ends)(&error))?;
            let next = self.pending_answer.take().or_else(|| self.next_beat());
            let next = next.or_else(|| self.pending_request.take());
            if let Some(message) = next {
                Pin::new(&mut self.io).start_send(message).map_err(|error| (self.ends)(&error))?;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The first of our beats that wait.
    fn next_beat(&mut self) -> Option<Out> {
        let earlier = self.earlier_beats.pop_front();
        if earlier.is_some() && self.earlier_beats.is_empty() {
            self.earlier_beats = VecDeque::new();
        }
        earlier.or_else(|| self.pending_beat.take())
    }

    /// Hands the answer that waits to the sink, if it has room, before the next
    /// takes its place. An error of the sink is left to the next flush: what
    /// the peer has said is read first.
    fn make_way(&mut self, cx: &mut Context<'_>) -> Result<(), LinkEnd>
    where
        S: Unpin,
    {
        if self.pending_answer.is_some()
            && !self.closing
            && let Poll::Ready(Ok(())) = Pin::new(&mut self.io).poll_ready(cx)
            && let Some(answer) = self.pending_answer.take()
        {
            Pin::new(&mut self.io).start_send(answer).map_err(|error| (self.ends)(&error))?;
        }
        Ok(())
    }

    fn sort(&mut self, message: S::Ok) -> Frame<S::Ok> {
        if let Some(pong) = &mut self.pong {
            match pong(&message) {
                PongMatch::No => {}
                PongMatch::Any => return Frame::Pong(None),
                PongMatch::Of(token) => return Frame::Pong(Some(token)),
            }
        }
        if let Some(answer) = self.answer.as_mut().and_then(|answer| answer(&message)) {
            self.pending_answer = Some(answer);
            return Frame::Alive;
        }
        if self.alive.as_mut().is_some_and(|alive| alive(&message)) {
            return Frame::Alive;
        }
        Frame::Message(message)
    }
}

impl<S, In, Out, E> Link for Framed<S, Out>
where
    S: Stream<Item = Result<In, E>> + Sink<Out, Error = E> + Send + Unpin + 'static,
    In: Send + 'static,
    Out: Send + Unpin + 'static,
    E: 'static,
{
    type Incoming = In;
    type Outgoing = Out;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<In>, LinkEnd>> {
        self.make_way(cx)?;
        Poll::Ready(match ready!(Pin::new(&mut self.io).poll_next(cx)) {
            Some(Ok(message)) => Ok(self.sort(message)),
            Some(Err(error)) => Err((self.ends)(&error)),
            None => Err(LinkEnd::Eof),
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.io).poll_ready(cx).map_err(|error| (self.ends)(&error))
    }

    fn start_send(&mut self, message: Out) -> Result<(), LinkEnd> {
        Pin::new(&mut self.io).start_send(message).map_err(|error| (self.ends)(&error))
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        match &mut self.ping {
            Some(ping) => {
                if let Some(before) = self.pending_beat.replace(ping(token)) {
                    if self.earlier_beats.len() == EARLIER_BEATS {
                        self.earlier_beats.pop_front();
                    }
                    self.earlier_beats.push_back(before);
                }
                Ok(())
            }
            None => Err(LinkEnd::Protocol("no beat is known for this link".to_owned())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        ready!(self.poll_pending(cx))?;
        Pin::new(&mut self.io).poll_flush(cx).map_err(|error| (self.ends)(&error))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if !self.closing {
            ready!(self.poll_pending(cx))?;
            if self.goodbye.is_some() {
                ready!(Pin::new(&mut self.io).poll_ready(cx)).map_err(|error| (self.ends)(&error))?;
                if let Some(goodbye) = self.goodbye.take() {
                    self.start_send(goodbye)?;
                }
            }
            self.closing = true;
        }
        Pin::new(&mut self.io).poll_close(cx).map_err(|error| (self.ends)(&error))
    }

    fn beat(&self) -> Beat {
        match (self.beat, &self.ping) {
            (Some(beat), _) => beat,
            (None, Some(_)) => Beat::Ping,
            (None, None) => Beat::Listen { longest_silence: NEVER_TOO_LONG },
        }
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.confirmed_by.unwrap_or_else(|| ConfirmedBy::of(self.beat()))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    fn answers_after(&self) -> bool {
        self.ask_after.is_some()
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.pending_request = self.ask_after.as_mut().map(|ask| ask(silence));
        Ok(())
    }

    fn weigh(&self, message: &In) -> usize {
        (self.weigh)(message)
    }
}

impl<S: TryStream, Out> fmt::Debug for Framed<S, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("beat", &self.beat)
            .field("confirms", &self.confirmed_by)
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

/// How an error of the stream or of its codec ends the link, if nobody says
/// otherwise.
pub(super) fn end_of(error: &(dyn StdError + 'static)) -> LinkEnd {
    const LONGEST: usize = 123;
    let mut cause = Some(error);
    while let Some(present) = cause {
        if let Some(error) = present.downcast_ref::<io::Error>() {
            return LinkEnd::from_io(error);
        }
        cause = present.source();
    }
    let mut words = error.to_string();
    while words.len() > LONGEST {
        words.pop();
    }
    LinkEnd::Protocol(words)
}
