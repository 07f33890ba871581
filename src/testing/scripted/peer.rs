//! The test's end of a scripted link.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::wire::Wire;
use super::{Answers, Wrote, WroteWhat};
use crate::keeper::PathFacts;
use crate::transport::Frame;
use crate::{LinkEnd, LinkId, Token};

/// The other end of a link that a [`Script`](super::Script) opened.
///
/// Clones are the same end. Dropping it changes nothing: the peer goes on to
/// answer as it was told.
pub struct Peer<In, Out = In> {
    wire: Arc<Wire<In, Out>>,
}

impl<In, Out> Peer<In, Out> {
    pub(super) fn new(wire: Arc<Wire<In, Out>>) -> Peer<In, Out> {
        Peer { wire }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Peer<In, Out> {
    /// The link's id.
    pub fn id(&self) -> LinkId {
        self.wire.id
    }

    /// Sends the link a message.
    pub fn deliver(&self, message: In) {
        self.arrive(Ok(Frame::Message(message)));
    }

    /// Sends a sign of life that is no message, as a ping of the peer's own.
    pub fn alive(&self) {
        self.arrive(Ok(Frame::Alive));
    }

    /// Sends the answer to a beat, whatever [`answers`](Peer::answers) says.
    pub fn pong(&self, token: Option<Token>) {
        self.arrive(Ok(Frame::Pong(token)));
    }

    /// Ends the link, behind all that was delivered before.
    pub fn end(&self, end: LinkEnd) {
        self.arrive(Err(end));
    }

    /// How beats are answered that are written from now on.
    pub fn answers(&self, answers: Answers) {
        self.wire.state().answers = answers;
    }

    /// Whether the peer speaks after a silence, where it is asked to from now
    /// on: at that time, later by this, or not at all.
    pub fn words(&self, words: Answers) {
        self.wire.state().words = words;
    }

    /// Takes nothing any more: the link is neither ready nor flushed until
    /// [`take_writes`](Peer::take_writes).
    pub fn block_writes(&self) {
        self.wire.state().blocked = true;
    }

    /// Takes what the link writes again.
    pub fn take_writes(&self) {
        self.wire.state().blocked = false;
        self.wire.wake_writer();
    }

    /// What the link says of the path under it from now on.
    pub fn path_facts(&self, facts: Option<PathFacts>) {
        self.wire.state().path_facts = facts;
    }

    /// Takes out what the link has written and nobody has taken yet.
    pub fn written(&self) -> Vec<Wrote<Out>> {
        self.wire.state().written.drain(..).collect()
    }

    /// Takes out the messages of what was written; beats and goodbyes among
    /// them are left out.
    pub fn messages(&self) -> Vec<Out> {
        let messages = self.written().into_iter().filter_map(|wrote| match wrote.what {
            WroteWhat::Message(message) => Some(message),
            WroteWhat::Beat(_) | WroteWhat::AskAfter(_) | WroteWhat::Goodbye => None,
        });
        messages.collect()
    }

    /// Waits for the next that the link writes; `None` once it was dropped and
    /// all was taken. Cancel safe.
    pub async fn next_written(&self) -> Option<Wrote<Out>> {
        loop {
            let progress = self.wire.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            {
                let mut state = self.wire.state();
                match state.written.pop_front() {
                    Some(wrote) => return Some(wrote),
                    None if state.dropped.is_some() => return None,
                    None => {}
                }
            }
            progress.await;
        }
    }

    /// When the link was dropped, since the script began; `None` while it is
    /// there.
    pub fn dropped_at(&self) -> Option<Duration> {
        self.wire.state().dropped
    }

    /// Waits until the link is dropped, and says when that was. Cancel safe.
    pub async fn dropped(&self) -> Duration {
        loop {
            let progress = self.wire.progress.notified();
            tokio::pin!(progress);
            progress.as_mut().enable();
            if let Some(at) = self.dropped_at() {
                return at;
            }
            progress.await;
        }
    }

    fn arrive(&self, item: Result<Frame<In>, LinkEnd>) {
        self.wire.state().arrive(item, Duration::ZERO);
        self.wire.wake_reader();
    }
}

impl<In, Out> Clone for Peer<In, Out> {
    fn clone(&self) -> Peer<In, Out> {
        Peer { wire: Arc::clone(&self.wire) }
    }
}

impl<In, Out> fmt::Debug for Peer<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("id", &self.wire.id)
            .field("dropped", &self.wire.state().dropped)
            .finish_non_exhaustive()
    }
}
