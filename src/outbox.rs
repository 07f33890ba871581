//! The outbox orders outgoing messages and remembers their outcomes.
//!
//! The outbox is two machines, since it has two owners. [`Outbox`] holds the
//! messages that wait: the application puts them there, so it lies under a lock
//! that both sides take. [`Flights`] holds the messages that links took: it
//! belongs to the driver of the links alone, and needs no lock. Like the
//! [keeper](crate::keeper) both have no I/O, clock, lock, await or randomness.
//!
//! # The life of a message
//!
//! ```text
//! reserve ─► push ─► waits ──take──► departs ──next──► on its link
//!                      ▲                │                 │
//!                      └────put_back────┘   answered ─────┼─► Delivered
//!                                           end ──────────┴─► MaybeSent
//!            close ─► NotSent, handed back
//! ```
//!
//! The outbox outlives links: a message waits here until a link takes it, goes
//! back to its place if that link ends before taking it, and is remembered after
//! that for as long as somebody waits for its outcome.
//!
//! A message keeps one number for its whole life. Beside the number it has a
//! place in the flight of the link that took it. An answer, a flush, a goodbye or
//! the end of a link is told with the link's id and counts by places in that
//! link's flight, so it never settles a message that another link took, though
//! several links live at once.
//!
//! A caller may attach a [`Confirm`] to a message: a ticket of its own choice, and
//! how to copy the message for an [`Outcome::MaybeSent`]. Outcomes are polled
//! ([`Outbox::poll_settled`], [`Flights::poll_settled`]).

mod flight;
mod flights;
pub(crate) mod outcome;
mod queue;
mod room;

pub use flights::{Ended, Flights, Handover};
pub use outcome::Confirm;
pub use room::{Bounds, Reserved};

use std::collections::VecDeque;
use std::fmt;

use outcome::Outcome;
use queue::{Queue, QueuedMessage};
use room::{OutboxRoom, believed};

/// Capacity that an idle queue may keep.
const KEPT: usize = 16;

/// Frees a buffer that a burst has left allocated.
fn shrink<V>(queue: &mut VecDeque<V>) {
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
}

/// The messages that wait to go out.
///
/// Messages of type `M` are numbered from 0 in the order in which they were
/// accepted; every counter below is such a number. `T` is the ticket that a
/// caller attaches to be told the outcome of a message.
///
/// A message counts against the [`Bounds`] until a link takes it; a message with a
/// ticket counts until it is settled. [`Flights::report`] frees the room of settled
/// messages: admit waiting senders after it.
///
/// No method drops a message or a ticket: values that are not wanted are handed
/// back, since their `Drop` may run any code.
pub struct Outbox<M, T> {
    room: OutboxRoom,
    waiting: Queue<M, T>,
    settled: VecDeque<(T, Outcome<M>)>,
    /// How many messages were ever accepted.
    accepted: u64,
    /// Every message below this number has left the outbox.
    drained: u64,
    /// The first message that was handed back: it will never leave.
    handed_back: Option<u64>,
    closed: bool,
}

impl<M, T> Outbox<M, T> {
    /// An empty outbox.
    pub fn new(bounds: Bounds) -> Outbox<M, T> {
        Outbox {
            room: OutboxRoom::new(bounds),
            waiting: Queue::default(),
            settled: VecDeque::new(),
            accepted: 0,
            drained: 0,
            handed_back: None,
            closed: false,
        }
    }

    /// Whether one more message may be reserved. Messages that links took count for
    /// as long as somebody waits for their outcome.
    pub fn has_room(&self) -> bool {
        !self.closed && self.room.is_left()
    }

    /// Reserves a place for one message; `None` where there is no room or the
    /// outbox is closed. `size` is the message's size, where it is known;
    /// otherwise the place counts as its share of the byte bound.
    pub fn reserve(&mut self, size: Option<usize>) -> Option<Reserved> {
        self.has_room().then(|| self.room.reserve(size))
    }

