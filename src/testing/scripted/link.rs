//! The connection's end of a scripted link.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::ScriptedAttempt;
use super::wire::{Wire, WroteWhat};
use crate::keeper::PathFacts;
use crate::testing::alarm::Alarm;
use crate::transport::{ConfirmedBy, Frame, Link};
use crate::{Beat, LinkEnd, Token};

/// A link whose other end is a [`ScriptedPeer`](super::ScriptedPeer).
///
/// A flush writes the messages and beats that the link was given. The peer
/// never sees a message that was not flushed.
pub struct ScriptedLink<In, Out = In> {
    wire: Arc<Wire<In, Out>>,
    beat: Beat,
    confirmed_by: Option<ConfirmedBy>,
    answers_after: bool,
    local_addr: Option<SocketAddr>,
    alarm: Alarm,
    said_goodbye: bool,
}

impl<In, Out> ScriptedLink<In, Out> {
    pub(super) fn new(step: &ScriptedAttempt, wire: Arc<Wire<In, Out>>) -> ScriptedLink<In, Out> {
        ScriptedLink {
            wire,
            beat: step.beat,
            confirmed_by: step.confirmed_by,
            answers_after: step.words.is_some(),
            local_addr: step.local_addr,
            alarm: Alarm::default(),
            said_goodbye: false,
        }
    }

    /// Pending while the peer takes no writes.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.wire.state();
        if !state.blocked {
            return Poll::Ready(());
        }
        let outdated = state.writer.replace(cx.waker().clone());
        drop(state);
        drop(outdated);
        Poll::Pending
    }
}

impl<In: Send + 'static, Out: Send + 'static> Link for ScriptedLink<In, Out> {
    type Incoming = In;
    type Outgoing = Out;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<In>, LinkEnd>> {
        loop {
            let mut state = self.wire.state();
            if let Some(item) = state.take_due() {
                return Poll::Ready(item);
            }
            let outdated = state.reader.replace(cx.waker().clone());
            let due = state.next_due();
            drop(state);
            drop(outdated);
            ready!(self.alarm.poll_at(due, cx));
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.poll_room(cx).map(Ok)
    }

    fn start_send(&mut self, message: Out) -> Result<(), LinkEnd> {
        self.wire.state().staged.push(WroteWhat::Message(message));
        Ok(())
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.wire.state().staged.push(WroteWhat::Beat(token));
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if self.wire.state().staged.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if self.poll_room(cx).is_pending() {
            return Poll::Pending;
        }
        let at = self.wire.began.elapsed();
        let mut state = self.wire.state();
        let answered = state.write(at);
        let reads_here = state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker()));
        let due = state.next_due();
        drop(state);
        // A task that reads and writes is woken when the answer is there, and not
        // twice.
        if answered && (!reads_here || self.alarm.poll_at(due, cx).is_ready()) {
            self.wire.wake_reader();
        }
        self.wire.progress.notify_waiters();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if !self.said_goodbye {
            self.said_goodbye = true;
            self.wire.state().staged.push(WroteWhat::Goodbye);
        }
        self.poll_flush(cx)
    }

    fn beat(&self) -> Beat {
        self.beat
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.confirmed_by.unwrap_or_else(|| ConfirmedBy::of(self.beat))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    fn answers_after(&self) -> bool {
        self.answers_after
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.wire.state().staged.push(WroteWhat::AskAfter(silence));
        Ok(())
    }

    fn path_facts(&self) -> Option<PathFacts> {
        self.wire.state().path_facts
    }
}

impl<In, Out> Drop for ScriptedLink<In, Out> {
    fn drop(&mut self) {
        let at = self.wire.began.elapsed();
        self.wire.state().dropped = Some(at);
        self.wire.progress.notify_waiters();
    }
}

impl<In, Out> fmt::Debug for ScriptedLink<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedLink")
            .field("id", &self.wire.id)
            .field("beat", &self.beat)
            .finish_non_exhaustive()
    }
}
