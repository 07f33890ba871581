//! One path to the peer: its idle timeout as far as it is known, its scouts, and
//! the last death of a link on it.
//!
//! All that belongs to one path lies in one [`Path`], so that another network or
//! another route has a `Path` of its own. A path knows links only by observations.

mod ladder;
mod learned;
mod network_memory;
mod observation;
mod prober;
mod scouting;
mod verdict;

pub use learned::{Expiry, Learned, Recalled};
pub(super) use observation::{Lesson, Observation};
pub(super) use prober::{Prober, SCOUTS};
pub(super) use scouting::{PendingResult, Scouting};
pub(super) use verdict::{
    DeathObservation, Finding, PendingDiagnosis, known_at_once, may_be_a_middlebox, of_end, of_silence,
    otherwise,
};

use std::sync::Arc;
use std::time::Duration;

use self::network_memory::NetworkMemory;
use self::prober::Summary;
use super::config::Heartbeat;
use super::event::Evidence;
use super::link::{BeatRow, Dialled};
use super::moment::Moment;

/// A confirmation is told again after this.
const CONFIRMED: Duration = Duration::from_secs(24 * 3600);
/// A server that seems stuck twice within this may not be stuck.
const STUCK_AGAIN: Duration = Duration::from_secs(2 * 24 * 3600);

/// The knowledge of one path.
#[derive(Debug)]
pub(super) struct Path {
    prober: Prober,
    memory: NetworkMemory,
    pub(super) scouting: Scouting,
    /// The link that died last, until the next dial shows why.
    pending: Option<PendingDiagnosis>,
    /// The peer was asked to speak after a silence, and once spoke.
    pub(super) peer_replies: bool,
    /// When the server last seemed stuck.
    stuck: Option<Moment>,
    /// Counts the lessons.
    lessons: u32,
    /// Counts how often the prober was set up anew.
    renewals: u32,
}

/// The result of one observation.
#[derive(Debug)]
pub(super) struct Learning {
    /// The observation was taken for idle expiry.
    pub(super) is_expiry: bool,
    /// The lesson that is worth telling.
    pub(super) lesson: Option<Lesson>,
    /// The knowledge that is worth storing.
    pub(super) remember: Option<Remember>,
}

/// Knowledge of a path, to be stored.
#[derive(Debug)]
pub(super) struct Remember {
    pub(super) network: Option<Arc<str>>,
    pub(super) learned: Learned,
}

/// Earlier knowledge of the path, which counts again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Restored {
    pub(super) proven: Duration,
    pub(super) failed: Option<Duration>,
    pub(super) age: Duration,
}

impl Path {
    pub(super) fn new(heartbeat: Heartbeat) -> Path {
        Path {
            prober: Prober::new(heartbeat),
            memory: NetworkMemory::default(),
            scouting: Scouting::default(),
            pending: None,
            peer_replies: false,
            stuck: None,
            lessons: 0,
            renewals: 0,
        }
    }

    /// The prober, to be read.
    pub(super) fn books(&self) -> &Prober {
        &self.prober
    }

    /// A count of lessons: it changes whenever the prober has learned.
    pub(super) fn lessons(&self) -> u32 {
        self.lessons
    }

    /// A count of renewals: it changes whenever the prober was set up anew, for
    /// other settings or another network.
    pub(super) fn renewals(&self) -> u32 {
        self.renewals
    }

    /// The prober, to be set up anew.
    fn renew(&mut self) -> &mut Prober {
        self.renewals = self.renewals.wrapping_add(1);
        &mut self.prober
    }

    fn heartbeat(&self) -> &Heartbeat {
        &self.prober.heartbeat
    }

    // Settings.

    pub(super) fn set_heartbeat(&mut self, heartbeat: Heartbeat, now: Moment) {
        self.renew().set_heartbeat(heartbeat, now);
    }

    /// Whether no gap may be tried now.
    pub(super) fn set_calm(&mut self, calm: bool) {
        self.prober.set_calm(calm);
    }

    /// Whether scouts are refused.
    pub(super) fn set_alone(&mut self, alone: bool, now: Moment) {
        if self.prober.alone != alone {
            self.renew().set_alone(alone, now);
        }
    }

    // Observation.

    /// Takes in one observation.
    pub(super) fn learn(&mut self, observation: Observation, now: Moment) -> Learning {
        self.lessons = self.lessons.wrapping_add(1);
        let is_expiry =
            matches!(observation, Observation::Expired { gap } if self.prober.is_idleness(gap, now));
        let known = self.prober.failed();
        let lesson = self.prober.learn(observation, now);
        if matches!(lesson, Some(Lesson::Shrank { .. })) {
            self.scouting.main_proven_at_most(self.prober.proven());
        }
        if self.prober.failed() != known {
            self.memory.note_expiry(observation);
        }
        let interval = self.prober.interval(now);
        let summary = self.prober.summary();
        let summary =
            summary.filter(|summary| self.memory.is_worth_telling(*summary, observation, interval, now));
        let remember = summary.map(|summary| self.tell(summary, now));
        Learning { is_expiry: is_expiry || lesson.is_some(), lesson, remember }
    }

