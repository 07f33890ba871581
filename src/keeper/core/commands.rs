//! What is wanted of a keeper.

use super::in_use::Loss;
use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::{Activity, Cause, Config, Event, Ground, Moment, Output, Seen};

impl Keeper {
    /// Begins: opens the first link. Once.
    pub fn start(&mut self, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Idle) {
            self.started = now;
            self.recall();
            self.open(now);
        }
    }

    /// Probes the link in use: one beat, one deadline of 3 s, any byte
    /// answers it; unanswered, the link is dead. While waiting to retry, the
    /// next attempt begins at once.
    pub fn probe_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Underway => self.with_watch(now, |watch| watch.probe(now)),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Abandons the link in use, or ends a wait, and opens a new link at
    /// once. While an attempt is under way: nothing.
    pub fn reconnect_now(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Underway if self.main().is_some() => self.lose(Loss::of(Seen::Asked), now),
            Course::Waiting { .. } => self.open(now),
            Course::Idle | Course::Underway | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// Somebody waits to know that the peer has what was written: beats at
    /// once on the link in use; while such a beat is under way, again when it
    /// is answered.
    pub fn confirm(&mut self, now: Moment) {
        self.settle_time(now);
        self.with_watch(now, |watch| watch.confirm(now));
    }

    /// Whether somebody looks at the application. Until it is said, gaps are
    /// tried whenever they can be.
    pub fn set_activity(&mut self, activity: Activity, now: Moment) {
        self.settle_time(now);
        if self.is_over() {
            return;
        }
        self.activity = Some(activity);
        self.prober.set_calm(activity == Activity::Foreground);
        if activity == Activity::Foreground {
            self.void_scouts(now);
        }
        self.apply_heartbeat(now);
    }

    /// Other settings from here on, taken as they are ([`Config::check`]).
    /// What was learned stays, unless the heartbeat's scale is another; what
    /// is under way goes on, its deadlines included.
    pub fn update(&mut self, config: Config, now: Moment) {
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
    /// finishes within [`Config::goodbye`].
    pub fn close(&mut self, now: Moment) {
        self.settle_time(now);
        match self.course {
            Course::Closing | Course::Finished(_) => return,
            Course::Idle | Course::Underway | Course::Waiting { .. } => {}
        }
        self.course = Course::Closing;
        self.inquest = None;
        self.void_scouts(now);
        self.abandon_draining(|_| true);
        if let Some((link, main)) = self.take_main(now) {
            let gap = main.watch.gap(now);
            self.tell_loss(link, &main, Seen::Closed, gap, now);
            self.emit(Event::Diagnosed { link, cause: Cause::Ours, evidence: Ground::Ourselves });
            self.links.push((link, Role::Draining { until: now + self.config.goodbye }));
            self.outputs.push_back(Output::Retire { link });
        }
        self.abandon_opening();
        self.finish_if_alone();
    }
}
