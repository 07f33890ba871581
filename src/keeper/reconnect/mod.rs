//! Coming back: whether, when, and how fast.

mod config;

pub use config::{Delays, Reconnect, Refusal};
