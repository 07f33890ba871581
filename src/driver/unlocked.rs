//! Tests that no waker is dropped under a lock. A dropped waker may drop a task,
//! and a task may hold anything of the application's.

use std::sync::Mutex;
use std::task::Wake;

use super::*;
use crate::driver::dispatch::EventBus;

/// For each dropped waker: whether the lock was held.
type LockSightings = Arc<Mutex<Vec<bool>>>;

/// A task whose waker looks at the lock when it is dropped.
struct TestWaker {
    is_locked: Box<dyn Fn() -> bool + Send + Sync>,
    seen: LockSightings,
}

impl Wake for TestWaker {
    fn wake(self: Arc<Self>) {}
}

impl Drop for TestWaker {
    fn drop(&mut self) {
        let is_locked = (self.is_locked)();
        // A test that has failed drops its wakers while it holds the lock.
        if let Ok(mut seen) = self.seen.lock() {
            seen.push(is_locked);
        }
    }
}

/// Polls once with a waker of its own.
fn poll<R>(
    seen: &LockSightings,
    is_locked: impl Fn() -> bool + Send + Sync + 'static,
    polled: impl FnOnce(&mut Context<'_>) -> R,
) -> R {
    let task = Arc::new(TestWaker { is_locked: Box::new(is_locked), seen: Arc::clone(seen) });
    polled(&mut Context::from_waker(&task.into()))
}

fn noop() -> Context<'static> {
    Context::from_waker(std::task::Waker::noop())
}

#[track_caller]
fn dropped_without_the_lock(seen: &LockSightings, times: usize) {
    assert_eq!(*seen.lock().unwrap(), vec![false; times]);
}

/// A send queue with one place, which is taken.
fn send_queue() -> (Arc<SendQueue<&'static str>>, crate::outbox::Reserved) {
    let bounds = Bounds { messages: 1, bytes: 100 };
    let status = Arc::new(Status::new(Clock::new()));
    let send_queue =
        SendQueue::new(status, Handle::current(), bounds, Box::new(|message: &&str| Ok(message.len())));
    let place = match send_queue.poll_place(&mut None, None, &mut noop()) {
        Poll::Ready(place) => place.expect("it is open"),
        Poll::Pending => panic!("there is a place"),
    };
    (Arc::new(send_queue), place)
}

#[tokio::test]
async fn the_waker_of_a_sender_that_waits_is_dropped_without_the_desks_lock() {
    let seen = LockSightings::default();
    let (send_queue, place) = send_queue();
    let is_locked = |send_queue: &Arc<SendQueue<_>>| {
        let send_queue = Arc::clone(send_queue);
        move || send_queue.is_locked()
    };
    let mut waiter = None;
    assert!(
        poll(&seen, is_locked(&send_queue), |cx| send_queue.poll_place(&mut waiter, None, cx)).is_pending()
    );
    dropped_without_the_lock(&seen, 0);
    assert!(
        poll(&seen, is_locked(&send_queue), |cx| send_queue.poll_place(&mut waiter, None, cx)).is_pending()
    );
    dropped_without_the_lock(&seen, 1);
    send_queue.leave_queue(&mut waiter);
    dropped_without_the_lock(&seen, 2);
    assert!(
        poll(&seen, is_locked(&send_queue), |cx| send_queue.poll_place(&mut waiter, None, cx)).is_pending()
    );
    send_queue.release(place);
    assert!(send_queue.poll_place(&mut waiter, None, &mut noop()).is_ready(), "its turn has come");
    dropped_without_the_lock(&seen, 3);
}

#[tokio::test]
async fn the_waker_of_who_drains_is_dropped_without_the_desks_lock() {
    let seen = LockSightings::default();
    let (send_queue, _place) = send_queue();
    let is_locked = |send_queue: &Arc<SendQueue<_>>| {
        let send_queue = Arc::clone(send_queue);
        move || send_queue.is_locked()
    };
    let mut id = None;
    assert!(poll(&seen, is_locked(&send_queue), |cx| send_queue.poll_drained(&mut id, 1, cx)).is_pending());
    assert!(poll(&seen, is_locked(&send_queue), |cx| send_queue.poll_drained(&mut id, 1, cx)).is_pending());
    dropped_without_the_lock(&seen, 1);
    send_queue.forget_drain(id.expect("it waits"));
    dropped_without_the_lock(&seen, 2);
}

#[test]
fn the_waker_of_the_reader_is_dropped_without_the_inboxs_lock() {
    let seen = LockSightings::default();
    let inbox = Arc::new(Inbox::<u32>::new(4, 100));
    let mut reader = Reader::new();
    for _ in 0..2 {
        let asked = Arc::clone(&inbox);
        let read = poll(&seen, move || asked.is_locked(), |cx| reader.poll_message(&inbox, cx));
        assert!(read.is_pending());
    }
    dropped_without_the_lock(&seen, 1);
    inbox.reader_gone();
    dropped_without_the_lock(&seen, 2);
}

#[test]
fn the_waker_of_who_listens_is_dropped_without_the_rings_lock() {
    let seen = LockSightings::default();
    let bus = Arc::new(EventBus::default());
    let mut listener = bus.listen();
    for _ in 0..2 {
        let is_locked = listener.lock_probe();
        assert!(poll(&seen, is_locked, |cx| listener.poll_next(cx)).is_pending());
    }
    dropped_without_the_lock(&seen, 1);
}
