//! What is known of each network: kept while the host is elsewhere, told to
//! whoever remembers for longer, taken back from there.

use std::sync::Arc;
use std::time::Duration;

use super::news::Then;
use super::{Course, Keeper};
use crate::keeper::heartbeat::{Evidence, Gist};
use crate::keeper::{Event, Expiry, Learned, Moment, Output, Recalled};

/// Networks that one connection keeps in mind; the oldest goes.
const NETWORKS: usize = 64;
/// What is confirmed is told again after this.
const CONFIRMED: Duration = Duration::from_secs(24 * 3600);
/// A longer gap that survives is worth telling if it is longer by this much.
const LONGER: f64 = 1.05;
/// A gap of this part of the interval that survives confirms it.
const CONFIRMS: f64 = 0.85;

/// What the keeper has in mind of networks, beside the prober's books on the
/// present one.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What the host calls the present network; `None` until it names one.
    network: Option<Arc<str>>,
    /// When it last did, for the news that comes with it.
    named: Option<Moment>,
    /// How idle links end on it.
    expiry: Option<Expiry>,
    told: Option<Told>,
    left: Vec<Left>,
}

/// What was last told of the present network.
#[derive(Clone, Copy, Debug)]
struct Told {
    gist: Gist,
    /// When a confirmation is worth telling.
    again: Moment,
}

/// What was known of a network when the host left it.
#[derive(Debug)]
struct Left {
    network: Option<Arc<str>>,
    learned: Learned,
    at: Moment,
}

impl Memory {
    fn leave(&mut self, learned: Learned, at: Moment) {
        let network = self.network.clone();
        self.left.retain(|left| left.network != network);
        if self.left.len() == NETWORKS {
            self.left.remove(0);
        }
        self.left.push(Left { network, learned, at });
    }

    fn known(&self, now: Moment) -> Option<Recalled> {
        let left = self.left.iter().find(|left| left.network == self.network)?;
        Some(Recalled::new(left.learned.clone(), now.since(left.at)))
    }
}

impl Keeper {
    /// Whether the host names its networks.
    pub(super) fn knows_network(&self) -> bool {
        self.memory.network.is_some()
    }

    /// Whether the host named its network in this very instant. Counts for
    /// one piece of news.
    pub(super) fn was_named(&mut self, now: Moment) -> bool {
        self.memory.named.take() == Some(now)
    }

    /// The host names the network that it is on. Say so before
    /// [`handle_network`](Keeper::handle_network), which tells the rest, in the
    /// same instant, and before [`start`](Keeper::start) where the name is known by then.
    ///
    /// Another name means another path: what was learned stays with the old
    /// one, and what is known of the new one takes its place. The same name
    /// again changes nothing.
    pub(super) fn handle_network_named(&mut self, network: &str, now: Moment) {
        self.settle_time(now);
        self.memory.named = Some(now);
        if self.memory.network.as_deref() == Some(network) {
            return;
        }
        match self.course {
            Course::Idle => {
                self.memory.network = Some(network.into());
                return;
            }
            Course::Closing | Course::Finished(_) => return,
            Course::Underway | Course::Waiting { .. } | Course::Paused { .. } => {}
        }
        // A link that lives on does so over the new network.
        self.network_moved(now);
        // A network that gets its first name may be the one that it was.
        let then = if self.knows_network() { Then::Probe } else { Then::ProbeIfMoved };
        self.look_at_route(then, now);
        self.leave_network(now);
        self.memory.network = Some(network.into());
        self.come_to_network(now);
        self.renew_pace(now);
        self.tell_interval(now);
        self.plan_scouts(now);
    }

    /// What is remembered of a network: the answer to [`Output::Recall`],
    /// which may come at any time, or never. It counts if the host is still
    /// on that network; where it contradicts what was observed meanwhile, it
    /// does not.
    pub(super) fn handle_recalled(&mut self, network: Option<&str>, recalled: Option<Recalled>, now: Moment) {
        self.settle_time(now);
        if matches!(self.course, Course::Closing | Course::Finished(_))
            || self.memory.network.as_deref() != network
        {
            return;
        }
        if let Some(recalled) = recalled
            && self.take_back(&recalled, now)
        {
            self.renew_pace(now);
            self.tell_interval(now);
            self.plan_scouts(now);
        }
    }

