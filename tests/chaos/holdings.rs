//! The holdings of the process: memory, tasks, descriptors.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::heap;

/// The tests of this file run one after the other, since they share the
/// allocator and the descriptors that are counted.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The holdings between two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holdings {
    pub tasks: usize,
    /// Known on Linux.
    pub descriptors: Option<usize>,
    pub bytes: i64,
}

impl Holdings {
    pub fn now() -> Holdings {
        Holdings {
            tasks: Handle::current().metrics().num_alive_tasks(),
            descriptors: std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count),
            bytes: heap::held_by_all(),
        }
    }

    /// Waits until no more tasks and descriptors are held than `before`: what
    /// was dropped goes when the runtime comes to it.
    pub async fn settle(before: Holdings, patience: Duration) -> Holdings {
        let deadline = Instant::now() + patience;
        loop {
            let now = Holdings::now();
            if now.is_as(before) || Instant::now() > deadline {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn is_as(self, other: Holdings) -> bool {
        (self.tasks, self.descriptors) == (other.tasks, other.descriptors)
    }
}
