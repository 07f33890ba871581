//! A stream in memory whose far end is as hostile as the first bytes of the
//! input say, and whose near end is watched.
//!
//! There is no runtime and no clock: the far end does its next thing when
//! everybody waits for it. So a poll that leaves nobody to be woken is seen at
//! once, and nothing can hang.

mod control;

pub use control::{Acts, Control};

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use control::{End, WriteFault};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The near end: what a transport is given.
pub struct Wire(Arc<Mutex<State>>);

/// The far end, in the hands of a target.
pub struct Far(Arc<Mutex<State>>);

struct State {
    control: Control,
    /// The far end's bytes, once they are known.
    says: Option<Vec<u8>>,
    /// So much of it was said, and so much of that was read.
    said: usize,
    read: usize,
    pieces: usize,
    turns: usize,
    /// It has said all, and ended as it does.
    over: bool,
    /// The bytes that were written to it.
    heard: Vec<u8>,
    writes: usize,
    /// A write was refused until later.
    blocked: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Both ends of a stream.
pub fn wire(control: Control) -> (Wire, Far) {
    let state = Arc::new(Mutex::new(State {
        control,
        says: None,
        said: 0,
        read: 0,
        pieces: 0,
        turns: 0,
        over: false,
        heard: Vec::new(),
        writes: 0,
        blocked: false,
        reader: None,
        writer: None,
    }));
    (Wire(Arc::clone(&state)), Far(state))
}

impl Far {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it is held")
    }

    /// The far end's bytes from here on.
    pub fn speak(&self, bytes: Vec<u8>) {
        self.state().says = Some(bytes);
    }

    /// The first of what it says.
    pub fn spoken(&self) -> Vec<u8> {
        let state = self.state();
        let says = state.says.as_deref().unwrap_or_default();
        says[..says.len().min(64)].to_vec()
    }

    /// The bytes that were written to it.
    pub fn heard(&self) -> Vec<u8> {
        self.state().heard.clone()
    }

    /// So often something can happen at either end.
    pub fn most_turns(&self) -> u64 {
        let state = self.state();
        let bytes = state.says.as_ref().map_or(0, Vec::len) + state.heard.len();
        1_000 + 4 * bytes as u64
    }

    /// Has room for what may be written to it, so that it takes none later.
    pub fn expect(&self) {
        let mut state = self.state();
        let answers = 2 * state.says.as_ref().map_or(0, Vec::len);
        state.heard.reserve(answers + 64 * 1024);
    }

    /// How many of its bytes were read.
    pub fn read(&self) -> usize {
        self.state().read
    }

    /// Whether somebody will be woken by bytes that come in.
    pub fn is_read(&self) -> bool {
        self.state().reader.is_some()
    }

    /// Whether somebody will be woken by room to write.
    pub fn is_written(&self) -> bool {
        self.state().writer.is_some()
    }

    /// Does the next thing, and wakes who waits for it. False where there is
    /// none.
    pub fn goes_on(&self) -> bool {
        let mut state = self.state();
        let went_on = state.goes_on();
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        went_on
    }
}

impl State {
    fn goes_on(&mut self) -> bool {
        self.turns += 1;
        // It takes and speaks in turn, while it does both.
        let left = self.says.as_ref().map_or(0, |says| says.len() - self.said);
        if (left == 0 || self.turns.is_multiple_of(2)) && std::mem::take(&mut self.blocked) {
            return true;
        }
        if self.says.is_none() {
            return false;
        }
        if left > 0 {
            self.said += self.control.piece(self.pieces).min(left);
            self.pieces += 1;
            return true;
        }
        !std::mem::replace(&mut self.over, true) && self.control.end != End::Silence
    }

    fn poll_read(&mut self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let waits = &self.says.as_deref().unwrap_or_default()[self.read..self.said];
        if !waits.is_empty() {
            let count = waits.len().min(buffer.remaining());
            buffer.put_slice(&waits[..count]);
            self.read += count;
            return Poll::Ready(Ok(()));
        }
        match self.control.end {
            End::Fin if self.over => Poll::Ready(Ok(())),
            End::Error(kind) if self.over => Poll::Ready(Err(kind.into())),
            End::Fin | End::Error(_) | End::Silence => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_write(&mut self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut takes = bytes.len();
        if let Some((after, how)) = self.control.refuses {
            takes = takes.min(after.saturating_sub(self.heard.len()));
            if takes == 0 && !bytes.is_empty() {
                return Poll::Ready(match how {
                    WriteFault::Error(kind) => Err(kind.into()),
                    WriteFault::TakesNothing => Ok(0),
                });
            }
        }
        if self.blocked {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (most, then_blocks) = self.control.takes(self.writes);
        self.writes += 1;
        self.blocked = then_blocks;
        takes = takes.min(most);
        self.heard.extend_from_slice(&bytes[..takes]);
        Poll::Ready(Ok(takes))
    }
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.state().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.state().poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A task that remembers that it was woken.
pub struct Task(AtomicBool);

impl Task {
    pub fn new() -> Arc<Task> {
        Arc::new(Task(AtomicBool::new(false)))
    }

    /// Whether it was woken since it was last asked.
    pub fn was_woken(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
