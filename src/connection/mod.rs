//! What the application touches: the connection, its senders, its events.

mod builder;
mod confirm;
mod error;
mod events;
mod handle;
mod sender;
mod session;
mod state;
mod stats;
mod transitions;
mod update;

pub use builder::{Builder, FirstConnect};
pub use confirm::Confirmation;
pub use error::{Closed, Error, SendError, TrySendError};
pub use events::Events;
pub use handle::ResilientConnection;
pub use sender::{Permit, Sender};
pub(crate) use session::Hook;
pub use session::{HookError, Session};
pub use state::StateWatch;
pub use stats::Stats;
pub use transitions::{Transition, WithTransitions};
pub use update::Update;
