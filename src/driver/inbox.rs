//! The messages that came in, from the driver to the application: bounded, and
//! handed over in batches.
//!
//! The driver adds a batch under one lock. The reader swaps the whole queue
//! out under one lock and pops from it without any. Three buffers go round
//! between them, so that a steady flow allocates nothing.

mod reader;

pub(crate) use reader::{Item, Reader};

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::contain::drop_contained;

/// Capacity that an idle buffer may keep.
const KEPT: usize = 16;

/// How many messages and bytes the inbox holds beside those that the reader has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InboxRoom {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl InboxRoom {
    pub(crate) const NONE: InboxRoom = InboxRoom { messages: 0, bytes: 0 };

    /// Whether no message fits.
    pub(crate) fn is_none(self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// The queue between the driver and the reader.
pub(crate) struct Inbox<In> {
    bounds: InboxRoom,
    state: Mutex<InboxState<In>>,
}

struct InboxState<In> {
    queue: VecDeque<In>,
    /// The sizes of the messages in the queue, together.
    bytes: usize,
    /// How many messages at the front of the queue were detached.
    detached: usize,
    /// How many messages were ever added.
    added: u64,
    marks: VecDeque<ChangeMark>,
    /// An empty buffer for the next swap.
    spare: VecDeque<In>,
    reader: Option<Waker>,
    /// The driver, while it waits for room.
    driver: Option<Waker>,
    reader_gone: bool,
    /// Messages that do not fit are dropped: nobody reads while the connection closes.
    discard: bool,
    finished: bool,
}

/// A change of the link, after message number `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ChangeMark {
    at: u64,
    change: EpochChange,
}

/// The changes of the link between two messages, merged: all that a reader must
/// know who saw the message before and sees the message after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EpochChange {
    /// The epoch that the reader knew and that is over.
    pub(crate) disconnected: Option<u64>,
    /// The epoch that holds now.
    pub(crate) connected: Option<u64>,
}

impl EpochChange {
    fn is_none(self) -> bool {
        self == EpochChange::default()
    }

    /// Adds a later change.
    fn then(&mut self, later: EpochChange) {
        if let Some(epoch) = later.disconnected
            && self.connected.take().is_none()
        {
            self.disconnected = self.disconnected.or(Some(epoch));
        }
        self.connected = later.connected.or(self.connected);
    }
}

/// The result of adding a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// The room that is left.
    pub(crate) room: InboxRoom,
    /// Messages that nobody will read.
    pub(crate) dropped: usize,
}

impl<In> Inbox<In> {
    pub(crate) fn new(messages: usize, bytes: usize) -> Inbox<In> {
        Inbox {
            bounds: InboxRoom { messages, bytes },
            state: Mutex::new(InboxState {
                queue: VecDeque::new(),
                bytes: 0,
                detached: 0,
                added: 0,
                marks: VecDeque::new(),
                spare: VecDeque::new(),
                reader: None,
                driver: None,
                reader_gone: false,
                discard: false,
                finished: false,
            }),
        }
    }

    /// The room for more.
    pub(crate) fn bounds(&self) -> InboxRoom {
        self.bounds
    }

    /// Adds `batch`, whose messages have `bytes` together, and leaves it empty. If
    /// no room is left, `driver` is woken as soon as there is room again; without
    /// `driver`, the waker of an earlier call stays.
    pub(crate) fn add(&self, batch: &mut VecDeque<In>, bytes: usize, driver: Option<&Waker>) -> Added {
        let mut state = self.lock();
        if state.reader_gone || (state.discard && state.room(self.bounds).is_none()) {
            let dropped = batch.len();
            drop(state);
            batch.drain(..).for_each(drop_contained);
            return Added { room: self.bounds, dropped };
        }
        state.added += batch.len() as u64;
        state.bytes = state.bytes.saturating_add(bytes);
        if state.queue.is_empty() {
            mem::swap(&mut state.queue, batch);
            if batch.capacity() == 0 {
                *batch = mem::take(&mut state.spare);
            }
        } else {
            state.queue.append(batch);
        }
        let room = self.room_or_wait(&mut state, driver);
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        Added { room, dropped: 0 }
    }

    /// The present room. If there is none, `driver` is woken as soon as there is
    /// some.
    pub(crate) fn room(&self, driver: &Waker) -> InboxRoom {
        let mut state = self.lock();
        self.room_or_wait(&mut state, Some(driver))
    }

