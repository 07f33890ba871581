//! What the connection and its driver both know: settings, the login's view of
//! a link, statistics, and why it ended.

mod error;
mod handshake;
mod stats;
mod update;

pub use error::Error;
pub(crate) use handshake::Hook;
pub use handshake::{Handshake, HandshakeError};
pub use stats::Stats;
pub use update::Update;
