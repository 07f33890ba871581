//! What the process holds: memory, tasks, descriptors.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

/// Bytes that were allocated and not given back, by all threads.
static HELD: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The tests of this file run one after the other, since they share the
/// allocator and the descriptors that are counted.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is held between two connections.
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
            bytes: HELD.load(Ordering::Relaxed),
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