    /// Gives back a place that was not used.
    pub fn release(&mut self, place: Reserved) {
        self.room.release(place);
    }

    /// Accepts a message in its place and returns its number. The message counts
    /// `size` bytes against the bound, at most 4 GiB.
    ///
    /// # Errors
    ///
    /// The message itself, if the outbox was closed meanwhile.
    pub fn push(&mut self, place: Reserved, message: M, size: usize) -> Result<u64, M> {
        self.room.release(place);
        if self.closed {
            return Err(message);
        }
        let (number, size) = (self.accepted, believed(size));
        self.accepted += 1;
        self.room.hold(size);
        self.waiting.push(QueuedMessage { message, number, size });
        Ok(number)
    }

    /// As [`push`](Outbox::push), for a message whose outcome somebody wants to
    /// know.
    ///
    /// # Errors
    ///
    /// The message and the request, if the outbox was closed meanwhile.
    pub fn push_confirmed(
        &mut self,
        place: Reserved,
        message: M,
        size: usize,
        confirm: Confirm<M, T>,
    ) -> Result<u64, (M, Confirm<M, T>)> {
        match self.push(place, message, size) {
            Ok(number) => {
                self.waiting.ask(number, confirm);
                Ok(number)
            }
            Err(message) => Err((message, confirm)),
        }
    }

    /// Accepts no more messages; waiting messages stay and may still be taken.
    pub fn refuse_more(&mut self) {
        self.closed = true;
    }

    /// Removes the tickets for which `unwanted` is true from waiting messages, which
    /// then count as pushed without a ticket. Returns the tickets.
    pub fn forget_tickets(&mut self, unwanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.waiting.forget(unwanted)
    }

    /// Accepts no more messages and hands back the waiting ones: messages with a
    /// ticket settle as [`Outcome::NotSent`], the others are returned in
    /// order. Put back departing messages first.
    pub fn close(&mut self) -> Vec<M> {
        self.closed = true;
        self.handed_back = self.handed_back.or(self.waiting.first());
        let mut plain = Vec::new();
        while let Some(QueuedMessage { message, number, size }) = self.waiting.pop() {
            self.room.free(1, u64::from(size));
            match self.waiting.pop_asked(number) {
                Some(confirm) => self.settled.push_back((confirm.ticket, Outcome::NotSent(message))),
                None => plain.push(message),
            }
        }
        plain
    }

    /// The next ticket of a message that was handed back, with the outcome.
    pub fn poll_settled(&mut self) -> Option<(T, Outcome<M>)> {
        self.settled.pop_front()
    }

    /// Whether no more message is accepted.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether no message waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many messages were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many messages were flushed by their links or reported, counted up to the
    /// first that was not. Once this reaches an earlier count of
    /// [`accepted`](Outbox::accepted), all messages of that count have left the
    /// outbox. As of the last [`Flights::report`].
    pub fn drained(&self) -> u64 {
        self.drained
    }

    /// Whether every accepted message has left the outbox and nobody waits for
    /// an outcome. As of the last [`Flights::report`].
    pub fn is_settled(&self) -> bool {
        self.drained == self.accepted && self.room.holds_nothing()
    }

    /// Frees buffers that a burst has left allocated.
    pub fn shrink(&mut self) {
        self.waiting.shrink();
    }

    /// `count` messages that were taken need no room any more, and every message
    /// below `below` has left.
    fn settle(&mut self, count: usize, size: u64, below: Option<u64>) {
        self.room.free(count, size);
        let first = self.handed_back.or(self.waiting.first()).unwrap_or(self.accepted);
        self.drained = below.map_or(first, |below| below.min(first));
    }
}

impl<M, T> fmt::Debug for Outbox<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("room", &self.room)
            .field("waiting", &self.waiting)
            .field("accepted", &self.accepted)
            .field("drained", &self.drained)
            .field("closed", &self.closed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
