//! What happened, as it is told to a keeper.

use super::Keeper;
use super::in_use::Loss;
use super::news::Then;
use super::roles::{Main, Role, Stall};
use crate::keeper::watch::{Sound, Watch};
use crate::keeper::{
    Because, Dialled, Event, Failure, LinkEnd, LinkId, Moment, Opened, Output, PathFacts, RouteFacts, Seen,
    Timer, Token, verdict,
};

impl Keeper {
    /// The network path of an attempt is there, though TLS and the login are
    /// still to come: it shows why the link before was lost. May be left out,
    /// and comes with [`Opened`] or the failure then.
    pub fn handle_dialled(&mut self, link: LinkId, dialled: Dialled, now: Moment) {
        self.settle_time(now);
        if let Some(Role::Opening { dialled: is_there, .. }) = self.role_mut(link) {
            *is_there = true;
            self.conclude(Some(dialled), now);
        }
    }

    /// An attempt succeeded, login included.
    pub fn handle_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        self.settle_time(now);
        let began = match self.role(link) {
            Some(Role::Opening { since, .. }) => Some(*since),
            Some(Role::Scout(_)) => return self.scout_opened(link, opened, now),
            Some(Role::Main(_) | Role::Draining { .. }) | None => return,
        };
        self.forget(link);
        // Its words would come behind the new link's.
        self.abandon_draining(|_, carried| carried);
        self.disprove_offline(began, now);
        self.conclude(Some(opened.dialled), now);
        self.backoff.opened();
        self.epoch += 1;
        let mut watch =
            Watch::new(&self.config.heartbeat, self.in_background(), opened.beat, opened.took, now)
                .with_path(opened.tells_path);
        watch.set_pace(self.next_pace(now), now);
        let main = Main {
            epoch: self.epoch,
            since: now,
            local: opened.dialled.local,
            dial: opened.dialled.took,
            answers_after: opened.answers_after,
            kept_its_word: false,
            words_missing: 0,
            broke_its_word: None,
            vouched: opened.vouched,
            watch,
            heard: false,
            stall: None,
            message: now,
            scout_came: None,
            shaken: None,
            look: None,
            probed: None,
        };
        self.links.push((link, Role::Main(Box::new(main))));
        self.outputs.push_back(Output::Promote { link, epoch: self.epoch });
        self.emit(Event::Connected { link, epoch: self.epoch, took: opened.took });
        // News during the attempt: its way may be the one before.
        if self.held_news.take().is_some_and(|(_, because)| because != Because::Foreground) {
            self.look_at_route(Then::ProbeIfMoved, now);
        }
        self.ask_peer_to_speak(now);
        self.tell_interval(now);
        self.scouts_after_promotion(now);
    }

    /// An attempt failed. `dialled` as for [`Opened`], where it came so far.
    pub fn handle_open_failed(
        &mut self,
        link: LinkId,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        self.settle_time(now);
        match self.role(link) {
            Some(Role::Opening { attempt, .. }) => {
                let attempt = *attempt;
                self.forget(link);
                self.fail(link, attempt, failure, dialled, now);
            }
            Some(Role::Scout(_)) => self.scout_failed(link, &failure, now),
            Some(Role::Main(_) | Role::Draining { .. }) | None => {}
        }
    }

    /// Bytes came in.
    pub fn handle_heard(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Bytes, now) {
            self.scout_heard(link, now);
        }
    }

    /// A message came in, which counts as heard, too. Where a beat's answer
    /// came in before it, report that first: a message that comes ahead of the
    /// answer may have been held up by the path.
    pub fn handle_message(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Message, now) {
            self.scout_heard(link, now);
        }
        if let Some(main) = self.main_mut(link) {
            main.message = now;
        }
    }

    /// A beat's answer came in, which counts as heard, too; `None` where it
    /// does not say which beat it answers.
    pub fn handle_answered(&mut self, link: LinkId, token: Option<Token>, now: Moment) {
        self.settle_time(now);
        if !self.hear(link, Sound::Bytes, now) {
            return self.scout_heard(link, now);
        }
        let Some(main) = self.main_mut(link) else { return };
        let matched = main.watch.match_answer(token, now);
        self.emit(Event::BeatAnswered { link, rtt: matched.rtt });
        if matched.again {
            self.with_watch(now, |watch| watch.confirm(now));
        }
        if matched.ours {
            // Behind a late word it has voided what that led to.
            self.ask_peer_to_speak(now);
        }
    }

    /// Bytes of messages went out.
    pub fn handle_sent(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link) {
            main.watch.send(now);
        }
    }

    /// A link ended by itself. Everything that could be read from it was. The
    /// bytes of the goodbye itself are not to be reported as heard: the end is
    /// judged by the silence before it.
    pub fn handle_ended(&mut self, link: LinkId, end: LinkEnd, now: Moment) {
        self.settle_time(now);
        match self.role(link) {
            Some(Role::Main(main)) => {
                let evidence = verdict::evidence_of_end(&main.watch, &end, now);
                self.lose(Loss::of(Seen::Ended(end)).with_evidence(evidence), now);
            }
            Some(Role::Draining { .. }) => {
                self.forget(link);
                self.finish_if_alone();
            }
            Some(Role::Opening { attempt, .. }) => {
                let attempt = *attempt;
                self.forget(link);
                self.fail(link, attempt, Failure::Ended(end), None, now);
            }
            Some(Role::Scout(_)) => self.scout_ended(link, &end, now),
            None => {}
        }
    }

    /// The inbox is full: the link is no longer read.
    pub fn handle_stalled(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link)
            && main.stall.is_none()
        {
            main.stall = Some(Stall { since: now, told: false });
            main.watch.stall(now);
            self.renew_pace(now);
            self.void_scouts(now);
        }
    }

    /// There is room again, and what waited on the link was read.
    pub fn handle_resumed(&mut self, link: LinkId, now: Moment) {
        self.settle_time(now);
        if let Some(main) = self.main_mut(link)
            && main.stall.take().is_some()
        {
            main.watch.resume(now);
            main.message = now;
            self.plan_scouts(now);
        }
    }

    /// The system tells this of the path under the link. Wanted before
    /// [`Keeper::handle_timeout`] when a beat's answer is due
    /// ([`Timer::Answer`]), since it tells a dead path from a peer that is
    /// stuck, and when the keeper asks for it ([`Timer::Path`]); welcome at
    /// any time.
    pub fn handle_path(&mut self, link: LinkId, facts: PathFacts, now: Moment) {
        self.settle_time(now);
        if self.main_mut(link).is_some() {
            self.with_watch(now, |watch| watch.path(facts, now));
        }
    }

    /// The system says this of the way to the link's peer. Wanted before
    /// [`Keeper::handle_timeout`] when the news of the network has settled
    /// ([`Timer::Network`]); without it the link is probed as if the way had
    /// changed. An address that is gone counts at any time.
    pub fn handle_route(&mut self, link: LinkId, facts: RouteFacts, now: Moment) {
        self.settle_time(now);
        let Some(main) = self.main_mut(link) else { return };
        if !facts.address_stays {
            self.lose(Loss::of(Seen::AddressGone), now);
        } else if facts.source_stays == Some(true)
            && let Some(look) = &mut main.look
        {
            look.same_way(now);
        }
    }

    /// The time of [`Keeper::poll_timeout`] has come (harmless before it).
    ///
    /// Before calling it, read what waits on the links and report it: a
    /// process that slept must not call a link dead whose answer is there.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.settle_time(now);
        let Some((due, timer)) = self.poll_timeout() else { return };
        if due > now {
            return;
        }
        match timer {
            Timer::Beat | Timer::Answer | Timer::Silence | Timer::Path => {
                self.with_watch(now, |watch| watch.timeout(now))
            }
            Timer::Network => self.look_settled(now),
            Timer::Message => self.message_overdue(due, now),
            Timer::Scout => self.scouts_due(now),
            Timer::Retry => self.open(now),
            Timer::Attempt => {
                if let Some((link, attempt, ..)) = self.abandon_opening() {
                    self.fail(link, attempt, Failure::TimedOut, None, now);
                }
            }
            Timer::Stall => {
                if let Some(stall) = self.main_mut_any().and_then(|(_, main)| main.stall.as_mut()) {
                    stall.told = true;
                    let lasted = now.since(stall.since);
                    self.emit(Event::ReaderStalled { lasted });
                }
            }
            Timer::Goodbye => {
                self.abandon_draining(|until, _| until <= now);
                self.finish_if_alone();
            }
        }
    }
}
