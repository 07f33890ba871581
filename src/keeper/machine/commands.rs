//! Commands to a keeper.

use super::Keeper;
use super::loss::Loss;
use crate::keeper::activity::Activity;
use crate::keeper::config::Config;
use crate::keeper::event::{Detection, Event, RetryReason};
use crate::keeper::link::FormerRole;
use crate::keeper::moment::Moment;
use crate::keeper::schedule::Phase;

impl Keeper {
    pub(super) fn start(&mut self, now: Moment) {
        if matches!(self.schedule.phase, Phase::Idle) {
            self.started = now;
            self.recall();
            self.open(now);
        }
    }

    pub(super) fn probe(&mut self, now: Moment) {
        match self.schedule.phase {
            Phase::Underway => self.with_watch(now, |watch, tokens| watch.probe(tokens, now)),
            Phase::Waiting(_) => self.open(now),
            Phase::Idle | Phase::Paused { .. } | Phase::Closing | Phase::Finished(_) => {}
        }
    }

    pub(super) fn reconnect(&mut self, now: Moment) {
        match self.schedule.phase {
            // While an attempt is under way there is no link to lose.
            Phase::Underway => self.lose(Loss::of(Detection::Asked), now),
            Phase::Waiting(_) => self.open(now),
            Phase::Idle | Phase::Paused { .. } | Phase::Closing | Phase::Finished(_) => {}
        }
    }

    pub(super) fn set_activity(&mut self, activity: Activity, now: Moment) {
        if self.schedule.is_over() {
            return;
        }
        let returns = self.in_background() && activity == Activity::Foreground;
        self.activity = Some(activity);
        self.schedule.backoff.set_background(activity == Activity::Background);
        self.apply_heartbeat();
        if activity == Activity::Foreground {
            self.disturb_scouts();
        }
        if returns {
            // Somebody looks now: has the link died meanwhile?
            self.probe_for_news(now);
            self.advance(RetryReason::Foreground, now);
        }
    }

    pub(super) fn pause(&mut self, now: Moment) {
        match &self.schedule.phase {
            Phase::Waiting(_) | Phase::Underway => {}
            Phase::Idle | Phase::Paused { .. } | Phase::Closing | Phase::Finished(_) => return,
        }
        self.disturb_scouts();
        // While there is a link in use, goodbye is said to scouts, too.
        self.void_disturbed_scouts(now);
        self.path.forget_death();
        self.emit(Event::Paused);
        let was_in_use = self.leave_main(Detection::Paused, now);
        if self.abandon_next().is_some() && !was_in_use {
            self.schedule.backoff.take_back();
        }
        self.schedule.pause();
    }

    pub(super) fn resume(&mut self, now: Moment) {
        let Phase::Paused { not_before } = self.schedule.phase else { return };
        self.emit(Event::Resumed);
        match not_before.filter(|until| *until > now) {
            Some(until) => {
                let scheduled = self.schedule.wait_for_server(until, now);
                self.emit(scheduled);
            }
            None => self.open(now),
        }
    }

    pub(super) fn update(&mut self, config: Config, now: Moment) {
        if self.schedule.is_over() {
            return;
        }
        self.config = config;
        self.schedule.backoff.set_policy(self.config.reconnect.clone());
        self.path.set_heartbeat(self.config.heartbeat.clone(), now);
        self.apply_heartbeat();
        self.disturb_scouts();
        self.ask_for_scouts_again(now);
        if self.path.is_unknown() && !matches!(self.schedule.phase, Phase::Idle) {
            // The stored knowledge may be of use by now.
            self.recall();
        }
    }

    pub(super) fn close(&mut self, now: Moment) {
        if self.schedule.is_over() {
            return;
        }
        self.schedule.close();
        self.path.forget_death();
        self.disturb_scouts();
        self.abandon_drained(|draining| draining.was == FormerRole::Scout);
        self.leave_main(Detection::Closed, now);
        self.abandon_next();
    }

    /// The heartbeat's settings or the application's activity have
    /// changed: the link in use has other limits.
    fn apply_heartbeat(&mut self) {
        let background = self.in_background();
        if let Some((_, main)) = self.links.main_mut() {
            main.watch.set_heartbeat(&self.config.heartbeat, background);
        }
    }
}
