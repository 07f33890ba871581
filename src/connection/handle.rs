//! The connection as the application holds it.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::task::coop;

use super::sender::{drain, drained_to};
use super::{Closed, Events, SendError, Sender, StateWatch, Transition};
use crate::contain::drop_contained;
use crate::driver::{Counters, Inbox, Item, Reader, SendQueue, Waiter};
use crate::outbox::Reserved;
use crate::shared::{Error, Stats, Update};
use crate::{Activity, Event, Invalid, State};

/// One long connection that comes back by itself.
///
/// A connection is a [`Stream`] of incoming messages and a [`Sink`] of outgoing
/// ones, typed by its messages and not by its transport. A task of its own reads,
/// writes and beats whatever the application does, until the inbox is full.
///
/// The stream yields an `Err` at most once, last, when the connection gives
/// up. A connection that the application closed ends with `None`. Messages that
/// wait in the inbox are yielded before either.
///
/// As a sink: `poll_ready` waits for room in the outbox, `start_send` puts
/// the message there, `poll_flush` is ready at once, since a sink promises only
/// that a message was accepted, and `poll_close` closes gracefully. On a
/// connection that is closed `poll_ready` is ready too, so that `start_send` can
/// hand the message back. [`drain`] tells that messages were written,
/// [`Sender::send_confirmed`] that one was delivered.
///
/// A send through the sink may be dropped while it waits: then nothing was
/// sent. Its turn in the queue, or the room that it was given, stays with the
/// connection for the next send through the sink, so that a `select!` in a
/// loop does not fall behind others; [`Sender::send`] gives it up instead.
///
/// Dropping the connection ends it at once, unless there are [`Sender`]s:
/// then incoming messages are read, counted and dropped. Use [`close`] to part
/// gracefully.
///
/// [`drain`]: ResilientConnection::drain
/// [`close`]: ResilientConnection::close
#[must_use = "a connection that is dropped ends at once"]
pub struct ResilientConnection<In, Out = In> {
    send_queue: Arc<SendQueue<Out>>,
    inbox: Arc<Inbox<In>>,
    reader: Reader<In>,
    /// The room that `poll_ready` has reserved.
    place: Option<Reserved>,
    /// The sink's turn in the queue, while it waits for room.
    waiter: Option<Waiter>,
    /// The turn of `poll_close`.
    closing: Option<u64>,
    /// Whether the stream has ended.
    ended: bool,
}

/// No field is pinned.
impl<In, Out> Unpin for ResilientConnection<In, Out> {}

impl<In, Out> ResilientConnection<In, Out> {
    pub(crate) fn new(
        send_queue: Arc<SendQueue<Out>>,
        inbox: Arc<Inbox<In>>,
    ) -> ResilientConnection<In, Out> {
        send_queue.enter();
        ResilientConnection {
            send_queue,
            inbox,
            reader: Reader::new(),
            place: None,
            waiter: None,
            closing: None,
            ended: false,
        }
    }

    /// The next message; `None` when the connection is closed and every message
    /// was read.
    ///
    /// Cancel safe: no message is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// The reason why the connection gave up, once and last.
    pub async fn recv(&mut self) -> Option<Result<In, Error>> {
        poll_fn(|cx| self.poll_message(cx)).await
    }

    /// A sender for this connection's outbox.
    pub fn sender(&self) -> Sender<Out> {
        Sender::new(Arc::clone(&self.send_queue))
    }

    /// The state of the connection, to be waited on.
    pub fn watch(&self) -> StateWatch {
        StateWatch::new(self.send_queue.status.state.subscribe())
    }

    /// The events from here on.
    pub fn events(&self) -> Events {
        Events::new(self.send_queue.status.bus.listen())
    }

    /// The present statistics.
    pub fn stats(&self) -> Stats {
        self.send_queue.status.stats()
    }

    /// Waits for a link in use and returns its epoch: at once if there is
    /// one.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    ///
    /// The reason why the connection is over.
    pub async fn connected(&self) -> Result<u64, Error> {
        let mut watch = self.watch();
        let connected = watch.wait_for(|state| matches!(state, State::Connected { .. })).await;
        match connected {
            Some(State::Connected { epoch }) => Ok(epoch),
            Some(_) | None => Err(self.end()),
        }
    }

    /// Drops the link in use, or ends the wait for the next attempt, and
    /// opens a new link at once. Does nothing while an attempt is under way, and
    /// while paused.
    pub fn reconnect_now(&self) {
        self.send_queue.order(|commands| commands.reconnect = true);
    }

    /// Opens a second link beside the one in use, which it replaces once it is
    /// open.
    #[cfg(feature = "test-util")]
    #[doc(hidden)]
    pub fn replace_link(&self) {
        self.send_queue.order(|commands| commands.replace = true);
    }

    /// Probes the link in use: sends one beat with a deadline of 3 s, or longer where
    /// the path is known to be slow, and drops the link if the beat is not answered.
    /// While a wait for the next attempt is under way, the attempt is made at once.
    /// Does nothing while paused.
    pub fn probe_now(&self) {
        self.send_queue.order(|commands| commands.probe = true);
    }

    /// Says goodbye on the link in use and opens no link until
    /// [`resume`](ResilientConnection::resume): for an application that knows
    /// that it will not need the connection for a while. Messages that are sent
    /// meanwhile wait in the outbox, and tasks that wait for a link wait on. Does
    /// nothing if paused already.
    pub fn pause(&self) {
        self.send_queue.order(|commands| commands.pause = Some(true));
    }

