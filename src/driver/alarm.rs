//! The one timer.

use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes the driver at the earliest time that it was set to. As a rule it is
/// moved only to be earlier: a deadline that moves away, as it does with every
/// message, costs nothing until the old one comes.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    set: Option<Setting>,
}

/// When it rings, and whether that is moved away with the deadline.
#[derive(Clone, Copy, Debug)]
struct Setting {
    at: Instant,
    passing: bool,
}

impl Alarm {
    /// Whether the time has come. It must be set again afterwards.
    pub(super) fn rang(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(_), Some(sleep)) = (self.set, &mut self.sleep) else { return false };
        let rang = sleep.as_mut().poll(cx).is_ready();
        if rang {
            self.set = None;
        }
        rang
    }

    /// Sets it to `at`, unless it is set to an earlier time. Returns whether
    /// that time has come already: then [`rang`](Alarm::rang) will say so, too.
    ///
    /// A `passing` deadline, such as that of an answer, is usually not
    /// reached. When one that is not passing takes its place the alarm is
    /// moved away, which spares a beat its third wake-up. Whether it is passing
    /// is asked only where that matters.
    pub(super) fn set(&mut self, at: Instant, passing: impl Fn() -> bool, cx: &mut Context<'_>) -> bool {
        if self.set.is_some_and(|set| set.at <= at && (!set.passing || passing())) {
            return false;
        }
        let passing = passing();
        let later = self.set.is_some_and(|set| set.at < at);
        self.set = Some(Setting { at, passing });
        let sleep = match &mut self.sleep {
            // A timer that is moved to a later time keeps its old place with
            // the runtime, which would wake up there to no end; a new one in
            // the same memory does not.
            Some(sleep) if later => {
                sleep.set(sleep_until(at));
                sleep
            }
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            none => none.insert(Box::pin(sleep_until(at))),
        };
        sleep.as_mut().poll(cx).is_ready()
    }
}
