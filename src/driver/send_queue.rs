//! The application's messages and commands on their way to the driver.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::status::Status;
use super::waiters::{Waiter, Waiters, renew_waker};
use crate::contain::drop_contained;
use crate::outbox::{Bounds, Confirm, Flights, Outbox, Reserved};
use crate::shared::Update;
use crate::transport::MessageTooBig;
use crate::{Activity, Outcome};

/// Receives the outcome of one message.
pub(crate) type Ticket<Out> = oneshot::Sender<Outcome<Out>>;

/// Tells the size of a message, without naming the transport that knows it.
pub(crate) type SizeOf<Out> = dyn Fn(&Out) -> Result<usize, MessageTooBig> + Send + Sync;

/// The application's side of sending. All messages and commands to the driver go
/// through here, under one lock.
pub(crate) struct SendQueue<Out> {
    pub(crate) status: Arc<Status>,
    pub(crate) runtime: Handle,
    size: Box<SizeOf<Out>>,
    /// How many connections, halves and senders hold the queue.
    owners: AtomicUsize,
    state: Mutex<SendQueueState<Out>>,
}

/// The part of the queue that lies under the lock.
pub(crate) struct SendQueueState<Out> {
    pub(crate) outbox: Outbox<Out, Ticket<Out>>,
    pub(crate) commands: Commands,
    /// The driver, while it sleeps.
    pub(crate) driver: Option<Waker>,
    /// The sleeping driver is to be woken by a message.
    pub(crate) wants_messages: bool,
    waiters: Waiters,
    drains: Vec<Drain>,
    next_drain: u64,
    finished: bool,
    /// The messages that `close` hands back.
    handed_back: Vec<Out>,
    maybe_sent: u64,
}

/// The application's commands beside sending.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commands {
    pub(crate) reconnect: bool,
    pub(crate) replace: bool,
    pub(crate) probe: bool,
    pub(crate) activity: Option<Activity>,
    /// Whether the connection is to be paused or resumed.
    pub(crate) pause: Option<bool>,
    pub(crate) update: Option<Box<Update>>,
    pub(crate) close: bool,
    /// The last owner is gone.
    pub(crate) abandoned: bool,
}

/// A task that waits until every message below `target` has left the outbox.
struct Drain {
    id: u64,
    target: u64,
    waker: Waker,
}

/// Why a message was not accepted.
pub(crate) enum Refused<Out> {
    Full(Out),
    Closed(Out),
}

/// Wakers to call and messages to drop once the lock is released: both may run
/// code of the application's.
pub(crate) struct Notices<Out> {
    wakers: Vec<Waker>,
    settled: Vec<(Ticket<Out>, Outcome<Out>)>,
    /// Copies that nobody wants back. Dropping one may run code of the application's.
    spare: Vec<Out>,
}

impl<Out> Default for Notices<Out> {
    fn default() -> Notices<Out> {
        Notices { wakers: Vec::new(), settled: Vec::new(), spare: Vec::new() }
    }
}

impl<Out> Notices<Out> {
    /// Calls the wakers and sends the outcomes. The buffers are kept for the next time.
    pub(crate) fn tell(&mut self) {
        for (ticket, outcome) in self.settled.drain(..) {
            // Nobody waits where the confirmation was dropped.
            if let Err(unwanted) = ticket.send(outcome) {
                drop_contained(unwanted);
            }
        }
        self.wakers.drain(..).for_each(Waker::wake);
        self.spare.drain(..).for_each(drop_contained);
    }

    /// Frees what is empty and holds more than `kept`.
    pub(crate) fn shrink(&mut self, kept: usize) {
        if self.wakers.capacity() > kept {
            self.wakers = Vec::new();
        }
        if self.settled.capacity() > kept {
            self.settled = Vec::new();
        }
        if self.spare.capacity() > kept {
            self.spare = Vec::new();
        }
    }

    /// Takes the outcomes and copies that `flights` hold. No lock is needed.
    pub(crate) fn take_from(&mut self, flights: &mut Flights<Out, Ticket<Out>>) {
        self.settled.extend(std::iter::from_fn(|| flights.poll_settled()));
        self.spare.extend(std::iter::from_fn(|| flights.poll_spare()));
    }
}

