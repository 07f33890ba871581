//! The login hook's view of a link.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use crate::keeper::Dialled;
use crate::transport::{Attempt, ConnectError, Frame, Link};
use crate::{Beat, Failure, LinkEnd};

/// The `on_connect` hook.
pub(crate) type Hook<L> = dyn Fn(Handshake<L>) -> Pin<Box<dyn Future<Output = Result<Handshake<L>, HandshakeError>> + Send>>
    + Send
    + Sync;

/// A link that was just opened and is not in use yet: the hook logs in,
/// resubscribes, resumes, and hands the link back.
///
/// Messages that the hook reads and does not keep go to the stream, in order,
/// before all later ones: [`recv_where`](Handshake::recv_where) puts back the
/// messages that it skips, [`put_back`](Handshake::put_back) puts back one
/// message. The attempt's deadline runs over the hook too.
///
/// `Debug` shows neither the link nor messages.
pub struct Handshake<L: Link> {
    link: L,
    attempt: Attempt,
    reconnect: bool,
    beat: Option<Beat>,
    kept: VecDeque<L::Incoming>,
    kept_bytes: usize,
    /// Messages that were read in search of the link's end, to be received next.
    ahead: VecDeque<L::Incoming>,
    /// The link's end, if the link has told it: a link tells its end once.
    ended: Option<LinkEnd>,
    /// The end of a link that broke while it was written to: nothing more goes out.
    broken: Option<LinkEnd>,
    /// The most messages and bytes to keep for the stream.
    bounds: (usize, usize),
}

impl<L: Link> Handshake<L> {
    pub(crate) fn new(link: L, attempt: Attempt, reconnect: bool, bounds: (usize, usize)) -> Handshake<L> {
        Handshake {
            link,
            attempt,
            reconnect,
            beat: None,
            kept: VecDeque::new(),
            kept_bytes: 0,
            ahead: VecDeque::new(),
            ended: None,
            broken: None,
            bounds,
        }
    }

    /// Sends one message and hands it to the system.
    ///
    /// # Errors
    ///
    /// The end of the link: the peer's own, if the peer has said goodbye. Messages
    /// that the peer sent before can still be [received](Handshake::recv). Every
    /// error is final: the link is not taken into use, whatever the hook returns.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: if the future is dropped, the message may have been
    /// sent or not.
    pub async fn send(&mut self, message: L::Outgoing) -> Result<(), LinkEnd> {
        if let Some(end) = self.broken.clone() {
            return Err(self.last_words(end).await);
        }
        let ready = poll_fn(|cx| self.link.poll_ready(cx)).await;
        match ready.and_then(|()| self.link.start_send(message)) {
            Ok(()) => self.flush().await,
            Err(end) => Err(self.last_words(end).await),
        }
    }

    /// Hands every message that was sent to the system.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`send`](Handshake::send).
    pub async fn flush(&mut self) -> Result<(), LinkEnd> {
        if let Some(end) = self.broken.clone() {
            return Err(self.last_words(end).await);
        }
        match poll_fn(|cx| self.link.poll_flush(cx)).await {
            Ok(()) => Ok(()),
            Err(end) => Err(self.last_words(end).await),
        }
    }

    /// The end of a link that cannot be written to: the peer's own, if it has come
    /// in, or else `end`.
    async fn last_words(&mut self, end: LinkEnd) -> LinkEnd {
        /// The most frames that are read.
        const MOST: usize = 1024;
        self.broken.get_or_insert_with(|| end.clone());
        poll_fn(|cx| {
            for _ in 0..MOST {
                if self.ended.is_some() || self.ahead.len() >= self.bounds.0 {
                    break;
                }
                match self.link.poll_next(cx) {
                    Poll::Pending => break,
                    Poll::Ready(Ok(Frame::Message(message))) => self.ahead.push_back(message),
                    Poll::Ready(Ok(Frame::Alive | Frame::Pong(_))) => {}
                    Poll::Ready(Err(said)) => self.ended = Some(said),
                }
            }
            Poll::Ready(())
        })
        .await;
        self.ended.clone().unwrap_or(end)
    }

    /// The next message from the peer.
    ///
    /// Cancel safe: no message is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The end of the link.
    pub async fn recv(&mut self) -> Result<L::Incoming, LinkEnd> {
        loop {
            if let Some(message) = self.ahead.pop_front() {
                return Ok(message);
            }
            if let Some(end) = &self.ended {
                return Err(end.clone());
            }
            match poll_fn(|cx| self.link.poll_next(cx)).await {
                Err(end) => self.ended = Some(end),
                Ok(Frame::Message(message)) => return Ok(message),
                Ok(Frame::Alive) => match self.flush().await {
                    Err(end) if self.ahead.is_empty() => return Err(end),
                    Ok(()) | Err(_) => {}
                },
                Ok(Frame::Pong(_)) => {}
            }
        }
    }