    /// Whether the server is stuck: its system has received every beat, and no
    /// answer came. Then the path has not forgotten the link. But a
    /// router that takes up again what it forgot lets our beats through, too,
    /// while their answers wait behind the packets that it dropped. So the verdict
    /// does not count when it comes again within two days.
    pub(super) fn is_stuck(&mut self, asked: Option<BeatRow>, now: Moment) -> bool {
        let Some(asked) = asked else { return true };
        let within = self.heartbeat().unit(STUCK_AGAIN);
        let again = self.stuck.is_some_and(|last| now.since(last) <= within);
        if again && self.prober.is_idleness(asked.gap, now) {
            return false;
        }
        self.stuck = Some(now);
        true
    }

    /// Drops the results of scouts that are known by now: a cause that ended
    /// several scouts at once is one observation.
    pub(super) fn forget_known_pending(&mut self) {
        self.scouting.keep_pending(|gap| self.prober.is_open(gap));
    }

    /// Something came between the last death and the next dial, so that the dial
    /// says nothing about the death.
    pub(super) fn spoil_diagnosis(&mut self, evidence: Evidence) {
        if let Some(pending) = &mut self.pending {
            pending.spoiled = Some(evidence);
        }
    }

    /// A link has died: the next dial shows why.
    pub(super) fn bury(&mut self, pending: PendingDiagnosis) {
        self.pending = Some(pending);
    }

    /// Drops the diagnosis of the last death.
    pub(super) fn forget_death(&mut self) {
        self.pending = None;
    }

    /// Concludes from the first dial after a death. A dial that was through before
    /// the death shows nothing of it.
    pub(super) fn conclude(
        &mut self,
        dialled: Option<(Moment, Dialled)>,
    ) -> Option<(PendingDiagnosis, Finding)> {
        let pending = self.pending.take()?;
        let dialled = dialled.filter(|(began, dialled)| *began + dialled.took >= pending.died);
        let dialled = dialled.map(|(_, dialled)| dialled);
        let finding = pending.conclude(dialled, |at_one| self.heartbeat().unit(at_one));
        Some((pending, finding))
    }

    // Networks.

    /// The host names its network at this instant. Returns whether it is another.
    pub(super) fn name_network(&mut self, network: &str, now: Moment) -> bool {
        self.memory.name(network, now)
    }

    /// Whether the host named its network at this instant. True for one piece of
    /// news.
    pub(super) fn was_named(&mut self, now: Moment) -> bool {
        self.memory.was_named(now)
    }

    /// The host's name for the network, if it gave one.
    pub(super) fn network(&self) -> Option<&Arc<str>> {
        self.memory.network.as_ref()
    }

    /// Whether stored knowledge would be of use.
    pub(super) fn wants_memory(&self) -> bool {
        self.prober.learns()
    }

    /// Whether nothing is known yet.
    pub(super) fn is_unknown(&self) -> bool {
        self.prober.failed().is_none() && self.prober.proven().is_zero()
    }

    /// The host is on another network: the lessons stay with the old one. Returns
    /// the knowledge that is worth storing.
    pub(super) fn leave(&mut self, network: &str, now: Moment) -> Option<Remember> {
        let learned = self.learned(now);
        let mut remember = None;
        // While half is trusted, the earlier knowledge is better.
        if self.prober.learns() && !self.prober.regains() && learned.check().is_ok() {
            let summary = self.prober.summary().filter(|summary| !self.memory.has_told(*summary));
            remember = summary.map(|summary| self.tell(summary, now));
            self.memory.leave(learned, now);
        }
        self.renew().begin_anew();
        self.scouting.main_proven_at_most(Duration::ZERO);
        self.memory.come(network);
        remember
    }

    /// The host names its network for the first time.
    pub(super) fn come(&mut self, network: &str) {
        self.memory.come(network);
    }

    /// The knowledge of the network when the host last left it.
    pub(super) fn known_here(&self, now: Moment) -> Option<Recalled> {
        self.memory.known(now)
    }

    /// Begins with earlier knowledge of the path. `None` if it changed nothing.
    pub(super) fn take_back(&mut self, recalled: &Recalled, now: Moment) -> Option<Restored> {
        if !self.prober.recall(recalled, now) {
            return None;
        }
        self.renew();
        let Recalled { learned, age } = recalled;
        self.memory.expiry = self.memory.expiry.or(learned.expiry);
        if let Some(summary) = self.prober.summary() {
            let left = self.heartbeat().unit(CONFIRMED).saturating_sub(*age);
            self.memory.tell(summary, now + left);
        }
        Some(Restored { proven: learned.proven, failed: learned.failed, age: *age })
    }

    fn tell(&mut self, summary: Summary, now: Moment) -> Remember {
        let again = now + self.heartbeat().unit(CONFIRMED);
        self.memory.tell(summary, again);
        Remember { network: self.memory.network.clone(), learned: self.learned(now) }
    }

    fn learned(&self, now: Moment) -> Learned {
        Learned { expiry: self.memory.expiry, ..self.prober.learned(now) }
    }
}