impl<Out> SendQueue<Out> {
    pub(crate) fn new(
        status: Arc<Status>,
        runtime: Handle,
        bounds: Bounds,
        size: Box<SizeOf<Out>>,
    ) -> SendQueue<Out> {
        SendQueue {
            status,
            runtime,
            size,
            owners: AtomicUsize::new(0),
            state: Mutex::new(SendQueueState {
                outbox: Outbox::new(bounds),
                commands: Commands::default(),
                driver: None,
                wants_messages: false,
                waiters: Waiters::default(),
                drains: Vec::new(),
                next_drain: 0,
                finished: false,
                handed_back: Vec::new(),
                maybe_sent: 0,
            }),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, SendQueueState<Out>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody holds the lock.
    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.state.try_lock().is_err()
    }

    pub(crate) fn size(&self, message: &Out) -> Result<usize, MessageTooBig> {
        (self.size)(message)
    }

    /// Counts one more connection, half or sender.
    pub(crate) fn enter(&self) {
        self.owners.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one less; after the last the driver ends at once.
    pub(crate) fn leave(&self) {
        if self.owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.order(|commands| commands.abandoned = true);
        }
    }

    /// Gives the driver a command. `give` must return whatever it takes out of the
    /// earlier commands, so that nothing is dropped under the lock.
    pub(crate) fn order<R>(&self, give: impl FnOnce(&mut Commands) -> R) -> R {
        let mut state = self.lock();
        let result = give(&mut state.commands);
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        result
    }

    /// Begins to close: no more message is accepted.
    pub(crate) fn close(&self) {
        let mut notices = Notices::<Out>::default();
        let driver = {
            let mut state = self.lock();
            state.commands.close = true;
            state.outbox.refuse_more();
            state.waiters.wake_all(&mut notices.wakers);
            state.driver.take()
        };
        notices.tell();
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// Accepts `message` if there is room and no sender waits before.
    pub(crate) fn try_push(&self, message: Out, size: usize) -> Result<(), Refused<Out>> {
        let mut state = self.lock();
        if state.outbox.is_closed() {
            return Err(Refused::Closed(message));
        }
        match state.outbox.reserve(Some(size)) {
            Some(place) => {
                state.outbox.push(place, message, size).map_err(Refused::Closed)?;
                wake_for_message(state);
                Ok(())
            }
            None => Err(Refused::Full(message)),
        }
    }

    /// Accepts `message` in its reserved place.
    pub(crate) fn push(
        &self,
        place: Reserved,
        message: Out,
        size: usize,
        confirm: Option<Confirm<Out, Ticket<Out>>>,
    ) -> Result<(), Out> {
        let mut notices = Notices::<Out>::default();
        let mut state = self.lock();
        let pushed = match confirm {
            Some(confirm) => state
                .outbox
                .push_confirmed(place, message, size, confirm)
                .map_err(|(message, confirm)| (message, Some(confirm))),
            None => state.outbox.push(place, message, size).map_err(|message| (message, None)),
        };
        // The message may be smaller than its reservation.
        state.collect(&mut notices);
        wake_for_message(state);
        notices.tell();
        pushed.map(drop).map_err(|(message, _)| message)
    }

    /// Waits for a place; `None` once no more message is accepted. `waiter`
    /// keeps the turn between calls. A caller that gives up the wait must call
    /// [`SendQueue::leave_queue`].
    pub(crate) fn poll_place(
        &self,
        waiter: &mut Option<Waiter>,
        size: Option<usize>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Reserved>> {
        let mut state = self.lock();
        if state.outbox.is_closed() {
            drop(state);
            self.leave_queue(waiter);
            return Poll::Ready(None);
        }
        if let Some(waiting) = waiter {
            let (place, outdated) = state.waiters.poll(waiting, cx.waker());
            drop(state);
            drop(outdated);
            if place.is_ready() {
                *waiter = None;
            }
            return place.map(Some);
        }
        if let Some(place) = state.outbox.reserve(size) {
            return Poll::Ready(Some(place));
        }
        *waiter = Some(state.waiters.enter(size, cx.waker().clone()));
        Poll::Pending
    }

    /// Gives up a turn in the queue, and the place if one was assigned.
    pub(crate) fn leave_queue(&self, waiter: &mut Option<Waiter>) {
        let Some(waiting) = waiter.take() else { return };
        let mut notices = Notices::<Out>::default();
        let mut state = self.lock();
        let (place, outdated) = state.waiters.leave(waiting);
        if let Some(place) = place {
            state.outbox.release(place);
        }
        state.collect(&mut notices);
        drop(state);
        drop(outdated);
        notices.tell();
    }

    /// Gives back a reserved place that was not used.
    pub(crate) fn release(&self, place: Reserved) {
        let mut notices = Notices::<Out>::default();
        let mut state = self.lock();
        state.outbox.release(place);
        state.collect(&mut notices);
        drop(state);
        notices.tell();
    }

    /// Ready when every message below `target` has left the outbox, or never will.
    /// Returns whether they have left.
    pub(crate) fn poll_drained(&self, id: &mut Option<u64>, target: u64, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        if state.outbox.drained() >= target || state.finished {
            return Poll::Ready(state.outbox.drained() >= target);
        }
        let known = id.and_then(|id| state.drains.iter().position(|drain| drain.id == id));
        let outdated = match known {
            Some(at) => renew_waker(&mut state.drains[at].waker, cx.waker()),
            None => {
                state.next_drain += 1;
                *id = Some(state.next_drain);
                let id = state.next_drain;
                state.drains.push(Drain { id, target, waker: cx.waker().clone() });
                None
            }
        };
        drop(state);
        drop(outdated);
        Poll::Pending
    }

    /// The task that waited for this drain has given up.
    pub(crate) fn forget_drain(&self, id: u64) {
        let mut state = self.lock();
        let forgotten: Vec<Drain> = state.drains.extract_if(.., |drain| drain.id == id).collect();
        drop(state);
        drop(forgotten);
    }

    /// The messages that `close` hands back, once, and how many are maybe sent.
    pub(crate) fn take_handed_back(&self) -> (Vec<Out>, u64) {
        let mut state = self.lock();
        (mem::take(&mut state.handed_back), mem::take(&mut state.maybe_sent))
    }
}

/// Wakes the driver if it sleeps until a message comes.
fn wake_for_message<Out>(mut state: MutexGuard<'_, SendQueueState<Out>>) {
    let driver = if state.wants_messages { state.driver.take() } else { None };
    drop(state);
    if let Some(driver) = driver {
        driver.wake();
    }
}

impl<Out> SendQueueState<Out> {
    /// Assigns free room to waiting senders, and notes who is to be woken.
    pub(crate) fn collect(&mut self, notices: &mut Notices<Out>) {
        self.waiters.admit(&mut self.outbox, &mut notices.wakers);
        if !self.drains.is_empty() {
            let drained = self.outbox.drained();
            let done = self.drains.extract_if(.., |drain| drain.target <= drained);
            notices.wakers.extend(done.map(|drain| drain.waker));
        }
    }

    /// Ends the queue: hands back the messages that no link took. A confirmed
    /// message goes to the task that waits for its outcome, or is handed back if
    /// none does. Returns the tickets of the latter, to be dropped without a lock.
    pub(crate) fn finish(&mut self, maybe_sent: u64, notices: &mut Notices<Out>) -> Vec<Ticket<Out>> {
        let unwanted = self.outbox.forget_tickets(oneshot::Sender::is_closed);
        self.handed_back = self.outbox.close();
        self.maybe_sent = maybe_sent;
        notices.settled.extend(std::iter::from_fn(|| self.outbox.poll_settled()));
        self.finished = true;
        self.driver = None;
        self.waiters.wake_all(&mut notices.wakers);
        notices.wakers.extend(self.drains.drain(..).map(|drain| drain.waker));
        unwanted
    }
}

impl<Out> fmt::Debug for SendQueue<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendQueue").field("owners", &self.owners).finish_non_exhaustive()
    }
}
