//! The WebSocket protocol over any stream, without its handshake.
//!
//! The protocol library reads, driven directly. We write:
//! frames go straight into the buffer that the socket is written from, and
//! the library's own frames join them there.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};

use super::encode::{self, Opcode};
use super::message::{Message, Text};
use super::socket::{BufferedStream, HIGH_WATER};
use crate::transport::{Frame, Traffic};
use crate::{LinkEnd, Token};

/// The library's read buffer: 4 KiB. An idle link needs no other memory
/// for reading. The library zeroes it at each read that finds nothing.
const READ_BUFFER: usize = 4 * 1024;
/// Room for the library's own frames, pongs and a Close, while there is none
/// in the way out. Later pongs then replace each other.
const OWN_FRAMES: usize = 512;

/// How long a server that has answered our Close may take to close TCP before
/// us, which spares the ports of this side: 250 ms. A server that closes first does
/// so right behind its answer. For another server a longer wait gains nothing: both
/// goodbyes were said.
const SERVER_FIRST: Duration = Duration::from_millis(250);

/// One end of a WebSocket connection: the client's, after the handshake.
#[derive(Debug)]
pub(super) struct Engine<S> {
    socket: BufferedStream<S>,
    protocol: WebSocketContext,
    config: WebSocketConfig,
    /// How many bytes had been received when `protocol` was made.
    fresh_at: u64,
    close_state: CloseState,
    /// The library may hold a frame of its own: a pong, or a Close.
    own_frames_due: bool,
}

/// How far the goodbye has come.
#[derive(Debug)]
enum CloseState {
    /// No goodbye of ours yet.
    Open,
    /// Our goodbye is written or on its way. The link ends with the peer's answer,
    /// though the peer has yet to close the stream.
    Closing {
        written: bool,
        answer: Option<LinkEnd>,
        /// Runs from the answer on.
        server_first: Option<Pin<Box<Sleep>>>,
    },
}

