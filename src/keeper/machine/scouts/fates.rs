//! The results of scouts, and when they are believed.

use std::time::Duration;

use crate::keeper::config::Retry;
use crate::keeper::end::{Failure, LinkEnd};
use crate::keeper::event::{Event, ScoutResult};
use crate::keeper::link::{Beat, InboundKind, Opened, Pace, Scout, ScoutState, Watch};
use crate::keeper::machine::Keeper;
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::Output;
use crate::keeper::path::{self, Observation, PendingResult};
use crate::keeper::schedule::of_failure;

/// A scout that was not silent for its gap within this many gaps never will
/// be: its server speaks by itself.
const CHATTY: u32 = 3;

impl Keeper {
    pub(in crate::keeper::machine) fn scout_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        let Some((local, rtt)) = self.links.main().map(|(_, main)| (main.local, main.watch.rtt())) else {
            return;
        };
        let background = self.in_background();
        let Some(scout) = self.links.scout_mut(link) else { return };
        if scout.is_open() {
            return;
        }
        let gap = scout.gap;
        if local != opened.dialled.local || opened.beat != Beat::Ping {
            // The scout goes over another path, or its peer answers no beats.
            self.outputs.push_back(Output::Abandon { link });
            if opened.beat != Beat::Ping {
                self.path.scouting.are_not_to_be_had();
            }
            return self.scout_not_had(link, gap, now);
        }
        let mut watch = Watch::new(&self.config.heartbeat, background, opened.beat, opened.took, now);
        watch.know_rtt(rtt);
        watch.set_pace(Some(Pace { after: gap, is_try: true }), now);
        scout.stage = ScoutState::Silent { watch: Box::new(watch), since: now, asked: None };
        self.scout_came(now);
    }

    pub(in crate::keeper::machine) fn scout_failed(&mut self, link: LinkId, failure: &Failure, now: Moment) {
        let Some(scout) = self.links.scout_mut(link).filter(|scout| !scout.is_open()) else { return };
        let gap = scout.gap;
        match of_failure(failure) {
            Retry::After(wait) => self.path.scouting.wait_until(now + wait),
            Retry::Never => self.path.scouting.are_not_to_be_had(),
            Retry::Soon
            | Retry::Backoff
            | Retry::Between { .. }
            | Retry::Halfway
            | Retry::Longest
            | Retry::Tls
            | Retry::NeverAfter { .. } => {}
        }
        self.scout_not_had(link, gap, now);
    }

    /// Bytes came in on a scout.
    pub(in crate::keeper::machine) fn scout_heard(&mut self, link: LinkId, now: Moment) {
        let Some(scout) = self.links.scout_mut(link) else { return };
        let gap = scout.gap;
        let ScoutState::Silent { watch, since, asked } = &mut scout.stage else { return };
        let heard = watch.hear(InboundKind::Bytes, now);
        let was_asked = asked.take().is_some();
        let chatty = now.since(*since) > gap * CHATTY;
        let survived = heard.survived.map(|gap| Observation::Survived { gap, proof: heard.proof });
        if was_asked || chatty {
            self.links.forget(link);
            let met = if was_asked && survived.is_some() { ScoutResult::Survived } else { ScoutResult::Void };
            self.retire_scout(link, gap, met, now);
            if chatty && !was_asked {
                self.pause_scouts(now);
            } else {
                self.path.scouting.were_had();
            }
        }
        if let Some(observation) = survived {
            self.learn(observation, now);
        }
    }

    pub(in crate::keeper::machine) fn scout_ended(&mut self, link: LinkId, end: &LinkEnd, now: Moment) {
        let Some(scout) = self.links.scout_mut(link) else { return };
        let gap = scout.gap;
        let ScoutState::Silent { watch, .. } = &scout.stage else {
            return self.scout_not_had(link, gap, now);
        };
        let silence = watch.silence(now);
        let observation = path::of_end(&silence, end).map(|death| death.observation);
        let deadline = matches!(observation, Some(Observation::EndedIdle { gap }) if self.is_deadline(gap));
        if deadline || !path::may_be_a_middlebox(end) {
            return self.scout_not_had(link, gap, now);
        }
        let Some((_, scout)) = self.links.take_scout_as(link) else { return };
        let met = match observation {
            Some(Observation::Expired { .. } | Observation::Forgotten { .. }) => ScoutResult::Expired,
            Some(Observation::EndedIdle { .. }) => ScoutResult::Ended { gap: silence.gap },
            Some(Observation::Survived { .. }) | None => ScoutResult::Void,
        };
        self.scout_lost(link, &scout, met, observation, now);
    }

    /// Whether an end at this gap is the server's own deadline, for a login
    /// perhaps, and not the path's timeout. It is if it comes before a gap that the
    /// link in use has survived, unless that link has met with such an end itself; or
    /// sooner than any interval.
    fn is_deadline(&self, gap: Duration) -> bool {
        let survived = self.path.scouting.main_has_survived(gap) && !self.path.books().is_suspected(gap);
        survived || gap < self.config.heartbeat.min.mul_f64(0.9)
    }

    /// A scout is lost. Its result is believed once the link in use has shown,
    /// after the scout asked or ended, that the path works.
    pub(super) fn scout_lost(
        &mut self,
        link: LinkId,
        scout: &Scout,
        met: ScoutResult,
        observation: Option<Observation>,
        now: Moment,
    ) {
        self.emit(Event::ScoutReturned { link, gap: scout.gap, met });
        let Some(observation) = observation else { return };
        let since = match &scout.stage {
            ScoutState::Silent { asked: Some(asked), .. } => *asked,
            ScoutState::Silent { asked: None, .. } | ScoutState::Opening { .. } => now,
        };
        self.path.scouting.add_pending(PendingResult { gap: scout.gap, observation, since });
        if self.links.main().is_none_or(|(_, main)| main.watch.last_heard() <= since) {
            self.control(now);
        }
        self.believe_scouts(now);
    }

    /// Believes the results of scouts that came before the link in use last heard a
    /// byte: the path works, so only the scout's silence can be the cause.
    pub(in crate::keeper::machine) fn believe_scouts(&mut self, now: Moment) {
        if !self.path.scouting.has_pending() {
            return;
        }
        let Some(heard) = self.links.main().map(|(_, main)| main.watch.last_heard()) else { return };
        while let Some(observation) = self.path.scouting.take_believed(heard) {
            self.learn(observation, now);
            self.path.forget_known_pending();
        }
    }

    /// A scout could not be opened, or its server does not let it be silent.
    pub(super) fn scout_not_had(&mut self, link: LinkId, gap: Duration, now: Moment) {
        self.links.forget(link);
        self.emit(Event::ScoutReturned { link, gap, met: ScoutResult::Void });
        // Scouts that are being opened would fare no better.
        while let Some((link, scout)) = self.links.take_scout(|scout| !scout.is_open()) {
            self.call_back(link, &scout, ScoutResult::Void, now);
        }
        self.pause_scouts(now);
    }

    fn pause_scouts(&mut self, now: Moment) {
        let refused = self.path.scouting.was_not_had(&self.config.heartbeat, &mut self.dice, now);
        if refused.is_some() {
            self.refuse_scouts(refused, now);
        }
    }
}
