//! Scouts: side links that stay silent for a while and then beat once, so
//! that the link in use is never risked.
//!
//! A scout that falls silent, or is ended, says something about idleness only
//! if the path works. The link in use is the control: it beats when a scout
//! beats or ends, and only once it has heard something after that is the
//! scout's fate believed. If the link in use is lost instead, or anything
//! happens to the network, all scouts are void.

mod trials;

use std::time::Duration;

use super::roles::Role;
use super::{Course, Keeper};
use crate::keeper::heartbeat::{Evidence, SCOUTS};
use crate::keeper::watch::Watch;
use crate::keeper::{Beat, Event, LinkId, Moment, Output, Purpose, Scouted, Timer};

/// After a link was taken into use, or something happened around it, scouts
/// wait for a draw from this: a fleet that comes back does not dial three
/// more times at once.
const FIRST_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// A scout that could not be opened or said nothing is followed by another
/// after this, doubling up to [`PAUSE_LONGEST`].
const PAUSE: Duration = Duration::from_secs(60);
const PAUSE_LONGEST: Duration = Duration::from_secs(3600);
/// Scouts that fail in a row before they count as refused.
const REFUSALS: u32 = 5;
/// Scouts that were refused are asked for again after a day.
const ASKED_AGAIN: Duration = Duration::from_secs(24 * 3600);
/// A link in use that its peer ends within this of a scout's coming may have
/// had to make room for it …
const BLAMED_WITHIN: Duration = Duration::from_secs(2);
/// … and so many in a row had to: the server allows one session at a time.
const BLAMED: u32 = 2;
/// A scout that is not silent for its gap within this many gaps never will
/// be: its server speaks by itself.
const CHATTY: u32 = 3;

/// What is known of scouts beside those that are out.
#[derive(Debug, Default)]
pub(super) struct Scouting {
    /// When the next may be sent.
    due: Option<Moment>,
    not_before: Moment,
    /// Refused scouts are asked for again then.
    asked_again: Option<Moment>,
    /// Scouts in a row that were not to be had.
    refusals: u32,
    /// Links in use in a row that ended when a scout came.
    blamed: u32,
    /// What scouts met with, waiting for the link in use to show that the
    /// path works.
    pending: Vec<Pending>,
    /// The longest gap that a link in use has survived.
    pub(super) main_proven: Duration,
    pub(super) sent: u64,
    pub(super) beats: u64,
}

#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The gap that was to be tested.
    gap: Duration,
    evidence: Evidence,
    since: Moment,
}

/// A side link.
#[derive(Debug)]
pub(super) struct Scout {
    /// The gap that it tests.
    gap: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Opening { deadline: Moment },
    Silent { watch: Box<Watch>, since: Moment, asked: Option<Moment> },
}

impl Scout {
    pub(super) fn next(&self) -> Option<(Moment, Timer)> {
        let due = match &self.stage {
            Stage::Opening { deadline } => Some(*deadline),
            Stage::Silent { watch, .. } => watch.next().map(|(due, _)| due),
        };
        due.map(|due| (due, Timer::Scout))
    }
}

impl Scouting {
    pub(super) fn next(&self) -> Option<(Moment, Timer)> {
        let due = [self.due, self.asked_again].into_iter().flatten().min();
        due.map(|due| (due, Timer::Scout))
    }
}

impl Keeper {
    /// A link was taken into use: scouts may follow.
    pub(super) fn scouts_after_promotion(&mut self, now: Moment) {
        let beat = self.main().map(|(_, main)| main.watch.beat());
        if !self.config.overlap || beat != Some(Beat::Ping) {
            self.refuse_scouts(None, now);
        } else if self.scouting.asked_again.is_none() {
            // Nothing but the link before stood against them.
            self.prober.set_alone(false, now);
        }
        self.hold_scouts_back(now);
        self.plan_scouts(now);
    }

    fn scout_came(&mut self, now: Moment) {
        if let Some((_, main)) = self.main_mut_any() {
            main.scout_came = Some(now);
        }
    }

    /// The link in use is lost. If its peer has ended it, `came` is when the
    /// last scout came: scouts that make a server end it are worse than none.
    pub(super) fn scouts_after_loss(&mut self, came: Option<Moment>, now: Moment) {
        let within = self.config.heartbeat.unit(BLAMED_WITHIN);
        if came.is_some_and(|came| now.since(came) <= within) {
            self.scouting.blamed += 1;
            if self.scouting.blamed >= BLAMED {
                // After that one more is enough.
                let again = now + self.config.heartbeat.unit(ASKED_AGAIN);
                self.refuse_scouts(Some(again), now);
            }
        }
        self.void_scouts(now);
    }

