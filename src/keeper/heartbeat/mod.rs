//! The heartbeat: how seldom it may beat, and what an unanswered beat means.

mod beat;
mod config;

pub use beat::Beat;
pub use config::{Growth, Heartbeat, Probing};
