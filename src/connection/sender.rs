//! Sending from anywhere.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;
use tokio::task::coop;

use super::{Confirmation, SendError, TrySendError};
use crate::contain::contain;
use crate::driver::{Refused, SendQueue, Ticket, Waiter};
use crate::outbox::{Confirm, Reserved};
use crate::shared::Error;

/// Puts messages into a connection's outbox. Cheap to clone; clones share the
/// outbox and its order.
///
/// A sender keeps the connection alive. When only senders are left, incoming
/// messages are read, counted and dropped.
///
/// Senders that wait for room are served in the order in which they came.
pub struct Sender<Out> {
    send_queue: Arc<SendQueue<Out>>,
}

impl<Out> Sender<Out> {
    pub(crate) fn new(send_queue: Arc<SendQueue<Out>>) -> Sender<Out> {
        send_queue.enter();
        Sender { send_queue }
    }

    /// Puts a message into the outbox, and waits for room if there is none.
    /// A send that returns was accepted: the message goes out in order, on this link
    /// or a later one. [`drain`](Sender::drain) tells that messages were written,
    /// [`send_confirmed`](Sender::send_confirmed) that one has arrived.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the message was not
    /// accepted and is dropped with it, and the turn in the queue is lost.
    /// To keep the message, use [`reserve`](Sender::reserve).
    pub async fn send(&self, message: Out) -> Result<(), SendError<Out>> {
        self.accept(message, None).await
    }

    /// Puts a message into the outbox if there is room now.
    ///
    /// # Errors
    ///
    /// [`TrySendError`] hands the message back.
    pub fn try_send(&self, message: Out) -> Result<(), TrySendError<Out>> {
        let size = match self.send_queue.size(&message) {
            Ok(size) => size,
            Err(too_big) => {
                let (size, limit) = (too_big.size, too_big.limit);
                return Err(TrySendError::TooBig { message, size, limit });
            }
        };
        self.send_queue.try_push(message, size).map_err(|refused| match refused {
            Refused::Full(message) => TrySendError::Full(message),
            Refused::Closed(message) => TrySendError::Closed(message),
        })
    }

    /// Waits for room and keeps it for one message.
    ///
    /// # Errors
    ///
    /// The reason why the connection is over, or [`Error::Closed`] if it is closing.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, only the turn in the queue is
    /// lost.
    pub async fn reserve(&self) -> Result<Permit<'_, Out>, Error> {
        let place = RoomWait::new(&self.send_queue, None).await;
        match place {
            Some(place) => Ok(Permit { send_queue: &self.send_queue, place: Some(place) }),
            None => Err(self.send_queue.status.finished().map_or(Error::Closed, |finish| finish.error())),
        }
    }

    /// As [`send`](Sender::send), for code outside a runtime.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back.
    ///
    /// # Panics
    ///
    /// When called from asynchronous code, which it would block.
    pub fn blocking_send(&self, message: Out) -> Result<(), SendError<Out>> {
        self.send_queue.runtime.block_on(self.send(message))
    }

    /// As [`send`](Sender::send); the [`Confirmation`] then tells the outcome
    /// of the message. Until the outcome is known the message counts against the
    /// outbox's bounds. A link that takes the message takes the original, and a copy
    /// is kept; if `Clone` panics there, the message is not sent and comes back as
    /// [`Outcome::NotSent`](crate::Outcome::NotSent).
    ///
    /// The transport says what shows that a message has arrived
    /// ([`ConfirmedBy`](crate::transport::ConfirmedBy)): by default the answer to a
    /// beat that was sent after the message, and that beat goes out at once.
    ///
    /// ```
    /// use longlink::{Outcome, Sender};
    ///
    /// async fn order(sender: &Sender<String>) -> Result<(), longlink::Error> {
    ///     match sender.send_confirmed("buy 3".to_owned()).await?.await {
    ///         Outcome::Delivered => println!("it has arrived"),
    ///         Outcome::NotSent(order) => println!("nobody has seen {order}"),
    ///         Outcome::MaybeSent(order) => println!("ask before you send {order} again"),
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back.
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Sender::send).
    pub async fn send_confirmed(&self, message: Out) -> Result<Confirmation<Out>, SendError<Out>>
    where
        Out: Clone,
    {
        let (ticket, outcome) = oneshot::channel();
        let copy = |message: &Out| contain(|| message.clone()).ok();
        self.accept(message, Some(Confirm { ticket, copy })).await?;
        Ok(Confirmation::new(outcome))
    }

    /// Waits until every message accepted up to now has left the outbox: a
    /// link took it and handed it to the system, or the end of its link was reported
    /// ([`Event::MaybeSent`](crate::Event::MaybeSent)).
    ///
    /// # Errors
    ///
    /// The reason why the connection is over, if that came first.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: dropping the future changes nothing.
    pub async fn drain(&self) -> Result<(), Error> {
        drain(&self.send_queue).await
    }

    async fn accept(
        &self,
        message: Out,
        confirm: Option<Confirm<Out, Ticket<Out>>>,
    ) -> Result<(), SendError<Out>> {
        let size = match self.send_queue.size(&message) {
            Ok(size) => size,
            Err(too_big) => {
                let (size, limit) = (too_big.size, too_big.limit);
                return Err(SendError::TooBig { message, size, limit });
            }
        };
        poll_fn(|cx| coop::poll_proceed(cx).map(|budget| budget.made_progress())).await;
        if confirm.is_none() {
            let message = match self.send_queue.try_push(message, size) {
                Ok(()) => return Ok(()),
                Err(Refused::Closed(message)) => return Err(SendError::Closed(message)),
                Err(Refused::Full(message)) => message,
            };
            return self.push_in_turn(message, size, None).await;
        }
        self.push_in_turn(message, size, confirm).await
    }

    async fn push_in_turn(
        &self,
        message: Out,
        size: usize,
        confirm: Option<Confirm<Out, Ticket<Out>>>,
    ) -> Result<(), SendError<Out>> {
        match RoomWait::new(&self.send_queue, Some(size)).await {
            Some(place) => self.send_queue.push(place, message, size, confirm).map_err(SendError::Closed),
            None => Err(SendError::Closed(message)),
        }
    }
}