    fn hold_scouts_back(&mut self, now: Moment) {
        if self.prober.has_scouts() {
            let (least, most) = FIRST_WAIT;
            let unit = |at_one| self.config.heartbeat.unit(at_one);
            let wait = self.dice.between(unit(least), unit(most));
            self.scouting.not_before = self.scouting.not_before.max(now + wait);
        }
    }

    /// Scouts that were refused may be had under other settings.
    pub(super) fn ask_for_scouts_again(&mut self, now: Moment) {
        self.scouting.asked_again = None;
        self.scouting.refusals = 0;
        self.prober.set_alone(false, now);
        if self.main().is_some() {
            self.scouts_after_promotion(now);
        }
    }

    /// Calls back scouts whose gap is known by now, and sets the time for the
    /// next.
    pub(super) fn plan_scouts(&mut self, now: Moment) {
        self.scouting.due = None;
        if !self.may_scout() {
            return;
        }
        for (link, gap) in self.scouts() {
            if !self.prober.is_open(gap) {
                self.call_back(link, gap, Scouted::Void, now);
            }
        }
        // Nor does what others met with count any more: whatever ended
        // several at once is one observation.
        self.scouting.pending.retain(|pending| self.prober.is_open(pending.gap));
        let due = match self.prober.next_trial(&self.gaps_under_way(), now) {
            Some(_) => Some(now),
            None => self.prober.next_trial_at(),
        };
        self.scouting.due = due.map(|due| due.max(self.scouting.not_before));
    }

    /// Does what is due with scouts.
    pub(super) fn scouts_due(&mut self, now: Moment) {
        for (link, gap) in self.scouts() {
            let Some(scout) = self.scout_mut(link) else { continue };
            if scout.next().is_none_or(|(due, _)| due > now) {
                continue;
            }
            match &mut scout.stage {
                Stage::Opening { .. } => {
                    self.outputs.push_back(Output::Abandon { link });
                    self.scout_not_had(link, gap, false, now);
                }
                Stage::Silent { watch, .. } => {
                    let step = watch.timeout(now);
                    self.scout_step(link, gap, step, now);
                }
            }
        }
        if self.scouting.asked_again.is_some_and(|at| at <= now) {
            self.scouting.asked_again = None;
            // One more refusal is enough.
            self.scouting.refusals = REFUSALS;
            self.prober.set_alone(false, now);
            self.plan_scouts(now);
        }
        if self.scouting.due.is_some_and(|due| due <= now) {
            self.send_scouts(now);
        }
    }

    fn send_scouts(&mut self, now: Moment) {
        while self.may_scout()
            && let Some(gap) = self.prober.next_trial(&self.gaps_under_way(), now)
        {
            let link = self.next_link();
            let deadline = now + self.config.reconnect.attempt_deadline;
            let scout = Scout { gap, stage: Stage::Opening { deadline } };
            self.links.push((link, Role::Scout(scout)));
            self.scouting.sent += 1;
            self.scout_came(now);
            self.outputs.push_back(Output::Open { link, purpose: Purpose::Scout, route: 0, attempt: 1 });
            self.emit(Event::ScoutSent { link, gap });
        }
        self.plan_scouts(now);
        // What is due now was just sent, unless nothing may be.
        self.scouting.due = self.scouting.due.filter(|due| *due > now);
    }

    /// Whether a scout may be sent at all: beside a link in use that can show
    /// whether the path works.
    fn may_scout(&self) -> bool {
        self.prober.has_scouts()
            && self.config.overlap
            && self.offline.is_none()
            && matches!(self.course, Course::Underway)
            && self.main().is_some_and(|(_, main)| main.stall.is_none() && main.watch.beat() == Beat::Ping)
    }

    /// Gaps that the link in use has survived no longer count above this.
    pub(super) fn main_proven_at_most(&mut self, proven: Duration) {
        self.scouting.main_proven = self.scouting.main_proven.min(proven);
    }

    /// The link in use has survived a gap.
    pub(super) fn main_survived(&mut self, gap: Duration) {
        self.scouting.main_proven = self.scouting.main_proven.max(gap);
    }

    /// Whatever happened, it is not idleness that scouts will meet with.
    pub(super) fn void_scouts(&mut self, now: Moment) {
        self.scouting.pending.clear();
        for (link, gap) in self.scouts() {
            self.call_back(link, gap, Scouted::Void, now);
        }
        self.scouting.due = None;
        self.hold_scouts_back(now);
    }

