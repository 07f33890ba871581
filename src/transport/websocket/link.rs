//! One live WebSocket.

use std::fmt;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use http::HeaderValue;

use super::engine::Engine;
use super::message::Message;
use crate::dial::Stream;
use crate::keeper::PathFacts;
use crate::transport::{Frame, Link, Traffic};
use crate::{LinkEnd, Token};

/// A detached message up to this size, 32 KiB, is copied out of the buffer that
/// it came in. A larger one is a large part of its buffer already.
const COPIED_WHEN_DETACHED: usize = 32 * 1024;

/// One live WebSocket, opened by a [`WebSocket`](super::WebSocket) transport.
///
/// Beats are Pings of 8 bytes. A peer's Pings are answered with the next
/// flush. A peer's Close is answered as far as that works without waiting,
/// and ends the link with its code and reason.
///
/// An idle link takes about 4 KiB, whatever went over it before. Up to
/// 64 KiB and one message wait to be written; then `poll_ready` waits.
pub struct WebSocketLink {
    engine: Engine<Stream>,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    subprotocol: Option<HeaderValue>,
}

impl WebSocketLink {
    pub(super) fn new(
        engine: Engine<Stream>,
        local: Option<SocketAddr>,
        peer: Option<SocketAddr>,
        subprotocol: Option<HeaderValue>,
    ) -> WebSocketLink {
        WebSocketLink { engine, local, peer, subprotocol }
    }

    /// The subprotocol that the server chose, if it chose one of those that
    /// were offered.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_ref().and_then(|chosen| chosen.to_str().ok())
    }
}

impl Link for WebSocketLink {
    type Incoming = Message;
    type Outgoing = Message;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Message>, LinkEnd>> {
        self.engine.poll_next(cx)
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.engine.poll_ready(cx)
    }

    fn start_send(&mut self, message: Message) -> Result<(), LinkEnd> {
        self.engine.start_send(&message)
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.engine.start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.engine.poll_flush(cx)
    }

    /// Sends a Close with code 1000. The server's answer ends `poll_next`, as
    /// soon as the server has closed the stream, or 250 ms later.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.engine.poll_close(cx)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(self.engine.traffic())
    }

    /// The kernel's facts about the TCP connection: on Linux, with the
    /// feature `tcp-info`.
    fn path_facts(&self) -> Option<PathFacts> {
        self.engine.stream().path_facts()
    }

    fn size(&self, message: &Message) -> usize {
        message.len()
    }

    fn detach(&self, message: Message) -> Message {
        if message.len() <= COPIED_WHEN_DETACHED { message.detached() } else { message }
    }
}

impl fmt::Debug for WebSocketLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketLink")
            .field("local", &self.local)
            .field("subprotocol", &self.subprotocol.is_some())
            .field("traffic", &self.engine.traffic())
            .finish_non_exhaustive()
    }
}
