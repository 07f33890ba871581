//! Every link that still matters.

use super::main::Main;
use super::role::{Draining, Next, Role};
use super::scout::Scout;
use crate::keeper::names::LinkId;

/// Every link that still matters, by its id. At most one is in use, and at
/// most one is being opened to take its place.
#[derive(Debug, Default)]
pub(in crate::keeper) struct Links {
    links: Vec<(LinkId, Role)>,
    last: u64,
}

impl Links {
    /// Adds a link and gives it a new id.
    pub(in crate::keeper) fn add(&mut self, role: Role) -> LinkId {
        self.last += 1;
        let link = LinkId(self.last);
        self.links.push((link, role));
        link
    }

    /// Puts back a link that was taken away.
    pub(in crate::keeper) fn put_back(&mut self, link: LinkId, role: Role) {
        self.links.push((link, role));
    }

    /// Gives a link its next role.
    pub(in crate::keeper) fn set(&mut self, link: LinkId, role: Role) {
        if let Some((_, old)) = self.links.iter_mut().find(|(id, _)| *id == link) {
            *old = role;
        }
    }

    pub(in crate::keeper) fn forget(&mut self, link: LinkId) {
        self.links.retain(|(id, _)| *id != link);
    }

    pub(in crate::keeper) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub(in crate::keeper) fn iter(&self) -> impl Iterator<Item = (LinkId, &Role)> {
        self.links.iter().map(|(link, role)| (*link, role))
    }

    pub(in crate::keeper) fn role(&self, link: LinkId) -> Option<&Role> {
        self.iter().find(|(id, _)| *id == link).map(|(_, role)| role)
    }

    pub(in crate::keeper) fn main(&self) -> Option<(LinkId, &Main)> {
        self.iter().find_map(|(link, role)| match role {
            Role::Main(main) => Some((link, &**main)),
            Role::Next(_) | Role::Draining(_) | Role::Scout(_) => None,
        })
    }

    pub(in crate::keeper) fn main_mut(&mut self) -> Option<(LinkId, &mut Main)> {
        self.links.iter_mut().find_map(|(link, role)| match role {
            Role::Main(main) => Some((*link, &mut **main)),
            Role::Next(_) | Role::Draining(_) | Role::Scout(_) => None,
        })
    }

    /// The link in use, if its id is `link`.
    pub(in crate::keeper) fn main_as_mut(&mut self, link: LinkId) -> Option<&mut Main> {
        self.main_mut().filter(|(main, _)| *main == link).map(|(_, main)| main)
    }

    /// Takes the link in use out of use.
    pub(in crate::keeper) fn take_main(&mut self) -> Option<(LinkId, Box<Main>)> {
        let at = self.links.iter().position(|(_, role)| matches!(role, Role::Main(_)))?;
        let (link, Role::Main(main)) = self.links.swap_remove(at) else { return None };
        Some((link, main))
    }

    /// The link that is being opened to become the one in use.
    pub(in crate::keeper) fn next(&self) -> Option<(LinkId, Next)> {
        self.iter().find_map(|(link, role)| match role {
            Role::Next(next) => Some((link, *next)),
            Role::Main(_) | Role::Draining(_) | Role::Scout(_) => None,
        })
    }

    pub(in crate::keeper) fn next_mut(&mut self) -> Option<(LinkId, &mut Next)> {
        self.links.iter_mut().find_map(|(link, role)| match role {
            Role::Next(next) => Some((*link, next)),
            Role::Main(_) | Role::Draining(_) | Role::Scout(_) => None,
        })
    }

    pub(in crate::keeper) fn scouts(&self) -> impl Iterator<Item = (LinkId, &Scout)> {
        self.iter().filter_map(|(link, role)| match role {
            Role::Scout(scout) => Some((link, scout)),
            Role::Next(_) | Role::Main(_) | Role::Draining(_) => None,
        })
    }

    pub(in crate::keeper) fn scout_mut(&mut self, link: LinkId) -> Option<&mut Scout> {
        self.links.iter_mut().find_map(|(id, role)| match role {
            Role::Scout(scout) if *id == link => Some(scout),
            Role::Next(_) | Role::Main(_) | Role::Draining(_) | Role::Scout(_) => None,
        })
    }

    /// Takes away the first scout for which `wanted` holds.
    pub(in crate::keeper) fn take_scout(
        &mut self,
        wanted: impl Fn(&Scout) -> bool,
    ) -> Option<(LinkId, Scout)> {
        let is_wanted = |role: &Role| matches!(role, Role::Scout(scout) if wanted(scout));
        let at = self.links.iter().position(|(_, role)| is_wanted(role))?;
        let (link, Role::Scout(scout)) = self.links.remove(at) else { return None };
        Some((link, scout))
    }

    /// Takes away the scout `link`.
    pub(in crate::keeper) fn take_scout_as(&mut self, link: LinkId) -> Option<(LinkId, Scout)> {
        let at = self.links.iter().position(|(id, role)| *id == link && matches!(role, Role::Scout(_)))?;
        let (link, Role::Scout(scout)) = self.links.remove(at) else { return None };
        Some((link, scout))
    }

    /// Takes away the first draining link that is over.
    pub(in crate::keeper) fn take_drained(&mut self, is_over: impl Fn(Draining) -> bool) -> Option<LinkId> {
        let at = self.links.iter().position(|(_, role)| match role {
            Role::Draining(draining) => is_over(*draining),
            Role::Next(_) | Role::Main(_) | Role::Scout(_) => false,
        })?;
        Some(self.links.remove(at).0)
    }
}
