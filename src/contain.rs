//! The application's code that runs beside the link may panic; the connection goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Code of the application panicked; the panic was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Panicked;

/// Runs `code` and catches its panic.
///
/// After a panic the caller must throw away the value that `code` worked on: the
/// link, the attempt, the callback's event.
pub(crate) fn contain<R>(code: impl FnOnce() -> R) -> Result<R, Panicked> {
    catch_unwind(AssertUnwindSafe(code)).map_err(drop_payload)
}

/// As [`contain`], for a future.
#[cfg(feature = "runtime")]
pub(crate) async fn contain_future<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match contain(|| future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => std::task::Poll::Ready(Err(panicked)),
    })
    .await
}

/// Drops `value`, whose own `Drop` may panic.
#[cfg(feature = "runtime")]
pub(crate) fn drop_contained<V>(value: V) {
    let _ = contain(|| drop(value));
}

/// A payload may itself panic when it is dropped; then it is leaked.
fn drop_payload(payload: Box<dyn std::any::Any + Send>) -> Panicked {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    Panicked
}
