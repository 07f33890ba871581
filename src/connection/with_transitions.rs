//! The stream with the changes of links in their true place.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;

use super::{ResilientConnection, SendError, Transition};
use crate::shared::Error;

/// A connection whose stream also tells where links changed. Made by
/// [`with_transitions`](ResilientConnection::with_transitions).
///
/// Transitions with no message between them merge: a link that came and went
/// without a message leaves none. `Disconnected { epoch }` always names the
/// epoch of the last `Connected` that was told.
pub struct WithTransitions<In, Out = In> {
    connection: ResilientConnection<In, Out>,
}

impl<In, Out> ResilientConnection<In, Out> {
    /// The same stream, which also tells where links changed. If a link is in
    /// use, the stream begins with its `Connected`.
    pub fn with_transitions(self) -> WithTransitions<In, Out> {
        WithTransitions { connection: self }
    }
}

impl<In, Out> WithTransitions<In, Out> {
    /// The next item; `None` when the connection is closed.
    ///
    /// Cancel safe: no item is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<Result<Transition<In>, Error>> {
        std::future::poll_fn(|cx| self.connection.poll_transition(cx)).await
    }

    /// The connection, for its other methods.
    pub fn connection(&self) -> &ResilientConnection<In, Out> {
        &self.connection
    }

    /// The connection, to be closed for example.
    pub fn connection_mut(&mut self) -> &mut ResilientConnection<In, Out> {
        &mut self.connection
    }

    /// The connection without transitions.
    pub fn into_inner(self) -> ResilientConnection<In, Out> {
        self.connection
    }
}

impl<In, Out> Stream for WithTransitions<In, Out> {
    type Item = Result<Transition<In>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.connection.poll_transition(cx)
    }
}

impl<In, Out> Sink<Out> for WithTransitions<In, Out> {
    type Error = SendError<Out>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.connection).poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Out) -> Result<(), Self::Error> {
        Pin::new(&mut self.connection).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.connection).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.connection).poll_close(cx)
    }
}

impl<In, Out> fmt::Debug for WithTransitions<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithTransitions").field(&self.connection).finish()
    }
}