    fn room_or_wait(&self, state: &mut InboxState<In>, driver: Option<&Waker>) -> InboxRoom {
        if state.reader_gone || state.discard {
            return self.bounds;
        }
        let room = state.room(self.bounds);
        if let Some(driver) = driver {
            state.driver = room.is_none().then(|| driver.clone());
        }
        room
    }

    /// Lets `detach` exchange each waiting message, once, for one that holds no
    /// shared buffer. A message for which `detach` returns nothing is gone.
    /// Returns how many messages nobody will read.
    pub(crate) fn detach(&self, mut detach: impl FnMut(In) -> Option<In>) -> usize {
        let (mut queue, mut marks, detached, bytes, added) = {
            let mut state = self.lock();
            if state.queue.len() == state.detached {
                return 0;
            }
            (
                mem::take(&mut state.queue),
                mem::take(&mut state.marks),
                state.detached,
                state.bytes,
                state.added,
            )
        };
        // The reader finds an empty queue meanwhile, and is woken afterwards; only
        // the driver adds messages. The reader finds no changes either, since their
        // places move with the messages that go.
        let numbers = added - (queue.len() - detached) as u64..added;
        let fresh: Vec<In> = queue.drain(detached..).collect();
        let mut gone = Vec::new();
        for (number, message) in numbers.zip(fresh) {
            match detach(message) {
                Some(message) => queue.push_back(message),
                None => gone.push(number),
            }
        }
        let mut state = self.lock();
        if state.reader_gone {
            drop(state);
            let dropped = queue.len() + gone.len();
            queue.into_iter().for_each(drop_contained);
            return dropped;
        }
        state.added -= gone.len() as u64;
        for mark in &mut marks {
            mark.at -= gone.iter().filter(|&&number| number < mark.at).count() as u64;
        }
        state.marks = marks;
        state.detached = queue.len();
        state.bytes = bytes;
        state.queue = queue;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        gone.len()
    }

    /// Notes that the link changed here. Changes without a message between
    /// them merge, so that there are never more changes than messages.
    pub(crate) fn mark(&self, change: EpochChange) {
        let mut state = self.lock();
        if state.reader_gone {
            return;
        }
        let at = state.added;
        push_mark(&mut state.marks, ChangeMark { at, change });
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Ends the inbox: no message will follow.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Frees buffers that a burst has left allocated.
    pub(crate) fn shrink(&self) {
        let mut state = self.lock();
        state.spare = VecDeque::new();
        if state.queue.is_empty() && state.queue.capacity() > KEPT {
            state.queue = VecDeque::new();
        }
    }

    /// From here on messages that do not fit are dropped: nobody waits for room.
    pub(crate) fn discard_overflow(&self) {
        let driver = {
            let mut state = self.lock();
            state.discard = true;
            state.driver.take()
        };
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The reader is gone: waiting messages are dropped and counted.
    pub(crate) fn reader_gone(&self) -> usize {
        let (queue, spare, reader, driver) = {
            let mut state = self.lock();
            state.reader_gone = true;
            state.bytes = 0;
            state.detached = 0;
            state.marks = VecDeque::new();
            let (reader, driver) = (state.reader.take(), state.driver.take());
            (mem::take(&mut state.queue), mem::take(&mut state.spare), reader, driver)
        };
        drop((spare, reader));
        if let Some(driver) = driver {
            driver.wake();
        }
        let dropped = queue.len();
        queue.into_iter().for_each(drop_contained);
        dropped
    }

    /// Whether somebody holds the lock.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.state.try_lock().is_err()
    }

    fn lock(&self) -> MutexGuard<'_, InboxState<In>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<In> InboxState<In> {
    fn room(&self, bounds: InboxRoom) -> InboxRoom {
        InboxRoom {
            messages: bounds.messages.saturating_sub(self.queue.len()),
            bytes: bounds.bytes.saturating_sub(self.bytes),
        }
    }
}

impl<In> fmt::Debug for Inbox<In> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

fn push_mark(marks: &mut VecDeque<ChangeMark>, mark: ChangeMark) {
    match marks.back_mut() {
        Some(last) if last.at == mark.at => last.change.then(mark.change),
        Some(_) | None => marks.push_back(mark),
    }
    if marks.back().is_some_and(|last| last.change.is_none()) {
        marks.pop_back();
    }
}

#[cfg(test)]
mod tests;
