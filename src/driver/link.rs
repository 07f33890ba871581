//! One live link, with everything that belongs to it.

use std::task::{Context, Poll};
use std::time::Duration;

use super::goodbye::Goodbye;
use super::sequence::HeldBack;
use crate::contain::{Panicked, contain, drop_contained};
use crate::keeper::{Opened, PathFacts, Purpose};
use crate::shared::Handshake;
use crate::transport::{ConfirmedBy, Link, Traffic};
use crate::{Beat, LinkEnd, LinkId, Token};

/// One live link. State of a link lives here and nowhere else, so that it cannot
/// outlive the link.
pub(super) struct LiveLink<L: Link> {
    pub(super) id: LinkId,
    pub(super) purpose: Purpose,
    pub(super) link: L,
    pub(super) duty: Duty<L::Incoming>,
    pub(super) confirmed_by: ConfirmedBy,
    /// The link's own counters, as last read.
    pub(super) traffic: Option<Traffic>,
    /// Bytes were given to the link since the last finished flush.
    pub(super) unflushed: bool,
    /// Messages were among them.
    pub(super) unflushed_messages: bool,
    /// Bytes were given to the link since the last flush began, whether or not
    /// that flush has finished.
    pub(super) wants_flush: bool,
    /// Messages were among them.
    pub(super) given: bool,
    /// The link cannot be written to any more, and ends with this turn.
    pub(super) broken: Option<LinkEnd>,
}

/// The use that the driver makes of a live link.
pub(super) enum Duty<In> {
    /// The link is not in use: its beats go out, and the keeper is told what comes
    /// in. Messages are kept in case the link is taken into use; a scout's
    /// are dropped.
    Held(HeldBack<In>),
    /// Messages go in and out over the link.
    InUse {
        /// The inbox has no room, so the link is not read.
        stalled: bool,
    },
    /// The driver says goodbye on the link and reads it to its end.
    Draining {
        goodbye: Goodbye,
        /// The last reading found no more bytes.
        all_read: bool,
    },
}

impl<L: Link> LiveLink<L> {
    /// A link that was just opened, and the facts about it for the keeper.
    ///
    /// # Errors
    ///
    /// The link's own code panicked.
    pub(super) fn new(id: LinkId, handshake: Handshake<L>) -> Result<(Box<LiveLink<L>>, Opened), Panicked> {
        let purpose = handshake.attempt().purpose();
        let asked = contain(|| {
            let beat = handshake.beat();
            let mut opened = Opened::new(beat, handshake.dialled(), handshake.attempt().elapsed());
            if purpose == Purpose::Main {
                opened.tells_path = handshake.tells_path();
                opened.answers_after = handshake.answers_after();
                opened.vouched = handshake.is_vouched_for();
            }
            let confirmed_by = match (handshake.link().confirmed_by(), beat) {
                // The peer beats, so no beat of ours can be answered.
                (ConfirmedBy::Answer, Beat::Listen { .. }) => ConfirmedBy::Never,
                (
                    confirmed_by,
                    Beat::Ping | Beat::Listen { .. } | Beat::Every { .. } | Beat::KeepAlive { .. },
                ) => confirmed_by,
            };
            (opened, confirmed_by, handshake.link().traffic())
        });
        let Ok((opened, confirmed_by, traffic)) = asked else {
            drop_contained(handshake);
            return Err(Panicked);
        };
        let (link, messages, bytes) = handshake.into_parts();
        let live = LiveLink {
            id,
            purpose,
            link,
            duty: Duty::Held(HeldBack { messages, bytes }),
            confirmed_by,
            traffic,
            // The first turn flushes what the login left unflushed.
            unflushed: true,
            unflushed_messages: false,
            wants_flush: true,
            given: false,
            broken: None,
        };
        Ok((Box::new(live), opened))
    }

    /// Takes a held link into use, and returns the messages that were kept of it.
    pub(super) fn take_into_use(&mut self) -> Option<HeldBack<L::Incoming>> {
        let Duty::Held(kept) = &mut self.duty else { return None };
        let kept = std::mem::take(kept);
        self.duty = Duty::InUse { stalled: false };
        Some(kept)
    }

    /// Whether the link's messages go to the application, now or later.
    pub(super) fn carries(&self) -> bool {
        self.purpose == Purpose::Main
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.duty, Duty::Draining { .. })
    }

    /// Notes that bytes were given to the link, to be flushed.
    pub(super) fn gave(&mut self) {
        self.unflushed = true;
        self.wants_flush = true;
    }

    /// Sends a beat. False if the link cannot.
    pub(super) fn beat(&mut self, token: Token) -> bool {
        self.try_to_give(|link| link.start_beat(token))
    }

    /// Asks the peer to say something after `silence`.
    pub(super) fn ask_after(&mut self, silence: Duration) {
        self.try_to_give(|link| link.answer_me_after(silence));
    }

    fn try_to_give(&mut self, give: impl FnOnce(&mut L) -> Result<(), LinkEnd>) -> bool {
        if self.broken.is_some() {
            return false;
        }
        match contain(|| give(&mut self.link)).unwrap_or(Err(LinkEnd::Panicked)) {
            Ok(()) => {
                self.gave();
                true
            }
            Err(end) => {
                self.broken = Some(end);
                false
            }
        }
    }

    /// Calls the link's own code. `None` if that panics: then the link is broken.
    pub(super) fn ask<R>(&mut self, ask: impl FnOnce(&mut L) -> R) -> Option<R> {
        let told = contain(|| ask(&mut self.link)).ok();
        if told.is_none() {
            self.broken = Some(LinkEnd::Panicked);
        }
        told
    }

    /// The system's facts about the path under the link.
    pub(super) fn path_facts(&mut self) -> Option<PathFacts> {
        self.ask(|link| link.path_facts()).flatten()
    }

    /// The traffic since the last call: none where the link does not count.
    pub(super) fn traffic_since(&mut self) -> Option<Traffic> {
        let seen = self.traffic?;
        let now = self.ask(|link| link.traffic()).flatten()?;
        self.traffic = Some(now);
        Some(Traffic {
            received: now.received.saturating_sub(seen.received),
            sent: now.sent.saturating_sub(seen.sent),
        })
    }

    /// Goes on with the goodbye, where one is wanted. Returns whether the next turn
    /// comes at once.
    pub(super) fn say_goodbye(&mut self, cx: &mut Context<'_>) -> bool {
        let Duty::Draining { goodbye, all_read } = &mut self.duty else { return false };
        if !goodbye.is_due(*all_read) {
            return goodbye.waits();
        }
        let link = &mut self.link;
        match contain(|| link.poll_close(cx)) {
            Ok(written) => {
                goodbye.wrote(&written, *all_read);
                written.is_ready()
            }
            Err(Panicked) => {
                self.broken = Some(LinkEnd::Panicked);
                false
            }
        }
    }

    /// Whether `end` answers our goodbye: then the peer has read all that
    /// came before.
    pub(super) fn is_answered_by(&self, end: &LinkEnd) -> bool {
        matches!(self.duty, Duty::Draining { goodbye, .. } if goodbye.is_answered_by(end.clone()))
    }

    /// Flushes the link, if it has something to flush. `Pending` also for a
    /// broken link.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.wants_flush = false;
        let link = &mut self.link;
        match contain(|| link.poll_flush(cx)).unwrap_or(Poll::Ready(Err(LinkEnd::Panicked))) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => {
                self.unflushed = false;
                Poll::Ready(())
            }
            Poll::Ready(Err(end)) => {
                self.broken = Some(end);
                Poll::Pending
            }
        }
    }
}
