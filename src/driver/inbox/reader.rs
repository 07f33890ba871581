//! The reader's side of the inbox.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll};

use super::{ChangeMark, EpochChange, Inbox, KEPT, push_mark};
use crate::driver::waiters::keep_waker;

/// The next thing in the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<In> {
    Message(In),
    Disconnected(u64),
    Connected(u64),
    Finished,
}

/// The reader's side: the messages that it has swapped out and not yet popped.
pub(crate) struct Reader<In> {
    pub(super) batch: VecDeque<In>,
    marks: VecDeque<ChangeMark>,
    /// How many messages were ever popped.
    popped: u64,
    /// The change at the reader's place: it was passed over, or is still to
    /// be told.
    change: EpochChange,
}

impl<In> Reader<In> {
    pub(crate) fn new() -> Reader<In> {
        Reader { batch: VecDeque::new(), marks: VecDeque::new(), popped: 0, change: EpochChange::default() }
    }

    /// How many messages were swapped out and not yet popped.
    pub(crate) fn unread(&self) -> usize {
        self.batch.len()
    }

    /// The next message, if it was swapped out already and no change comes
    /// before it. Returns nothing now and then though there is one, so that a
    /// caller who asks here first still spends the task's budget.
    pub(crate) fn pop_at_hand(&mut self) -> Option<In> {
        /// Messages between two visits to the task's budget.
        const FREE: u64 = 32;
        let change_is_near = self.marks.front().is_some_and(|mark| mark.at <= self.popped);
        if change_is_near || self.popped.is_multiple_of(FREE) {
            return None;
        }
        self.pop()
    }

    /// The next message. Changes on the way are passed over and kept, merged.
    pub(crate) fn poll_message(&mut self, inbox: &Inbox<In>, cx: &mut Context<'_>) -> Poll<Option<In>> {
        loop {
            self.reach_marks();
            if let Some(message) = self.pop() {
                return Poll::Ready(Some(message));
            }
            match self.swap(inbox, cx) {
                Some(Poll::Ready(())) => {}
                Some(Poll::Pending) => return Poll::Pending,
                None => return Poll::Ready(None),
            }
        }
    }

    /// The next message or change, in true order.
    pub(crate) fn poll_item(&mut self, inbox: &Inbox<In>, cx: &mut Context<'_>) -> Poll<Item<In>> {
        loop {
            self.reach_marks();
            if let Some(epoch) = self.change.disconnected.take() {
                return Poll::Ready(Item::Disconnected(epoch));
            }
            if let Some(epoch) = self.change.connected.take() {
                return Poll::Ready(Item::Connected(epoch));
            }
            if let Some(message) = self.pop() {
                return Poll::Ready(Item::Message(message));
            }
            match self.swap(inbox, cx) {
                Some(Poll::Ready(())) => {}
                Some(Poll::Pending) => return Poll::Pending,
                None => return Poll::Ready(Item::Finished),
            }
        }
    }

    fn pop(&mut self) -> Option<In> {
        let message = self.batch.pop_front()?;
        self.popped += 1;
        Some(message)
    }

    /// Merges the changes at the present place.
    fn reach_marks(&mut self) {
        while let Some(mark) = self.marks.front()
            && mark.at <= self.popped
        {
            self.change.then(mark.change);
            self.marks.pop_front();
        }
    }

    /// Swaps the queue out; `None` when no message will follow.
    fn swap(&mut self, inbox: &Inbox<In>, cx: &mut Context<'_>) -> Option<Poll<()>> {
        let mut state = inbox.lock();
        if state.queue.is_empty() && state.marks.is_empty() {
            if state.finished {
                return None;
            }
            if self.batch.capacity() > KEPT {
                state.spare = mem::take(&mut self.batch);
            }
            let outdated = keep_waker(&mut state.reader, cx.waker());
            drop(state);
            drop(outdated);
            return Some(Poll::Pending);
        }
        mem::swap(&mut state.queue, &mut self.batch);
        state.bytes = 0;
        state.detached = 0;
        while let Some(mark) = state.marks.pop_front() {
            push_mark(&mut self.marks, mark);
        }
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Some(Poll::Ready(()))
    }
}
