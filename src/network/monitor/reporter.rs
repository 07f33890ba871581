//! Passes the monitor's news on.

use crate::{NetworkHandle, NetworkStatus};

/// The background task's end of a monitor.
#[derive(Debug)]
pub(super) struct Reporter {
    handle: NetworkHandle,
    /// Whether the last report said that the network is gone.
    offline: bool,
}

impl Reporter {
    pub(super) fn new(handle: NetworkHandle) -> Reporter {
        Reporter { handle, offline: false }
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

impl Drop for Reporter {
    /// No later report can say that the network is back. So no connection may be left
    /// with the report that the network is gone.
    fn drop(&mut self) {
        if self.offline {
            self.handle.set(NetworkStatus::Changed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::network::Network as _;

    /// The news that a watch gets from the reports `statuses`, and then from the reporter's end.
    fn told(statuses: &[NetworkStatus]) -> Vec<NetworkStatus> {
        let handle = NetworkHandle::new();
        let mut watch = handle.watch();
        let mut reporter = Reporter::new(handle);
        for status in statuses {
            reporter.tell(*status, Some("home".into()));
        }
        drop(reporter);
        let mut cx = Context::from_waker(Waker::noop());
        std::iter::from_fn(|| match watch.poll_change(&mut cx) {
            Poll::Ready(change) => Some(change.status),
            Poll::Pending => None,
        })
        .collect()
    }

    #[test]
    fn a_monitor_that_ends_leaves_nobody_offline() {
        use NetworkStatus::{Changed, Offline, Online, Woke};
        assert_eq!(told(&[Offline]), [Offline, Changed]);
        assert_eq!(told(&[Offline, Woke]), [Offline, Woke, Changed]);
        assert_eq!(told(&[Offline, Online]), [Offline, Online]);
        assert_eq!(told(&[Changed]), [Changed]);
    }
}
