//! Senders that wait for room, first come, first served.

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use crate::outbox::{Outbox, Reserved};

/// A turn in the queue of waiting senders.
#[derive(Debug)]
pub(crate) struct Waiter(u64);

/// The queue. Places are assigned to waiting senders, so that no sender who comes
/// later can take them first.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// In order of arrival; senders with an assigned place come first.
    queue: VecDeque<WaitingSender>,
    /// How many of the first have a place.
    admitted: usize,
    next: u64,
}

#[derive(Debug)]
struct WaitingSender {
    id: u64,
    size: Option<usize>,
    waker: Waker,
    place: Option<Reserved>,
}

/// Makes `known` a waker of the same task as `waker`. Returns the old waker if it
/// was another task's: dropping a waker may drop a task, and with it anything of
/// the application's, so the caller drops it without the lock.
#[must_use]
pub(super) fn renew_waker(known: &mut Waker, waker: &Waker) -> Option<Waker> {
    (!known.will_wake(waker)).then(|| mem::replace(known, waker.clone()))
}

/// As [`renew_waker`], where there may be no waker yet.
#[must_use]
pub(super) fn keep_waker(known: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match known {
        Some(known) => renew_waker(known, waker),
        none => none.replace(waker.clone()),
    }
}

impl Waiters {
    /// Joins the queue.
    pub(crate) fn enter(&mut self, size: Option<usize>, waker: Waker) -> Waiter {
        self.next += 1;
        self.queue.push_back(WaitingSender { id: self.next, size, waker, place: None });
        Waiter(self.next)
    }

    /// The place, if one was assigned, and the waker that is not needed any more: to
    /// be dropped without the lock.
    pub(crate) fn poll(&mut self, waiter: &Waiter, waker: &Waker) -> (Poll<Reserved>, Option<Waker>) {
        let Some(at) = self.position(waiter) else { return (Poll::Pending, None) };
        match self.queue[at].place.take() {
            Some(place) => (Poll::Ready(place), self.remove(at).map(|waiting| waiting.waker)),
            None => (Poll::Pending, renew_waker(&mut self.queue[at].waker, waker)),
        }
    }

    /// Leaves the queue. Returns an assigned place and the waker, to
    /// be dropped without the lock.
    pub(crate) fn leave(&mut self, waiter: Waiter) -> (Option<Reserved>, Option<Waker>) {
        match self.position(&waiter).and_then(|at| self.remove(at)) {
            Some(waiting) => (waiting.place, Some(waiting.waker)),
            None => (None, None),
        }
    }

    /// Assigns places to waiting senders while there is room.
    pub(crate) fn admit<M, T>(&mut self, outbox: &mut Outbox<M, T>, wakers: &mut Vec<Waker>) {
        while let Some(waiting) = self.queue.get_mut(self.admitted)
            && let Some(place) = outbox.reserve(waiting.size)
        {
            waiting.place = Some(place);
            wakers.push(waiting.waker.clone());
            self.admitted += 1;
        }
    }

    /// Wakes every waiting sender: there will be no more room.
    pub(crate) fn wake_all(&self, wakers: &mut Vec<Waker>) {
        wakers.extend(self.queue.iter().map(|waiting| waiting.waker.clone()));
    }

    fn position(&self, waiter: &Waiter) -> Option<usize> {
        self.queue.binary_search_by_key(&waiter.0, |waiting| waiting.id).ok()
    }

    fn remove(&mut self, at: usize) -> Option<WaitingSender> {
        if at < self.admitted {
            self.admitted -= 1;
        }
        self.queue.remove(at)
    }
}
