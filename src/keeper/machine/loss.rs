//! How the link in use is lost or left, and the lessons of that.

use std::time::Duration;

use super::Keeper;
use crate::keeper::event::{Cause, Detection, Event, Evidence, GiveUp};
use crate::keeper::link::{Dialled, Draining, FormerRole, Main, Role};
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;
use crate::keeper::output::Output;
use crate::keeper::path::{self, DeathObservation, PendingDiagnosis};
use crate::keeper::schedule::{Ending, Wait};
use crate::keeper::state::Finish;

/// How a link was lost, and the facts about that.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) detection: Detection,
    /// The idle time that the end is judged by, where that is not the time
    /// since the last byte.
    pub(super) gap: Option<Duration>,
    /// The observation about the idle timeout if the path still works.
    pub(super) death: Option<DeathObservation>,
    /// Whether the peer's system is known to have received all our bytes.
    pub(super) acknowledged: Option<bool>,
}

impl Loss {
    /// A loss of which only the detection is known.
    pub(super) fn of(detection: Detection) -> Loss {
        Loss { detection, gap: None, death: None, acknowledged: None }
    }

    /// The same, with an observation about idleness.
    pub(super) fn with_death(self, death: Option<DeathObservation>) -> Loss {
        let gap = death.map(|death| death.observation.gap());
        Loss { gap: self.gap.or(gap), death, ..self }
    }
}

impl Keeper {
    /// The link in use is lost: drops it, tells, and decides how to come back. The
    /// only way in which a link is lost.
    pub(super) fn lose(&mut self, loss: Loss, now: Moment) {
        let Loss { detection, gap, death, acknowledged } = loss;
        let Some((link, main)) = self.take_main(now) else { return };
        let by_peer = matches!(detection, Detection::Ended(_));
        self.scouts_after_loss(main.scout_came.filter(|_| by_peer), now);
        self.void_disturbed_scouts(now);
        if !by_peer {
            self.outputs.push_back(Output::Abandon { link });
        }
        let gap = gap.unwrap_or_else(|| main.watch.gap(now));
        let ours_alone = death.is_some_and(|death| death.is_try || self.path.books().near_failed(gap))
            || matches!(
                detection,
                Detection::ProbeUnanswered | Detection::AddressGone | Detection::Slept | Detection::Asked
            );
        let proved = main.has_proved(self.config.reconnect.stable, now);
        self.tell_loss(link, &main, detection.clone(), gap, now);
        match path::known_at_once(&detection, acknowledged.filter(|_| death.is_none())) {
            Some((cause, evidence)) => self.emit(Event::Diagnosed { link, cause, evidence }),
            None => {
                self.path.bury(PendingDiagnosis {
                    link,
                    died: now,
                    local: main.local,
                    rtt: main.watch.rtt(),
                    dial: main.dial,
                    observation: death.map(|death| death.observation),
                    otherwise: path::otherwise(&detection, acknowledged),
                    unacknowledged: acknowledged == Some(false),
                    spoiled: self.schedule.is_cut_off().then_some(Evidence::NetworkEvent).or(main.disturbed),
                });
            }
        }
        let asked = detection == Detection::Asked;
        let ending = Ending { detection: &detection, proved, vouched: main.vouched, ours_alone };
        let wait = self.schedule.backoff.after_end(ending, &mut self.dice);
        match wait {
            Ok(Wait { firm: false, .. }) if self.links.next().is_some() => self.come_back_by_next(now),
            Ok(_) if asked => self.open(now),
            wait => {
                // An attempt under way to replace the link comes too soon for this wait.
                let held = self.abandon_next().and_then(|(_, next)| next.held);
                self.wait_or_give_up(wait, held, now);
            }
        }
    }

    /// The link that was to replace the lost one is being opened already:
    /// that is the first attempt to come back.
    fn come_back_by_next(&mut self, now: Moment) {
        let (attempt, _) = self.schedule.begin(now);
        if let Some((link, next)) = self.links.next_mut() {
            next.attempt = attempt;
            self.emit(Event::Connecting { link, attempt });
        }
        self.doubt_attempt(now);
    }

    /// Says goodbye on the link in use, for a reason of ours. Returns whether there
    /// is one.
    pub(super) fn leave_main(&mut self, detection: Detection, now: Moment) -> bool {
        let Some((link, main)) = self.take_main(now) else { return false };
        let proved = main.has_proved(self.config.reconnect.stable, now);
        // Leaving is no failure: no delay follows.
        let ending = Ending { detection: &detection, proved, vouched: main.vouched, ours_alone: true };
        let _ = self.schedule.backoff.after_end(ending, &mut self.dice);
        self.tell_loss(link, &main, detection, main.watch.gap(now), now);
        self.emit(Event::Diagnosed { link, cause: Cause::Ours, evidence: Evidence::Ourselves });
        self.drain(link, FormerRole::InUse, now);
        true
    }

    /// Says goodbye on a link that is not in use any more.
    pub(super) fn drain(&mut self, link: LinkId, was: FormerRole, now: Moment) {
        let until = now + self.config.close_deadline;
        self.links.put_back(link, Role::Draining(Draining { until, was }));
        self.outputs.push_back(Output::Retire { link });
    }

    fn take_main(&mut self, now: Moment) -> Option<(LinkId, Box<Main>)> {
        let (link, main) = self.links.take_main()?;
        self.tally.uptime += now.since(main.since);
        self.tally.beats_saved += main.watch.saved();
        Some((link, main))
    }

    fn tell_loss(&mut self, link: LinkId, main: &Main, detection: Detection, gap: Duration, now: Moment) {
        let (epoch, uptime) = (main.epoch, now.since(main.since));
        self.emit(Event::Disconnected { link, epoch, detection, gap, uptime });
    }

    /// Concludes from the first dial after a death; `dialled` tells when it began
    /// and how it went.
    pub(super) fn conclude(&mut self, dialled: Option<(Moment, Dialled)>, now: Moment) {
        let Some((pending, mut finding)) = self.path.conclude(dialled) else { return };
        if let Some(observation) = finding.observation {
            let known = (self.path.books().proven(), self.path.books().failed());
            let is_expiry = self.learn(observation, now);
            if is_expiry || (self.path.books().proven(), self.path.books().failed()) != known {
                finding.cause = Cause::IdleExpiry;
            }
        }
        let evidence = finding.evidence_for(pending.unacknowledged);
        self.emit(Event::Diagnosed { link: pending.link, cause: finding.cause, evidence });
    }

    // The end.

    /// Drops draining links that are over.
    pub(super) fn abandon_drained(&mut self, is_over: impl Fn(Draining) -> bool) {
        while let Some(link) = self.links.take_drained(&is_over) {
            self.outputs.push_back(Output::Abandon { link });
        }
    }

    pub(super) fn give_up(&mut self, reason: GiveUp) {
        self.emit(Event::GaveUp { reason: reason.clone() });
        self.finish(Finish::GaveUp(reason));
    }

    /// Finishes the keeper: no more is to be done.
    pub(super) fn finish(&mut self, finish: Finish) {
        self.call_back_scouts();
        self.abandon_next();
        self.abandon_drained(|_| true);
        self.schedule.finish(finish.clone());
        self.outputs.push_back(Output::Finish(finish));
    }
}