    /// Drops a scout whose answer is not wanted any more.
    fn call_back(&mut self, link: LinkId, gap: Duration, met: Scouted, now: Moment) {
        let open = matches!(self.scout(link).map(|scout| &scout.stage), Some(Stage::Silent { .. }));
        self.forget(link);
        if open && matches!(self.course, Course::Underway) && self.main().is_some() {
            self.retire_scout(link, gap, met, now);
        } else {
            self.outputs.push_back(Output::Abandon { link });
            self.emit(Event::ScoutReturned { link, gap, met });
        }
    }

    /// Says goodbye to the server of a scout that lives.
    fn retire_scout(&mut self, link: LinkId, gap: Duration, met: Scouted, now: Moment) {
        self.links.push((link, Role::Draining { until: now + self.config.close_deadline, carried: false }));
        self.outputs.push_back(Output::Retire { link });
        self.emit(Event::ScoutReturned { link, gap, met });
    }

    /// A scout could not be opened, or its server does not let it be silent.
    fn scout_not_had(&mut self, link: LinkId, gap: Duration, for_good: bool, now: Moment) {
        self.forget(link);
        self.emit(Event::ScoutReturned { link, gap, met: Scouted::Void });
        if for_good {
            self.scouting.refusals = REFUSALS;
        }
        // Those that are being opened would fare no better.
        for (link, gap) in self.scouts() {
            if matches!(self.scout(link).map(|scout| &scout.stage), Some(Stage::Opening { .. })) {
                self.call_back(link, gap, Scouted::Void, now);
            }
        }
        self.pause_scouts(now);
        self.plan_scouts(now);
    }

    fn pause_scouts(&mut self, now: Moment) {
        self.scouting.refusals += 1;
        if self.scouting.refusals >= REFUSALS {
            let again = now + self.config.heartbeat.unit(ASKED_AGAIN);
            return self.refuse_scouts(Some(again), now);
        }
        let pause = PAUSE * 2u32.pow(self.scouting.refusals - 1);
        let pause = self.dice.shorter(self.config.heartbeat.unit(pause.min(PAUSE_LONGEST)), 0.5);
        self.scouting.not_before = self.scouting.not_before.max(now + pause);
    }

    /// No scout is to be had until `again`: what they would have found stays
    /// unknown.
    fn refuse_scouts(&mut self, again: Option<Moment>, now: Moment) {
        if !self.prober.has_scouts() {
            return;
        }
        self.void_scouts(now);
        self.scouting.asked_again = again;
        self.prober.set_alone(true, now);
        self.emit(Event::ScoutsRefused);
        self.tell_interval(now);
        self.renew_pace(now);
    }

    // The scouts that are out.

    fn scouts(&self) -> Scouts {
        let mut scouts = Scouts::default();
        let out = self.links.iter().filter_map(|(link, role)| match role {
            Role::Scout(scout) => Some((*link, scout.gap)),
            Role::Opening { .. } | Role::Main(_) | Role::Draining { .. } => None,
        });
        for (place, scout) in scouts.0.iter_mut().zip(out) {
            *place = Some(scout);
        }
        scouts
    }

    fn gaps_under_way(&self) -> Vec<Duration> {
        let undecided = self.scouting.pending.iter().map(|pending| pending.gap);
        self.scouts().map(|(_, gap)| gap).chain(undecided).collect()
    }

    fn scout(&self, link: LinkId) -> Option<&Scout> {
        match self.role(link) {
            Some(Role::Scout(scout)) => Some(scout),
            Some(Role::Opening { .. } | Role::Main(_) | Role::Draining { .. }) | None => None,
        }
    }

    fn scout_mut(&mut self, link: LinkId) -> Option<&mut Scout> {
        self.links.iter_mut().find_map(|(id, role)| match role {
            Role::Scout(scout) if *id == link => Some(scout),
            Role::Scout(_) | Role::Opening { .. } | Role::Main(_) | Role::Draining { .. } => None,
        })
    }
}

/// The scouts that are out, apart from the keeper, so that it may change.
#[derive(Default)]
struct Scouts([Option<(LinkId, Duration)>; SCOUTS]);

impl Iterator for Scouts {
    type Item = (LinkId, Duration);

    fn next(&mut self) -> Option<(LinkId, Duration)> {
        self.0.iter_mut().find_map(Option::take)
    }
}
