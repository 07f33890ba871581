//! What the connection and its driver both know: settings, the login's view of
//! a link, figures, and why it ended.

mod error;
mod session;
mod stats;
mod update;

pub use error::Error;
pub(crate) use session::Hook;
pub use session::{HookError, Session};
pub use stats::Stats;
pub use update::Update;
