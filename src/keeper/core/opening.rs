//! Opening links: attempts, waits, and what cuts them short.

use std::time::Duration;

use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::reconnect::Wait;
use crate::keeper::{
    Because, Config, Dialled, Dice, Event, Failure, Finish, GiveUp, LinkId, Moment, Output, Purpose,
};

/// While the network is reported gone: one beat, one try a minute.
pub(super) const OFFLINE_RHYTHM: Duration = Duration::from_secs(60);
/// What is left of a delay when good news comes: a draw from this.
const ADVANCED: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// Good news within this of the last is the same burst.
const BURST: Duration = Duration::from_secs(2);
/// An attempt older than this when good news comes was begun on a dead path.
const ATTEMPT_STALE: Duration = Duration::from_secs(1);

impl Keeper {
    pub(super) fn open(&mut self, now: Moment) {
        debug_assert!(self.main().is_none() && self.opening().is_none(), "one link at a time");
        self.course = Course::Underway;
        let attempt = self.backoff.begin();
        self.last_link += 1;
        let link = LinkId(self.last_link);
        let deadline = now + self.config.reconnect.attempt_deadline;
        self.links.push((link, Role::Opening { attempt, since: now, deadline }));
        self.outputs.push_back(Output::Open { link, purpose: Purpose::Main, route: 0, attempt });
        self.emit(Event::Connecting { link, attempt });
    }

    pub(super) fn fail(
        &mut self,
        link: LinkId,
        attempt: u32,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        self.conclude(dialled, now);
        let wait = self.backoff.after_failure(&failure, &mut self.dice);
        self.emit(Event::AttemptFailed { link, attempt, failure });
        self.wait_or_give_up(wait, now);
    }

    pub(super) fn wait_or_give_up(&mut self, wait: Result<Wait, GiveUp>, now: Moment) {
        match wait {
            Ok(mut wait) => {
                let rhythm = self.config.reconnect.unit(OFFLINE_RHYTHM);
                if self.offline && wait.because != Because::Asked && wait.delay < rhythm {
                    wait.delay = self.dice.shorter(rhythm, 0.1);
                    wait.because = Because::Offline;
                }
                self.course = Course::Waiting { until: now + wait.delay, firm: wait.firm };
                let attempt = self.backoff.next_attempt();
                let (delay, because) = (wait.delay, wait.because);
                self.emit(Event::ReconnectScheduled { attempt, delay, because });
            }
            Err(reason) => {
                self.emit(Event::GaveUp { reason: reason.clone() });
                self.finish(Finish::GaveUp(reason));
            }
        }
    }

    /// Good news: an attempt soon. Once a burst.
    pub(super) fn advance(&mut self, because: Because, now: Moment) {
        let burst = self.config.reconnect.unit(BURST);
        if self.advanced.is_some_and(|last| now.since(last) < burst) {
            return;
        }
        let drawn = |dice: &mut Dice, config: &Config| {
            dice.between(config.reconnect.unit(ADVANCED.0), config.reconnect.unit(ADVANCED.1))
        };
        match self.course {
            Course::Waiting { until, firm: false } => {
                self.advanced = Some(now);
                let left = until.since(now);
                let delay = left.min(drawn(&mut self.dice, &self.config));
                self.course = Course::Waiting { until: now + delay, firm: false };
                self.emit(Event::ReconnectAdvanced { delay, because });
            }
            Course::Underway => {
                let stale = self.config.reconnect.unit(ATTEMPT_STALE);
                if self.opening().is_some_and(|(.., since)| now.since(since) >= stale) {
                    self.advanced = Some(now);
                    self.abandon_opening();
                    let delay = drawn(&mut self.dice, &self.config);
                    self.course = Course::Waiting { until: now + delay, firm: false };
                    self.emit(Event::ReconnectAdvanced { delay, because });
                }
            }
            Course::Waiting { firm: true, .. } | Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// The network is reported gone: one try a minute all the same.
    pub(super) fn slow_down(&mut self, now: Moment) {
        if let Course::Waiting { until, firm } = self.course {
            let rhythm = self.config.reconnect.unit(OFFLINE_RHYTHM);
            if until.since(now) < rhythm {
                let delay = self.dice.shorter(rhythm, 0.1);
                self.course = Course::Waiting { until: now + delay, firm };
                let attempt = self.backoff.next_attempt();
                self.emit(Event::ReconnectScheduled { attempt, delay, because: Because::Offline });
            }
        }
    }
}
