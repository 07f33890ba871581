//! A link driven step by step.

use std::future::{Future, poll_fn};

use crate::transport::{Frame, Link};
use crate::{LinkEnd, Token};

/// Drives a link by hand, as a connection would: for tests of a transport of
/// your own. Implemented for every [`Link`].
///
/// All futures may be dropped at any time; only a message given to
/// [`send`](ByHand::send) is lost if its future is dropped before it is ready.
pub trait ByHand: Link {
    /// The next frame, or how the link ended.
    fn next(&mut self) -> impl Future<Output = Result<Frame<Self::Incoming>, LinkEnd>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    /// Waits for room, gives the link one message and flushes it.
    fn send(&mut self, message: Self::Outgoing) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        async move {
            poll_fn(|cx| self.poll_ready(cx)).await?;
            self.start_send(message)?;
            self.flush().await
        }
    }

    /// Sends one beat and flushes it.
    fn send_beat(&mut self, token: Token) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        async move {
            self.start_beat(token)?;
            self.flush().await
        }
    }

    /// Ready when all that was given was handed to the system.
    fn flush(&mut self) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        poll_fn(|cx| self.poll_flush(cx))
    }

    /// Says goodbye. The peer's answer then ends [`next`](ByHand::next).
    fn say_goodbye(&mut self) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        poll_fn(|cx| self.poll_close(cx))
    }
}

impl<L: Link + ?Sized> ByHand for L {}
