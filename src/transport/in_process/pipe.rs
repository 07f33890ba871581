//! One way of a link in memory: a bounded queue between two tasks.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::IN_PROCESS_MESSAGES;
use crate::{LinkEnd, Token};

/// How many beats and answers wait on one way beside messages. More would
/// come only from an end that beats without listening: then the oldest goes.
const MOST_BEATS: usize = 32;

/// An item in a pipe.
#[derive(Debug)]
pub(super) enum PipeItem<M> {
    Message(M),
    Ping(Token),
    Pong(Option<Token>),
}

/// Wakers are called, and messages dropped, without the lock held.
pub(super) struct Pipe<M> {
    state: Mutex<PipeState<M>>,
}

struct PipeState<M> {
    queue: VecDeque<PipeItem<M>>,
    messages: usize,
    /// The end that the reader finds behind the queue.
    end: Option<LinkEnd>,
    /// The reader has come to the end.
    read_to_end: bool,
    reader_gone: bool,
    readers: Vec<Waker>,
    writers: Vec<Waker>,
}

impl<M> Pipe<M> {
    pub(super) fn new() -> Pipe<M> {
        let state = PipeState {
            queue: VecDeque::new(),
            messages: 0,
            end: None,
            read_to_end: false,
            reader_gone: false,
            readers: Vec::new(),
            writers: Vec::new(),
        };
        Pipe { state: Mutex::new(state) }
    }

    /// The next item, or how the pipe ended.
    pub(super) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Result<PipeItem<M>, LinkEnd>> {
        let mut state = self.state();
        let Some(item) = state.queue.pop_front() else {
            return match state.end.clone() {
                Some(end) => {
                    state.read_to_end = true;
                    Poll::Ready(Err(end))
                }
                None => {
                    wait(&mut state.readers, cx);
                    Poll::Pending
                }
            };
        };
        let mut writers = Vec::new();
        if let PipeItem::Message(_) = item {
            if state.messages == IN_PROCESS_MESSAGES {
                writers = std::mem::take(&mut state.writers);
            }
            state.messages -= 1;
        }
        drop(state);
        wake(writers);
        Poll::Ready(Ok(item))
    }

    /// Moves staged items into the pipe, as far as there is room. Ready
    /// when all of them are there.
    pub(super) fn poll_send(
        &self,
        staged: &mut VecDeque<PipeItem<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), LinkEnd>> {
        let mut state = self.state();
        if let Some(end) = state.refusal() {
            return Poll::Ready(Err(end));
        }
        let before = state.queue.len();
        while let Some(item) = staged.pop_front() {
            if let PipeItem::Message(_) = item {
                if state.messages == IN_PROCESS_MESSAGES {
                    staged.push_front(item);
                    break;
                }
                state.messages += 1;
            } else if state.queue.len() - state.messages >= MOST_BEATS {
                let oldest = state.queue.iter().position(|item| !matches!(item, PipeItem::Message(_)));
                oldest.and_then(|at| state.queue.remove(at));
            }
            state.queue.push_back(item);
        }
        let readers = match state.queue.len() > before {
            true => std::mem::take(&mut state.readers),
            false => Vec::new(),
        };
        let polled = match staged.is_empty() {
            true => Poll::Ready(Ok(())),
            false => {
                wait(&mut state.writers, cx);
                Poll::Pending
            }
        };
        drop(state);
        wake(readers);
        polled
    }

    /// Ends the pipe behind all items. Only the first end counts.
    pub(super) fn end(&self, end: LinkEnd) {
        let mut state = self.state();
        state.end.get_or_insert(end);
        let mut waiting = std::mem::take(&mut state.readers);
        waiting.append(&mut state.writers);
        drop(state);
        wake(waiting);
    }

    /// The reader is gone.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.reader_gone = true;
        state.messages = 0;
        let unread = std::mem::take(&mut state.queue);
        let writers = std::mem::take(&mut state.writers);
        drop(state);
        drop(unread);
        wake(writers);
    }

    /// Whether the reader has come to the end of the pipe, and to which.
    pub(super) fn is_read_to_end(&self) -> bool {
        self.state().read_to_end
    }

    /// Whether the reader is there.
    pub(super) fn is_read(&self) -> bool {
        !self.state().reader_gone
    }

    fn state(&self) -> MutexGuard<'_, PipeState<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> PipeState<M> {
    /// Why nothing more can be sent.
    fn refusal(&self) -> Option<LinkEnd> {
        match (&self.end, self.reader_gone) {
            (Some(end), _) => Some(end.clone()),
            (None, true) => Some(LinkEnd::Reset),
            (None, false) => None,
        }
    }
}

/// Several tasks may wait at one end.
fn wait(waiting: &mut Vec<Waker>, cx: &Context<'_>) {
    if !waiting.iter().any(|known| known.will_wake(cx.waker())) {
        waiting.push(cx.waker().clone());
    }
}

fn wake(waiting: Vec<Waker>) {
    waiting.into_iter().for_each(Waker::wake);
}
