//! When to check the way to the peer, and the action after that.

use crate::keeper::moment::Moment;

/// A check of the way to the peer, once the news of the network has settled.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct RouteCheck {
    /// When the news has settled.
    pub(in crate::keeper) at: Moment,
    /// The action if the link's address is still there.
    pub(in crate::keeper) then: RouteAction,
    /// The system was asked for the way, and has not answered yet.
    pub(in crate::keeper) asked: bool,
}

/// The action for a link whose address is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::keeper) enum RouteAction {
    /// Do nothing.
    Keep,
    /// Probe the link, unless its way is known to be the same.
    ProbeIfMoved,
    /// Probe the link.
    Probe,
}

impl RouteCheck {
    pub(in crate::keeper) fn new(at: Moment, then: RouteAction) -> RouteCheck {
        RouteCheck { at, then, asked: false }
    }

    /// The system would still send to the peer from the same address. Before
    /// the check is due, this says nothing.
    pub(in crate::keeper) fn same_way(&mut self, now: Moment) {
        if self.then == RouteAction::ProbeIfMoved && self.at <= now {
            self.then = RouteAction::Keep;
        }
    }
}