impl CloseState {
    fn closing(answer: Option<LinkEnd>) -> CloseState {
        CloseState::Closing { written: false, answer, server_first: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Engine<S> {
    /// Speaks WebSocket over `stream`, of which `behind` was already read.
    /// Incoming messages and frames are limited to `limit` bytes.
    pub(super) fn new(stream: S, behind: Bytes, limit: usize) -> Engine<S> {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(OWN_FRAMES)
            .max_message_size(Some(limit))
            .max_frame_size(Some(limit));
        Engine {
            socket: BufferedStream::new(stream, behind),
            // The bytes that were already read are not given to the library here: it
            // would go on with buffers of that size.
            protocol: WebSocketContext::new(Role::Client, Some(config)),
            config,
            fresh_at: 0,
            close_state: CloseState::Open,
            own_frames_due: false,
        }
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Message>, LinkEnd>> {
        use tokio_tungstenite::tungstenite::Message as Raw;
        self.socket.wake_on_read(cx);
        loop {
            let frame = match self.protocol.read(&mut self.socket) {
                Ok(Raw::Text(text)) => Frame::Message(Message::Text(Text::new(text))),
                Ok(Raw::Binary(bytes)) => Frame::Message(Message::Binary(bytes)),
                Ok(Raw::Pong(payload)) => match <[u8; 8]>::try_from(&payload[..]) {
                    Ok(token) => Frame::Pong(Some(Token(u64::from_be_bytes(token)))),
                    Err(_) => Frame::Alive,
                },
                Ok(Raw::Ping(_)) => {
                    self.own_frames_due = true;
                    Frame::Alive
                }
                Ok(Raw::Close(close)) => {
                    let end = self.said(close);
                    match &mut self.close_state {
                        CloseState::Open => return Poll::Ready(Err(self.answer_close(end, cx))),
                        CloseState::Closing { written: true, answer, .. } => *answer = Some(end),
                        CloseState::Closing { written: false, answer, .. } => {
                            *answer = Some(end.crossing_ours())
                        }
                    }
                    continue;
                }
                // The library hands out raw frames only where they are asked for.
                Ok(Raw::Frame(_)) => Frame::Alive,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.shrink();
                    return match self.close_state {
                        CloseState::Open => Poll::Pending,
                        CloseState::Closing { .. } => self.wait_for_server(cx),
                    };
                }
                Err(error) => return Poll::Ready(Err(self.end(error, cx))),
            };
            return Poll::Ready(Ok(frame));
        }
    }

    /// Waits for the server behind our Close. Once the server has answered the Close
    /// and has had its time to close the stream, the answer is the end of the link.
    #[cold]
    fn wait_for_server(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<Message>, LinkEnd>> {
        let CloseState::Closing { written: true, answer: Some(answer), server_first } = &mut self.close_state
        else {
            return Poll::Pending;
        };
        let wait = server_first.get_or_insert_with(|| Box::pin(sleep(SERVER_FIRST)));
        ready!(wait.as_mut().poll(cx));
        let answer = answer.clone();
        self.socket.shut_down(cx);
        Poll::Ready(Err(answer))
    }

    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if self.socket.waiting() > HIGH_WATER
            && let Poll::Ready(Err(error)) = self.socket.poll_drain(cx)
        {
            return Poll::Ready(Err(LinkEnd::from_io(&error)));
        }
        if self.socket.waiting() > HIGH_WATER { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    pub(super) fn start_send(&mut self, message: &Message) -> Result<(), LinkEnd> {
        let opcode = match message {
            Message::Text(_) => Opcode::Text,
            Message::Binary(_) => Opcode::Binary,
        };
        self.push(opcode, message.as_bytes())
    }

    pub(super) fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.push(Opcode::Ping, &token.0.to_be_bytes())
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        loop {
            let refused = self.own_frames_due && self.collect_own_frames().is_err();
            if let Err(error) = ready!(self.socket.poll_drain(cx)) {
                return Poll::Ready(Err(LinkEnd::from_io(&error)));
            }
            if !refused {
                return Poll::Ready(Ok(()));
            }
        }
    }

    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        if matches!(self.close_state, CloseState::Open) {
            // The library would write a pong that it still has behind the Close.
            if self.own_frames_due {
                ready!(self.poll_flush(cx))?;
            }
            self.close_state = CloseState::closing(None);
            self.own_frames_due = true;
            let goodbye = CloseFrame { code: CloseCode::Normal, reason: Default::default() };
            // Where there is no room now, `poll_flush` collects it later.
            let _ = self.protocol.close(&mut self.socket, Some(goodbye));
        }
        ready!(self.poll_flush(cx))?;
        if let CloseState::Closing { written, .. } = &mut self.close_state {
            *written = true;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn stream(&self) -> &S {
        self.socket.stream()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.socket.traffic()
    }

    fn push(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), LinkEnd> {
        match self.close_state {
            CloseState::Open => {
                encode::frame(self.socket.out(), opcode, payload);
                Ok(())
            }
            CloseState::Closing { .. } => Err(LinkEnd::Protocol("nothing may follow our Close".to_owned())),
        }
    }

    /// Takes over the library's own frames. An error says that there
    /// is no room for them now.
    fn collect_own_frames(&mut self) -> Result<(), Error> {
        match self.protocol.flush(&mut self.socket) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Err(Error::Io(error)),
            // After the end there is nothing to collect, and `poll_next` has
            // told it.
            Ok(()) | Err(_) => {
                self.own_frames_due = false;
                Ok(())
            }
        }
    }

    /// The end that the peer's Close means. The library puts 1002 in place of codes
    /// that it does not know, among them 1014, which proxies send: so the code
    /// is taken from the wire.
    fn said(&self, close: Option<CloseFrame>) -> LinkEnd {
        match (close, self.socket.boundary.close_payload()) {
            (None, _) => LinkEnd::closed(None, ""),
            (Some(_), &[high, low, ref reason @ ..]) => LinkEnd::closed(
                Some(u16::from_be_bytes([high, low])),
                std::str::from_utf8(reason).unwrap_or_default(),
            ),
            (Some(close), _) => LinkEnd::closed(Some(close.code.into()), &close.reason),
        }
    }

    /// Answers the peer's Close as far as that works at once: a peer that has gone
    /// is not waited for.
    fn answer_close(&mut self, end: LinkEnd, cx: &mut Context<'_>) -> LinkEnd {
        let _ = self.collect_own_frames();
        self.last_words(cx);
        end
    }

    fn last_words(&mut self, cx: &mut Context<'_>) {
        if let Poll::Ready(Ok(())) = self.socket.poll_drain(cx) {
            self.socket.shut_down(cx);
        }
    }

    /// The end that an error of the library means. A peer that broke the protocol is
    /// told so, as far as that works at once.
    fn end(&mut self, error: Error, cx: &mut Context<'_>) -> LinkEnd {
        if let CloseState::Closing { answer: Some(answer), .. } = &self.close_state {
            return answer.clone();
        }
        let (code, end) = match error {
            Error::Io(error) => return LinkEnd::from_io(&error),
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return LinkEnd::Eof,
            Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                (CloseCode::Size, LinkEnd::TooBig { size, limit: max_size })
            }
            Error::Protocol(rule) => (CloseCode::Protocol, LinkEnd::Protocol(rule.to_string())),
            Error::Utf8(_) => (CloseCode::Invalid, LinkEnd::Protocol("text that is not UTF-8".to_owned())),
            // The other errors belong to the handshake or to writing, which the
            // library does not do here. Their texts could hold bytes of the peer.
            Error::Capacity(CapacityError::TooManyHeaders)
            | Error::WriteBufferFull(_)
            | Error::AttackAttempt
            | Error::Tls(_)
            | Error::Url(_)
            | Error::Http(_)
            | Error::HttpFormat(_) => (CloseCode::Protocol, LinkEnd::Protocol("unreadable frame".to_owned())),
        };
        if matches!(self.close_state, CloseState::Open) {
            // A pong that the library still has comes before the Close, and
            // nothing behind it.
            let _ = self.collect_own_frames();
            encode::frame(self.socket.out(), Opcode::Close, &u16::from(code).to_be_bytes());
            self.own_frames_due = false;
            self.close_state = CloseState::closing(Some(end.clone()));
            self.last_words(cx);
        }
        end
    }

    /// Exchanges the protocol context for a fresh one once more than its
    /// buffer's first size has gone through it, since it may have grown to
    /// any size and would never shrink. Only at the end of a message, with
    /// nothing in the buffer and nothing to be said.
    fn shrink(&mut self) {
        let received = self.socket.traffic().received;
        if received - self.fresh_at > READ_BUFFER as u64
            && self.socket.boundary.clean()
            && !self.own_frames_due
            && matches!(self.close_state, CloseState::Open)
        {
            self.fresh_at = received;
            self.protocol = WebSocketContext::new(Role::Client, Some(self.config));
        }
    }
}

#[cfg(test)]
mod tests;
