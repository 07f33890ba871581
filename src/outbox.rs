//! The outbox orders what goes out and remembers what became of it.
//!
//! Two machines, since two own them. [`Outbox`] is what waits: the
//! application puts it there, so it lies under a lock that both sides take.
//! [`Flights`] is what links took: it belongs to whoever drives the links,
//! alone, and no lock is held over it. Like the [keeper](crate::keeper) they
//! have no I/O, clock, lock, await or randomness.
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
//! It outlives links: a message waits here until a link takes it, goes back
//! to its place if that link ends before taking it, and is remembered after
//! that for as long as somebody waits to know whether it arrived.
//!
//! A message has one number for ever. Beside that it has a place in the flight
//! of the link that took it. Whatever happens on a link (an answer, a flush, a
//! goodbye, the end) is told with the link's id and counts by places in that
//! flight: so it never settles what another link took, though several live at
//! once.
//!
//! Whoever pushes may attach a [`Confirm`]: a ticket of its own choice, and how
//! to copy the message for an [`Outcome::MaybeSent`]. Outcomes are polled
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

/// Frees what a burst has left allocated.
fn shrink<V>(queue: &mut VecDeque<V>) {
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
}

/// The messages that wait to go out.
///
/// Messages of type `M` are numbered from 0 in the order in which they were
/// accepted; every counter below is such a number. `T` is the ticket that a
/// caller attaches to be told what became of a message.
///
/// A message counts against the [`Bounds`] until a link takes it; one with a
/// ticket until it is settled. [`Flights::report`] tells how many those are,
/// so after it let those in who wait for room.
///
/// No method drops a message or a ticket: what is not wanted is handed back,
/// to be dropped where its own `Drop` may do what it likes.
pub struct Outbox<M, T> {
    room: OutboxRoom,
    waiting: Queue<M, T>,
    settled: VecDeque<(T, Outcome<M>)>,
    /// How many were ever accepted.
    accepted: u64,
    /// All before this one have left the outbox.
    drained: u64,
    /// The first that was handed back: it will never leave.
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

    /// Whether one more message may be reserved. Messages that were given to
    /// a link count for as long as somebody waits for their outcome.
    pub fn has_room(&self) -> bool {
        !self.closed && self.room.is_left()
    }

    /// Keeps a place for one message, or `None` where there is no room or the
    /// outbox is closed. `size` is the message's, where it is known;
    /// otherwise the place counts as its share of the byte bound.
    pub fn reserve(&mut self, size: Option<usize>) -> Option<Reserved> {
        self.has_room().then(|| self.room.reserve(size))
    }

    /// Gives a place back unused.
    pub fn release(&mut self, place: Reserved) {
        self.room.release(place);
    }

    /// Accepts a message on its place and returns its number. It counts
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

    /// As [`push`](Outbox::push), of a message whose outcome somebody wants to
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

    /// Accepts nothing more; what waits stays and may still be taken.
    pub fn refuse_more(&mut self) {
        self.closed = true;
    }

    /// Forgets the tickets that `unwanted` names, of messages that wait: those
    /// are then as if they had come without one. Returns the tickets.
    pub fn forget_tickets(&mut self, unwanted: impl Fn(&T) -> bool) -> Vec<T> {
        self.waiting.forget(unwanted)
    }

    /// Accepts nothing more and hands back what still waits: messages with a
    /// ticket settle as [`Outcome::NotSent`], the others are returned in
    /// order. Put back what departs first.
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

    /// The next ticket whose message's outcome is known: it was handed back.
    pub fn poll_settled(&mut self) -> Option<(T, Outcome<M>)> {
        self.settled.pop_front()
    }

    /// Whether nothing is accepted any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many messages were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many were flushed by their links or reported, counted up to the
    /// first that was not: once this reaches what
    /// [`accepted`](Outbox::accepted) was, all of that has left the outbox.
    /// As of the last [`Flights::report`].
    pub fn drained(&self) -> u64 {
        self.drained
    }

    /// Whether all that was accepted has left the outbox and nobody waits for
    /// an outcome. As of the last [`Flights::report`].
    pub fn is_settled(&self) -> bool {
        self.drained == self.accepted && self.room.holds_nothing()
    }

    /// Frees what a burst has left allocated.
    pub fn shrink(&mut self) {
        self.waiting.shrink();
    }

    /// `count` messages that were taken need no room any more, and all of them
    /// before message `below` have left.
    fn landed(&mut self, count: usize, size: u64, below: Option<u64>) {
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
