//! The outbox orders what goes out and remembers what became of it.
//!
//! It outlives links: a message waits here until a link takes it, goes back
//! to the front if that link ends before taking it, and is remembered after
//! that for as long as somebody waits to know whether it arrived. Like the
//! [keeper](crate::keeper) it has no I/O, clock, lock, await or randomness.
//!
//! # The life of a message
//!
//! ```text
//! reserve ─► push ─► waiting ─take─► with the driver ─written─► given to a link
//!                      ▲                  │                        │
//!                      └─────put_back─────┘     answered beat ─────┼─► Delivered
//!                                               link_ended ────────┴─► MaybeSent
//!            close ─► NotSent, handed back
//! ```
//!
//! Whoever pushes may attach a [`Confirm`]: a ticket of its own choice and a
//! copy to be handed back with an [`Outcome::MaybeSent`]. Outcomes are polled
//! ([`Outbox::poll_settled`]).

mod confirmations;
mod outcome;
mod queue;

pub use confirmations::Confirm;
pub use outcome::Outcome;
pub use queue::{Bounds, Parcel, Reserved};

use std::collections::VecDeque;

use crate::keeper::Token;
use confirmations::Confirmations;
use queue::Queue;

/// Capacity that an idle queue may keep.
const KEPT: usize = 16;

/// The messages that wait to go out, and those whose fate is not known yet.
///
/// Messages of type `M` are numbered from 0 in the order in which they were
/// accepted; every counter below is such a number. `T` is the ticket that a
/// caller attaches to be told what became of a message.
///
/// Methods that begin with what happened (`written`, `answered`,
/// `link_ended`) are told by whoever drives the link, and every one of them
/// may free room and settle tickets: afterwards drain
/// [`poll_settled`](Outbox::poll_settled) and
/// [`poll_spare`](Outbox::poll_spare), and let those in who wait for room.
#[derive(Debug)]
pub struct Outbox<M, T> {
    queue: Queue<M>,
    confirmations: Confirmations<M, T>,
    settled: VecDeque<(T, Outcome<M>)>,
    /// Copies that nobody wants back.
    spare: Vec<M>,
    /// How many were given to links.
    given: u64,
    /// Of those, how many are known to have arrived, or were reported as
    /// maybe sent.
    confirmed: u64,
    /// Of those, how many the links have flushed, or were reported.
    flushed: u64,
    closed: bool,
}

impl<M, T> Outbox<M, T> {
    /// An empty outbox.
    pub fn new(bounds: Bounds) -> Outbox<M, T> {
        Outbox {
            queue: Queue::new(bounds),
            confirmations: Confirmations::default(),
            settled: VecDeque::new(),
            spare: Vec::new(),
            given: 0,
            confirmed: 0,
            flushed: 0,
            closed: false,
        }
    }

    /// Whether one more message may be reserved. Messages that were given to
    /// a link count for as long as somebody waits for their outcome.
    pub fn has_room(&self) -> bool {
        !self.closed && self.queue.has_room(self.confirmations.given(), self.confirmations.given_weight())
    }

    /// Keeps a place for one message, or `None` where there is no room or the
    /// outbox is closed. `weight` is the message's, where it is known;
    /// otherwise the place counts as its share of the byte bound.
    pub fn reserve(&mut self, weight: Option<usize>) -> Option<Reserved> {
        self.has_room().then(|| self.queue.reserve(weight))
    }

    /// Gives a place back unused.
    pub fn release(&mut self, place: Reserved) {
        self.queue.release(place);
    }

    /// Accepts a message on its place and returns its number.
    ///
    /// # Errors
    ///
    /// The message itself, if the outbox was closed meanwhile. Its ticket is
    /// dropped; the copy comes with [`poll_spare`](Outbox::poll_spare).
    pub fn push(
        &mut self,
        place: Reserved,
        message: M,
        weight: usize,
        confirm: Option<Confirm<M, T>>,
    ) -> Result<u64, M> {
        self.queue.release(place);
        if self.closed {
            self.spare.extend(confirm.map(|confirm| confirm.copy));
            return Err(message);
        }
        let number = self.queue.push(Parcel::new(message, weight));
        if let Some(confirm) = confirm {
            self.confirmations.expect(number, weight, confirm);
        }
        Ok(number)
    }

    /// Moves up to `most` waiting messages to the back of `batch`, in order,
    /// and returns how many. They stay this outbox's until they are
    /// [`written`](Outbox::written) or [`put_back`](Outbox::put_back).
    pub fn take(&mut self, most: usize, batch: &mut VecDeque<Parcel<M>>) -> usize {
        self.queue.take(most, batch)
    }

    /// Puts what was taken and not given to a link back to the front, in
    /// order. Call it before [`link_ended`](Outbox::link_ended).
    pub fn put_back(&mut self, batch: &mut VecDeque<Parcel<M>>) {
        self.queue.put_back(batch);
    }

