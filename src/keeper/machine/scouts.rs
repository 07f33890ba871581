//! Scouts: side links that stay silent for a while and then beat once, so
//! that the link in use is never risked.

mod fates;

use std::time::Duration;

use super::Keeper;
use crate::keeper::event::{Event, ScoutResult};
use crate::keeper::link::{Beat, FormerRole, Role, Scout, ScoutState, WatchAction};
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::{Output, Purpose};
use crate::keeper::path::{self, SCOUTS};
use crate::keeper::schedule::{NetworkBelief, Phase};

impl Keeper {
    // When scouts come.

    /// Something else than idleness has happened, and scouts would meet with it.
    pub(super) fn disturb_scouts(&mut self) {
        self.settled.scouts_disturbed = true;
    }

    /// Calls all scouts back, if something has disturbed them; new scouts wait a
    /// little.
    pub(super) fn void_disturbed_scouts(&mut self, now: Moment) {
        if !std::mem::take(&mut self.settled.scouts_disturbed) {
            return;
        }
        self.path.scouting.drop_pending();
        while let Some((link, scout)) = self.links.take_scout(|_| true) {
            self.call_back(link, &scout, ScoutResult::Void, now);
        }
        self.hold_scouts_back(now);
    }

    /// Drops all scouts: the keeper is done.
    pub(super) fn call_back_scouts(&mut self) {
        while let Some((link, scout)) = self.links.take_scout(|_| true) {
            self.outputs.push_back(Output::Abandon { link });
            self.emit(Event::ScoutReturned { link, gap: scout.gap, met: ScoutResult::Void });
        }
    }

    fn hold_scouts_back(&mut self, now: Moment) {
        if self.path.books().has_scouts() {
            self.path.scouting.hold_back(&self.config.heartbeat, &mut self.dice, now);
        }
    }

    /// Calls back scouts whose gap is known by now, and sets the time for the
    /// next.
    pub(super) fn plan_scouts(&mut self, now: Moment) {
        if !self.may_scout() {
            return self.path.scouting.plan(None);
        }
        while let Some((link, scout)) = {
            let books = self.path.books();
            self.links.take_scout(|scout| !books.is_open(scout.gap))
        } {
            self.call_back(link, &scout, ScoutResult::Void, now);
        }
        self.path.forget_known_pending();
        let under_way = self.gaps_under_way();
        let books = self.path.books();
        let wanted = match books.next_trial(under_way.as_slice(), now) {
            Some(_) => Some(now),
            // Once that time has passed, a scout is out that tests the gap.
            None => books.next_trial_at().filter(|at| *at > now),
        };
        self.path.scouting.plan(wanted);
    }

    /// Whether a scout may be sent at all: beside a link in use that can show
    /// whether the path works.
    fn may_scout(&self) -> bool {
        self.path.books().has_scouts()
            && self.config.overlap
            && self.schedule.news.network() == NetworkBelief::There
            && matches!(self.schedule.phase, Phase::Underway)
            && self
                .links
                .main()
                .is_some_and(|(_, main)| main.stall.is_none() && main.watch.beat() == Beat::Ping)
    }

    fn gaps_under_way(&self) -> Gaps {
        let undecided = self.path.scouting.pending().iter().map(|pending| pending.gap);
        let out = self.links.scouts().map(|(_, scout)| scout.gap);
        let mut gaps = Gaps { gaps: [Duration::ZERO; SCOUTS], count: 0 };
        for (place, gap) in gaps.gaps.iter_mut().zip(out.chain(undecided)) {
            *place = gap;
            gaps.count += 1;
        }
        gaps
    }

    /// A link was taken into use: scouts may follow.
    pub(super) fn scouts_after_promotion(&mut self, beat: Beat, now: Moment) {
        if !self.config.overlap || beat != Beat::Ping {
            self.refuse_scouts(None, now);
        } else if !self.path.scouting.are_refused() {
            // The refusal was for the link before.
            self.path.set_alone(false, now);
        }
        self.hold_scouts_back(now);
    }

    /// The link in use is lost; `came` tells when the last scout came, if the peer
    /// ended the link.
    pub(super) fn scouts_after_loss(&mut self, came: Option<Moment>, now: Moment) {
        let blamed = came.and_then(|came| self.path.scouting.blame(came, &self.config.heartbeat, now));
        if blamed.is_some() {
            self.refuse_scouts(blamed, now);
        }
        self.disturb_scouts();
    }

    /// Scouts that were refused may be possible under other settings.
    pub(super) fn ask_for_scouts_again(&mut self, now: Moment) {
        self.path.scouting.ask_anew();
        self.path.set_alone(false, now);
        if let Some((_, main)) = self.links.main() {
            self.scouts_after_promotion(main.watch.beat(), now);
        }
    }

