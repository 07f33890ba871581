//! A WebSocket whose server can be asked to speak after a silence: the text
//! `after` with a number of milliseconds is answered by the text `word`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use longlink::keeper::PathFacts;
use longlink::transport::{Attempt, Frame, Link, Traffic, Transport, from_fn};
use longlink::{LinkEnd, Message, Token, WebSocket, WebSocketLink};

/// Opens such links.
pub fn asking(url: &str) -> impl Transport<Link = AskingLink> {
    let inner = Arc::new(WebSocket::new(url).expect("a sound URL"));
    from_fn(move |attempt: Attempt| {
        let inner = Arc::clone(&inner);
        async move { Ok(AskingLink { inner: inner.connect(&attempt).await?, request: None }) }
    })
}

/// A WebSocket's link, and a request that waits for room.
pub struct AskingLink {
    inner: WebSocketLink,
    request: Option<Message>,
}

impl AskingLink {
    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if self.request.is_some() {
            ready!(self.inner.poll_ready(cx))?;
            if let Some(request) = self.request.take() {
                self.inner.start_send(request)?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Link for AskingLink {
    type Incoming = Message;
    type Outgoing = Message;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Message>, LinkEnd>> {
        self.inner.poll_next(cx).map_ok(|frame| match frame {
            Frame::Message(message) if message.as_text() == Some("word") => Frame::Alive,
            frame => frame,
        })
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        ready!(self.poll_request(cx))?;
        self.inner.poll_ready(cx)
    }

    fn start_send(&mut self, message: Message) -> Result<(), LinkEnd> {
        self.inner.start_send(message)
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.inner.start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        ready!(self.poll_request(cx))?;
        self.inner.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.inner.poll_close(cx)
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        self.inner.local_addr()
    }

    fn traffic(&self) -> Option<Traffic> {
        self.inner.traffic()
    }

    fn path_facts(&self) -> Option<PathFacts> {
        self.inner.path_facts()
    }

    fn answers_after(&self) -> bool {
        true
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.request = Some(Message::from(format!("after {}", silence.as_millis())));
        Ok(())
    }
}
