//! The state that the two ends of a scripted link share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Answers, ScriptedAttempt};
use crate::keeper::PathFacts;
use crate::transport::Frame;
use crate::{LinkEnd, LinkId, Token};

/// An entry that a link wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wrote<Out> {
    /// When the entry was flushed, since the script began.
    pub at: Duration,
    /// The content.
    pub what: WroteWhat<Out>,
}

/// The content of an entry that a link wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WroteWhat<Out> {
    /// A message.
    Message(Out),
    /// A beat.
    Beat(Token),
    /// A request that the peer speak after this silence.
    AskAfter(Duration),
    /// The goodbye.
    Goodbye,
}

pub(super) struct Wire<In, Out> {
    pub(super) id: LinkId,
    pub(super) began: Instant,
    state: Mutex<WireState<In, Out>>,
    /// Notified when the link has written or was dropped.
    pub(super) progress: Notify,
}

pub(super) struct WireState<In, Out> {
    /// The frames and ends that the link will read, in the order of their times.
    incoming: Vec<(Instant, Result<Frame<In>, LinkEnd>)>,
    /// Entries that were given to the link and are not flushed yet.
    pub(super) staged: Vec<WroteWhat<Out>>,
    pub(super) written: VecDeque<Wrote<Out>>,
    pub(super) answers: Answers,
    pub(super) words: Answers,
    pub(super) goodbyes: Answers,
    pub(super) blocked: bool,
    pub(super) path_facts: Option<PathFacts>,
    pub(super) dropped: Option<Duration>,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
}

impl<In, Out> Wire<In, Out> {
    pub(super) fn new(step: &ScriptedAttempt, id: LinkId, began: Instant) -> Wire<In, Out> {
        let state = WireState {
            incoming: Vec::new(),
            staged: Vec::new(),
            written: VecDeque::new(),
            answers: step.answers,
            words: step.words.unwrap_or(Answers::Never),
            goodbyes: step.goodbyes,
            blocked: false,
            path_facts: step.path_facts,
            dropped: None,
            reader: None,
            writer: None,
        };
        Wire { id, began, state: Mutex::new(state), progress: Notify::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, WireState<In, Out>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the link's reader, and nobody else: a wake-up that the link's owner
    /// has lost must stay lost.
    pub(super) fn wake_reader(&self) {
        let reader = self.state().reader.take();
        reader.into_iter().for_each(Waker::wake);
    }

    /// Wakes the link's writer, and nobody else.
    pub(super) fn wake_writer(&self) {
        let writer = self.state().writer.take();
        writer.into_iter().for_each(Waker::wake);
    }
}

impl<In, Out> WireState<In, Out> {
    /// Lets the link read `item` after `delay`, behind all items that are due at
    /// that time or before.
    pub(super) fn arrive(&mut self, item: Result<Frame<In>, LinkEnd>, delay: Duration) {
        let due = Instant::now() + delay;
        let place = self.incoming.partition_point(|(earlier, _)| *earlier <= due);
        self.incoming.insert(place, (due, item));
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.incoming.first().map(|(due, _)| *due)
    }

    pub(super) fn take_due(&mut self) -> Option<Result<Frame<In>, LinkEnd>> {
        let due = self.next_due().is_some_and(|due| due <= Instant::now());
        due.then(|| self.incoming.remove(0).1)
    }

    /// Writes the staged entries, and lets the peer answer. Returns whether the
    /// peer answers.
    pub(super) fn write(&mut self, at: Duration) -> bool {
        let before = self.incoming.len();
        for what in std::mem::take(&mut self.staged) {
            let (answer, delay) = match &what {
                WroteWhat::Message(_) => (None, None),
                WroteWhat::Beat(token) => (Some(Ok(Frame::Pong(Some(*token)))), self.answers.delay()),
                WroteWhat::AskAfter(silence) => {
                    (Some(Ok(Frame::Alive)), self.words.delay().map(|late| *silence + late))
                }
                WroteWhat::Goodbye => (Some(Err(LinkEnd::closed(Some(1000), ""))), self.goodbyes.delay()),
            };
            self.written.push_back(Wrote { at, what });
            if let (Some(answer), Some(delay)) = (answer, delay) {
                self.arrive(answer, delay);
            }
        }
        self.incoming.len() > before
    }
}
