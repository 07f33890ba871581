//! The outcome of one message.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::Outcome;

/// Resolves to the outcome of one message. Made by
/// [`Sender::send_confirmed`](super::Sender::send_confirmed).
///
/// A confirmation always resolves: at the latest when the connection is closed,
/// gives up or is dropped. Dropping it withdraws nothing; the message stays
/// accepted. Cancel safe: it may be polled in a `select!` and taken up again.
#[must_use = "a confirmation tells nothing unless it is awaited"]
pub struct Confirmation<M> {
    outcome: oneshot::Receiver<Outcome<M>>,
}

impl<M> Confirmation<M> {
    pub(crate) fn new(outcome: oneshot::Receiver<Outcome<M>>) -> Confirmation<M> {
        Confirmation { outcome }
    }
}

impl<M> Future for Confirmation<M> {
    type Output = Outcome<M>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<M>> {
        Pin::new(&mut self.outcome)
            .poll(cx)
            .map(|outcome| outcome.expect("the driver settles every ticket before it ends"))
    }
}

impl<M> fmt::Debug for Confirmation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation").finish_non_exhaustive()
    }
}
