//! What the two ends of a scripted link share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Answers, Step};
use crate::keeper::PathFacts;
use crate::transport::Frame;
use crate::{LinkEnd, LinkId, Token};

/// Something that a link wrote, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wrote<Out> {
    /// When it was flushed, since the script began.
    pub at: Duration,
    /// What it was.
    pub what: WroteWhat<Out>,
}

/// What a link can write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WroteWhat<Out> {
    /// A message.
    Message(Out),
    /// A beat.
    Beat(Token),
    /// A request that the peer speak after this long.
    AskAfter(Duration),
    /// Its goodbye.
    Goodbye,
}

pub(super) struct Wire<In, Out> {
    pub(super) id: LinkId,
    pub(super) began: Instant,
    state: Mutex<State<In, Out>>,
    /// Told when the link has written something or was dropped.
    pub(super) progress: Notify,
}

pub(super) struct State<In, Out> {
    /// What the link will read, in the order of its times.
    incoming: Vec<(Instant, Result<Frame<In>, LinkEnd>)>,
    /// Given to the link and not yet flushed.
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
    pub(super) fn new(step: &Step, id: LinkId, began: Instant) -> Wire<In, Out> {
        let state = State {
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

    pub(super) fn state(&self) -> MutexGuard<'_, State<In, Out>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something will come in: wakes the link's reader, and nobody else, so
    /// that a wake-up which the link's owner has lost stays lost.
    pub(super) fn wake_reader(&self) {
        let reader = self.state().reader.take();
        reader.into_iter().for_each(Waker::wake);
    }

    /// There is room again: wakes the link's writer, and nobody else.
    pub(super) fn wake_writer(&self) {
        let writer = self.state().writer.take();
        writer.into_iter().for_each(Waker::wake);
    }
}

impl<In, Out> State<In, Out> {
    /// Lets the link read `item` after `delay`, behind all that is due before
    /// or then.
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

    /// Writes what was staged, and lets the peer answer. Returns whether it
    /// does.
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
