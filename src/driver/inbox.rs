//! What came in, from the driver to the application: bounded, and handed over
//! in batches.
//!
//! The driver adds a batch under one lock; the reader swaps the whole queue
//! out under one lock and pops from it without any. Three buffers go round
//! between them, so that a steady flow allocates nothing.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Capacity that an idle buffer may keep.
const KEPT: usize = 16;

/// How much the inbox holds beside what the reader has taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Room {
    /// Whether no message fits.
    pub(crate) fn is_none(self) -> bool {
        self.messages == 0 || self.bytes == 0
    }
}

/// The queue between the driver and the reader.
pub(crate) struct Inbox<In> {
    bounds: Room,
    state: Mutex<State<In>>,
}

struct State<In> {
    queue: VecDeque<In>,
    /// What the queue weighs.
    bytes: usize,
    /// How many at its front were parked.
    parked: usize,
    /// How many were ever added.
    added: u64,
    marks: VecDeque<Mark>,
    /// An empty buffer for whoever needs one.
    spare: VecDeque<In>,
    reader: Option<Waker>,
    /// The driver, while it waits for room.
    driver: Option<Waker>,
    reader_gone: bool,
    /// What does not fit is dropped: nobody reads while the connection closes.
    discard: bool,
    finished: bool,
}

/// Where the link changed: after message number `at`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    at: u64,
    change: Change,
}

/// The changes between two messages, merged: what a reader must know who saw
/// the message before and sees the one after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The epoch that the reader knew and that is over.
    pub(crate) disconnected: Option<u64>,
    /// The epoch that holds now.
    pub(crate) connected: Option<u64>,
}

impl Change {
    fn is_none(self) -> bool {
        self == Change::default()
    }

