//! The reports of the tasks that open links: one channel to the driver, each
//! report with its link's id.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::LinkId;
use crate::keeper::Dialled;
use crate::shared::Handshake;
use crate::transport::{ConnectError, Link};

/// A report about an attempt to open a link.
pub(super) enum Report<L: Link> {
    /// The network path is there, and the task goes on.
    Dialled(Dialled),
    /// The link is open and logged in.
    Opened(Box<Handshake<L>>),
    /// The attempt failed.
    Failed { error: ConnectError, dialled: Option<Dialled> },
}

/// The channel. Each task sends two reports at most, so the number of tasks
/// bounds the channel.
pub(super) struct Reports<L: Link> {
    state: Mutex<ReportsState<L>>,
}

struct ReportsState<L: Link> {
    queue: VecDeque<(LinkId, Report<L>)>,
    driver: Option<Waker>,
}

impl<L: Link> Default for Reports<L> {
    fn default() -> Reports<L> {
        Reports { state: Mutex::new(ReportsState { queue: VecDeque::new(), driver: None }) }
    }
}

impl<L: Link> Reports<L> {
    pub(super) fn send(&self, link: LinkId, report: Report<L>) {
        let mut state = self.lock();
        state.queue.push_back((link, report));
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }

    /// The next report.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<(LinkId, Report<L>)> {
        let mut state = self.lock();
        if let Some(report) = state.queue.pop_front() {
            if state.queue.is_empty() {
                state.queue = VecDeque::new();
            }
            return Poll::Ready(report);
        }
        match &mut state.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, ReportsState<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L: Link> fmt::Debug for Reports<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").finish_non_exhaustive()
    }
}
