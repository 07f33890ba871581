//! The stream as the protocol library wants it: `Read` and `Write` that say
//! `WouldBlock`.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::boundary::Boundary;
use crate::transport::Traffic;

/// Beyond this much unwritten data nothing more is taken: 64 KiB.
pub(super) const HIGH_WATER: usize = 64 * 1024;
/// The write buffer's memory is given back when it is empty and larger.
const KEPT: usize = 8 * 1024;

/// A stream with the bytes that wait on either side of it.
#[derive(Debug)]
pub(super) struct BufferedStream<S> {
    stream: S,
    /// Who is to be woken by a stream that was not ready to be read.
    waker: Waker,
    /// Bytes that came before the first read: they are read first.
    behind: Bytes,
    pub(super) boundary: Boundary,
    /// The bytes to write; the first `written` of them are written.
    out: Vec<u8>,
    written: usize,
    /// Bytes were written that the stream itself may still hold.
    unflushed: bool,
    traffic: Traffic,
}

impl<S: AsyncRead + AsyncWrite + Unpin> BufferedStream<S> {
    pub(super) fn new(stream: S, behind: Bytes) -> BufferedStream<S> {
        BufferedStream {
            stream,
            waker: Waker::noop().clone(),
            behind: let_go_if_empty(behind),
            boundary: Boundary::default(),
            out: Vec::new(),
            written: 0,
            unflushed: false,
            traffic: Traffic::default(),
        }
    }

    /// Has the task of `cx` woken when there is something to read.
    pub(super) fn wake_on_read(&mut self, cx: &Context<'_>) {
        if !self.waker.will_wake(cx.waker()) {
            self.waker.clone_from(cx.waker());
        }
    }

    /// The buffer to append frames to.
    pub(super) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes that wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    pub(super) fn stream(&self) -> &S {
        &self.stream
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Ready when everything was handed to the system.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            let stream = Pin::new(&mut self.stream);
            match stream.poll_write(cx, &self.out[self.written..])? {
                Poll::Ready(0) => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                Poll::Ready(count) => {
                    self.written += count;
                    self.traffic.sent += count as u64;
                    self.unflushed = true;
                }
                Poll::Pending => {
                    self.forget_written();
                    return Poll::Pending;
                }
            }
        }
        if self.written > 0 {
            self.written = 0;
            self.out.clear();
            if self.out.capacity() > KEPT {
                self.out = Vec::new();
            }
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Moves waiting bytes to the front once the room before them is larger, so
    /// that a buffer that never runs empty does not grow.
    fn forget_written(&mut self) {
        if self.written > self.waiting() {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    /// Tells the peer that nothing more will come, as far as that works
    /// without waiting.
    pub(super) fn shut_down(&mut self, cx: &mut Context<'_>) {
        let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
    }
}

/// An empty slice would hold the whole buffer of the handshake.
fn let_go_if_empty(bytes: Bytes) -> Bytes {
    if bytes.is_empty() { Bytes::new() } else { bytes }
}

impl<S: AsyncRead + Unpin> Read for BufferedStream<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = if self.behind.is_empty() {
            let mut buffer = ReadBuf::new(buffer);
            let mut cx = Context::from_waker(&self.waker);
            match Pin::new(&mut self.stream).poll_read(&mut cx, &mut buffer) {
                Poll::Ready(read) => read?,
                Poll::Pending => return Err(io::ErrorKind::WouldBlock.into()),
            }
            buffer.filled().len()
        } else {
            let count = self.behind.len().min(buffer.len());
            self.behind.copy_to_slice(&mut buffer[..count]);
            self.behind = let_go_if_empty(std::mem::take(&mut self.behind));
            count
        };
        self.boundary.advance(&buffer[..count]);
        self.traffic.received += count as u64;
        Ok(count)
    }
}

/// The library's own frames, pongs and the answer to a
/// Close, join the frames that wait already. While much waits they are refused,
/// so that a peer that sends pings and reads nothing cannot fill the memory:
/// the library then keeps the newest pong only.
impl<S> Write for BufferedStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.out.len() - self.written > HIGH_WATER {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
