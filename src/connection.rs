//! The application's side: the connection, its senders, its events.

mod builder;
mod confirm;
mod error;
mod events;
mod handle;
mod sender;
mod state;
mod transition;
mod with_transitions;

pub use builder::Builder;
pub use confirm::Confirmation;
pub use error::{Closed, SendError, TrySendError};
pub use events::Events;
pub use handle::ResilientConnection;
pub use sender::{Permit, Sender};
pub use state::StateWatch;
pub use transition::Transition;
pub use with_transitions::WithTransitions;
