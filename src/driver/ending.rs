//! How a link ends, and how its messages are settled.

use std::task::Context;

use super::Driver;
use crate::contain::drop_contained;
use crate::keeper::Input;
use crate::transport::Transport;
use crate::{Event, LinkEnd, LinkId};

impl<T: Transport> Driver<T> {
    /// A link ended by itself. If the end answers our goodbye, the peer has
    /// read all messages before the goodbye.
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

    /// Ends links that cannot be written to any more. Their last bytes are read
    /// first.
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

    /// A link is gone for good. Each message that the link took is delivered or
    /// maybe sent; messages that it did not take wait for the next link; messages
    /// that it brought come before those of a later link.
    fn settle(&mut self, link: LinkId, goodbye_answered: bool) {
        if !self.sequence.end(link) {
            // The link was never in use.
            return;
        }
        if goodbye_answered {
            self.flights.goodbye_answered(link);
        }
        let (ended, closing) =
            self.with_outbox(|state, flights| (flights.end(link, &mut state.outbox), state.commands.close));
        self.maybe_sent += ended.map_or(0, |ended| ended.maybe_sent);
        if closing {
            // The close command waits already: from here on the close counts the
            // messages that are maybe sent.
            self.begin_closing();
        }
        self.advance_stream();
    }

    /// Tells how many messages are maybe sent, since their link has ended.
    pub(super) fn tell_maybe_sent(&mut self) {
        let count = std::mem::take(&mut self.maybe_sent);
        if count > 0 {
            if let Some(closing) = &mut self.closing {
                closing.maybe_sent += count;
            }
            self.tell(&Event::MaybeSent { count });
        }
    }
}
