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
/// Clones are the same end. Dropping the peer changes nothing: it goes on to
/// answer as it was told.
pub struct ScriptedPeer<In, Out = In> {
    wire: Arc<Wire<In, Out>>,
}

impl<In, Out> ScriptedPeer<In, Out> {
    pub(super) fn new(wire: Arc<Wire<In, Out>>) -> ScriptedPeer<In, Out> {
        ScriptedPeer { wire }
    }
}

impl<In: Send + 'static, Out: Send + 'static> ScriptedPeer<In, Out> {
    /// The link's id.
    pub fn id(&self) -> LinkId {
        self.wire.id
    }

    /// Sends a message to the link.
    pub fn deliver(&self, message: In) {
        self.arrive(Ok(Frame::Message(message)));
    }

    /// Sends a sign of life that is no message, such as a ping of the peer.
    pub fn alive(&self) {
        self.arrive(Ok(Frame::Alive));
    }

    /// Sends the answer to a beat, regardless of [`answers`](ScriptedPeer::answers) says.
    pub fn pong(&self, token: Option<Token>) {
        self.arrive(Ok(Frame::Pong(token)));
    }

    /// Ends the link, behind everything that was delivered before.
    pub fn end(&self, end: LinkEnd) {
        self.arrive(Err(end));
    }

    /// Sets how the peer answers beats that are written from now on.
    pub fn answers(&self, answers: Answers) {
        self.wire.state().answers = answers;
    }

    /// Sets whether the peer speaks after a silence, for requests from now on:
    /// at the requested time, later by a delay, or not at all.
    pub fn words(&self, words: Answers) {
        self.wire.state().words = words;
    }

    /// Takes no more writes: the link is neither ready nor flushed until
    /// [`take_writes`](ScriptedPeer::take_writes).
    pub fn block_writes(&self) {
        self.wire.state().blocked = true;
    }

    /// Takes writes of the link again.
    pub fn take_writes(&self) {
        self.wire.state().blocked = false;
        self.wire.wake_writer();
    }

    /// Sets the path facts that the link reports from now on.
    pub fn path_facts(&self, facts: Option<PathFacts>) {
        self.wire.state().path_facts = facts;
    }

    /// Returns everything that the link has written and that was not returned
    /// before.
    pub fn written(&self) -> Vec<Wrote<Out>> {
        self.wire.state().written.drain(..).collect()
    }

    /// As [`written`](ScriptedPeer::written), but returns the messages alone.
    /// Beats and goodbyes are taken and left out.
    pub fn messages(&self) -> Vec<Out> {
        let messages = self.written().into_iter().filter_map(|wrote| match wrote.what {
            WroteWhat::Message(message) => Some(message),
            WroteWhat::Beat(_) | WroteWhat::AskAfter(_) | WroteWhat::Goodbye => None,
        });
        messages.collect()
    }

    /// Waits until the link writes, and returns the next entry; `None` once the
    /// link was dropped and everything was returned. Cancel safe.
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

    /// When the link was dropped, since the script began; `None` before.
    pub fn dropped_at(&self) -> Option<Duration> {
        self.wire.state().dropped
    }

    /// Waits until the link is dropped, and returns the time since the script
    /// began. Cancel safe.
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

impl<In, Out> Clone for ScriptedPeer<In, Out> {
    fn clone(&self) -> ScriptedPeer<In, Out> {
        ScriptedPeer { wire: Arc::clone(&self.wire) }
    }
}

impl<In, Out> fmt::Debug for ScriptedPeer<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedPeer")
            .field("id", &self.wire.id)
            .field("dropped", &self.wire.state().dropped)
            .finish_non_exhaustive()
    }
}
