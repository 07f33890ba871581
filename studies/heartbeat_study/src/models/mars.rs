//! Tencent Mars, the network library of WeChat, with the app in the
//! background.
//!
//! <https://github.com/Tencent/mars/blob/master/mars/stn/src/smart_heartbeat.cc>
//! learns, `longlink.cc` beside it beats, `config.h` above it holds the
//! figures: 210 s to 600 s in steps of 60 s; after three beats at 210 s on a
//! link, five successes lead to the next step; two failures at a step end the
//! search at that step less 80 s (a step and a margin of 20 s); at 580 s it
//! ends by itself. A settled interval that fails twice starts the search
//! anew; one that has held for a week is tried 20 s longer. A beat goes out as
//! soon as the link is there. It is a failure, and the link is dead, when no
//! answer came within 8 s. Messages change nothing.
//!
//! Left out: what it does while the app is in use (210 s), and for phones that
//! defer alarms.

use std::time::Duration;

use super::{Due, Policy};
use crate::world::client::End;

const MIN: Duration = Duration::from_secs(210);
const MAX: Duration = Duration::from_secs(600);
const STEP: Duration = Duration::from_secs(60);
const MARGIN: Duration = Duration::from_secs(20);
/// Beats at the shortest interval before another is used on a link.
const AT_MIN: u32 = 3;
const SUCCESSES: u32 = 5;
const FAILURES: u32 = 2;
const PATIENCE: Duration = Duration::from_secs(8);
const LOOK_AFTER: Duration = Duration::from_secs(7 * 24 * 3600);

pub struct Mars {
    /// The learned interval: kept from link to link.
    learned: Duration,
    settled: bool,
    successes: u32,
    failures: u32,
    changed: Duration,

    /// The interval that is running, and those before it, on this link.
    running: Duration,
    before: Duration,
    before_that: Duration,
    answers: u32,
    beat_at: Duration,
    /// When the answer is due, while one is waited for.
    deadline: Option<Duration>,
}

impl Default for Mars {
    fn default() -> Mars {
        Mars {
            learned: MIN,
            settled: false,
            successes: 0,
            failures: 0,
            changed: Duration::ZERO,
            running: MIN,
            before: MIN,
            before_that: MIN,
            answers: 0,
            beat_at: Duration::ZERO,
            deadline: None,
        }
    }
}

impl Mars {
    fn result(&mut self, success: bool, now: Duration) {
        if self.deadline.take().is_none() {
            return;
        }
        self.before_that = self.before;
        self.before = self.running;
        if success {
            self.answers += 1;
        }
        if self.answers <= AT_MIN || self.running != self.learned {
            return;
        }
        if success {
            self.succeeded(now);
        } else {
            self.failed(now);
        }
    }

    fn succeeded(&mut self, now: Duration) {
        // The beat ended an interval of this length only if the last was so.
        if self.running == self.before_that {
            self.successes += 1;
            self.failures = 0;
        }
        let top = MAX - MARGIN;
        if self.settled {
            if self.learned < top && now - self.changed >= LOOK_AFTER {
                self.learned += MARGIN;
                self.settled = false;
                self.successes = 0;
                self.failures = 0;
                self.changed = now;
            }
            return;
        }
        if self.successes >= SUCCESSES {
            self.successes = 0;
            if self.learned >= top {
                self.learned = top;
                self.settled = true;
            } else {
                self.learned = (self.learned + STEP).min(top);
            }
        }
        self.changed = now;
    }

    fn failed(&mut self, now: Duration) {
        self.successes = 0;
        self.failures += 1;
        if self.running == MIN {
            return;
        }
        if self.failures >= FAILURES {
            self.failures = 0;
            self.learned =
                if self.settled { MIN } else { self.learned.saturating_sub(STEP + MARGIN).max(MIN) };
            self.settled = !self.settled;
        }
        self.changed = now;
    }

    fn lost(&mut self) {
        self.successes = 0;
        if self.settled {
            self.running = MIN;
        }
    }
}

impl Policy for Mars {
    fn connected(&mut self, now: Duration) {
        self.answers = 0;
        self.before = MIN;
        self.before_that = MIN;
        self.beat_at = now;
    }

    fn answered(&mut self, now: Duration) {
        self.result(true, now);
    }

    fn heard(&mut self, _now: Duration) {}

    fn due(&mut self, now: Duration) -> Due {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.result(false, now);
            self.lost();
            return Due::Dead;
        }
        self.deadline = Some(now + PATIENCE);
        self.running = if self.answers < AT_MIN { MIN } else { self.learned };
        self.beat_at = now + self.running;
        Due::Beat
    }

    fn ended(&mut self, _end: End) {
        // Without a beat under way it is no failure.
        self.result(false, self.changed);
        self.lost();
    }

    fn next(&self) -> Duration {
        self.deadline.map_or(self.beat_at, |deadline| deadline.min(self.beat_at))
    }

    fn interval(&self) -> Duration {
        if self.answers < AT_MIN { MIN } else { self.learned }
    }
}
