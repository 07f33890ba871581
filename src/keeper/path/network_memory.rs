//! The knowledge of each network: kept while the host is elsewhere, given to
//! the interval store, and taken back from there.

use std::sync::Arc;
use std::time::Duration;

use super::learned::{Expiry, Learned, Recalled};
use super::observation::Observation;
use super::prober::Summary;
use crate::keeper::moment::Moment;

/// Networks that one connection remembers; beyond that the oldest goes.
const NETWORKS: usize = 64;
/// A longer gap that survives is worth telling if it is longer by this much.
const LONGER: f64 = 1.05;
/// A gap of this part of the interval that survives confirms the interval.
const CONFIRMS: f64 = 0.85;

/// The knowledge of networks, beside the prober's knowledge of the present one.
#[derive(Debug, Default)]
pub(in crate::keeper) struct NetworkMemory {
    /// The host's name for the present network; `None` until it gives one.
    pub(super) network: Option<Arc<str>>,
    /// When the host last gave it, for the news that comes with it.
    named: Option<Moment>,
    /// How idle links end on the present network.
    pub(super) expiry: Option<Expiry>,
    told: Option<LastTold>,
    left: Vec<LeftNetwork>,
}

/// The knowledge of the present network that was last stored.
#[derive(Clone, Copy, Debug)]
struct LastTold {
    summary: Summary,
    /// When a confirmation is worth storing.
    again: Moment,
}

/// The knowledge of a network when the host left it.
#[derive(Debug)]
struct LeftNetwork {
    network: Option<Arc<str>>,
    learned: Learned,
    at: Moment,
}

impl NetworkMemory {
    /// The host names its network at this instant. Returns whether it is another.
    pub(super) fn name(&mut self, network: &str, now: Moment) -> bool {
        self.named = Some(now);
        self.network.as_deref() != Some(network)
    }

    /// Whether the host named its network at this instant. True for one piece of
    /// news.
    pub(super) fn was_named(&mut self, now: Moment) -> bool {
        self.named.take() == Some(now)
    }

    /// Keeps the lessons of the present network for when the host comes back.
    pub(super) fn leave(&mut self, learned: Learned, at: Moment) {
        let network = self.network.clone();
        self.left.retain(|left| left.network != network);
        if self.left.len() == NETWORKS {
            self.left.remove(0);
        }
        self.left.push(LeftNetwork { network, learned, at });
    }

    /// The present network is another, of which nothing was stored yet.
    pub(super) fn come(&mut self, network: &str) {
        self.network = Some(network.into());
        self.told = None;
        self.expiry = None;
    }

    /// The knowledge of the present network when the host last left it.
    pub(super) fn known(&self, now: Moment) -> Option<Recalled> {
        let left = self.left.iter().find(|left| left.network == self.network)?;
        Some(Recalled::new(left.learned.clone(), now.since(left.at)))
    }

    /// Notes how idle links end, by the observation of a gap that failed.
    pub(super) fn note_expiry(&mut self, observation: Observation) {
        self.expiry = match observation {
            Observation::Expired { .. } | Observation::Forgotten { .. } => Some(Expiry::Silent),
            Observation::EndedIdle { .. } => Some(Expiry::Ended),
            Observation::Survived { .. } => self.expiry,
        };
    }

    /// Whether the present knowledge is worth storing, after this observation.
    pub(super) fn is_worth_telling(
        &self,
        summary: Summary,
        observation: Observation,
        interval: Option<Duration>,
        now: Moment,
    ) -> bool {
        let confirms = match observation {
            Observation::Survived { gap, .. } => {
                interval.is_some_and(|interval| gap >= interval.mul_f64(CONFIRMS))
            }
            Observation::Expired { .. } | Observation::Forgotten { .. } | Observation::EndedIdle { .. } => {
                false
            }
        };
        self.told.is_none_or(|told| {
            let longer = summary.proven >= told.summary.proven.mul_f64(LONGER);
            let shorter = summary.proven < told.summary.proven;
            let other = (summary.failed, summary.rechecks_failed)
                != (told.summary.failed, told.summary.rechecks_failed);
            longer || shorter || other || (confirms && now >= told.again)
        })
    }

    /// Whether this was stored for the present network.
    pub(super) fn has_told(&self, summary: Summary) -> bool {
        self.told.is_some_and(|told| told.summary == summary)
    }

    /// Notes that this is stored; a confirmation is worth storing from `again` on.
    pub(super) fn tell(&mut self, summary: Summary, again: Moment) {
        self.told = Some(LastTold { summary, again });
    }
}
