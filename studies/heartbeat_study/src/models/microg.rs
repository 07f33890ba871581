//! microG's client of Google's push service.
//!
//! <https://github.com/microg/GmsCore/blob/master/play-services-core/src/main/java/org/microg/gms/gcm/McsService.java>
//! and `GcmPrefs.java` beside it: from 5 min, 2 % more after each answered
//! ping that ended at least three quarters of the interval without a byte in,
//! 5 % less after a failure, between 5 and 30 min. An alarm each interval
//! looks first whether the last ping is unanswered for more than 90 s: then
//! the link is dead, and the next is opened 5 s later, after the connection
//! was checked twice more. Each of the three checks takes off 5 %. A reset
//! takes off 5 % as well, a FIN nothing.

use std::time::Duration;

use super::{Due, Policy};
use crate::world::client::End;

const MIN: Duration = Duration::from_secs(300);
const MAX: Duration = Duration::from_secs(1800);
const PATIENCE: Duration = Duration::from_secs(90);
const MORE: f64 = 1.02;
const LESS: f64 = 0.95;
/// How often a connection that is dead is checked before it is replaced.
const CHECKS: u32 = 3;

pub struct MicroG {
    interval: Duration,
    next: Duration,
    /// When the last unanswered ping went out.
    asked: Option<Duration>,
    heard: Duration,
}

impl Default for MicroG {
    fn default() -> MicroG {
        MicroG { interval: MIN, next: Duration::ZERO, asked: None, heard: Duration::ZERO }
    }
}

impl MicroG {
    fn times(&mut self, factor: f64) {
        self.interval = self.interval.mul_f64(factor).clamp(MIN, MAX);
    }
}

impl Policy for MicroG {
    fn connected(&mut self, now: Duration) {
        self.asked = None;
        self.heard = now;
        self.next = now + self.interval;
    }

    fn answered(&mut self, now: Duration) {
        if now - self.heard > self.interval.mul_f64(0.75) {
            self.times(MORE);
        }
        self.asked = None;
        self.heard = now;
    }

    fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    fn due(&mut self, now: Duration) -> Due {
        if self.asked.is_some_and(|asked| now - asked > PATIENCE) {
            for _ in 0..CHECKS {
                self.times(LESS);
            }
            return Due::Dead;
        }
        self.asked = Some(now);
        self.next = now + self.interval;
        Due::Beat
    }

    fn ended(&mut self, end: End) {
        match end {
            End::Rst => self.times(LESS),
            End::Fin => {}
        }
    }

    fn next(&self) -> Duration {
        self.next
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}