    /// Adds what came later.
    fn then(&mut self, later: Change) {
        if let Some(epoch) = later.disconnected
            && self.connected.take().is_none()
        {
            self.disconnected = self.disconnected.or(Some(epoch));
        }
        self.connected = later.connected.or(self.connected);
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// The room that is left.
    pub(crate) room: Room,
    /// Messages that nobody will read.
    pub(crate) dropped: usize,
}

impl<In> Inbox<In> {
    pub(crate) fn new(messages: usize, bytes: usize) -> Inbox<In> {
        Inbox {
            bounds: Room { messages, bytes },
            state: Mutex::new(State {
                queue: VecDeque::new(),
                bytes: 0,
                parked: 0,
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
    pub(crate) fn bounds(&self) -> Room {
        self.bounds
    }

    /// Adds `batch`, which weighs `bytes`, and leaves it empty. Where no room
    /// is left afterwards, `driver` is woken as soon as there is some.
    pub(crate) fn add(&self, batch: &mut VecDeque<In>, bytes: usize, driver: &Waker) -> Added {
        let mut state = self.lock();
        if state.reader_gone || (state.discard && state.room(self.bounds).is_none()) {
            let dropped = batch.len();
            drop(state);
            batch.clear();
            return Added { room: self.bounds, dropped };
        }
        state.added += batch.len() as u64;
        state.bytes += bytes;
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

    /// The room that there is now; where there is none, `driver` is woken as
    /// soon as there is some.
    pub(crate) fn room(&self, driver: &Waker) -> Room {
        let mut state = self.lock();
        self.room_or_wait(&mut state, driver)
    }

    fn room_or_wait(&self, state: &mut State<In>, driver: &Waker) -> Room {
        if state.reader_gone || state.discard {
            return self.bounds;
        }
        let room = state.room(self.bounds);
        state.driver = room.is_none().then(|| driver.clone());
        room
    }

    /// Lets `park` exchange each waiting message for one that holds no shared
    /// buffer, once each. A message for which `park` returns nothing is gone.
    /// Returns how many nobody will read.
    pub(crate) fn park(&self, mut park: impl FnMut(In) -> Option<In>) -> usize {
        let (mut queue, parked, bytes, added) = {
            let mut state = self.lock();
            if state.queue.len() == state.parked {
                return 0;
            }
            (mem::take(&mut state.queue), state.parked, state.bytes, state.added)
        };
        // The reader finds no message meanwhile, since nobody else adds; it is
        // woken afterwards.
        let numbers = added - (queue.len() - parked) as u64..added;
        let fresh: Vec<In> = queue.drain(parked..).collect();
        let mut gone = Vec::new();
        for (number, message) in numbers.zip(fresh) {
            match park(message) {
                Some(message) => queue.push_back(message),
                None => gone.push(number),
            }
        }
        let mut state = self.lock();
        if state.reader_gone {
            drop(state);
            return queue.len() + gone.len();
        }
        state.added -= gone.len() as u64;
        for mark in &mut state.marks {
            mark.at -= gone.iter().filter(|&&number| number < mark.at).count() as u64;
        }
        state.parked = queue.len();
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
    /// them merge, so that there are never more of them than messages.
    pub(crate) fn mark(&self, change: Change) {
        let mut state = self.lock();
        if state.reader_gone {
            return;
        }
        let at = state.added;
        push_mark(&mut state.marks, Mark { at, change });
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.finished = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Frees what a burst has left allocated.
    pub(crate) fn shrink(&self) {
        let mut state = self.lock();
        state.spare = VecDeque::new();
        if state.queue.is_empty() && state.queue.capacity() > KEPT {
            state.queue = VecDeque::new();
        }
    }

    /// From here on what does not fit is dropped instead of waited with.
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

    /// Nobody will read any more: what waits is dropped and counted.
    pub(crate) fn reader_gone(&self) -> usize {
        let (queue, spare, driver) = {
            let mut state = self.lock();
            state.reader_gone = true;
            state.bytes = 0;
            state.parked = 0;
            state.marks = VecDeque::new();
            state.reader = None;
            (mem::take(&mut state.queue), mem::take(&mut state.spare), state.driver.take())
        };
        drop(spare);
        if let Some(driver) = driver {
            driver.wake();
        }
        queue.len()
    }

    fn lock(&self) -> MutexGuard<'_, State<In>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<In> State<In> {
    fn room(&self, bounds: Room) -> Room {
        Room {
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

fn push_mark(marks: &mut VecDeque<Mark>, mark: Mark) {
    match marks.back_mut() {
        Some(last) if last.at == mark.at => last.change.then(mark.change),
        Some(_) | None => marks.push_back(mark),
    }
    if marks.back().is_some_and(|last| last.change.is_none()) {
        marks.pop_back();
    }
}

/// What a reader gets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item<In> {
    Message(In),
    Disconnected(u64),
    Connected(u64),
    Finished,
}

/// The reader's side: what it has swapped out and not yet popped.
pub(crate) struct Reader<In> {
    batch: VecDeque<In>,
    marks: VecDeque<Mark>,
    /// How many messages were ever popped.
    popped: u64,
    /// The change that the reader is at: it was passed over, or is still to
    /// be told.
    change: Change,
}

impl<In> Reader<In> {
    pub(crate) fn new() -> Reader<In> {
        Reader { batch: VecDeque::new(), marks: VecDeque::new(), popped: 0, change: Change::default() }
    }

    /// The next message, if it was swapped in already and no change comes
    /// before it. Now and then it says no, so that a caller who asks here
    /// first comes past the task's budget all the same.
    pub(crate) fn pop_at_hand(&mut self) -> Option<In> {
        /// Messages between two visits to the budget.
        const FREE: u64 = 32;
        let change_is_near = self.marks.front().is_some_and(|mark| mark.at <= self.popped);
        if change_is_near || self.popped.is_multiple_of(FREE) {
            return None;
        }
        self.pop()
    }

    /// The next message; changes are passed over and kept, merged.
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

    /// Swaps the queue in; `None` when nothing more will come.
    fn swap(&mut self, inbox: &Inbox<In>, cx: &mut Context<'_>) -> Option<Poll<()>> {
        let mut state = inbox.lock();
        if state.queue.is_empty() && state.marks.is_empty() {
            if state.finished {
                return None;
            }
            if self.batch.capacity() > KEPT {
                state.spare = mem::take(&mut self.batch);
            }
            match &mut state.reader {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            return Some(Poll::Pending);
        }
        mem::swap(&mut state.queue, &mut self.batch);
        state.bytes = 0;
        state.parked = 0;
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

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: (usize, usize) = (4, 100);

    fn add(inbox: &Inbox<u32>, messages: &[u32]) -> Added {
        inbox.add(&mut messages.iter().copied().collect(), 10 * messages.len(), Waker::noop())
    }

    fn next(reader: &mut Reader<u32>, inbox: &Inbox<u32>) -> Option<Item<u32>> {
        match reader.poll_item(inbox, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(item) => Some(item),
            Poll::Pending => None,
        }
    }

    fn inbox() -> (Inbox<u32>, Reader<u32>) {
        (Inbox::new(BOUNDS.0, BOUNDS.1), Reader::new())
    }

    #[test]
    fn room_is_what_is_left_and_a_swap_makes_it_whole() {
        let (inbox, mut reader) = inbox();
        assert_eq!(add(&inbox, &[1, 2, 3]).room, Room { messages: 1, bytes: 70 });
        assert!(add(&inbox, &[4, 5]).room.is_none(), "one batch may go over it");
        assert_eq!(next(&mut reader, &inbox), Some(Item::Message(1)));
        assert_eq!(inbox.room(Waker::noop()), inbox.bounds());
    }

    #[test]
    fn pitfall_35_what_waits_is_parked_once_and_keeps_its_place() {
        let (inbox, mut reader) = inbox();
        add(&inbox, &[1, 2]);
        inbox.park(|message| Some(message + 10));
        add(&inbox, &[3]);
        inbox.park(|message| Some(message + 20));
        inbox.park(|_| panic!("all were parked"));
        add(&inbox, &[4]);
        for expected in [11, 12, 23, 4] {
            assert_eq!(next(&mut reader, &inbox), Some(Item::Message(expected)));
        }
        assert_eq!(next(&mut reader, &inbox), None);
        add(&inbox, &[5]);
        inbox.park(|message| Some(message + 10));
        assert_eq!(next(&mut reader, &inbox), Some(Item::Message(15)));
    }

    #[test]
    fn a_reader_that_goes_or_comes_while_messages_are_parked_upsets_nothing() {
        let (inbox, mut reader) = inbox();
        add(&inbox, &[1]);
        inbox.mark(Change { disconnected: None, connected: Some(1) });
        inbox.park(|message| {
            assert_eq!(next(&mut reader, &inbox), None, "a change is known, its message is not there");
            Some(message)
        });
        assert_eq!(inbox.room(Waker::noop()).bytes, 90, "what was parked weighs what it did");
        let lost = inbox.park(|_| panic!("all were parked"));
        assert_eq!(lost, 0);
        add(&inbox, &[2]);
        let lost = inbox.park(|message| {
            inbox.reader_gone();
            Some(message)
        });
        assert_eq!(lost, 2, "nobody will read them");
    }

    #[test]
    fn a_message_that_is_gone_moves_no_change_from_its_place() {
        let (inbox, mut reader) = inbox();
        add(&inbox, &[1, 2]);
        inbox.mark(Change { disconnected: Some(1), connected: None });
        add(&inbox, &[3]);
        inbox.mark(Change { disconnected: None, connected: Some(2) });
        assert_eq!(inbox.park(|message| (message != 1).then_some(message)), 1);
        assert_eq!(next(&mut reader, &inbox), Some(Item::Message(2)));
        assert_eq!(next(&mut reader, &inbox), Some(Item::Disconnected(1)));
        assert_eq!(next(&mut reader, &inbox), Some(Item::Message(3)));
        assert_eq!(next(&mut reader, &inbox), Some(Item::Connected(2)));
    }

    #[test]
    fn there_are_never_more_changes_than_messages() {
        let (inbox, mut reader) = inbox();
        let connected = |epoch| Change { disconnected: None, connected: Some(epoch) };
        let disconnected = |epoch| Change { disconnected: Some(epoch), connected: None };
        for epoch in 1..1_000 {
            inbox.mark(connected(epoch));
            inbox.mark(disconnected(epoch));
        }
        assert!(inbox.lock().marks.is_empty());
        inbox.mark(connected(1_000));
        add(&inbox, &[1]);
        for epoch in 1_000..2_000 {
            inbox.mark(disconnected(epoch));
            inbox.mark(connected(epoch + 1));
        }
        assert_eq!(inbox.lock().marks.len(), 2);
        let expected =
            [Item::Connected(1_000), Item::Message(1), Item::Disconnected(1_000), Item::Connected(2_000)];
        for expected in expected {
            assert_eq!(next(&mut reader, &inbox), Some(expected));
        }
    }

    #[test]
    fn an_idle_inbox_keeps_no_bursts_capacity() {
        let inbox = Inbox::new(1_000, 1 << 20);
        let mut reader = Reader::new();
        let burst: Vec<u32> = (0..1_000).collect();
        add(&inbox, &burst);
        while next(&mut reader, &inbox).is_some() {}
        inbox.shrink();
        assert!(reader.batch.capacity() <= KEPT);
        let state = inbox.lock();
        assert!(state.queue.capacity() <= KEPT && state.spare.capacity() == 0);
    }
}
