//! How long this process stood still: a busy machine's doing, which is no
//! fault of what is measured.

use std::sync::{Mutex, Once};
use std::thread;
use std::time::{Duration, Instant};

/// Looked at so often.
const STEP: Duration = Duration::from_millis(5);
/// A sleep that ends later than this by itself is nothing yet.
const USUAL: Duration = Duration::from_millis(10);

static HICCUPS: Mutex<Vec<(Instant, Duration)>> = Mutex::new(Vec::new());

/// Begins to watch, once for all tests.
pub fn watch() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        thread::spawn(|| {
            loop {
                let before = Instant::now();
                thread::sleep(STEP);
                let late = before.elapsed().saturating_sub(STEP);
                if late > USUAL {
                    let mut hiccups = HICCUPS.lock().expect("nobody panics with the list in hand");
                    hiccups.push((Instant::now(), late));
                }
            }
        });
    });
}

/// How long the process stood still between two moments, in all.
pub fn between(from: Instant, to: Instant) -> Duration {
    let hiccups = HICCUPS.lock().expect("nobody panics with the list in hand");
    hiccups.iter().filter(|(end, late)| *end >= from && *end - *late <= to).map(|(_, late)| *late).sum()
}
