//! Opening links: attempts, waits, and what cuts them short.

use std::time::Duration;

use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::reconnect::Wait;
use crate::keeper::{Because, Dialled, Event, Failure, Finish, GiveUp, LinkId, Moment, Output, Purpose};

/// While the network is reported gone: one beat, one try a minute.
pub(super) const OFFLINE_RHYTHM: Duration = Duration::from_secs(60);

impl Keeper {
    pub(super) fn open(&mut self, now: Moment) {
        debug_assert!(self.main().is_none() && self.opening().is_none(), "one link at a time");
        self.course = Course::Underway;
        self.drop_served_news(now);
        self.tried = Some(now);
        self.use_grant(now);
        let attempt = self.backoff.begin();
        let link = self.next_link();
        let deadline = now + self.config.reconnect.attempt_deadline;
        self.links.push((link, Role::Opening { attempt, since: now, dialled: false, deadline }));
        self.outputs.push_back(Output::Open { link, purpose: Purpose::Main, route: 0, attempt });
        self.emit(Event::Connecting { link, attempt });
    }

    /// A name that no link had before.
    pub(super) fn next_link(&mut self) -> LinkId {
        self.last_link += 1;
        LinkId(self.last_link)
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
        let first = self.config.fail_fast && self.epoch == 0;
        let wait = match wait {
            Ok(_) if first => Err(GiveUp::Failure(failure.clone())),
            wait => wait,
        };
        self.emit(Event::AttemptFailed { link, attempt, failure });
        self.wait_or_give_up(wait, now);
    }

    pub(super) fn wait_or_give_up(&mut self, wait: Result<Wait, GiveUp>, now: Moment) {
        match wait {
            Ok(mut wait) => {
                let firm = wait.firm.then(|| now + wait.delay);
                if self.is_cut_off()
                    && let Some(later) = self.once_a_minute().filter(|later| *later > now + wait.delay)
                {
                    wait.delay = later.since(now);
                    wait.because = Because::Offline;
                }
                self.course = Course::Waiting { until: now + wait.delay, firm };
                let attempt = self.backoff.next_attempt();
                let (delay, because) = (wait.delay, wait.because);
                self.emit(Event::ReconnectScheduled { attempt, delay, because });
                if let Some((_, because)) = self.held_news.take() {
                    self.advance(because, now);
                }
            }
            Err(reason) => {
                self.emit(Event::GaveUp { reason: reason.clone() });
                self.finish(Finish::GaveUp(reason));
            }
        }
    }
}
