//! How long this process stood still: a busy machine's doing, which is no
//! fault of what is measured.
#![allow(dead_code, reason = "each test target uses its part of it")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, MutexGuard, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Looked at so often.
const STEP: Duration = Duration::from_millis(5);
/// A sleep that ends later than this by itself is nothing yet.
const USUAL: Duration = Duration::from_millis(10);
/// A process that stood still for this long may have missed a deadline: the shortest of
/// those that tests scale down is an eighth or a twentieth of a second.
const GRAVE: Duration = Duration::from_millis(50);
/// How often something is run before a failure counts though the process stood
/// still.
const RUNS: u32 = 4;

static WATCHED: Mutex<Watched> = Mutex::new(Watched { until: None, hiccups: Vec::new() });

struct Watched {
    /// Standstills up to then are known.
    until: Option<Instant>,
    /// When each ended, and how long it was.
    hiccups: Vec<(Instant, Duration)>,
}

/// Begins to watch, once for all tests.
pub fn watch() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        watched().until = Some(Instant::now());
        thread::spawn(|| {
            let mut before = Instant::now();
            loop {
                thread::sleep(STEP);
                let now = Instant::now();
                let late = now.duration_since(before).saturating_sub(STEP);
                let mut watched = watched();
                watched.until = Some(now);
                if late > USUAL {
                    watched.hiccups.push((now, late));
                }
                before = now;
            }
        });
    });
}

/// How long the process stood still between two moments, in all.
pub fn between(from: Instant, to: Instant) -> Duration {
    find(from, to).into_iter().sum()
}

/// How often the process stood still since a moment for longer than this.
pub fn since(from: Instant, least: Duration) -> usize {
    find(from, Instant::now()).into_iter().filter(|late| *late > least).count()
}

/// Each stand-still between two moments.
fn find(from: Instant, to: Instant) -> Vec<Duration> {
    watch();
    // Whoever asks may have gone on before the watch.
    while watched().until.is_none_or(|until| until < to) {
        thread::sleep(STEP);
    }
    let watched = watched();
    let met = |(end, late): &&(Instant, Duration)| *end >= from && *end - *late <= to;
    watched.hiccups.iter().filter(met).map(|(_, late)| *late).collect()
}

fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().expect("nobody panics with the list in hand")
}

/// Says how the process stood still since a moment, if it did so for long
/// enough to matter.
pub fn told(from: Instant) -> Option<String> {
    let hiccups = find(from, Instant::now()).into_iter().filter(|late| *late > GRAVE);
    let (count, longest) =
        hiccups.fold((0, Duration::ZERO), |(count, longest), late| (count + 1, longest.max(late)));
    (count > 0).then(|| format!("the machine stood still {count} times, for {longest:.2?} at most"))
}

/// Runs what measures time that no machine may lose: a run that fails, and in
/// which the process stood still, shows nothing. It is told, and made again; a
/// run in which it did not, and the last one, count as they are.
pub fn steadily<R>(name: &str, run: impl Fn() -> R) -> R {
    watch();
    for left in (0..RUNS).rev() {
        let begun = Instant::now();
        let panic = match catch_unwind(AssertUnwindSafe(&run)) {
            Ok(result) => return result,
            Err(panic) => panic,
        };
        let Some(how) = told(begun).filter(|_| left > 0) else { resume_unwind(panic) };
        // Past the test harness, which keeps back what a passing test prints.
        let _ = std::io::stderr().write_all(format!("void: {name}: {how}; again\n").as_bytes());
    }
    unreachable!("the last run returns or panics")
}
