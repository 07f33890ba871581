//! Coming back: whether, when, and how fast.

mod backoff;
mod classify;
mod config;

pub(super) use backoff::{Backoff, Ending, Wait};
pub use config::{Delays, Reconnect, Refusal};
