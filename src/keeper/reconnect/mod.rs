//! Coming back: whether, when, and how fast.

mod backoff;
mod classify;
mod config;
mod retry;

pub(super) use backoff::{Backoff, Ending, Wait};
pub(super) use classify::of_failure;
pub use config::{Delays, Reconnect, Refusal};
pub use retry::Retry;
