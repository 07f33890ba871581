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

use super::control::Sorted;
use super::{ConfirmedBy, ControlMessages, Frame, Link};
use crate::{Beat, LinkEnd, Token};

/// The most beats that wait for room beside the latest: more than a link lives
/// to send without an answer. Then the oldest goes.
const EARLIER_BEATS: usize = 32;

/// Adapts a `Stream` and `Sink` of messages, such as a codec over a socket,
/// into a [`Link`].
///
/// Its [`ControlMessages`] tell which messages are beats, answers and goodbyes; all
/// others are the application's.
///
/// ```
/// use longlink::{LinkEnd, Token};
/// use longlink::transport::{ControlMessages, Framed, from_fn};
/// use tokio::net::TcpStream;
/// use tokio_util::codec::{self, LinesCodec, LinesCodecError};
///
/// let control = ControlMessages::<String, String>::new()
///     .ping(|Token(token)| format!("PING {token}"))
///     .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
///     .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")));
/// let transport = from_fn(move |attempt| {
///     let control = control.clone();
///     async move {
///         let stream = TcpStream::connect("feed.example.com:7000").await?;
///         let (local, peer) = (stream.local_addr().ok(), stream.peer_addr().ok());
///         attempt.dialled(local);
///         let lines = codec::Framed::new(stream, LinesCodec::new_with_max_length(4096));
///         Ok(Framed::new(lines, control)
///             .size_in(String::len)
///             .local_addr(local)
///             .peer_addr(peer)
///             .ends(|error| match error {
///                 LinesCodecError::Io(error) => LinkEnd::from_io(error),
///                 LinesCodecError::MaxLineLengthExceeded => LinkEnd::Protocol("line too long".into()),
///             }))
///     }
/// })
/// .size_out(String::len);
/// # fn is_transport(_: impl longlink::transport::Transport) {}
/// # is_transport(transport);
/// ```
///
/// The stream's end is [`LinkEnd::Eof`].
pub struct Framed<S: TryStream, Out> {
    io: S,
    control: ControlMessages<S::Ok, Out>,
    ends: Ends<S::Error>,
    size_in: fn(&S::Ok) -> usize,
    local_addr: Option<SocketAddr>,
    peer_addr: Option<SocketAddr>,
    /// The messages that wait for room in the sink: the answer to the peer's latest
    /// beat, our own beats, and our latest request to speak.
    pending_answer: Option<Out>,
    /// Our beats before the latest. Answers without tokens are counted, so a beat
    /// that never went out would be one answer too few.
    earlier_beats: VecDeque<Out>,
    pending_beat: Option<Out>,
    pending_request: Option<Out>,
    goodbye: Goodbye,
}

type Ends<E> = Box<dyn Fn(&E) -> LinkEnd + Send>;

/// How far our goodbye has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    /// The time of the goodbye has not come.
    NotYet,
    /// The goodbye is due, and the sink has no room yet.
    Waits,
    /// The sink has the goodbye, or the protocol has none: nothing goes out behind it.
    Given,
    /// The goodbye was written: the peer can answer it.
    Written,
}

