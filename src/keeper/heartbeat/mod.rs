//! The heartbeat: how seldom it may beat, and what an unanswered beat means.

mod beat;
mod config;
mod evidence;
mod ladder;
mod learned;
mod prober;
mod rtt;
mod survey;

pub use beat::Beat;
pub use config::{Growth, Heartbeat, Probing};
pub(super) use evidence::{Evidence, Lesson};
pub use learned::{Expiry, Learned, Recalled};
pub(super) use prober::{Gist, Pace, Prober};
pub(super) use rtt::Rtt;
pub(super) use survey::SCOUTS;
