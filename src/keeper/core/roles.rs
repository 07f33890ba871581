//! Every link that still matters, by what it is for.

use std::net::IpAddr;
use std::time::Duration;

use super::Keeper;
use super::news::Look;
use super::scouting::Scout;
use crate::keeper::watch::Watch;
use crate::keeper::{Ground, LinkId, Moment, Output, Timer};

/// What a link is for, with what is known of it.
#[derive(Debug)]
pub(super) enum Role {
    /// Being opened, to become the main link.
    Opening { attempt: u32, since: Moment, dialled: bool, deadline: Moment },
    /// The link in use.
    Main(Box<Main>),
    /// Said goodbye to; read until then. It carried messages, or was a scout.
    Draining { until: Moment, carried: bool },
    /// A side link that tests a gap.
    Scout(Scout),
}

/// The link in use.
#[derive(Debug)]
pub(super) struct Main {
    pub(super) epoch: u64,
    pub(super) since: Moment,
    pub(super) local: Option<IpAddr>,
    /// How long its dial took.
    pub(super) dial: Duration,
    /// The peer can be asked to speak after a silence.
    pub(super) answers_after: bool,
    /// It was, and did, on this link: another link's peer may be another.
    pub(super) kept_its_word: bool,
    /// How many times it was asked and did not, before it ever did.
    pub(super) words_missing: u32,
    /// The gap after which it did not, though it had before.
    pub(super) broke_its_word: Option<Duration>,
    /// Opening it has shown who the peer is.
    pub(super) vouched: bool,
    pub(super) watch: Watch,
    /// Something came in since it was taken into use.
    pub(super) heard: bool,
    pub(super) stall: Option<Stall>,
    /// When a scout was last sent or opened beside it.
    pub(super) scout_came: Option<Moment>,
    /// Since when a message is waited for.
    pub(super) message: Moment,
    /// What has happened around the link since the last byte came in: a death
    /// now is not a matter of idleness.
    pub(super) shaken: Option<Ground>,
    /// When to look at the way to the peer, after news of the network.
    pub(super) look: Option<Look>,
    /// When such news last led to a probe.
    pub(super) probed: Option<Moment>,
}

/// The link in use is not read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    pub(super) since: Moment,
    pub(super) told: bool,
}

impl Main {
    pub(super) fn next(
        &self,
        stall_told: Duration,
        silence_limit: Option<Duration>,
    ) -> Option<(Moment, Timer)> {
        let message = silence_limit
            .filter(|_| self.stall.is_none())
            .map(|limit| (self.message + limit, Timer::Message));
        let stall =
            self.stall.filter(|stall| !stall.told).map(|stall| (stall.since + stall_told, Timer::Stall));
        let look = self.look.map(|look| (look.at, Timer::Network));
        // Of those that are due at once the look is first: without an address
        // there is nothing to ask.
        [look, self.watch.next(), stall, message].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

impl Keeper {
    pub(super) fn role(&self, link: LinkId) -> Option<&Role> {
        self.links.iter().find(|(id, _)| *id == link).map(|(_, role)| role)
    }

    pub(super) fn role_mut(&mut self, link: LinkId) -> Option<&mut Role> {
        self.links.iter_mut().find(|(id, _)| *id == link).map(|(_, role)| role)
    }

    pub(super) fn forget(&mut self, link: LinkId) {
        self.links.retain(|(id, _)| *id != link);
    }

    pub(super) fn main(&self) -> Option<(LinkId, &Main)> {
        self.links.iter().find_map(|(link, role)| match role {
            Role::Main(main) => Some((*link, &**main)),
            Role::Opening { .. } | Role::Draining { .. } | Role::Scout(_) => None,
        })
    }

    pub(super) fn main_mut_any(&mut self) -> Option<(LinkId, &mut Main)> {
        self.links.iter_mut().find_map(|(link, role)| match role {
            Role::Main(main) => Some((*link, &mut **main)),
            Role::Opening { .. } | Role::Draining { .. } | Role::Scout(_) => None,
        })
    }

    pub(super) fn main_mut(&mut self, link: LinkId) -> Option<&mut Main> {
        self.main_mut_any().filter(|(main, _)| *main == link).map(|(_, main)| main)
    }

    pub(super) fn opening(&self) -> Option<(LinkId, u32, Moment)> {
        self.links.iter().find_map(|(link, role)| match role {
            Role::Opening { attempt, since, .. } => Some((*link, *attempt, *since)),
            Role::Main(_) | Role::Draining { .. } | Role::Scout(_) => None,
        })
    }

    /// Takes the main link out of use, for whatever reason.
    pub(super) fn take_main(&mut self, now: Moment) -> Option<(LinkId, Box<Main>)> {
        let at = self.links.iter().position(|(_, role)| matches!(role, Role::Main(_)))?;
        let (link, Role::Main(main)) = self.links.swap_remove(at) else { return None };
        self.tally.uptime += now.since(main.since);
        self.tally.beats_saved += main.watch.saved();
        Some((link, main))
    }

    /// Drops those links on which goodbye was said that are over, by the time
    /// they have and whether they carried messages.
    pub(super) fn abandon_draining(&mut self, is_over: impl Fn(Moment, bool) -> bool) {
        let outputs = &mut self.outputs;
        self.links.retain(|(link, role)| match role {
            Role::Draining { until, carried } if is_over(*until, *carried) => {
                outputs.push_back(Output::Abandon { link: *link });
                false
            }
            Role::Draining { .. } | Role::Opening { .. } | Role::Main(_) | Role::Scout(_) => true,
        });
    }

    pub(super) fn abandon_opening(&mut self) -> Option<(LinkId, u32, Moment)> {
        let opening = self.opening()?;
        self.forget(opening.0);
        self.outputs.push_back(Output::Abandon { link: opening.0 });
        Some(opening)
    }
}
