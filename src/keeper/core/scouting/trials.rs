//! What scouts meet with, and when that is believed.

use std::time::Duration;

use super::{CHATTY, Pending, Scout, Stage};
use crate::keeper::core::Keeper;
use crate::keeper::heartbeat::{Evidence, Pace};
use crate::keeper::reconnect::of_failure;
use crate::keeper::watch::{Sound, Step, Watch};
use crate::keeper::{Beat, Event, Failure, LinkEnd, LinkId, Moment, Opened, Output, Retry, Scouted, verdict};

impl Keeper {
    pub(in crate::keeper::core) fn scout_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        let Some((gap, Stage::Opening { .. })) = self.scout(link).map(|scout| (scout.gap, &scout.stage))
        else {
            return;
        };
        let Some((local, rtt)) = self.main().map(|(_, main)| (main.local, main.watch.rtt())) else { return };
        if local != opened.dialled.local || opened.beat != Beat::Ping {
            // Another path, or nobody to answer.
            self.outputs.push_back(Output::Abandon { link });
            return self.scout_not_had(link, gap, opened.beat != Beat::Ping, now);
        }
        let mut watch =
            Watch::new(&self.config.heartbeat, self.in_background(), opened.beat, opened.took, now);
        watch.know_rtt(rtt);
        watch.set_pace(Some(Pace { after: gap, chosen: true }), now);
        self.scout_came(now);
        if let Some(scout) = self.scout_mut(link) {
            scout.stage = Stage::Silent { watch: Box::new(watch), since: now, asked: None };
        }
    }

    pub(in crate::keeper::core) fn scout_failed(&mut self, link: LinkId, failure: &Failure, now: Moment) {
        if let Some(Scout { gap, stage: Stage::Opening { .. } }) = self.scout(link) {
            let gap = *gap;
            let retry = of_failure(failure);
            if let Retry::After(wait) = retry {
                self.scouting.not_before = self.scouting.not_before.max(now + wait);
            }
            self.scout_not_had(link, gap, retry == Retry::Never, now);
        }
    }

    /// Something came in on a scout.
    pub(in crate::keeper::core) fn scout_heard(&mut self, link: LinkId, now: Moment) {
        let Some(scout) = self.scout_mut(link) else { return };
        let gap = scout.gap;
        let Stage::Silent { watch, since, asked } = &mut scout.stage else { return };
        let heard = watch.hear(Sound::Bytes, now);
        let was_asked = asked.take().is_some();
        let chatty = now.since(*since) > gap * CHATTY;
        let survived = heard.survived.map(|gap| Evidence::Survived { gap, proof: heard.proof });
        if was_asked || chatty {
            self.forget(link);
            let met = if was_asked && survived.is_some() { Scouted::Survived } else { Scouted::Void };
            self.retire_scout(link, gap, met, now);
            if chatty && !was_asked {
                self.pause_scouts(now);
            } else {
                self.scouting.refusals = 0;
                self.scouting.blamed = 0;
            }
        }
        if let Some(evidence) = survived {
            self.learn(evidence, now);
        }
        self.plan_scouts(now);
    }

    pub(in crate::keeper::core) fn scout_ended(&mut self, link: LinkId, end: &LinkEnd, now: Moment) {
        let Some(scout) = self.scout(link) else { return };
        let gap = scout.gap;
        let Stage::Silent { watch, asked, .. } = &scout.stage else {
            return self.scout_not_had(link, gap, false, now);
        };
        let evidence = verdict::evidence_of_end(watch, end, now).map(|(evidence, _)| evidence);
        let since = asked.unwrap_or(now);
        let by_itself = watch.gap(now);
        let deadline = matches!(evidence, Some(Evidence::EndedIdle { gap }) if self.is_deadline(gap));
        if deadline || !verdict::may_be_a_middlebox(end) {
            return self.scout_not_had(link, gap, false, now);
        }
        self.forget(link);
        let met = match evidence {
            Some(Evidence::Expired { .. } | Evidence::Forgotten { .. }) => Scouted::Expired,
            Some(Evidence::EndedIdle { .. }) => Scouted::Ended { gap: by_itself },
            Some(Evidence::Survived { .. }) | None => Scouted::Void,
        };
        self.emit(Event::ScoutReturned { link, gap, met });
        self.scout_met(gap, evidence, since, now);
    }

    /// Whether an end at this gap is the server's own deadline, for a login
    /// perhaps, and not the path's: it comes before the gap that the link in
    /// use has survived, unless that has met with such an end itself; or
    /// sooner than any interval.
    fn is_deadline(&self, gap: Duration) -> bool {
        let survived = gap < self.scouting.main_proven.mul_f64(0.98) && !self.prober.is_suspected(gap);
        survived || gap < self.config.heartbeat.min.mul_f64(0.9)
    }

    pub(super) fn scout_step(&mut self, link: LinkId, gap: Duration, step: Step, now: Moment) {
        match step {
            Step::Wait => {}
            Step::Beat { token, .. } | Step::Missed { token, .. } => {
                self.scouting.beats += 1;
                self.outputs.push_back(Output::Beat { link, token });
                let first = match self.scout_mut(link).map(|scout| &mut scout.stage) {
                    Some(Stage::Silent { asked, .. }) => asked.replace(asked.unwrap_or(now)).is_none(),
                    Some(Stage::Opening { .. }) | None => false,
                };
                if first {
                    self.control(now);
                }
            }
            Step::Dead { asked, .. } => {
                let since = match self.scout(link).map(|scout| &scout.stage) {
                    Some(Stage::Silent { asked: Some(asked), .. }) => *asked,
                    Some(Stage::Silent { .. } | Stage::Opening { .. }) | None => now,
                };
                self.forget(link);
                self.outputs.push_back(Output::Abandon { link });
                // What the link in use misses, too, is not this link's alone.
                let alone = self.main().is_some_and(|(_, main)| !main.watch.is_missing());
                let evidence = asked.filter(|_| alone).and_then(verdict::evidence_of_silence);
                let evidence = evidence.map(|(evidence, _)| evidence);
                let met = if evidence.is_some() { Scouted::Expired } else { Scouted::Void };
                self.emit(Event::ScoutReturned { link, gap, met });
                self.scout_met(gap, evidence, since, now);
            }
        }
    }

    /// A scout is lost: believed once the link in use has shown, after
    /// `since`, that the path works.
    fn scout_met(&mut self, gap: Duration, evidence: Option<Evidence>, since: Moment, now: Moment) {
        if let Some(evidence) = evidence {
            self.scouting.pending.push(Pending { gap, evidence, since });
            if self.main().is_none_or(|(_, main)| main.watch.last_heard() <= since) {
                self.control(now);
            }
            self.believe_scouts(now);
        }
        self.plan_scouts(now);
    }

    /// Asks the link in use to show that the path works.
    pub(super) fn control(&mut self, now: Moment) {
        self.with_watch(now, |watch| watch.ask_unless_asked(now));
    }

    /// The link in use has heard something: what scouts met with before is a
    /// matter of idleness.
    pub(in crate::keeper::core) fn believe_scouts(&mut self, now: Moment) {
        let Some(heard) = self.main().map(|(_, main)| main.watch.last_heard()) else { return };
        let mut at = 0;
        while let Some(pending) = self.scouting.pending.get(at).copied() {
            if heard <= pending.since {
                at += 1;
                continue;
            }
            self.scouting.pending.swap_remove(at);
            self.scouting.refusals = 0;
            self.scouting.blamed = 0;
            self.learn(pending.evidence, now);
            self.plan_scouts(now);
        }
    }
}
