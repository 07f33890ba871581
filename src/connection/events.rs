//! A stream of events.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use tokio::task::coop;

use crate::Event;
use crate::driver::EventListener;

/// The events of a connection, from the call of
/// [`events`](super::ResilientConnection::events) on, until it is over.
///
/// The stream holds up to 1,024 unread events; beyond that the oldest
/// go and [`Event::EventsDropped`] stands in their place. The stream does not
/// keep the connection alive.
#[derive(Debug)]
pub struct Events {
    listener: EventListener,
}

impl Events {
    pub(crate) fn new(listener: EventListener) -> Events {
        Events { listener }
    }

    /// The next event, or `None` when the connection is over.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let budget = ready!(coop::poll_proceed(cx));
        let event = self.listener.poll_next(cx);
        if event.is_ready() {
            budget.made_progress();
        }
        event
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}