    /// A link took the first `count` of the taken messages, which weigh
    /// `weight` together: from here on they may arrive.
    pub fn written(&mut self, count: usize, weight: usize) {
        self.queue.written(count, weight);
        self.given += count as u64;
        self.confirmations.given_below(self.given);
    }

    /// A beat went out after message number `given` of all that were ever
    /// given to links (see [`given`](Outbox::given)): its answer confirms
    /// those before it.
    pub fn beat_sent(&mut self, token: Token, given: u64) {
        self.confirmations.mark(token, given);
    }

    /// A beat was answered; `None` where the answer does not say which, and
    /// then it answers the oldest.
    pub fn answered(&mut self, token: Option<Token>) {
        if let Some(below) = self.confirmations.answered(token) {
            self.deliver_below(below);
        }
    }

    /// The link handed all that it took to the system.
    pub fn flushed(&mut self) {
        self.flushed = self.given;
    }

    /// On this link a finished flush confirms: all that was flushed is
    /// delivered.
    pub fn deliver_flushed(&mut self) {
        self.deliver_below(self.flushed);
    }

    /// On this link nothing confirms: all that was flushed is maybe sent.
    pub fn doubt_flushed(&mut self) {
        self.confirmed = self.confirmed.max(self.flushed);
        self.confirmations.settle_below(self.flushed, Outcome::MaybeSent, &mut self.settled);
    }

    /// The peer answered our goodbye, which came after all else: everything
    /// that was given to the link is delivered.
    pub fn goodbye_answered(&mut self) {
        self.flushed = self.given;
        self.deliver_below(self.given);
    }

    /// The link ended. What it took and nothing has confirmed is maybe sent;
    /// returns how many messages that is, with and without a ticket.
    pub fn link_ended(&mut self) -> u64 {
        let doubtful = self.given - self.confirmed;
        self.confirmed = self.given;
        self.flushed = self.given;
        self.confirmations.settle_below(self.given, Outcome::MaybeSent, &mut self.settled);
        self.confirmations.forget_marks();
        doubtful
    }

    /// Accepts nothing more; what waits stays and may still be taken.
    pub fn refuse_more(&mut self) {
        self.closed = true;
    }

    /// Forgets the tickets that `unwanted` names, of messages that no link took
    /// yet: those are then as if they had come without one.
    pub fn forget_tickets(&mut self, unwanted: impl Fn(&T) -> bool) {
        self.confirmations.forget(unwanted, &mut self.spare);
    }

    /// Accepts nothing more and hands back what still waits: messages with a
    /// ticket settle as [`Outcome::NotSent`], the others are returned in
    /// order. Put back what was taken first.
    pub fn close(&mut self) -> Vec<M> {
        self.closed = true;
        let mut plain = Vec::new();
        for (number, message) in (self.given..).zip(self.queue.drain()) {
            match self.confirmations.withdraw(number) {
                Some(confirm) => {
                    self.spare.push(confirm.copy);
                    self.settled.push_back((confirm.ticket, Outcome::NotSent(message)));
                }
                None => plain.push(message),
            }
        }
        plain
    }

    /// The next ticket whose message's outcome is known.
    pub fn poll_settled(&mut self) -> Option<(T, Outcome<M>)> {
        self.settled.pop_front()
    }

    /// The next copy of a confirmed message that nobody wants back. To be
    /// dropped where a message's own `Drop` may do what it likes, not under a
    /// lock.
    pub fn poll_spare(&mut self) -> Option<M> {
        self.spare.pop()
    }

    /// Whether nothing is accepted any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many messages were ever accepted.
    pub fn accepted(&self) -> u64 {
        self.queue.accepted()
    }

    /// How many were ever given to links.
    pub fn given(&self) -> u64 {
        self.given
    }

    /// How many were flushed by a link or reported: once this reaches what
    /// [`accepted`](Outbox::accepted) was, all of that has left the outbox.
    pub fn drained(&self) -> u64 {
        self.flushed
    }

    /// How many messages that were given to a link wait for their outcome.
    pub fn unconfirmed(&self) -> usize {
        self.confirmations.given()
    }

    /// Whether somebody asks what becomes of a message that was not given to a
    /// link yet and will be among the first `below` that ever were: then a beat
    /// behind them is worth its bytes. Those that were given have theirs.
    pub fn wants_confirmation(&self, below: u64) -> bool {
        self.confirmations.any_to_give_below(below)
    }

    /// Frees what a burst has left allocated.
    pub fn shrink(&mut self) {
        self.queue.shrink();
        self.confirmations.shrink();
        if self.settled.is_empty() && self.settled.capacity() > KEPT {
            self.settled = VecDeque::new();
        }
        if self.spare.is_empty() && self.spare.capacity() > KEPT {
            self.spare = Vec::new();
        }
    }

    fn deliver_below(&mut self, below: u64) {
        self.confirmed = self.confirmed.max(below);
        let delivered = |copy| {
            self.spare.push(copy);
            Outcome::Delivered
        };
        self.confirmations.settle_below(below, delivered, &mut self.settled);
    }
}

#[cfg(test)]
mod tests;
