//! Messages in the order of their numbers.

use std::collections::VecDeque;
use std::fmt;

use super::outcome::Confirm;
use super::shrink;

/// A message on its way to a link.
pub(super) struct QueuedMessage<M> {
    pub(super) message: M,
    /// How many messages were accepted before it.
    pub(super) number: u64,
    pub(super) size: u32,
}

/// The request that came with message `number`.
struct ConfirmRequest<M, T> {
    number: u64,
    confirm: Confirm<M, T>,
}

/// Messages by number: those that wait, or those that depart on one link.
pub(super) struct Queue<M, T> {
    parcels: VecDeque<QueuedMessage<M>>,
    /// The requests of some messages, by number. They lie apart, so that
    /// a message without a request costs nothing for them.
    asked: VecDeque<ConfirmRequest<M, T>>,
}

impl<M, T> Default for Queue<M, T> {
    fn default() -> Queue<M, T> {
        Queue { parcels: VecDeque::new(), asked: VecDeque::new() }
    }
}

impl<M, T> Queue<M, T> {
    /// Adds a message whose number is higher than all numbers in the queue.
    pub(super) fn push(&mut self, parcel: QueuedMessage<M>) {
        self.parcels.push_back(parcel);
    }

    /// Adds the request of the last message.
    pub(super) fn ask(&mut self, number: u64, confirm: Confirm<M, T>) {
        self.asked.push_back(ConfirmRequest { number, confirm });
    }

    /// The first message. The caller takes its request next, with
    /// [`Queue::pop_asked`].
    pub(super) fn pop(&mut self) -> Option<QueuedMessage<M>> {
        self.parcels.pop_front()
    }

    /// The request of message `number`, which was the first.
    pub(super) fn pop_asked(&mut self, number: u64) -> Option<Confirm<M, T>> {
        if self.asked.front()?.number != number {
            return None;
        }
        self.asked.pop_front().map(|asked| asked.confirm)
    }

    /// Moves the first messages to `other`, which is empty; at most `most`.
    pub(super) fn move_first(&mut self, most: usize, other: &mut Queue<M, T>) {
        let count = most.min(self.parcels.len());
        other.parcels.extend(self.parcels.drain(..count));
        if let Some(last) = other.parcels.back()
            && !self.asked.is_empty()
        {
            let asked = self.asked.partition_point(|asked| asked.number <= last.number);
            other.asked.extend(self.asked.drain(..asked));
        }
    }

    /// Moves all messages of `other` here, each to its place by number.
    pub(super) fn merge(&mut self, other: &mut Queue<M, T>) {
        while let Some(parcel) = other.parcels.pop_back() {
            let at = self.parcels.partition_point(|before| before.number < parcel.number);
            self.parcels.insert(at, parcel);
        }
        while let Some(asked) = other.asked.pop_back() {
            let at = self.asked.partition_point(|before| before.number < asked.number);
            self.asked.insert(at, asked);
        }
    }

    /// Removes the requests whose tickets `unwanted` names.
    pub(super) fn forget(&mut self, unwanted: impl Fn(&T) -> bool) -> Vec<T> {
        let mut forgotten = Vec::new();
        for asked in std::mem::take(&mut self.asked) {
            if unwanted(&asked.confirm.ticket) {
                forgotten.push(asked.confirm.ticket);
            } else {
                self.asked.push_back(asked);
            }
        }
        forgotten
    }

    /// The lowest number in the queue.
    pub(super) fn first(&self) -> Option<u64> {
        self.parcels.front().map(|parcel| parcel.number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Whether any message has a request.
    pub(super) fn is_asked_about(&self) -> bool {
        !self.asked.is_empty()
    }

    pub(super) fn shrink(&mut self) {
        shrink(&mut self.parcels);
        shrink(&mut self.asked);
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> Vec<usize> {
        vec![self.parcels.capacity(), self.asked.capacity()]
    }
}

impl<M, T> fmt::Debug for Queue<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("messages", &self.parcels.len())
            .field("asked", &self.asked.len())
            .finish()
    }
}
