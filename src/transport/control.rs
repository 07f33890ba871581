//! A protocol's control messages: beats, their answers, goodbyes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ConfirmedBy, Frame};
use crate::{Beat, LinkEnd, Token};

/// The longest silence of a link about which nothing is known: for ever, as far
/// as any clock can tell.
const NEVER_TOO_LONG: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The messages by which a protocol keeps its links and ends them: our beats,
/// the peer's answers, the goodbyes of both. `In` are the messages that come in,
/// `Out` those that go out.
///
/// A new value knows no control message: then each message goes to the
/// application, the peer is listened to, and its silence never ends the link.
/// [`ping`](ControlMessages::ping) or [`beat`](ControlMessages::beat) changes
/// that.
///
/// A message that comes in has the kind of the first of these that recognises it:
/// [`pong`](ControlMessages::pong), [`answer`](ControlMessages::answer),
/// [`alive`](ControlMessages::alive), [`closes`](ControlMessages::closes). If
/// none does, the message goes to the application.
///
/// One value serves every link of its transport. A clone shares the closures.
///
/// ```
/// use longlink::{LinkEnd, Token};
/// use longlink::transport::ControlMessages;
///
/// let control = ControlMessages::<String, String>::new()
///     .ping(|Token(token)| format!("PING {token}"))
///     .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
///     .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
///     .closes(|line| line.strip_prefix("ERROR :").map(|why| LinkEnd::closed(None, why)))
///     .goodbye(|| "QUIT".to_owned());
/// ```
pub struct ControlMessages<In, Out> {
    ping: Option<MakeMessage<Token, Out>>,
    pong: Option<Reads<In, PongMatch>>,
    answer: Option<Reads<In, Option<Out>>>,
    alive: Option<Reads<In, bool>>,
    closes: Option<Reads<In, Option<LinkEnd>>>,
    ask_after: Option<MakeMessage<Duration, Out>>,
    goodbye: Option<Arc<dyn Fn() -> Out + Send + Sync>>,
    beat: Option<Beat>,
    confirmed_by: Option<ConfirmedBy>,
}

type MakeMessage<Cause, Out> = Arc<dyn Fn(Cause) -> Out + Send + Sync>;
type Reads<In, Verdict> = Arc<dyn Fn(&In) -> Verdict + Send + Sync>;

/// Whether a message is the answer to a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PongMatch {
    /// The message is no answer.
    No,
    /// The message is an answer, and does not say to which beat.
    Any,
    /// The message answers this beat.
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

impl<In, Out> ControlMessages<In, Out> {
    /// No control message at all: a protocol that carries the application's
    /// messages and nothing else. The setters add what the protocol has.
    pub fn new() -> ControlMessages<In, Out> {
        ControlMessages {
            ping: None,
            pong: None,
            answer: None,
            alive: None,
            closes: None,
            ask_after: None,
            goodbye: None,
            beat: None,
            confirmed_by: None,
        }
    }

    /// How our beat is written: in 10 bytes at most, as
    /// [`Link::start_beat`](super::Link::start_beat) promises. The link then
    /// beats ([`Beat::Ping`]) unless [`beat`](ControlMessages::beat) says
    /// otherwise. Default: the protocol has no beat of ours.
    pub fn ping(mut self, ping: impl Fn(Token) -> Out + Send + Sync + 'static) -> Self {
        self.ping = Some(Arc::new(ping));
        self
    }

    /// Which messages answer our beats: `true`, or the token of the beat
    /// where an answer tells it. Answers do not reach the application. Default: none.
    pub fn pong<P: Into<PongMatch>>(mut self, pong: impl Fn(&In) -> P + Send + Sync + 'static) -> Self {
        self.pong = Some(Arc::new(move |message| pong(message).into()));
        self
    }

    /// Which messages are the peer's beats, and our answers to them. Beats do
    /// not reach the application. One answer waits at most: where there is no
    /// room, only the latest beat is answered; where there is, each is, though
    /// several come at once. Default: the peer has no beats.
    pub fn answer(mut self, answer: impl Fn(&In) -> Option<Out> + Send + Sync + 'static) -> Self {
        self.answer = Some(Arc::new(answer));
        self
    }

    /// Which messages are signs of life and nothing else. Such messages do not reach
    /// the application. Default: none.
    pub fn alive(mut self, alive: impl Fn(&In) -> bool + Send + Sync + 'static) -> Self {
        self.alive = Some(Arc::new(alive));
        self
    }

    /// Which messages are the peer's goodbye, and how the link has ended
    /// then: [`LinkEnd::closed`] with the protocol's own code, which
    /// [`Reconnect::classify`](crate::Reconnect::classify) may judge; one of
    /// 1000 and more is otherwise judged as WebSocket's. Goodbyes do not reach the
    /// application, and nothing after them is read. In the login hook a goodbye is
    /// the error of [`Handshake::recv`](crate::Handshake::recv). Default: the
    /// link's own end is the goodbye.
    ///
    /// One without a code, or with 1000, that comes after our own
    /// [`goodbye`](ControlMessages::goodbye) counts as its answer: all messages
    /// that were sent are delivered then. So give another code to a goodbye that the
    /// peer says for reasons of its own, where it can be told apart. A goodbye
    /// that comes before ours was written is no answer, nor is one where the
    /// protocol has no goodbye of ours: it is an end of the link that
    /// confirms nothing.
    ///
    /// ```
    /// use longlink::LinkEnd;
    /// use longlink::transport::ControlMessages;
    ///
    /// let irc = ControlMessages::<String, String>::new()
    ///     .closes(|line| line.strip_prefix("ERROR :").map(|why| LinkEnd::closed(None, why)));
    /// ```
    pub fn closes(mut self, closes: impl Fn(&In) -> Option<LinkEnd> + Send + Sync + 'static) -> Self {
        self.closes = Some(Arc::new(closes));
        self
    }

