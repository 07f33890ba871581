//! Every live link.

use super::link::{Duty, LiveLink};
use super::sequence::HeldBack;
use crate::transport::Link;
use crate::{LinkEnd, LinkId};

/// Every live link, each in a box of its own: the link in use first, then
/// the others in no order.
pub(super) struct LiveLinks<L: Link> {
    links: Vec<Box<LiveLink<L>>>,
}

impl<L: Link> Default for LiveLinks<L> {
    fn default() -> LiveLinks<L> {
        LiveLinks { links: Vec::new() }
    }
}

impl<L: Link> LiveLinks<L> {
    pub(super) fn add(&mut self, link: Box<LiveLink<L>>) {
        // There is usually one link.
        self.links.reserve_exact(1);
        self.links.push(link);
    }

    pub(super) fn get(&self, link: LinkId) -> Option<&LiveLink<L>> {
        self.links.iter().find(|live| live.id == link).map(|live| &**live)
    }

    pub(super) fn get_mut(&mut self, link: LinkId) -> Option<&mut LiveLink<L>> {
        self.links.iter_mut().find(|live| live.id == link).map(|live| &mut **live)
    }

    pub(super) fn take(&mut self, link: LinkId) -> Option<Box<LiveLink<L>>> {
        let at = self.links.iter().position(|live| live.id == link)?;
        Some(self.links.remove(at))
    }

    /// Any link, as long as there is one.
    pub(super) fn first(&self) -> Option<LinkId> {
        self.links.first().map(|live| live.id)
    }

    /// The link in use.
    pub(super) fn in_use(&self) -> Option<&LiveLink<L>> {
        self.links.first().map(|live| &**live).filter(|live| matches!(live.duty, Duty::InUse { .. }))
    }

    /// Takes a held link into use, and returns the messages that were kept of it. At
    /// most one link is in use.
    pub(super) fn take_into_use(&mut self, link: LinkId) -> Option<HeldBack<L::Incoming>> {
        let at = self.links.iter().position(|live| live.id == link)?;
        let kept = self.links[at].take_into_use()?;
        self.links[..=at].rotate_right(1);
        Some(kept)
    }

    /// The link beside the one in use that was opened next after `last`.
    pub(super) fn beside_after(&self, last: Option<LinkId>) -> Option<LinkId> {
        let beside = self.links.get(usize::from(self.in_use().is_some())..)?;
        beside.iter().map(|live| live.id).filter(|id| Some(*id) > last).min()
    }

    /// A link that broke, and how.
    pub(super) fn take_broken(&mut self) -> Option<(LinkId, LinkEnd)> {
        self.links.iter_mut().find_map(|live| Some((live.id, live.broken.take()?)))
    }

    /// Whether a link has bytes that no flush was tried for.
    pub(super) fn want_flush(&self) -> bool {
        self.links.iter().any(|live| live.wants_flush && live.broken.is_none() && !live.is_draining())
    }
}
