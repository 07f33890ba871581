//! The link in use: all that belongs to it and goes with it.

use crate::contain::contain;
use crate::keeper::{Beat, LinkEnd, LinkId};
use crate::transport::{Confirms, Link, Traffic};

/// The link in use. What is kept for one link lives here and nowhere else, so
/// that it cannot outlive it.
pub(super) struct MainLink<L: Link> {
    pub(super) id: LinkId,
    pub(super) link: L,
    pub(super) confirms: Confirms,
    /// What the link has counted, as of the last look.
    pub(super) traffic: Option<Traffic>,
    /// Something was given to it since the last finished flush.
    pub(super) unflushed: bool,
    /// Of that, messages.
    pub(super) unflushed_messages: bool,
    /// Messages were given to it since it was last flushed, however far that
    /// came.
    pub(super) given: bool,
    /// The inbox is full, and the link is not read.
    pub(super) stalled: bool,
    /// It cannot be written to any more.
    pub(super) broken: Option<LinkEnd>,
}

impl<L: Link> MainLink<L> {
    pub(super) fn new(id: LinkId, link: L, beat: Beat) -> MainLink<L> {
        let confirms = match (link.confirms(), beat) {
            // No beat goes out that could be answered.
            (Confirms::Answer, Beat::Listen { .. }) => Confirms::Never,
            (confirms, Beat::Ping | Beat::Listen { .. } | Beat::Dictated { .. } | Beat::Ceiling { .. }) => {
                confirms
            }
        };
        MainLink {
            id,
            confirms,
            traffic: link.traffic(),
            link,
            // What the login left unflushed is flushed with the first turn.
            unflushed: true,
            unflushed_messages: false,
            given: false,
            stalled: false,
            broken: None,
        }
    }

    /// What went over the link since the last look: nothing where it does not
    /// count.
    pub(super) fn traffic_since(&mut self) -> Option<Traffic> {
        let seen = self.traffic?;
        let Ok(now) = contain(|| self.link.traffic()) else {
            self.broken = Some(LinkEnd::Panicked);
            return None;
        };
        let now = now?;
        self.traffic = Some(now);
        Some(Traffic {
            received: now.received.saturating_sub(seen.received),
            sent: now.sent.saturating_sub(seen.sent),
        })
    }
}