    /// Scouts are refused until `again`: the gaps that they would have tested stay
    /// unknown.
    fn refuse_scouts(&mut self, again: Option<Moment>, now: Moment) {
        if self.path.books().has_scouts() {
            self.disturb_scouts();
            self.path.scouting.refuse(again);
            self.path.set_alone(true, now);
            self.emit(Event::ScoutsRefused);
        }
    }

    // When a scout is due.

    /// Acts on the deadlines of scouts.
    pub(super) fn scouts_due(&mut self, now: Moment) {
        let mut due = [None; SCOUTS];
        let out = self.links.scouts().filter(|(_, scout)| scout.next_due().is_some_and(|(at, _)| at <= now));
        due.iter_mut().zip(out).for_each(|(place, (link, _))| *place = Some(link));
        for link in due.into_iter().flatten() {
            let Some(scout) = self.links.scout_mut(link) else { continue };
            match &mut scout.stage {
                ScoutState::Opening { .. } => {
                    let gap = scout.gap;
                    self.outputs.push_back(Output::Abandon { link });
                    self.scout_not_had(link, gap, now);
                }
                ScoutState::Silent { watch, .. } => {
                    let step = watch.timeout(&mut self.tokens, now);
                    self.scout_step(link, step, now);
                }
            }
        }
        if self.path.scouting.asks_again(now) {
            self.path.set_alone(false, now);
        }
        // The result of this scout may have put the next one off.
        self.plan_scouts(now);
        if self.path.scouting.due.is_some_and(|due| due <= now) {
            self.send_scouts(now);
        }
    }

    fn send_scouts(&mut self, now: Moment) {
        while self.may_scout()
            && let Some(gap) = self.path.books().next_trial(self.gaps_under_way().as_slice(), now)
        {
            let deadline = now + self.config.reconnect.attempt_deadline;
            let link = self.links.add(Role::Scout(Scout { gap, stage: ScoutState::Opening { deadline } }));
            self.tally.scouts_sent += 1;
            self.scout_came(now);
            self.outputs.push_back(Output::Open { link, purpose: Purpose::Scout, route: 0, attempt: 1 });
            self.emit(Event::ScoutSent { link, gap });
        }
    }

    fn scout_came(&mut self, now: Moment) {
        if let Some((_, main)) = self.links.main_mut() {
            main.scout_came = Some(now);
        }
    }

    fn scout_step(&mut self, link: LinkId, step: WatchAction, now: Moment) {
        match step {
            // The system is not asked about a scout's path.
            WatchAction::Wait | WatchAction::AskPath => {}
            WatchAction::Beat { token, .. } | WatchAction::Missed { token, .. } => {
                self.tally.scout_beats += 1;
                self.outputs.push_back(Output::Beat { link, token });
                let first = match self.links.scout_mut(link).map(|scout| &mut scout.stage) {
                    Some(ScoutState::Silent { asked, .. }) => asked.replace(asked.unwrap_or(now)).is_none(),
                    Some(ScoutState::Opening { .. }) | None => false,
                };
                if first {
                    self.control(now);
                }
            }
            WatchAction::Dead { asked, .. } => {
                let Some((_, scout)) = self.links.take_scout_as(link) else { return };
                self.outputs.push_back(Output::Abandon { link });
                // If the link in use misses an answer, too, the silence is not the scout's alone.
                let alone = self.links.main().is_some_and(|(_, main)| !main.watch.is_missing());
                let death = asked.filter(|_| alone).and_then(path::of_silence);
                let observation = death.map(|death| death.observation);
                let met = if observation.is_some() { ScoutResult::Expired } else { ScoutResult::Void };
                self.scout_lost(link, &scout, met, observation, now);
            }
        }
    }

    /// Asks the link in use to show that the path works.
    fn control(&mut self, now: Moment) {
        self.with_watch(now, |watch, tokens| watch.ask_unless_asked(tokens, now));
    }

    // How scouts go.

    /// Drops a scout, which was taken away and whose answer is not wanted any more.
    fn call_back(&mut self, link: LinkId, scout: &Scout, met: ScoutResult, now: Moment) {
        let underway = matches!(self.schedule.phase, Phase::Underway);
        if scout.is_open() && underway && self.links.main().is_some() {
            self.retire_scout(link, scout.gap, met, now);
        } else {
            self.outputs.push_back(Output::Abandon { link });
            self.emit(Event::ScoutReturned { link, gap: scout.gap, met });
        }
    }

    /// Says goodbye to the server of a scout that lives.
    fn retire_scout(&mut self, link: LinkId, gap: Duration, met: ScoutResult, now: Moment) {
        self.drain(link, FormerRole::Scout, now);
        self.emit(Event::ScoutReturned { link, gap, met });
    }
}

/// The gaps of the scouts that are out, and of those whose fate is not decided.
struct Gaps {
    gaps: [Duration; SCOUTS],
    count: usize,
}

impl Gaps {
    fn as_slice(&self) -> &[Duration] {
        &self.gaps[..self.count]
    }
}
