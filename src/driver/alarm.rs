//! The one timer.

use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep, sleep_until};

/// Wakes the driver at the earliest deadline that it was set to. The alarm is
/// usually moved only to an earlier time. Each message moves the keeper's deadline
/// to a later time; that costs nothing until the old time comes.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    set: Option<Setting>,
}

/// When the alarm rings, and whether its deadline is usually not reached.
#[derive(Clone, Copy, Debug)]
struct Setting {
    at: Instant,
    passing: bool,
}

impl Alarm {
    /// Whether the deadline has come. Then the alarm must be set again.
    pub(super) fn rang(&mut self, cx: &mut Context<'_>) -> bool {
        let (Some(_), Some(sleep)) = (self.set, &mut self.sleep) else { return false };
        let rang = sleep.as_mut().poll(cx).is_ready();
        if rang {
            self.set = None;
        }
        rang
    }

    /// Sets the alarm to `at`, unless it is set to an earlier time. Returns whether
    /// `at` has come already: then [`rang`](Alarm::rang) returns true, too.
    ///
    /// A `passing` deadline, such as that of an answer, is usually not
    /// reached. When a deadline that is not passing takes its place, the alarm
    /// moves to the later time, which spares a beat its third wake-up. The alarm
    /// calls `passing` only where its answer matters.
    pub(super) fn set(&mut self, at: Instant, passing: impl Fn() -> bool, cx: &mut Context<'_>) -> bool {
        if self.set.is_some_and(|set| set.at <= at && (!set.passing || passing())) {
            return false;
        }
        let passing = passing();
        let later = self.set.is_some_and(|set| set.at < at);
        self.set = Some(Setting { at, passing });
        let sleep = match &mut self.sleep {
            // The runtime keeps the old place of a timer that is moved to a
            // later time, and would wake up there in vain. A new timer in the
            // same allocation has no old place.
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
