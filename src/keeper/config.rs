//! The keeper's settings.

mod first_connect;
mod heartbeat;
mod reconnect;
mod retry;
mod scaling;

pub use first_connect::FirstConnect;
pub use heartbeat::{Growth, Heartbeat, Probing};
pub(super) use heartbeat::{Mode, RECHECK_AFTER, RECHECK_AFTER_SCOUTS};
pub use reconnect::{Delays, Reconnect, Setback};
pub use retry::Retry;

use std::time::Duration;

use super::invalid::Invalid;

/// How long a goodbye may take by default: 3 s.
pub const CLOSE_DEADLINE: Duration = Duration::from_secs(3);

/// The keeper's settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// When to beat.
    pub heartbeat: Heartbeat,
    /// When to come back.
    pub reconnect: Reconnect,
    /// How long a goodbye may take: after it a closing link is dropped.
    /// Default: 3 s.
    pub close_deadline: Duration,
    /// Whether a second link may be opened beside the one in use. Default:
    /// true. False for servers that allow one session a user.
    pub overlap: bool,
    /// The longest time without a message, apart from beats. After it the
    /// link is dropped: its peer answers beats but sends nothing. Default:
    /// none.
    pub silence_limit: Option<Duration>,
    /// The meaning of a failure before the first link was in use. Default:
    /// [`FirstConnect::Retry`].
    pub first_connect: FirstConnect,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            close_deadline: CLOSE_DEADLINE,
            overlap: true,
            silence_limit: None,
            first_connect: FirstConnect::Retry,
        }
    }
}

impl Config {
    /// The given settings, and the defaults of all others.
    pub fn new(heartbeat: Heartbeat, reconnect: Reconnect) -> Config {
        Config { heartbeat, reconnect, ..Config::default() }
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field.
    pub fn check(&self) -> Result<(), Invalid> {
        self.heartbeat.check()?;
        self.reconnect.check()?;
        if self.close_deadline.is_zero() {
            return Err(Invalid::new("close_deadline", "must not be zero"));
        }
        if self.silence_limit.is_some_and(|limit| limit.is_zero()) {
            return Err(Invalid::new("silence_limit", "must not be zero"));
        }
        Ok(())
    }
}
