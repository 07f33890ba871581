//! Runs one case, and looks at what it leaves behind.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::{Instant, sleep, timeout};

use super::Bench;

/// Why a case says nothing about a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotApplicable(pub(super) &'static str);

/// What a case comes to. It fails by a panic.
pub type Verdict = Result<(), NotApplicable>;

/// No case takes this long; one that does waits for what never comes.
const LONGEST: Duration = Duration::from_secs(60);
/// What a case has used is given back by then.
const CLEANED_UP: Duration = Duration::from_secs(10);

/// Runs one case on the bench that `make` makes, in a runtime of its own, and
/// then sees to it that no task, socket or other descriptor is left (the
/// latter on Linux). One case runs at a time, so that what others hold does
/// not count; tests beside the suite in the same process must not open or
/// close descriptors.
///
/// # Panics
///
/// If the transport does not do what the case wants.
pub fn run<B: Bench>(make: impl AsyncFnOnce() -> B, case: impl AsyncFnOnce(Arc<B>) -> Verdict) {
    run_within(LONGEST, CLEANED_UP, make, case);
}

/// As [`run`], where the case may take `limit`, and what is done behind it
/// `cleaning`: for cases that are expected to fail.
///
/// # Panics
///
/// As [`run`].
pub fn run_within<B: Bench>(
    limit: Duration,
    cleaning: Duration,
    make: impl AsyncFnOnce() -> B,
    case: impl AsyncFnOnce(Arc<B>) -> Verdict,
) {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime =
        Builder::new_current_thread().enable_all().build().expect("the system has room for a runtime");
    runtime.block_on(async {
        let before = Held::now();
        let bench = Arc::new(make().await);
        let verdict = timeout(limit, case(Arc::clone(&bench))).await;
        drop(bench);
        match verdict.expect("the case ends: something that it waits for never comes") {
            Ok(()) => {}
            Err(NotApplicable(why)) => eprintln!("not applicable: {why}"),
        }
        before.is_restored(cleaning).await;
    });
}

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    tasks: usize,
    descriptors: usize,
}

impl Held {
    fn now() -> Held {
        Held { tasks: Handle::current().metrics().num_alive_tasks(), descriptors: descriptors() }
    }

    async fn is_restored(self, limit: Duration) {
        let began = Instant::now();
        loop {
            let now = Held::now();
            if now.tasks <= self.tasks && now.descriptors <= self.descriptors {
                return;
            }
            assert!(began.elapsed() < limit, "something leaked: {self:?} at first, {now:?} at last");
            sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Open descriptors of this process; 0 where the system does not tell.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, |all| all.count())
}