    /// The next message that `wanted` accepts. Messages before it go to the
    /// stream.
    ///
    /// Do not wait in this way behind a replay of missed messages: once the replay is
    /// longer than the inbox, every login fails. Hand the link back when the peer
    /// has accepted the login, and let the stream have the replay.
    ///
    /// Cancel safe: skipped messages stay kept for the stream.
    ///
    /// # Errors
    ///
    /// The end of the link. A link that sends more before the wanted message
    /// than the inbox holds (256 messages or 32 KiB) ends with
    /// [`LinkEnd::Protocol`].
    pub async fn recv_where(
        &mut self,
        mut wanted: impl FnMut(&L::Incoming) -> bool,
    ) -> Result<L::Incoming, LinkEnd> {
        loop {
            let message = self.recv().await?;
            if wanted(&message) {
                return Ok(message);
            }
            self.put_back(message);
            let (messages, bytes) = self.bounds;
            if self.kept.len() > messages || self.kept_bytes > bytes {
                return Err(LinkEnd::Protocol("too much came before what the login waits for".into()));
            }
        }
    }

    /// Leaves a message that was read to the stream, behind the messages left
    /// before.
    pub fn put_back(&mut self, message: L::Incoming) {
        self.kept_bytes = self.kept_bytes.saturating_add(self.link.size(&message));
        self.kept.push_back(message);
    }

    /// Says who beats on this link, where the login tells. Default: as the link
    /// says.
    pub fn set_beat(&mut self, beat: Beat) {
        self.beat = Some(beat);
    }

    /// The attempt that opened the link: its number, and why the one before
    /// failed.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Whether a link was in use before this one.
    pub fn is_reconnect(&self) -> bool {
        self.reconnect
    }

    /// The link itself.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// The link itself.
    pub fn link_mut(&mut self) -> &mut L {
        &mut self.link
    }

    /// Who beats on the link, as the login or the link says.
    pub(crate) fn beat(&self) -> Beat {
        self.beat.unwrap_or_else(|| self.link.beat())
    }

    /// The end of the link, or its break while it was written to, if the login has
    /// found that out.
    pub(crate) fn end(&self) -> Option<&LinkEnd> {
        self.ended.as_ref().or(self.broken.as_ref())
    }

    /// Whether the system tells facts about the path.
    pub(crate) fn tells_path(&self) -> bool {
        self.link.path_facts().is_some()
    }

    /// Whether the peer can be asked to speak after a silence.
    pub(crate) fn answers_after(&self) -> bool {
        self.link.answers_after()
    }

    /// Whether opening the link has shown who the peer is.
    pub(crate) fn is_vouched_for(&self) -> bool {
        self.link.is_vouched_for()
    }

    /// The dial as it was reported, or the whole attempt.
    pub(crate) fn dialled(&self) -> Dialled {
        self.attempt.dial_report().unwrap_or_else(|| Dialled {
            took: self.attempt.elapsed(),
            local: self.link.local_addr().map(|address| address.ip()),
        })
    }

    /// The link, and the messages that are left for the stream with their size. A
    /// link that is taken into use has no messages that were read ahead.
    pub(crate) fn into_parts(self) -> (L, VecDeque<L::Incoming>, usize) {
        (self.link, self.kept, self.kept_bytes)
    }
}

impl<L: Link> fmt::Debug for Handshake<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("attempt", &self.attempt.number())
            .field("reconnect", &self.reconnect)
            .field("kept", &self.kept.len())
            .finish_non_exhaustive()
    }
}

/// Why a login hook refuses a link.
///
/// Every error converts into one with `?` and asks for another attempt; a
/// [`LinkEnd`] and a [`ConnectError`] are recognised.
pub struct HandshakeError {
    failure: Failure,
    source: Box<dyn StdError + Send + Sync>,
}

impl HandshakeError {
    /// Another attempt makes sense.
    pub fn retry(source: impl Into<Box<dyn StdError + Send + Sync>>) -> HandshakeError {
        HandshakeError { failure: Failure::Hook { retry: true }, source: source.into() }
    }

    /// The peer asks to come back after `wait`, not before. A wait of more than an
    /// hour counts as an hour.
    pub fn after(wait: Duration, source: impl Into<Box<dyn StdError + Send + Sync>>) -> HandshakeError {
        HandshakeError { failure: Failure::RetryAfter(wait), source: source.into() }
    }

    /// The peer refused the credentials. There is one more attempt, whose
    /// [`Attempt::last_failure`] says [`Failure::Unauthorized`], so that the
    /// hook can renew them; the same answer again ends the connection.
    pub fn unauthorized(source: impl Into<Box<dyn StdError + Send + Sync>>) -> HandshakeError {
        HandshakeError { failure: Failure::Unauthorized, source: source.into() }
    }

    /// No later attempt can succeed: the connection gives up.
    pub fn stop(source: impl Into<Box<dyn StdError + Send + Sync>>) -> HandshakeError {
        HandshakeError { failure: Failure::Hook { retry: false }, source: source.into() }
    }

    pub(crate) fn into_connect_error(self) -> ConnectError {
        ConnectError::with_source(self.failure, self.source)
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for HandshakeError {
    fn from(source: E) -> HandshakeError {
        let source = source.into();
        let failure = if let Some(end) = source.downcast_ref::<LinkEnd>() {
            Failure::Ended(end.clone())
        } else if let Some(error) = source.downcast_ref::<ConnectError>() {
            error.failure().clone()
        } else {
            Failure::Hook { retry: true }
        };
        HandshakeError { failure, source }
    }
}

impl fmt::Debug for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeError").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.failure)
    }
}