impl<S, Out> Framed<S, Out>
where
    S: TryStream + Sink<Out, Error = <S as TryStream>::Error>,
{
    /// A link over `io`, whose protocol has these control messages.
    ///
    /// An error of `io` that is an I/O error, or has one among its sources,
    /// ends the link as [`LinkEnd::from_io`] says; any other is a
    /// [`LinkEnd::Protocol`] with the error's words, cut to 123 bytes. Use
    /// [`ends`](Framed::ends) where those words could quote a message.
    pub fn new(io: S, control: ControlMessages<S::Ok, Out>) -> Framed<S, Out>
    where
        <S as TryStream>::Error: StdError + 'static,
    {
        Framed {
            io,
            control,
            ends: Box::new(|error| end_of(error)),
            size_in: |message| size_of_val(message),
            local_addr: None,
            peer_addr: None,
            pending_answer: None,
            earlier_beats: VecDeque::new(),
            pending_beat: None,
            pending_request: None,
            goodbye: Goodbye::NotYet,
        }
    }

    /// The size in bytes of a message that came in, as it counts against the
    /// inbox's byte limit. Default: its size in memory, without the data that
    /// it points to.
    pub fn size_in(mut self, size: fn(&S::Ok) -> usize) -> Self {
        self.size_in = size;
        self
    }

    /// The local address of the socket underneath: when the address is gone
    /// from the system, so is the link ([`Link::local_addr`]). Default: none.
    pub fn local_addr(mut self, local: Option<SocketAddr>) -> Self {
        self.local_addr = local;
        self
    }

    /// The address of the socket's peer: after news of the network the system
    /// is asked for its way there ([`Link::peer_addr`]). Default: none.
    pub fn peer_addr(mut self, peer: Option<SocketAddr>) -> Self {
        self.peer_addr = peer;
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

    /// Hands waiting messages to the sink, as far as it has room.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>>
    where
        S: Unpin,
    {
        if self.has_parted() {
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

    /// Hands the waiting answer to the sink, if it has room, before the next answer
    /// takes its place. An error of the sink is left to the next flush: messages of
    /// the peer are read first.
    fn make_way(&mut self, cx: &mut Context<'_>) -> Result<(), LinkEnd>
    where
        S: Unpin,
    {
        if self.pending_answer.is_some()
            && !self.has_parted()
            && let Poll::Ready(Ok(())) = Pin::new(&mut self.io).poll_ready(cx)
            && let Some(answer) = self.pending_answer.take()
        {
            Pin::new(&mut self.io).start_send(answer).map_err(|error| (self.ends)(&error))?;
        }
        Ok(())
    }

    /// Whether nothing goes out any more. Messages that come in are still read.
    fn has_parted(&self) -> bool {
        matches!(self.goodbye, Goodbye::Given | Goodbye::Written)
    }

    fn sort(&mut self, message: S::Ok) -> Result<Frame<S::Ok>, LinkEnd> {
        match self.control.sort(message) {
            Sorted::Frame(frame) => Ok(frame),
            Sorted::Beat { answer } => {
                self.pending_answer = Some(answer);
                Ok(Frame::Alive)
            }
            Sorted::Goodbye(end) => Err(self.closed(end)),
        }
    }

    /// The end of the link by the peer's goodbye. A goodbye that cannot be the answer
    /// to ours must not look like one.
    fn closed(&self, end: LinkEnd) -> LinkEnd {
        match self.goodbye {
            Goodbye::NotYet | Goodbye::Written => end,
            Goodbye::Waits | Goodbye::Given => end.crossing_ours(),
        }
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
            Some(Ok(message)) => self.sort(message),
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
        match self.control.write_ping(token) {
            Some(beat) => {
                if let Some(before) = self.pending_beat.replace(beat) {
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

    /// Writes the goodbye, where there is one, and closes the sink.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if !self.has_parted() {
            self.goodbye = Goodbye::Waits;
            ready!(self.poll_pending(cx))?;
            if self.control.has_goodbye() {
                ready!(Pin::new(&mut self.io).poll_ready(cx)).map_err(|error| (self.ends)(&error))?;
            }
            self.goodbye = Goodbye::Given;
            if let Some(goodbye) = self.control.write_goodbye() {
                self.start_send(goodbye)?;
            }
        }
        ready!(Pin::new(&mut self.io).poll_close(cx)).map_err(|error| (self.ends)(&error))?;
        if self.control.has_goodbye() {
            self.goodbye = Goodbye::Written;
        }
        Poll::Ready(Ok(()))
    }

    fn beat(&self) -> Beat {
        self.control.who_beats()
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.control.who_confirms()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr
    }

    fn answers_after(&self) -> bool {
        self.control.has_request()
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.pending_request = self.control.write_request(silence);
        Ok(())
    }

    fn size(&self, message: &In) -> usize {
        (self.size_in)(message)
    }
}

impl<S: TryStream, Out> fmt::Debug for Framed<S, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framed")
            .field("control", &self.control)
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
