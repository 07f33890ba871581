//! The types that the connection and its driver share: settings, the login's view
//! of a link, statistics, and the reason why a connection is over.

mod error;
mod handshake;
mod stats;
mod update;

pub use error::Error;
pub(crate) use handshake::Hook;
pub use handshake::{Handshake, HandshakeError};
pub use stats::Stats;
pub use update::Update;
