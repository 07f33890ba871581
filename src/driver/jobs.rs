//! Jobs that may block, for the driver, which must not block.
//!
//! One job of each queue at a time runs in the runtime's pool for blocking work.
//! The driver takes the result in one of its next turns. Jobs that still wait
//! when the driver goes are done all the same.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::contain::contain;

/// Does the jobs of one queue.
pub(super) trait Worker: Send + Sync + 'static {
    type Job: Send;
    /// The result of a job.
    type Done: Send;

    /// Whether a job may take longer than a moment. Jobs of a worker that says
    /// no run at once, in the driver's turn.
    fn blocks(&self) -> bool;

    /// Does a job.
    fn work(&self, job: Self::Job) -> Self::Done;

    /// The result of a job that panicked.
    fn panicked() -> Self::Done;
}

/// A queue of jobs, done one after another.
pub(super) struct Jobs<W: Worker> {
    line: Arc<JobQueue<W>>,
}

struct JobQueue<W: Worker> {
    worker: W,
    state: Mutex<JobQueueState<W>>,
}

struct JobQueueState<W: Worker> {
    waiting: VecDeque<W::Job>,
    /// A thread works on the queue.
    busy: bool,
    done: VecDeque<W::Done>,
    driver: Option<Waker>,
}

impl<W: Worker> Jobs<W> {
    pub(super) fn new(worker: W) -> Jobs<W> {
        let state =
            JobQueueState { waiting: VecDeque::new(), busy: false, done: VecDeque::new(), driver: None };
        Jobs { line: Arc::new(JobQueue { worker, state: Mutex::new(state) }) }
    }

    /// Lets `arrange` change the waiting jobs, and starts the work on them.
    /// `arrange` is called under a lock, so it must return whatever it takes out
    /// that may run code of the application's when it is dropped.
    pub(super) fn arrange<R>(&self, arrange: impl FnOnce(&mut VecDeque<W::Job>) -> R) -> R {
        let mut state = self.line.lock();
        let result = arrange(&mut state.waiting);
        let starts = !state.waiting.is_empty() && !std::mem::replace(&mut state.busy, true);
        drop(state);
        if starts {
            let line = Arc::clone(&self.line);
            if contain(|| line.worker.blocks()).unwrap_or(true) {
                tokio::task::spawn_blocking(move || line.work_off());
            } else {
                line.work_off();
            }
        }
        result
    }

    /// The result of the next job that is done.
    pub(super) fn poll_done(&self, cx: &mut Context<'_>) -> Poll<W::Done> {
        let mut state = self.line.lock();
        if let Some(done) = state.done.pop_front() {
            return Poll::Ready(done);
        }
        match &mut state.driver {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// How many jobs wait for a thread.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.line.lock().waiting.len()
    }
}

impl<W: Worker> JobQueue<W> {
    fn lock(&self) -> MutexGuard<'_, JobQueueState<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all waiting jobs.
    fn work_off(&self) {
        while let Some(job) = self.next() {
            let done = contain(|| self.worker.work(job)).unwrap_or_else(|_| W::panicked());
            let mut state = self.lock();
            state.done.push_back(done);
            let driver = state.driver.take();
            drop(state);
            if let Some(driver) = driver {
                driver.wake();
            }
        }
    }

    /// The next job. Without one, the thread stops working on the queue.
    fn next(&self) -> Option<W::Job> {
        let mut state = self.lock();
        let job = state.waiting.pop_front();
        state.busy = job.is_some();
        job
    }
}

impl<W: Worker> fmt::Debug for Jobs<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::mpsc;

    use super::*;

    /// Doubles numbers, and panics at 13.
    struct Doubler {
        blocks: bool,
        seen: Mutex<mpsc::Sender<u32>>,
    }

    impl Worker for Doubler {
        type Job = u32;
        type Done = Option<u32>;

        fn blocks(&self) -> bool {
            self.blocks
        }

        fn work(&self, job: u32) -> Option<u32> {
            assert_ne!(job, 13);
            self.seen.lock().unwrap().send(job).unwrap();
            Some(job * 2)
        }

        fn panicked() -> Option<u32> {
            None
        }
    }

    fn jobs(blocks: bool) -> (Jobs<Doubler>, mpsc::Receiver<u32>) {
        let (sender, seen) = mpsc::channel();
        (Jobs::new(Doubler { blocks, seen: Mutex::new(sender) }), seen)
    }

    async fn done(jobs: &Jobs<Doubler>) -> Option<u32> {
        poll_fn(|cx| jobs.poll_done(cx)).await
    }

    #[tokio::test]
    async fn jobs_are_done_in_their_order_whatever_panics_among_them() {
        let (jobs, _seen) = jobs(true);
        jobs.arrange(|waiting| waiting.extend([1, 13, 3]));
        jobs.arrange(|waiting| waiting.push_back(4));
        for wanted in [Some(2), None, Some(6), Some(8)] {
            assert_eq!(done(&jobs).await, wanted);
        }
        jobs.arrange(|waiting| waiting.push_back(5));
        assert_eq!(done(&jobs).await, Some(10));
    }

    #[test]
    fn those_that_do_not_block_need_no_pool() {
        let (jobs, seen) = jobs(false);
        jobs.arrange(|waiting| waiting.extend([1, 2]));
        assert_eq!(seen.try_iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[tokio::test]
    async fn jobs_that_wait_when_the_driver_goes_are_done_all_the_same() {
        let (jobs, seen) = jobs(true);
        jobs.arrange(|waiting| waiting.extend(20..=99));
        drop(jobs);
        let all = tokio::task::spawn_blocking(move || seen.iter().collect::<Vec<_>>()).await.unwrap();
        assert_eq!(all, (20..=99).collect::<Vec<_>>());
    }
}
