//! The messages that wait, within bounds.

use std::collections::VecDeque;
use std::fmt;

use super::KEPT;

/// How much an outbox holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages, those whose outcome somebody waits for included.
    pub messages: usize,
    /// Their weight in bytes. A message is accepted while there is any room
    /// at all, so one message may go over it.
    pub bytes: usize,
}

impl Bounds {
    /// 1,024 messages: seconds of a busy feed, and small enough that a sender
    /// notices a link that does not move.
    pub const MESSAGES: usize = 1024;
    /// 1 MiB, the usual limit of one message.
    pub const BYTES: usize = 1 << 20;
}

/// 1,024 messages and 1 MiB.
impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { messages: Bounds::MESSAGES, bytes: Bounds::BYTES }
    }
}

/// A message on its way to a link.
///
/// `Debug` does not show the message.
pub struct Parcel<M> {
    message: M,
    weight: usize,
}

impl<M> Parcel<M> {
    pub(super) fn new(message: M, weight: usize) -> Parcel<M> {
        Parcel { message, weight: believed(weight) }
    }

    /// What it counts against the byte bound: its weight, at most 4 GiB.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// The message, to be given to a link.
    pub fn into_message(self) -> M {
        self.message
    }
}

impl<M> fmt::Debug for Parcel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parcel").field("weight", &self.weight).finish_non_exhaustive()
    }
}

/// A place kept for one message. It counts until it is used or released.
#[derive(Debug)]
#[must_use = "a place that is neither used nor released is lost"]
pub struct Reserved {
    weight: usize,
}

/// No message counts more than 4 GiB, whatever its application says: so the
/// sums of all that is ever held stay far from the end of their type.
pub(super) fn believed(weight: usize) -> usize {
    weight.min(u32::MAX as usize)
}

/// The waiting messages in order.
pub(super) struct Queue<M> {
    bounds: Bounds,
    waiting: VecDeque<Parcel<M>>,
    /// How many were ever accepted.
    accepted: u64,
    /// Accepted and not written: those that wait and those that are taken.
    unwritten: usize,
    /// Their weight.
    weight: u64,
    /// Places kept.
    reserved: usize,
    /// What those count.
    reserved_weight: u64,
}

impl<M> Queue<M> {
    pub(super) fn new(bounds: Bounds) -> Queue<M> {
        Queue {
            bounds,
            waiting: VecDeque::new(),
            accepted: 0,
            unwritten: 0,
            weight: 0,
            reserved: 0,
            reserved_weight: 0,
        }
    }

    /// Whether there is room beside `others` messages of `others_weight`.
    pub(super) fn has_room(&self, others: usize, others_weight: u64) -> bool {
        self.unwritten + self.reserved + others < self.bounds.messages
            && self.weight + self.reserved_weight + others_weight < self.bounds.bytes as u64
    }

    pub(super) fn reserve(&mut self, weight: Option<usize>) -> Reserved {
        let weight = believed(weight.unwrap_or(self.bounds.bytes / self.bounds.messages.max(1)));
        self.reserved += 1;
        self.reserved_weight += weight as u64;
        Reserved { weight }
    }

    pub(super) fn release(&mut self, place: Reserved) {
        self.reserved -= 1;
        self.reserved_weight -= place.weight as u64;
    }

    pub(super) fn push(&mut self, parcel: Parcel<M>) -> u64 {
        let number = self.accepted;
        self.accepted += 1;
        self.unwritten += 1;
        self.weight += parcel.weight as u64;
        self.waiting.push_back(parcel);
        number
    }

    pub(super) fn take(&mut self, most: usize, batch: &mut VecDeque<Parcel<M>>) -> usize {
        let count = most.min(self.waiting.len());
        batch.extend(self.waiting.drain(..count));
        count
    }

    pub(super) fn put_back(&mut self, batch: &mut VecDeque<Parcel<M>>) {
        while let Some(parcel) = batch.pop_back() {
            self.waiting.push_front(parcel);
        }
    }

    pub(super) fn written(&mut self, count: usize, weight: usize) {
        self.unwritten -= count;
        self.weight -= weight as u64;
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = M> + use<M> {
        self.unwritten -= self.waiting.len();
        self.weight -= self.waiting.iter().map(|parcel| parcel.weight as u64).sum::<u64>();
        std::mem::take(&mut self.waiting).into_iter().map(Parcel::into_message)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(super) fn shrink(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > KEPT {
            self.waiting = VecDeque::new();
        }
    }
}

impl<M> fmt::Debug for Queue<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("bounds", &self.bounds)
            .field("waiting", &self.waiting.len())
            .field("accepted", &self.accepted)
            .field("unwritten", &self.unwritten)
            .field("weight", &self.weight)
            .field("reserved", &self.reserved)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_queue_keeps_only_a_little_of_what_a_burst_took() {
        let mut queue = Queue::<u32>::new(Bounds::default());
        for (capacity, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
            queue.waiting = VecDeque::with_capacity(capacity);
            queue.shrink();
            assert_eq!(queue.waiting.capacity(), kept);
        }
    }
}
