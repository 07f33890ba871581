//! Future events, in their order.

use std::time::Duration;

/// A queue by time; what is due at the same time comes in the order in which
/// it was put in. It is short, so a sorted list is quicker than a heap.
pub struct Queue<T>(Vec<(Duration, T)>);

impl<T> Queue<T> {
    pub fn new() -> Queue<T> {
        Queue(Vec::with_capacity(16))
    }

    pub fn put(&mut self, at: Duration, what: T) {
        let before = self.0.iter().rposition(|(other, _)| *other > at);
        self.0.insert(before.map_or(0, |before| before + 1), (at, what));
    }

    /// When the next is due.
    pub fn due(&self) -> Option<Duration> {
        self.0.last().map(|(at, _)| *at)
    }

    pub fn take(&mut self) -> Option<T> {
        self.0.pop().map(|(_, what)| what)
    }
}
