//! A link driven step by step.

use std::future::{Future, poll_fn};

use crate::transport::{Frame, Link};
use crate::{LinkEnd, Token};

/// Drives a link step by step, as a connection does: for tests of a transport
/// that you wrote. Implemented for every [`Link`].
///
/// All futures can be dropped at any time, with one loss: a
/// [`send`](ByHand::send) that is dropped before it is ready may lose its
/// message.
pub trait ByHand: Link {
    /// Waits for the next frame.
    ///
    /// # Errors
    ///
    /// How the link ended.
    fn next(&mut self) -> impl Future<Output = Result<Frame<Self::Incoming>, LinkEnd>> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    /// Waits for room, gives the link one message and flushes the link.
    fn send(&mut self, message: Self::Outgoing) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        async move {
            poll_fn(|cx| self.poll_ready(cx)).await?;
            self.start_send(message)?;
            self.flush().await
        }
    }

    /// Gives the link one beat and flushes the link.
    fn send_beat(&mut self, token: Token) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        async move {
            self.start_beat(token)?;
            self.flush().await
        }
    }

    /// Flushes the link: ready when the system has taken everything.
    fn flush(&mut self) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        poll_fn(|cx| self.poll_flush(cx))
    }

    /// Says goodbye. The peer's answer then ends [`next`](ByHand::next).
    fn say_goodbye(&mut self) -> impl Future<Output = Result<(), LinkEnd>> + Send {
        poll_fn(|cx| self.poll_close(cx))
    }
}

impl<L: Link + ?Sized> ByHand for L {}
