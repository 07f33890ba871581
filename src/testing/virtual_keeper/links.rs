//! The present links, from the keeper's outputs and inputs.

use std::time::Duration;

use crate::keeper::{Input, Moment, Output, Purpose};
use crate::{Event, LinkId, Token};

/// A present link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VirtualLink {
    /// The id.
    pub link: LinkId,
    /// The purpose of the link.
    pub role: VirtualRole,
    /// Whether the keeper was told that the link is open.
    pub is_open: bool,
    /// When the keeper asked for the link.
    pub asked: Moment,
    /// The last beat that was sent on the link, answered or not.
    pub token: Option<Token>,
    /// The gap that a scout tests; zero for all other links.
    pub gap: Duration,
}

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VirtualRole {
    /// The link becomes the link in use once it is open.
    Opening,
    /// The link in use.
    Main,
    /// A scout, open or not.
    Scout,
    /// Goodbye was said on the link.
    Draining,
}

/// The present links, in the order in which the keeper asked for them.
#[derive(Debug, Default)]
pub(super) struct VirtualLinks(Vec<VirtualLink>);

impl VirtualLinks {
    pub(super) fn all(&self) -> &[VirtualLink] {
        &self.0
    }

    pub(super) fn with(&self, role: VirtualRole) -> impl Iterator<Item = VirtualLink> + '_ {
        self.0.iter().copied().filter(move |link| link.role == role)
    }

    /// Notes an input that the keeper is about to get.
    pub(super) fn told(&mut self, input: &Input<'_>) {
        if let Input::Opened { link, .. } = input {
            self.change(*link, |link| link.is_open = true);
        } else if let Input::OpenFailed { link, .. } = input {
            self.0.retain(|other| other.link != *link || other.is_open);
        } else if let Input::Ended { link, .. } = input {
            self.0.retain(|other| other.link != *link);
        }
    }

    /// Notes an output of the keeper.
    pub(super) fn asked(&mut self, output: &Output, now: Moment) {
        match *output {
            Output::Open { link, purpose, .. } => {
                let role = match purpose {
                    Purpose::Main => VirtualRole::Opening,
                    Purpose::Scout => VirtualRole::Scout,
                };
                let gap = Duration::ZERO;
                self.0.push(VirtualLink { link, role, is_open: false, asked: now, token: None, gap });
            }
            Output::Promote { link, .. } => self.change(link, |link| link.role = VirtualRole::Main),
            Output::Beat { link, token } => self.change(link, |link| link.token = Some(token)),
            Output::Retire { link } => self.change(link, |link| link.role = VirtualRole::Draining),
            Output::Abandon { link } => self.0.retain(|other| other.link != link),
            Output::Emit(Event::ScoutSent { link, gap }) => self.change(link, |link| link.gap = gap),
            Output::AskAfter { .. }
            | Output::Migrate { .. }
            | Output::AskPath { .. }
            | Output::AskRoute { .. }
            | Output::Recall { .. }
            | Output::Remember { .. }
            | Output::Emit(_)
            | Output::Finish(_) => {}
        }
    }

    fn change(&mut self, link: LinkId, change: impl FnOnce(&mut VirtualLink)) {
        if let Some(link) = self.0.iter_mut().find(|other| other.link == link) {
            change(link);
        }
    }
}
