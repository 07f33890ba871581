//! Attempts to open links, waits, and news that cuts them short.

use super::Keeper;
use crate::keeper::config::FirstConnect;
use crate::keeper::end::Failure;
use crate::keeper::event::{Detection, Event, GiveUp, RetryReason};
use crate::keeper::good_news::GoodNews;
use crate::keeper::link::{Dialled, FormerRole, Main, Next, Opened, Role, RouteAction, Watch};
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::{Output, Purpose};
use crate::keeper::schedule::{AttemptFate, Phase, Wait};

impl Keeper {
    /// Begins an attempt.
    pub(super) fn open(&mut self, now: Moment) {
        debug_assert!(self.links.main().is_none() && self.links.next().is_none(), "one link at a time");
        let (attempt, held) = self.schedule.begin(now);
        self.open_next(attempt, held, now);
    }

    /// Opens a second link beside the one in use.
    pub(super) fn replace(&mut self, now: Moment) {
        let in_use = self.links.main().is_some() && matches!(self.schedule.phase, Phase::Underway);
        if in_use && self.config.overlap && self.links.next().is_none() {
            self.open_next(1, None, now);
        }
    }

    fn open_next(&mut self, attempt: u32, held: Option<GoodNews>, now: Moment) {
        let deadline = now + self.config.reconnect.attempt_deadline;
        let next = Next { attempt, since: now, dialled: None, deadline, held };
        let link = self.links.add(Role::Next(next));
        self.outputs.push_back(Output::Open { link, purpose: Purpose::Main, route: 0, attempt });
        self.emit(Event::Connecting { link, attempt });
    }

    pub(super) fn dialled(&mut self, link: LinkId, dialled: Dialled, now: Moment) {
        if let Some((id, next)) = self.links.next_mut()
            && id == link
        {
            let since = next.since;
            next.dialled = Some(now);
            self.conclude(Some((since, dialled)), now);
        }
    }

    pub(super) fn opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        match self.links.role(link) {
            Some(Role::Next(next)) => self.promote(link, *next, &opened, now),
            Some(Role::Scout(_)) => self.scout_opened(link, opened, now),
            Some(Role::Main(_) | Role::Draining(_)) | None => {}
        }
    }

    /// Takes an opened link into use, in place of the present link in use, if there
    /// is one.
    fn promote(&mut self, link: LinkId, next: Next, opened: &Opened, now: Moment) {
        // Messages of a link that was left before must not arrive after the new
        // link's.
        self.abandon_drained(|draining| draining.was == FormerRole::InUse);
        if self.leave_main(Detection::Replaced, now) {
            self.schedule.backoff.begin();
            self.disturb_scouts();
        }
        self.schedule.news.heard(Some(next.since), &self.config.heartbeat, now);
        self.conclude(Some((next.since, opened.dialled)), now);
        self.schedule.backoff.opened();
        self.tally.epoch += 1;
        let epoch = self.tally.epoch;
        let background = self.in_background();
        let watch = Watch::new(&self.config.heartbeat, background, opened.beat, opened.took, now)
            .with_path(opened.tells_path);
        self.links.set(link, Role::Main(Box::new(Main::new(epoch, opened, watch, now))));
        self.outputs.push_back(Output::Promote { link, epoch });
        self.emit(Event::Connected { link, epoch, took: opened.took });
        // News came during the attempt: its way may be the one before.
        if next.held.is_some_and(|held| held.reason != RetryReason::Foreground) {
            self.check_route(RouteAction::ProbeIfMoved, now);
        }
        self.scouts_after_promotion(opened.beat, now);
    }

    pub(super) fn open_failed(
        &mut self,
        link: LinkId,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        match self.links.role(link) {
            Some(Role::Next(next)) => {
                let next = *next;
                self.links.forget(link);
                self.fail(link, next, failure, dialled, now);
            }
            Some(Role::Scout(_)) => self.scout_failed(link, &failure, now),
            Some(Role::Main(_) | Role::Draining(_)) | None => {}
        }
    }

    /// An attempt has failed. Beside a link in use that changes nothing else.
    pub(super) fn fail(
        &mut self,
        link: LinkId,
        next: Next,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        let attempt = next.attempt;
        if self.links.main().is_some() {
            return self.emit(Event::AttemptFailed { link, attempt, failure });
        }
        self.conclude(dialled.map(|dialled| (next.since, dialled)), now);
        let wait = self.schedule.backoff.after_failure(&failure, &mut self.dice);
        let first = self.config.first_connect == FirstConnect::FailFast && self.tally.epoch == 0;
        let wait = match wait {
            Ok(_) if first => Err(GiveUp::Failure(failure.clone())),
            wait => wait,
        };
        self.emit(Event::AttemptFailed { link, attempt, failure });
        self.wait_or_give_up(wait, next.held, now);
    }

    pub(super) fn wait_or_give_up(
        &mut self,
        wait: Result<Wait, GiveUp>,
        held: Option<GoodNews>,
        now: Moment,
    ) {
        match wait {
            Ok(wait) => {
                for event in self.schedule.wait(wait, held, &mut self.dice, now).into_iter().flatten() {
                    self.emit(event);
                }
            }
            Err(reason) => self.give_up(reason),
        }
    }

    /// Drops the attempt under way.
    pub(super) fn abandon_next(&mut self) -> Option<(LinkId, Next)> {
        let (link, next) = self.links.next()?;
        self.links.forget(link);
        self.outputs.push_back(Output::Abandon { link });
        Some((link, next))
    }

    /// Good news: an attempt soon. An attempt under way began before the news.
    pub(super) fn advance(&mut self, reason: RetryReason, now: Moment) {
        if let Some(event) = self.schedule.advance(reason, &mut self.dice, now) {
            self.emit(event);
        }
        if let Some((_, next)) = self.links.next_mut() {
            next.held = Some(GoodNews { came: now, reason });
            self.doubt_attempt(now);
        }
    }

    /// Cuts the attempt under way short if it began before the last good news.
    /// Beside a link in use there is no hurry.
    pub(super) fn doubt_attempt(&mut self, now: Moment) {
        if self.links.main().is_some() {
            return;
        }
        let Some((_, next)) = self.links.next_mut() else { return };
        let Some(GoodNews { reason, .. }) = next.held else { return };
        match self.schedule.doubt(next.since, next.dialled.is_some(), reason, now) {
            AttemptFate::None => {}
            AttemptFate::Until(at) => next.deadline = next.deadline.min(at),
            AttemptFate::Drop => {
                self.abandon_next();
                let event = self.schedule.try_anew(reason, &mut self.dice, now);
                self.emit(event);
            }
        }
    }
}
