//! Events for the listeners. Each listener has a bounded ring of its own: a slow
//! listener loses events and delays nobody.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use super::waiters::keep_waker;
use crate::Event;

/// Events that one listener may be behind: 1,024, hours of a calm connection.
pub(crate) const RING: usize = 1024;

/// Capacity that an idle ring may keep.
const KEPT: usize = 16;

/// Hands every event to every listener.
#[derive(Debug, Default)]
pub(crate) struct EventBus {
    rings: Mutex<Vec<Weak<EventRing>>>,
    listeners: AtomicUsize,
    closed: AtomicBool,
    /// Events that listeners lost.
    dropped: AtomicU64,
}

impl EventBus {
    /// Whether anybody would hear an event.
    pub(crate) fn has_listeners(&self) -> bool {
        self.listeners.load(Ordering::Acquire) > 0
    }

    /// Adds a listener, which hears every event from here on.
    pub(crate) fn listen(self: &Arc<Self>) -> EventListener {
        let ring = Arc::new(EventRing::default());
        let mut rings = lock(&self.rings);
        if self.closed.load(Ordering::Acquire) {
            lock(&ring.state).closed = true;
        }
        rings.push(Arc::downgrade(&ring));
        self.listeners.fetch_add(1, Ordering::AcqRel);
        EventListener { ring, bus: Arc::clone(self) }
    }

    /// Tells all listeners.
    pub(crate) fn tell(&self, event: &Event) {
        for ring in self.rings() {
            if ring.push(event.clone()) {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// No event will follow.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for ring in self.rings() {
            ring.close();
        }
    }

    /// Events that listeners lost.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn rings(&self) -> Vec<Arc<EventRing>> {
        lock(&self.rings).iter().filter_map(Weak::upgrade).collect()
    }
}

/// One listener's events.
#[derive(Debug, Default)]
struct EventRing {
    state: Mutex<EventRingState>,
}

#[derive(Debug, Default)]
struct EventRingState {
    events: VecDeque<Event>,
    /// How many events were lost before the first of these.
    dropped: u64,
    waker: Option<Waker>,
    closed: bool,
}

impl EventRing {
    /// Adds an event. Returns true if the oldest had to go.
    fn push(&self, event: Event) -> bool {
        let mut state = lock(&self.state);
        let oldest = if state.events.len() == RING { state.events.pop_front() } else { None };
        let full = oldest.is_some();
        state.dropped += u64::from(full);
        state.events.push_back(event);
        wake(state);
        drop(oldest);
        full
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        wake(state);
    }
}

/// Hears events until the connection is over.
#[derive(Debug)]
pub(crate) struct EventListener {
    ring: Arc<EventRing>,
    bus: Arc<EventBus>,
}

impl EventListener {
    /// Tells whether somebody holds the lock.
    #[cfg(test)]
    pub(super) fn lock_probe(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let ring = Arc::downgrade(&self.ring);
        move || ring.upgrade().is_some_and(|ring| ring.state.try_lock().is_err())
    }

    /// The next event; `None` when no more will come.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = lock(&self.ring.state);
        if state.dropped > 0 {
            let count = std::mem::take(&mut state.dropped);
            return Poll::Ready(Some(Event::EventsDropped { count }));
        }
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.events.capacity() > KEPT {
            state.events = VecDeque::new();
        }
        if state.closed {
            return Poll::Ready(None);
        }
        let outdated = keep_waker(&mut state.waker, cx.waker());
        drop(state);
        drop(outdated);
        Poll::Pending
    }
}

impl Drop for EventListener {
    fn drop(&mut self) {
        self.bus.listeners.fetch_sub(1, Ordering::AcqRel);
        let own = Arc::downgrade(&self.ring);
        lock(&self.bus.rings).retain(|ring| !ring.ptr_eq(&own));
    }
}

fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(mut state: MutexGuard<'_, EventRingState>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
