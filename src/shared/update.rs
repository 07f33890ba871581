//! Changing settings at run time.

use std::time::Duration;

use crate::keeper::Config;
use crate::{Heartbeat, Invalid, Reconnect};

/// Settings to change while a connection lives, for
/// [`ResilientConnection::update`](crate::ResilientConnection::update). A
/// setting that is not named stays as it is.
///
/// ```
/// use longlink::{Heartbeat, Update};
///
/// let on_battery = Update::new().heartbeat(Heartbeat::frugal());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "an update does nothing until it is passed to `update`"]
pub struct Update {
    heartbeat: Option<Heartbeat>,
    reconnect: Option<Reconnect>,
    silence_limit: Option<Option<Duration>>,
}

impl Update {
    /// An update that changes nothing.
    pub fn new() -> Update {
        Update::default()
    }

    /// When to beat. The idle timeout that was learned stays, unless the scale changes.
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Update {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// When to come back. The setting counts from the next wait on.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Update {
        self.reconnect = Some(reconnect);
        self
    }

    /// The longest time without a message; `None` for no limit.
    pub fn silence_limit(mut self, limit: Option<Duration>) -> Update {
        self.silence_limit = Some(limit);
        self
    }

    /// Adds a later update, and returns the settings that it replaces. Policies
    /// belong to the application, and their `Drop` may run its code, so the caller
    /// drops them without the lock.
    pub(crate) fn then(&mut self, later: Update) -> Update {
        fn renew<V>(setting: &mut Option<V>, later: Option<V>) -> Option<V> {
            later.and_then(|later| setting.replace(later))
        }
        Update {
            heartbeat: renew(&mut self.heartbeat, later.heartbeat),
            reconnect: renew(&mut self.reconnect, later.reconnect),
            silence_limit: renew(&mut self.silence_limit, later.silence_limit),
        }
    }

    pub(crate) fn applied_to(self, config: &Config) -> Config {
        let mut config = config.clone();
        if let Some(heartbeat) = self.heartbeat {
            config.heartbeat = heartbeat;
        }
        if let Some(reconnect) = self.reconnect {
            config.reconnect = reconnect;
        }
        if let Some(limit) = self.silence_limit {
            config.silence_limit = limit;
        }
        config
    }

    /// Refuses settings that cannot work, whatever the other settings are.
    pub(crate) fn check(&self) -> Result<(), Invalid> {
        self.clone().applied_to(&Config::default()).check()
    }
}