    /// Asks for what is remembered of the present network.
    pub(super) fn recall(&mut self) {
        if self.prober.learns() {
            let network = self.memory.network.clone();
            self.outputs.push_back(Output::Recall { network, route: 0 });
        }
    }

    /// The settings are others: what is remembered may be of use by now.
    pub(super) fn recall_if_unknown(&mut self) {
        let known = self.prober.failed().is_some() || !self.prober.proven().is_zero();
        match self.course {
            Course::Underway | Course::Waiting { .. } | Course::Paused { .. } if !known => self.recall(),
            Course::Underway | Course::Waiting { .. } | Course::Paused { .. } => {}
            Course::Idle | Course::Closing | Course::Finished(_) => {}
        }
    }

    /// The prober has learned from `evidence`: tells what is worth keeping.
    /// Called after every observation, so it allocates only where it tells.
    pub(super) fn remember(&mut self, evidence: Evidence, known: Option<Duration>, now: Moment) {
        if self.prober.failed() != known {
            self.memory.expiry = match evidence {
                Evidence::Expired { .. } | Evidence::Forgotten { .. } => Some(Expiry::Silent),
                Evidence::EndedIdle { .. } => Some(Expiry::Ended),
                Evidence::Survived { .. } => self.memory.expiry,
            };
        }
        let Some(gist) = self.prober.gist() else { return };
        let confirms = match evidence {
            Evidence::Survived { gap, .. } => {
                self.prober.interval(now).is_some_and(|interval| gap >= interval.mul_f64(CONFIRMS))
            }
            Evidence::Expired { .. } | Evidence::Forgotten { .. } | Evidence::EndedIdle { .. } => false,
        };
        let worth = self.memory.told.is_none_or(|told| {
            let longer = gist.proven >= told.gist.proven.mul_f64(LONGER);
            let shorter = gist.proven < told.gist.proven;
            let other = (gist.failed, gist.looks_failed) != (told.gist.failed, told.gist.looks_failed);
            longer || shorter || other || (confirms && now >= told.again)
        });
        if worth {
            self.tell_memory(gist, now);
        }
    }

    fn tell_memory(&mut self, gist: Gist, now: Moment) {
        let again = now + self.config.heartbeat.unit(CONFIRMED);
        self.memory.told = Some(Told { gist, again });
        let learned = self.learned(now);
        let network = self.memory.network.clone();
        self.outputs.push_back(Output::Remember { network, route: 0, learned });
    }

    fn learned(&self, now: Moment) -> Learned {
        Learned { expiry: self.memory.expiry, ..self.prober.learned(now) }
    }

    fn leave_network(&mut self, now: Moment) {
        let learned = self.learned(now);
        // While half is trusted, what was known before is the better word.
        if self.prober.learns() && !self.prober.regains() && learned.check().is_ok() {
            if let Some(gist) = self.prober.gist()
                && self.memory.told.is_none_or(|told| told.gist != gist)
            {
                self.tell_memory(gist, now);
            }
            self.memory.leave(learned, now);
        }
        self.prober.begin_anew();
        self.scouting.main_proven = Duration::ZERO;
        self.memory.told = None;
        self.memory.expiry = None;
    }

    fn come_to_network(&mut self, now: Moment) {
        match self.memory.known(now) {
            Some(known) => {
                self.take_back(&known, now);
            }
            None => self.recall(),
        }
    }

    fn take_back(&mut self, recalled: &Recalled, now: Moment) -> bool {
        if !self.prober.recall(recalled, now) {
            return false;
        }
        let Recalled { learned, age } = recalled;
        self.memory.expiry = self.memory.expiry.or(learned.expiry);
        if let Some(gist) = self.prober.gist() {
            let left = self.config.heartbeat.unit(CONFIRMED).saturating_sub(*age);
            self.memory.told = Some(Told { gist, again: now + left });
        }
        let (proven, failed) = (learned.proven, learned.failed);
        self.emit(Event::IdleTimeoutRecalled { proven, failed, age: *age });
        true
    }
}