    /// How the peer is asked to say something after a silence
    /// ([`Link::answer_me_after`](super::Link::answer_me_after)). The peer's
    /// message then is recognised by [`alive`](ControlMessages::alive),
    /// or reaches the application. Default: the protocol has no such request.
    pub fn ask_after(mut self, ask: impl Fn(Duration) -> Out + Send + Sync + 'static) -> Self {
        self.ask_after = Some(Arc::new(ask));
        self
    }

    /// The message that says goodbye, written before the link is closed.
    /// Default: the end of the link is the goodbye.
    pub fn goodbye(mut self, goodbye: impl Fn() -> Out + Send + Sync + 'static) -> Self {
        self.goodbye = Some(Arc::new(goodbye));
        self
    }

    /// Who beats. Kinds other than [`Beat::Listen`] need
    /// [`ping`](ControlMessages::ping): without it, the first beat ends the
    /// link. Default: [`Beat::Ping`] where there is a `ping`, and otherwise a
    /// [`Beat::Listen`] whose silence is never too long.
    pub fn beat(mut self, beat: Beat) -> Self {
        self.beat = Some(beat);
        self
    }

    /// The sign that a message has reached the peer. The default goes by
    /// the beat, as for every link ([`ConfirmedBy::of`]).
    pub fn confirmed_by(mut self, confirmed_by: ConfirmedBy) -> Self {
        self.confirmed_by = Some(confirmed_by);
        self
    }

    /// Sorts a message that came in.
    pub(super) fn sort(&self, message: In) -> Sorted<In, Out> {
        match self.pong.as_ref().map_or(PongMatch::No, |pong| pong(&message)) {
            PongMatch::No => {}
            PongMatch::Any => return Sorted::Frame(Frame::Pong(None)),
            PongMatch::Of(token) => return Sorted::Frame(Frame::Pong(Some(token))),
        }
        if let Some(answer) = self.answer.as_ref().and_then(|answer| answer(&message)) {
            return Sorted::Beat { answer };
        }
        if self.alive.as_ref().is_some_and(|alive| alive(&message)) {
            return Sorted::Frame(Frame::Alive);
        }
        match self.closes.as_ref().and_then(|closes| closes(&message)) {
            Some(end) => Sorted::Goodbye(end),
            None => Sorted::Frame(Frame::Message(message)),
        }
    }

    /// Our beat.
    pub(super) fn write_ping(&self, token: Token) -> Option<Out> {
        self.ping.as_ref().map(|ping| ping(token))
    }

    /// Our request that the peer say something after `silence`.
    pub(super) fn write_request(&self, silence: Duration) -> Option<Out> {
        self.ask_after.as_ref().map(|ask| ask(silence))
    }

    /// Our goodbye.
    pub(super) fn write_goodbye(&self) -> Option<Out> {
        self.goodbye.as_ref().map(|goodbye| goodbye())
    }

    pub(super) fn has_request(&self) -> bool {
        self.ask_after.is_some()
    }

    pub(super) fn has_goodbye(&self) -> bool {
        self.goodbye.is_some()
    }

    pub(super) fn who_beats(&self) -> Beat {
        match (self.beat, &self.ping) {
            (Some(beat), _) => beat,
            (None, Some(_)) => Beat::Ping,
            (None, None) => Beat::Listen { longest_silence: NEVER_TOO_LONG },
        }
    }

    pub(super) fn who_confirms(&self) -> ConfirmedBy {
        self.confirmed_by.unwrap_or_else(|| ConfirmedBy::of(self.who_beats()))
    }
}

/// The kind of a message that came in.
pub(super) enum Sorted<In, Out> {
    Frame(Frame<In>),
    /// The peer's beat, and our answer to it.
    Beat {
        answer: Out,
    },
    /// The peer's goodbye, and how the link has ended.
    Goodbye(LinkEnd),
}

impl<In, Out> Default for ControlMessages<In, Out> {
    fn default() -> ControlMessages<In, Out> {
        ControlMessages::new()
    }
}

impl<In, Out> Clone for ControlMessages<In, Out> {
    fn clone(&self) -> ControlMessages<In, Out> {
        ControlMessages {
            ping: self.ping.clone(),
            pong: self.pong.clone(),
            answer: self.answer.clone(),
            alive: self.alive.clone(),
            closes: self.closes.clone(),
            ask_after: self.ask_after.clone(),
            goodbye: self.goodbye.clone(),
            beat: self.beat,
            confirmed_by: self.confirmed_by,
        }
    }
}

impl<In, Out> fmt::Debug for ControlMessages<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlMessages")
            .field("beat", &self.who_beats())
            .field("confirmed_by", &self.who_confirms())
            .finish_non_exhaustive()
    }
}