    /// Ends a pause: a link is opened at once, or once a server's own time
    /// (`Retry-After`) has come. Does nothing if not paused.
    pub fn resume(&self) {
        self.send_queue.order(|commands| commands.pause = Some(false));
    }

    /// Says whether somebody looks at the application. In the foreground
    /// nothing is risked: no gap is tried, and the interval is a safe one. In the
    /// background gaps are tried, and answers may take longer. Until the first
    /// call gaps are tried whenever that is possible.
    pub fn set_activity(&self, activity: Activity) {
        self.send_queue.order(|commands| commands.activity = Some(activity));
    }

    /// Changes settings from here on. The link in use stays; the idle timeout that
    /// was learned stays; deadlines that run are kept.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the setting that cannot work; then nothing changes.
    pub fn update(&self, update: Update) -> Result<(), Invalid> {
        update.check()?;
        let outdated = self.send_queue.order(|commands| match &mut commands.update {
            Some(earlier) => Some(earlier.then(update)),
            none => {
                *none = Some(Box::new(update));
                None
            }
        });
        drop_contained(outdated);
        Ok(())
    }

    /// As [`Sender::drain`].
    ///
    /// Cancel safe: dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// The reason why the connection is over, if that came first.
    pub async fn drain(&self) -> Result<(), Error> {
        drain(&self.send_queue).await
    }

    /// Closes gracefully: accepts no more messages, writes the accepted ones,
    /// waits for the confirmations that were asked for, says goodbye and waits for
    /// the peer's goodbye, all within the
    /// [`close_deadline`](super::Builder::close_deadline). Without a link in
    /// use it returns at once.
    ///
    /// Messages that wait in the inbox can still be read afterwards. Messages that
    /// come in meanwhile and find the inbox full are dropped and counted
    /// ([`Event::MessagesDropped`]). Closing through the [`Sink`] instead
    /// leaves the inbox as it is, for a reader that reads to the end.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the close goes on; call this again to wait
    /// for it.
    pub async fn close(&mut self) -> Closed<Out> {
        self.inbox.discard_overflow();
        self.send_queue.close();
        drained_to(&self.send_queue, u64::MAX).await;
        let (not_sent, maybe_sent) = self.send_queue.take_handed_back();
        Closed { not_sent, maybe_sent }
    }

    fn end(&self) -> Error {
        self.send_queue.status.finished().map_or(Error::Stopped, |finish| finish.error())
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<In, Error>>> {
        if let Some(message) = self.reader.pop_at_hand() {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let budget = ready!(coop::poll_proceed(cx));
        let message = ready!(self.reader.poll_message(&self.inbox, cx));
        budget.made_progress();
        Poll::Ready(match message {
            Some(message) => Some(Ok(message)),
            None => self.end_stream(),
        })
    }

    pub(super) fn poll_transition(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Transition<In>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let budget = ready!(coop::poll_proceed(cx));
        let item = ready!(self.reader.poll_item(&self.inbox, cx));
        budget.made_progress();
        Poll::Ready(match item {
            Item::Message(message) => Some(Ok(Transition::Message(message))),
            Item::Connected(epoch) => Some(Ok(Transition::Connected { epoch })),
            Item::Disconnected(epoch) => Some(Ok(Transition::Disconnected { epoch })),
            Item::Finished => self.end_stream(),
        })
    }

    fn end_stream<I>(&mut self) -> Option<Result<I, Error>> {
        self.ended = true;
        let error = match self.send_queue.status.finished() {
            Some(finish) => finish.stream_error(),
            None => Some(Error::Stopped),
        };
        error.map(Err)
    }
}

impl<In, Out> Stream for ResilientConnection<In, Out> {
    type Item = Result<In, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx)
    }
}

impl<In, Out> Sink<Out> for ResilientConnection<In, Out> {
    type Error = SendError<Out>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<Out>>> {
        let this = &mut *self;
        if this.place.is_none() {
            let budget = ready!(coop::poll_proceed(cx));
            this.place = ready!(this.send_queue.poll_place(&mut this.waiter, None, cx));
            budget.made_progress();
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: Out) -> Result<(), SendError<Out>> {
        let size = match self.send_queue.size(&message) {
            Ok(size) => size,
            Err(too_big) => {
                let (size, limit) = (too_big.size, too_big.limit);
                return Err(SendError::TooBig { message, size, limit });
            }
        };
        match self.place.take() {
            Some(place) => self.send_queue.push(place, message, size, None).map_err(SendError::Closed),
            None => Err(SendError::Closed(message)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), SendError<Out>>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), SendError<Out>>> {
        let this = &mut *self;
        if this.closing.is_none() {
            this.send_queue.close();
        }
        ready!(this.send_queue.poll_drained(&mut this.closing, u64::MAX, cx));
        Poll::Ready(Ok(()))
    }
}

impl<In, Out> Drop for ResilientConnection<In, Out> {
    fn drop(&mut self) {
        self.send_queue.leave_queue(&mut self.waiter);
        if let Some(place) = self.place.take() {
            self.send_queue.release(place);
        }
        let unread = self.inbox.reader_gone() + self.reader.unread();
        Counters::add(&self.send_queue.status.tally.messages_dropped, unread as u64);
        if unread > 0 {
            self.send_queue.status.bus.tell(&Event::MessagesDropped { count: unread as u64 });
        }
        self.send_queue.leave();
    }
}

impl<In, Out> fmt::Debug for ResilientConnection<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResilientConnection")
            .field("state", &*self.send_queue.status.state.borrow())
            .finish_non_exhaustive()
    }
}
