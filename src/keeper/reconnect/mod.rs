//! Coming back: whether, when, and how fast.

mod backoff;
mod classify;
mod config;

pub(super) use backoff::{Backoff, Ending, Wait};
pub(super) use classify::{Verdict, of_failure};
pub use config::{Delays, Reconnect, Refusal};
