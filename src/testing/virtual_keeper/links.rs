//! Which links there are, by what was asked for and reported.

use std::time::Duration;

use crate::keeper::{Input, Moment, Output, Purpose};
use crate::{Event, LinkId, Token};

/// A link that is not gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VirtualLink {
    /// Its name.
    pub link: LinkId,
    /// What it is for.
    pub role: VirtualRole,
    /// Whether it was told that the link is open.
    pub is_open: bool,
    /// When the keeper asked for it.
    pub asked: Moment,
    /// The beat that was sent last on it, answered or not.
    pub token: Option<Token>,
    /// The gap that a scout tests; zero for all others.
    pub gap: Duration,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VirtualRole {
    /// To become the link in use, once it is open.
    Opening,
    /// The link in use.
    Main,
    /// A scout, open or not.
    Scout,
    /// Nothing any more: goodbye was said on it.
    Draining,
}

/// They stand in the order in which they were asked for.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<VirtualLink>);

impl Links {
    pub(super) fn all(&self) -> &[VirtualLink] {
        &self.0
    }

    pub(super) fn with(&self, role: VirtualRole) -> impl Iterator<Item = VirtualLink> + '_ {
        self.0.iter().copied().filter(move |link| link.role == role)
    }

    /// The keeper is about to be told this.
    pub(super) fn told(&mut self, input: &Input<'_>) {
        if let Input::Opened { link, .. } = input {
            self.change(*link, |link| link.is_open = true);
        } else if let Input::OpenFailed { link, .. } = input {
            self.0.retain(|other| other.link != *link || other.is_open);
        } else if let Input::Ended { link, .. } = input {
            self.0.retain(|other| other.link != *link);
        }
    }

    /// The keeper wants this done.
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
