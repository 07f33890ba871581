//! Passes on what the monitor finds.

use crate::keeper::NetworkStatus;
use crate::network::NetworkHandle;

/// The background task's end of a monitor.
#[derive(Debug)]
pub(super) struct Teller {
    handle: NetworkHandle,
    /// Whether the last that was said of the network is that it is gone.
    offline: bool,
}

impl Teller {
    pub(super) fn new(handle: NetworkHandle) -> Teller {
        Teller { handle, offline: false }
    }

    /// Passes on `status`, on the network called `name`.
    pub(super) fn tell(&mut self, status: NetworkStatus, name: Option<String>) {
        match status {
            NetworkStatus::Offline => self.offline = true,
            NetworkStatus::Online | NetworkStatus::Changed => self.offline = false,
            NetworkStatus::Woke => {}
        }
        match name {
            Some(name) if status != NetworkStatus::Offline => self.handle.set_on(status, name),
            Some(_) | None => self.handle.set(status),
        }
    }
}

impl Drop for Teller {
    /// Nobody will say any more that the network is back, so that nobody may
    /// go on believing that it is gone.
    fn drop(&mut self) {
        if self.offline {
            self.handle.set(NetworkStatus::Changed);
        }
    }
}
