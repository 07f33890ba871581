//! The server's end of a link in memory.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;

use super::pipe::{Pipe, PipeItem};
use crate::{LinkEnd, Token};

/// The server's end of a link in memory, from
/// [`InProcessListener::accept`](super::InProcessListener::accept).
///
/// All methods take `&self`, so that one task may read while another writes
/// (in an `Arc`). All futures are cancel safe unless they say otherwise.
///
/// Dropping it resets the link, unless it was closed before: messages that were
/// sent are still read, and no more are taken.
pub struct InProcessPeer<In, Out = In> {
    to_client: Arc<Pipe<In>>,
    to_server: Arc<Pipe<Out>>,
}

/// A frame from a connection to its peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InProcessFrame<M> {
    /// A message.
    Message(M),
    /// A beat, to be answered with [`InProcessPeer::pong`].
    Beat(Token),
    /// The answer to [`InProcessPeer::ping`].
    Pong(Token),
}

impl<In: Send + 'static, Out: Send + 'static> InProcessPeer<In, Out> {
    pub(super) fn new(to_client: Arc<Pipe<In>>, to_server: Arc<Pipe<Out>>) -> InProcessPeer<In, Out> {
        InProcessPeer { to_client, to_server }
    }

    /// The next message. Beats that come before it are answered.
    ///
    /// # Errors
    ///
    /// How the link ended, from then on: [`LinkEnd::Closed`] with code 1000
    /// if the connection said goodbye, which is answered in kind, or
    /// [`LinkEnd::Eof`] if it just dropped the link.
    pub async fn recv(&self) -> Result<Out, LinkEnd> {
        loop {
            match self.next().await? {
                InProcessFrame::Message(message) => return Ok(message),
                // An error says that the link is gone. `next` tells that behind the
                // frames that are left to be read.
                InProcessFrame::Beat(token) => drop(self.pong(Some(token))),
                InProcessFrame::Pong(_) => {}
            }
        }
    }

    /// The next frame, for peers that answer beats themselves, or do not.
    ///
    /// # Errors
    ///
    /// As [`recv`](InProcessPeer::recv).
    pub async fn next(&self) -> Result<InProcessFrame<Out>, LinkEnd> {
        let item = poll_fn(|cx| self.to_server.poll_recv(cx)).await;
        match item {
            Ok(PipeItem::Message(message)) => Ok(InProcessFrame::Message(message)),
            Ok(PipeItem::Ping(token)) => Ok(InProcessFrame::Beat(token)),
            Ok(PipeItem::Pong(token)) => Ok(InProcessFrame::Pong(token.unwrap_or(Token(0)))),
            Err(end) => {
                if let LinkEnd::Closed { .. } = end {
                    self.to_client.end(end.clone());
                }
                Err(end)
            }
        }
    }

    /// Waits for room and sends a message. If the future is dropped before it is
    /// ready, the message was not sent.
    ///
    /// # Errors
    ///
    /// The message was not sent: this end has closed the link
    /// ([`LinkEnd::Closed`], [`LinkEnd::Eof`]), or the connection has dropped
    /// it ([`LinkEnd::Reset`]).
    pub async fn send(&self, message: In) -> Result<(), LinkEnd> {
        let mut staged = VecDeque::from([PipeItem::Message(message)]);
        poll_fn(|cx| self.to_client.poll_send(&mut staged, cx)).await
    }

    /// Answers a beat: with its token, or with `None`, as in protocols whose
    /// answers do not name the beat.
    ///
    /// # Errors
    ///
    /// As [`send`](InProcessPeer::send).
    pub fn pong(&self, token: Option<Token>) -> Result<(), LinkEnd> {
        self.say(PipeItem::Pong(token))
    }

    /// Sends a ping of this end's own, which the link answers with its token
    /// ([`InProcessFrame::Pong`]).
    ///
    /// # Errors
    ///
    /// As [`send`](InProcessPeer::send).
    pub fn ping(&self, token: Token) -> Result<(), LinkEnd> {
        self.say(PipeItem::Ping(token))
    }

    /// Closes the link with a code and a reason, behind the messages that were sent.
    /// Messages of the connection can still be read; once it is gone too,
    /// [`recv`](InProcessPeer::recv) ends.
    pub fn close(&self, code: u16, reason: &str) {
        self.to_client.end(LinkEnd::closed(Some(code), reason));
    }

    /// Ends the stream to the connection, behind the messages that were sent, without a
    /// goodbye. Messages of the connection can still be read.
    pub fn half_close(&self) {
        self.to_client.end(LinkEnd::Eof);
    }

    /// Beats take no room, so this never waits.
    fn say(&self, item: PipeItem<In>) -> Result<(), LinkEnd> {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match self.to_client.poll_send(&mut VecDeque::from([item]), &mut cx) {
            std::task::Poll::Ready(said) => said,
            std::task::Poll::Pending => Ok(()),
        }
    }
}

impl<In, Out> Drop for InProcessPeer<In, Out> {
    fn drop(&mut self) {
        self.to_client.end(LinkEnd::Reset);
        self.to_server.leave();
    }
}

impl<In, Out> fmt::Debug for InProcessPeer<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessPeer").field("is_read", &self.to_client.is_read()).finish_non_exhaustive()
    }
}
