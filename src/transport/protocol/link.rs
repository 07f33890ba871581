//! One live link over a stream of bytes.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::{self, Decoder, Encoder};

use super::READ_BUFFER;
use super::frames::Frames;
use crate::dial::Stream;
use crate::keeper::PathFacts;
use crate::transport::{ConfirmedBy, ControlMessages, Frame, Framed, Link, Traffic};
use crate::{Beat, LinkEnd, Token};

/// Beyond this much unwritten data nothing more is taken: 64 KiB.
const HIGH_WATER: usize = 64 * 1024;
/// The write buffer's memory is given back when it is empty and held more: 8 KiB.
const KEPT: usize = 8 * 1024;

/// One live link of a [`Protocol`](super::Protocol) over TCP, TLS or a Unix
/// socket.
///
/// An idle link takes about 4 KiB, whatever went over it before. Up to
/// 64 KiB and one message wait to be written; then `poll_ready` waits.
pub struct StreamLink<C: Decoder, Out> {
    framed: Framed<Inner<C>, Out>,
    size_in: Option<fn(&C::Item) -> usize>,
    detach: Option<fn(C::Item) -> C::Item>,
}

type Inner<C> = codec::Framed<Counted, Frames<C>>;

/// The adapter that a link is made of, with small buffers.
pub(super) fn framed<C, Out>(
    stream: Stream,
    frames: Frames<C>,
    control: ControlMessages<C::Item, Out>,
) -> Framed<Inner<C>, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    let counted = Counted { stream, traffic: Traffic::default() };
    let mut inner = codec::Framed::with_capacity(counted, frames, READ_BUFFER);
    inner.set_backpressure_boundary(HIGH_WATER);
    *inner.write_buffer_mut() = BytesMut::new();
    Framed::new(inner, control).ends(|broken| broken.0.clone())
}

impl<C, Out> StreamLink<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    pub(super) fn new(
        framed: Framed<Inner<C>, Out>,
        size_in: Option<fn(&C::Item) -> usize>,
        detach: Option<fn(C::Item) -> C::Item>,
    ) -> StreamLink<C, Out> {
        StreamLink { framed, size_in, detach }
    }

    fn counted(&self) -> &Counted {
        self.framed.io().get_ref()
    }
}

impl<C, Out> Link for StreamLink<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error> + Send + 'static,
    C::Item: Send + 'static,
    Out: Send + Unpin + 'static,
{
    type Incoming = C::Item;
    type Outgoing = Out;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<C::Item>, LinkEnd>> {
        let polled = self.framed.poll_next(cx);
        let inner = self.framed.io_mut();
        if polled.is_pending() && inner.codec().most_read > READ_BUFFER && inner.read_buffer().is_empty() {
            *inner.read_buffer_mut() = BytesMut::with_capacity(READ_BUFFER);
            inner.codec_mut().most_read = 0;
        }
        polled
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.framed.poll_ready(cx)
    }

    fn start_send(&mut self, message: Out) -> Result<(), LinkEnd> {
        self.framed.start_send(message)
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.framed.start_beat(token)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let polled = self.framed.poll_flush(cx);
        let inner = self.framed.io_mut();
        if polled.is_ready() && inner.codec().most_written > KEPT && inner.write_buffer().is_empty() {
            *inner.write_buffer_mut() = BytesMut::new();
            inner.codec_mut().most_written = 0;
        }
        polled
    }

    /// Writes the goodbye, where there is one, and then the stream's end
    /// (TLS: close_notify). The peer's own end of the stream then ends
    /// `poll_next`.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.framed.poll_close(cx)
    }

    fn beat(&self) -> Beat {
        self.framed.beat()
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        self.framed.confirmed_by()
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        Link::local_addr(&self.framed)
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        Link::peer_addr(&self.framed)
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(self.counted().traffic)
    }

    /// The kernel's facts about the TCP connection: on Linux, with the
    /// feature `tcp-info`.
    fn path_facts(&self) -> Option<PathFacts> {
        self.counted().stream.path_facts()
    }

    /// Where TLS has shown it, or a Unix socket: a codec knows no handshake.
    fn is_vouched_for(&self) -> bool {
        self.counted().stream.is_vouched_for()
    }

    fn answers_after(&self) -> bool {
        self.framed.answers_after()
    }

    fn answer_me_after(&mut self, silence: Duration) -> Result<(), LinkEnd> {
        self.framed.answer_me_after(silence)
    }

    /// By default the bytes that the latest message took of the stream.
    fn size(&self, message: &C::Item) -> usize {
        match self.size_in {
            Some(size) => size(message),
            None => self.framed.io().codec().latest(),
        }
    }

    fn detach(&self, message: C::Item) -> C::Item {
        match self.detach {
            Some(detach) => detach(message),
            None => message,
        }
    }
}

impl<C, Out> fmt::Debug for StreamLink<C, Out>
where
    C: Decoder + Encoder<Out, Error = <C as Decoder>::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamLink")
            .field("framed", &self.framed)
            .field("traffic", &self.counted().traffic)
            .finish_non_exhaustive()
    }
}

/// A stream whose bytes are counted.
#[derive(Debug)]
pub(super) struct Counted {
    stream: Stream,
    traffic: Traffic,
}

impl Counted {
    fn stream(&mut self) -> Pin<&mut Stream> {
        Pin::new(&mut self.stream)
    }

    fn sent(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(count)) = written {
            self.traffic.sent += count as u64;
        }
        written
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = self.stream().poll_read(cx, buffer);
        self.traffic.received += (buffer.filled().len() - before) as u64;
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(cx, bytes);
        self.sent(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(cx, slices);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(cx)
    }
}
