//! Time: the next deadline, and the action when it comes.

use std::time::Duration;

use super::Keeper;
use super::loss::Loss;
use crate::keeper::end::Failure;
use crate::keeper::event::{Detection, Event};
use crate::keeper::link::Role;
use crate::keeper::moment::Moment;
use crate::keeper::schedule::Phase;
use crate::keeper::timer::Timer;

/// A shorter sleep cannot be told from a busy machine.
const SLEEP_NOTICED: Duration = Duration::from_secs(2);

impl Keeper {
    /// Notes the time, and a suspend since the last input.
    pub(super) fn note_time(&mut self, now: Moment) {
        let slept = now.slept_since(self.latest);
        self.latest = self.latest.max(now);
        if slept >= self.config.heartbeat.unit(SLEEP_NOTICED) {
            self.wake(slept, now);
            self.settle(now);
        }
    }

    /// The next deadline, and its kind. For tests and curiosity: a driver needs
    /// only [`poll_timeout`](Keeper::poll_timeout).
    pub fn next_timer(&self) -> Option<(Moment, Timer)> {
        let of_phase = match &self.schedule.phase {
            Phase::Waiting(waiting) => Some((waiting.until, Timer::Retry)),
            Phase::Idle | Phase::Underway | Phase::Paused { .. } | Phase::Closing | Phase::Finished(_) => {
                None
            }
        };
        let mut next = of_phase;
        let mut offer = |timer: Option<(Moment, Timer)>| {
            if let Some((at, _)) = timer
                && next.is_none_or(|(first, _)| at < first)
            {
                next = timer;
            }
        };
        for (_, role) in self.links.iter() {
            match role {
                Role::Next(attempt) => offer(Some((attempt.deadline, Timer::Attempt))),
                Role::Main(main) => {
                    offer(main.next_due(&self.config.heartbeat, self.config.silence_limit));
                    offer(self.path.scouting.next_due().map(|at| (at, Timer::Scout)));
                }
                Role::Draining(draining) => offer(Some((draining.until, Timer::Goodbye))),
                Role::Scout(scout) => offer(scout.next_due()),
            }
        }
        next
    }

    /// Acts on one deadline that has come, if there is one.
    pub(super) fn timeout(&mut self, now: Moment) {
        let Some((due, timer)) = self.next_timer().filter(|(due, _)| *due <= now) else { return };
        match timer {
            Timer::Beat | Timer::Answer | Timer::Silence | Timer::Path => {
                self.with_watch(now, |watch, tokens| watch.timeout(tokens, now));
            }
            Timer::Network => self.route_check_due(now),
            Timer::Message => self.message_overdue(due, now),
            Timer::Scout => self.scouts_due(now),
            Timer::Retry => self.open(now),
            Timer::Attempt => {
                if let Some((link, next)) = self.abandon_next() {
                    self.fail(link, next, Failure::TimedOut, None, now);
                }
            }
            Timer::Stall => {
                if let Some(stall) = self.links.main_mut().and_then(|(_, main)| main.stall.as_mut()) {
                    stall.told = true;
                    let lasted = now.since(stall.since);
                    self.emit(Event::ReaderStalled { lasted });
                }
            }
            Timer::Goodbye => self.abandon_drained(|draining| draining.until <= now),
        }
    }

    /// No message came within the application's limit. A process that slept
    /// or froze gives the peer the limit once more.
    fn message_overdue(&mut self, due: Moment, now: Moment) {
        let Some((_, main)) = self.links.main_mut() else { return };
        if main.watch.is_late(due, now) {
            main.message = now;
        } else {
            self.lose(Loss::of(Detection::NoMessage), now);
        }
    }
}