impl<Out> Clone for Sender<Out> {
    fn clone(&self) -> Sender<Out> {
        Sender::new(Arc::clone(&self.send_queue))
    }
}

impl<Out> Drop for Sender<Out> {
    fn drop(&mut self) {
        self.send_queue.leave();
    }
}

impl<Out> fmt::Debug for Sender<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// Room for one message. Dropping it gives the room back.
#[must_use = "a permit that is not used holds room for nothing"]
pub struct Permit<'a, Out> {
    send_queue: &'a SendQueue<Out>,
    place: Option<Reserved>,
}

impl<Out> Permit<'_, Out> {
    /// Puts the message into the outbox.
    ///
    /// # Errors
    ///
    /// [`SendError`] hands the message back: the connection was closed
    /// meanwhile, or the message is too big.
    pub fn send(mut self, message: Out) -> Result<(), SendError<Out>> {
        let size = match self.send_queue.size(&message) {
            Ok(size) => size,
            Err(too_big) => {
                let (size, limit) = (too_big.size, too_big.limit);
                return Err(SendError::TooBig { message, size, limit });
            }
        };
        let place = self.place.take().expect("a permit holds its place until it is used");
        self.send_queue.push(place, message, size, None).map_err(SendError::Closed)
    }
}

impl<Out> Drop for Permit<'_, Out> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.send_queue.release(place);
        }
    }
}

impl<Out> fmt::Debug for Permit<'_, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Waits for room in the outbox. Dropping it leaves the queue.
struct RoomWait<'a, Out> {
    send_queue: &'a SendQueue<Out>,
    size: Option<usize>,
    waiter: Option<Waiter>,
}

impl<'a, Out> RoomWait<'a, Out> {
    fn new(send_queue: &'a SendQueue<Out>, size: Option<usize>) -> RoomWait<'a, Out> {
        RoomWait { send_queue, size, waiter: None }
    }
}

impl<Out> Future for RoomWait<'_, Out> {
    type Output = Option<Reserved>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Reserved>> {
        let turn = &mut *self;
        turn.send_queue.poll_place(&mut turn.waiter, turn.size, cx)
    }
}

impl<Out> Drop for RoomWait<'_, Out> {
    fn drop(&mut self) {
        self.send_queue.leave_queue(&mut self.waiter);
    }
}

/// See [`Sender::drain`].
pub(super) async fn drain<Out>(send_queue: &SendQueue<Out>) -> Result<(), Error> {
    let target = send_queue.lock().outbox.accepted();
    match drained_to(send_queue, target).await {
        true => Ok(()),
        false => Err(send_queue.status.finished().map_or(Error::Closed, |finish| finish.error())),
    }
}

/// Waits until every message below `target` has left the outbox. False if the
/// connection is over first.
pub(super) async fn drained_to<Out>(send_queue: &SendQueue<Out>, target: u64) -> bool {
    /// Removes the drain from the queue when the wait is dropped.
    struct Forget<'a, Out> {
        send_queue: &'a SendQueue<Out>,
        id: Option<u64>,
    }

    impl<Out> Drop for Forget<'_, Out> {
        fn drop(&mut self) {
            if let Some(id) = mem::take(&mut self.id) {
                self.send_queue.forget_drain(id);
            }
        }
    }

    let mut wait = Forget { send_queue, id: None };
    poll_fn(|cx| wait.send_queue.poll_drained(&mut wait.id, target, cx)).await
}
