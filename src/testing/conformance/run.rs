//! Runs one case, and checks that the case leaves nothing behind.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep, timeout};

use super::verdict::NotApplicable;
use super::{Bench, Case};

/// How a case ended. A case that fails panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// The transport keeps the promise.
    Passed,
    /// The case does not apply to this bench, for this reason: the bench
    /// cannot make the fault, or the protocol has no such thing.
    NotApplicable(&'static str),
}

/// Every case ends sooner. A case that takes longer waits for something that
/// never comes.
const LONGEST_CASE: Duration = Duration::from_secs(60);
/// The time in which everything that a case used must be given back.
const LONGEST_CLEANUP: Duration = Duration::from_secs(10);

/// Runs one case on the bench that `make` makes, in a runtime of its own. Then
/// checks that no task is left, and on Linux no socket or other descriptor.
///
/// One case runs at a time in a process, so that the descriptors of one do not
/// count for another. Other tests of the same process must not open or close
/// descriptors meanwhile.
///
/// # Panics
///
/// If the transport breaks the promise of the case, if the case takes longer
/// than a minute, or if something is left 10 s after it.
pub fn run<B: Bench>(make: impl AsyncFnOnce() -> B, case: Case) -> Ran {
    run_within(LONGEST_CASE, LONGEST_CLEANUP, make, case)
}

/// As [`run`], with other limits: `limit` for the case, and `cleanup` for the
/// time until everything is given back. Short limits suit cases that are
/// expected to fail.
///
/// # Panics
///
/// As [`run`].
pub fn run_within<B: Bench>(
    limit: Duration,
    cleanup: Duration,
    make: impl AsyncFnOnce() -> B,
    case: Case,
) -> Ran {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime =
        Builder::new_current_thread().enable_all().build().expect("the system has room for a runtime");
    runtime.block_on(async {
        let before = Resources::now();
        let bench = Arc::new(make().await);
        let verdict = timeout(limit, case.play(Arc::clone(&bench))).await;
        drop(bench);
        let verdict = verdict.expect("the case ends: something that it waits for never comes");
        before.are_restored(cleanup).await;
        match verdict {
            Ok(()) => Ran::Passed,
            Err(NotApplicable(why)) => Ran::NotApplicable(why),
        }
    })
}

/// The body of each test that [`tests!`](super::tests) makes.
#[doc(hidden)]
pub fn __run_test<B: Bench>(make: impl AsyncFnOnce() -> B, name: &str, not_applicable: Option<&[&str]>) {
    for listed in not_applicable.unwrap_or_default() {
        assert!(Case::named(listed).is_some(), "the suite has no case {listed}");
    }
    let case = Case::named(name).expect("the tests come from the list of cases");
    let listed = not_applicable.map(|listed| listed.contains(&name));
    match (run(make, case), listed) {
        (Ran::Passed, None | Some(false)) | (Ran::NotApplicable(_), Some(true)) => {}
        (Ran::NotApplicable(why), None) => eprintln!("not applicable: {why}"),
        (Ran::NotApplicable(why), Some(false)) => panic!("{case} is not listed and does not apply: {why}"),
        (Ran::Passed, Some(true)) => panic!("{case} is listed as not applicable, and applies"),
    }
}

/// The tasks of the runtime and the open descriptors of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Resources {
    tasks: usize,
    descriptors: usize,
}

impl Resources {
    fn now() -> Resources {
        Resources { tasks: Handle::current().metrics().num_alive_tasks(), descriptors: descriptors() }
    }

    async fn are_restored(self, limit: Duration) {
        let began = Instant::now();
        loop {
            let now = Resources::now();
            if now.tasks <= self.tasks && now.descriptors <= self.descriptors {
                return;
            }
            assert!(began.elapsed() < limit, "something leaked: {self:?} at first, {now:?} at last");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Counts the open descriptors of this process; 0 where the system does not tell.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count())
}
