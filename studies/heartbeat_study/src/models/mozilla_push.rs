//! Mozilla's push client of Firefox OS, with the adaptive ping switched on.
//!
//! `_calculateAdaptivePing` in
//! <https://github.com/mozilla/gecko-dev/blob/esr78/dom/push/PushServiceWebSocket.jsm>
//! and the `dom.push.adaptive` preferences: from 3 min, half as long again
//! after each answered ping, never beyond 29 min (so the last of its steps is
//! 1366 s). No data within 10 s of a ping, or any end of the link, is a
//! failure; an interval that failed twice is halved, or, if half of it is less
//! than a minute above the longest that was answered, that one is kept for
//! good. Any data puts off the next ping. It never goes below 3 min.

use std::time::Duration;

use super::{Due, Policy};
use crate::world::client::End;

const FIRST: Duration = Duration::from_secs(180);
const TOP: Duration = Duration::from_secs(1740);
const GAP: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(10);

pub struct MozillaPush {
    interval: Duration,
    good: Duration,
    /// Whether an answer still changes anything.
    seeking: bool,
    /// How often each interval failed.
    failures: Vec<(Duration, u32)>,
    next: Duration,
    asking: bool,
}

impl Default for MozillaPush {
    fn default() -> MozillaPush {
        MozillaPush {
            interval: FIRST,
            good: FIRST,
            seeking: true,
            failures: Vec::new(),
            next: Duration::ZERO,
            asking: false,
        }
    }
}

impl MozillaPush {
    fn went_down(&mut self) {
        let tried = self.interval;
        let at = self.failures.iter().position(|(interval, _)| *interval == tried);
        let at = at.unwrap_or_else(|| {
            self.failures.push((tried, 0));
            self.failures.len() - 1
        });
        self.failures[at].1 += 1;
        if self.failures[at].1 < 2 {
            return;
        }
        let half = millis(tried / 2);
        self.seeking = half >= self.good + GAP;
        self.interval = if self.seeking { half } else { self.good };
    }
}

impl Policy for MozillaPush {
    fn connected(&mut self, now: Duration) {
        self.heard(now);
    }

    fn answered(&mut self, now: Duration) {
        if self.seeking {
            self.good = self.interval;
            let longer = millis(self.interval.mul_f64(1.5));
            if longer > TOP {
                self.seeking = false;
            } else {
                self.interval = longer;
            }
        }
        self.heard(now);
    }

    fn heard(&mut self, now: Duration) {
        self.asking = false;
        self.next = now + self.interval;
    }

    fn due(&mut self, now: Duration) -> Due {
        if self.asking {
            self.went_down();
            return Due::Dead;
        }
        self.asking = true;
        self.next = now + PATIENCE;
        Due::Beat
    }

    fn ended(&mut self, _end: End) {
        self.went_down();
    }

    fn next(&self) -> Duration {
        self.next
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

/// It counts in whole milliseconds.
fn millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
