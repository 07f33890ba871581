//! The connection's end of a link in memory.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::pipe::{Pipe, PipeItem};
use crate::transport::{Frame, Link};
use crate::{LinkEnd, Token};

/// The most messages that were taken and not yet flushed: 64; then `poll_ready`
/// flushes first.
const STAGED: usize = 64;

/// The connection's end of a link in memory, opened by
/// [`InProcess`](super::InProcess). An [`InProcessPeer`](super::InProcessPeer) has the
/// other.
///
/// Messages reach the peer when they are flushed. Dropping the link without a
/// goodbye is an end of the stream to its peer.
pub struct InProcessLink<In, Out = In> {
    to_client: Arc<Pipe<In>>,
    to_server: Arc<Pipe<Out>>,
    staged: VecDeque<PipeItem<Out>>,
    closing: bool,
    said_goodbye: bool,
}

impl<In, Out> InProcessLink<In, Out> {
    pub(super) fn new(to_client: Arc<Pipe<In>>, to_server: Arc<Pipe<Out>>) -> InProcessLink<In, Out> {
        InProcessLink { to_client, to_server, staged: VecDeque::new(), closing: false, said_goodbye: false }
    }

    /// A peer that was dropped without a goodbye has reset the link.
    fn check(&self) -> Result<(), LinkEnd> {
        if self.to_server.is_read() { Ok(()) } else { Err(LinkEnd::Reset) }
    }
}

impl<In: Send + 'static, Out: Send + 'static> Link for InProcessLink<In, Out> {
    type Incoming = In;
    type Outgoing = Out;

    /// A goodbye of the peer's own that crossed ours is the end of the stream:
    /// it says nothing about the messages that the peer has read.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<In>, LinkEnd>> {
        let polled = self.to_client.poll_recv(cx).map_err(|end| {
            let crossed = self.closing && !self.to_server.is_read_to_end();
            if crossed && matches!(end, LinkEnd::Closed { .. }) { LinkEnd::Eof } else { end }
        });
        polled.map_ok(|item| match item {
            PipeItem::Message(message) => Frame::Message(message),
            PipeItem::Pong(token) => Frame::Pong(token),
            PipeItem::Ping(token) => {
                // One answer waits at most, the latest, as over a socket.
                self.staged.retain(|staged| !matches!(staged, PipeItem::Pong(_)));
                self.staged.push_back(PipeItem::Pong(Some(token)));
                Frame::Alive
            }
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        match self.staged.len() < STAGED {
            true => Poll::Ready(self.check()),
            false => self.poll_flush(cx),
        }
    }

    fn start_send(&mut self, message: Out) -> Result<(), LinkEnd> {
        self.check()?;
        self.staged.push_back(PipeItem::Message(message));
        Ok(())
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.check()?;
        self.staged.push_back(PipeItem::Ping(token));
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        match self.staged.is_empty() {
            true => Poll::Ready(Ok(())),
            false => self.to_server.poll_send(&mut self.staged, cx),
        }
    }

    /// Closes with code 1000, behind all messages that were taken. The peer answers
    /// when it comes to read the Close.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.closing = true;
        let flushed = self.poll_flush(cx);
        if let Poll::Ready(Ok(())) = flushed
            && !self.said_goodbye
        {
            self.said_goodbye = true;
            self.to_server.end(LinkEnd::closed(Some(1000), ""));
        }
        flushed
    }
}

impl<In, Out> Drop for InProcessLink<In, Out> {
    fn drop(&mut self) {
        self.to_server.end(LinkEnd::Eof);
        self.to_client.leave();
    }
}

impl<In, Out> fmt::Debug for InProcessLink<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessLink")
            .field("staged", &self.staged.len())
            .field("said_goodbye", &self.said_goodbye)
            .finish_non_exhaustive()
    }
}
