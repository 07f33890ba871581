//! The one timer.

use std::pin::Pin;
use std::task::Context;

use tokio::time::{Instant, Sleep};

/// Wakes the driver at the earliest time that it was set to. It is moved only
/// to be earlier: a deadline that moves away, as it does with every message,
/// costs nothing until the old one comes.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    set: Option<Instant>,
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
    pub(super) fn set(&mut self, at: Instant, cx: &mut Context<'_>) -> bool {
        if self.set.is_some_and(|set| set <= at) {
            return false;
        }
        self.set = Some(at);
        let sleep = match &mut self.sleep {
            Some(sleep) => {
                sleep.as_mut().reset(at);
                sleep
            }
            none => none.insert(Box::pin(tokio::time::sleep_until(at))),
        };
        sleep.as_mut().poll(cx).is_ready()
    }
}
