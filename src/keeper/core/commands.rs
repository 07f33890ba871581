//! What is wanted of a keeper.

use super::in_use::Loss;
use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::reconnect::Ending;
use crate::keeper::{Activity, Because, Cause, Config, Event, Ground, Moment, Output, Seen};

impl Keeper {
    /// Begins: opens the first link. Once.
    pub(super) fn start(&mut self, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle) {
            self.started = now;
            self.recall();
            self.open(now);
        }
    }

    /// Probes the link in use: one beat, one deadline of 3 s (where a beat's
    /// own is longer, or twice the shortest round trip, of that), any byte
    /// answers it; unanswered, the link is dead. News that the network is gone
    /// calls it off. While waiting to retry, the next attempt begins at once.
    pub(super) fn probe_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Underway => self.with_watch(now, |watch| watch.probe(now)),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Paused { .. } | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Abandons the link in use, or ends a wait, and opens a new link at
    /// once. While an attempt is under way: nothing.
    pub(super) fn reconnect_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            // While an attempt is under way there is no link to lose.
            Course::Underway => self.lose(Loss::of(Seen::Asked), now),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Paused { .. } | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Somebody waits to know that the peer has what was written: beats at
    /// once on the link in use; while such a beat is under way, again when it
    /// is answered.
    pub(super) fn confirm(&mut self, now: Moment) {
        self.settle_time(now);
        self.with_watch(now, |watch| watch.confirm(now));
    }

    /// Whether somebody looks at the application. Until it is said, gaps are
    /// tried whenever they can be.
    pub(super) fn set_activity(&mut self, activity: Activity, now: Moment) {
        self.settle_time(now);
        if self.is_over() {
            return;
        }
        let returns = self.in_background() && activity == Activity::Foreground;
        self.activity = Some(activity);
        self.backoff.set_background(activity == Activity::Background);
        self.settle_calm();
        if activity == Activity::Foreground {
            self.void_scouts(now);
        }
        self.apply_heartbeat(now);
        if returns {
            // Somebody waits now: what became of the link meanwhile?
            self.probe_for_news(now);
            self.advance(Because::Foreground, now);
        }
    }

    /// Pauses: says goodbye on the link in use, abandons all others, and opens
    /// none until [`resume`](Keeper::resume).
    pub(super) fn pause(&mut self, now: Moment) {
        self.settle_time(now);
        let not_before = match self.course {
            Course::Waiting { firm, .. } => firm,
            Course::Underway => None,
            Course::Idle | Course::Paused { .. } | Course::Closing | Course::Finished(_) => return,
        };
        self.void_scouts(now);
        self.inquest = None;
        self.emit(Event::Paused);
        self.leave_main(Seen::Paused, now);
        if self.abandon_opening().is_some() {
            self.backoff.take_back();
        }
        self.course = Course::Paused { not_before };
    }

    /// Ends a pause: opens a link at once, or when the server's own time has
    /// come, if it named one.
    pub(super) fn resume(&mut self, now: Moment) {
        self.settle_time(now);
        let Course::Paused { not_before } = self.course else { return };
        self.emit(Event::Resumed);
        match not_before.filter(|until| *until > now) {
            Some(until) => {
                self.course = Course::Waiting { until, firm: Some(until) };
                let (attempt, delay) = (self.backoff.next_attempt(), until.since(now));
                self.emit(Event::ReconnectScheduled { attempt, delay, because: Because::RetryAfter });
            }
            None => self.open(now),
        }
    }

    /// Other settings from here on, taken as they are ([`Config::check`]).
    /// What was learned stays, unless the heartbeat's scale is another; what
    /// is under way goes on, its deadlines included.
    pub(super) fn update(&mut self, config: Config, now: Moment) {
        self.settle_time(now);
        if self.is_over() {
            return;
        }
        self.config = config;
        self.backoff.set_policy(self.config.reconnect.clone());
        self.prober.set_heartbeat(self.config.heartbeat.clone(), now);
        self.void_scouts(now);
        self.ask_for_scouts_again(now);
        self.recall_if_unknown();
        self.apply_heartbeat(now);
    }

    /// Closes: says goodbye on the link in use, abandons all others, and
    /// finishes within [`Config::close_deadline`].
    pub(super) fn close(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Closing | Course::Finished(_) => return,
            Course::Idle | Course::Underway | Course::Waiting { .. } | Course::Paused { .. } => {}
        }
        self.course = Course::Closing;
        self.inquest = None;
        self.void_scouts(now);
        self.abandon_draining(|_, carried| !carried);
        self.leave_main(Seen::Closed, now);
        self.abandon_opening();
        self.finish_if_alone();
    }

    /// Says goodbye on the link in use, for a reason of ours.
    fn leave_main(&mut self, seen: Seen, now: Moment) {
        let Some((link, main)) = self.take_main(now) else { return };
        let (proved, vouched) = (self.has_proved(&main, now), main.vouched);
        // Leaving is no failure: it asks for no delay.
        let ending = Ending { seen: &seen, proved, vouched, alone: true };
        let _ = self.backoff.after_end(ending, &mut self.dice);
        let gap = main.watch.gap(now);
        self.tell_loss(link, &main, seen, gap, now);
        self.emit(Event::Diagnosed { link, cause: Cause::Ours, evidence: Ground::Ourselves });
        self.links.push((link, Role::Draining { until: now + self.config.close_deadline, carried: true }));
        self.outputs.push_back(Output::Retire { link });
    }
}
