//! A timer for an instant that may move.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer, which is set again whenever its instant has moved.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready at `at`; pending for ever if `at` is `None`.
    pub(super) fn poll_at(&mut self, at: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

/// Waits until `at`. Does not yield if `at` is not in the future.
pub(super) async fn wait_until(at: Instant) {
    let mut alarm = Alarm::default();
    if at > Instant::now() {
        poll_fn(|cx| alarm.poll_at(Some(at), cx)).await;
    }
}
