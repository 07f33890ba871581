//! How links end, and what that settles.

use std::task::Context;

use super::Driver;
use crate::contain::drop_contained;
use crate::keeper::Input;
use crate::transport::Transport;
use crate::{Event, LinkEnd, LinkId};

impl<T: Transport> Driver<T> {
    /// A link ended by itself. Where that answers our goodbye, the peer has
    /// read all that came before.
    pub(super) fn ended(&mut self, link: LinkId, end: LinkEnd) {
        let Some(live) = self.links.take(link) else { return };
        let answers = live.is_answered_by(&end);
        drop_contained(live);
        if end == LinkEnd::Panicked {
            self.count_panic();
        }
        self.settle(link, answers);
        let now = self.now();
        self.keeper.handle(Input::Ended { link, end }, now);
        self.execute();
    }

    /// Ends links that can no longer be written to, once what they still have
    /// to say was read.
    pub(super) fn end_broken(&mut self, cx: &mut Context<'_>) {
        while let Some((link, end)) = self.links.take_broken() {
            let said = if end == LinkEnd::Panicked { None } else { self.read_last_words(link, cx) };
            self.ended(link, said.unwrap_or(end));
        }
    }

    /// Drops a link at once.
    pub(super) fn drop_link(&mut self, link: LinkId) {
        if let Some(live) = self.links.take(link) {
            drop_contained(live);
            self.settle(link, false);
        }
    }

    /// A link is gone for good: what it took is delivered or in doubt, what it
    /// did not take waits for the next, and what it brought comes before all
    /// that a later one brings.
    fn settle(&mut self, link: LinkId, goodbye_answered: bool) {
        if !self.sequence.end(link) {
            // It was never in use.
            return;
        }
        if goodbye_answered {
            self.flights.goodbye_answered(link);
        }
        let (ended, closing) =
            self.at_desk(|state, flights| (flights.end(link, &mut state.outbox), state.commands.close));
        self.doubtful += ended.map_or(0, |ended| ended.doubtful);
        if closing {
            // The order lies there already: what is in doubt from here on is
            // the closing's to tell.
            self.begin_closing();
        }
        self.go_on_in_stream();
    }

    /// Tells of messages that an ended link had taken.
    pub(super) fn tell_doubtful(&mut self) {
        let count = std::mem::take(&mut self.doubtful);
        if count > 0 {
            if let Some(closing) = &mut self.closing {
                closing.maybe_sent += count;
            }
            self.tell(&Event::MaybeSent { count });
        }
    }
}
