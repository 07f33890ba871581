//! Writing to the link in use.

use std::task::{Context, Poll};

use super::Driver;
use super::board::Tally;
use crate::contain::contain;
use crate::keeper::{Input, LinkEnd};
use crate::transport::{Confirms, Link, Transport};

impl<T: Transport> Driver<T> {
    /// Gives the link as much of what departs as it takes, and returns how
    /// many messages that were.
    pub(super) fn give(&mut self, cx: &mut Context<'_>) -> usize {
        let Some(main) = self.main.as_mut().filter(|main| main.broken.is_none()) else { return 0 };
        let Some(mut boarding) = self.flights.board(main.id).filter(|boarding| !boarding.is_done()) else {
            return 0;
        };
        let link = &mut main.link;
        let (mut count, mut weight) = (0, 0);
        let gave = contain(|| {
            while !boarding.is_done() {
                match link.poll_ready(cx) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(ready) => ready?,
                }
                let Some((message, bytes)) = boarding.next() else { return Ok(()) };
                // Counted before it is given: from here on it may arrive,
                // whatever the link says.
                count += 1;
                weight += bytes;
                link.start_send(message)?;
            }
            Ok(())
        });
        if let Err(end) = gave.unwrap_or(Err(LinkEnd::Panicked)) {
            main.broken = Some(end);
        }
        if count > 0 {
            main.unflushed = true;
            main.unflushed_messages = true;
            main.given = true;
            Tally::add(&self.board.tally.messages_out, count as u64);
            if main.traffic.is_none() {
                Tally::add(&self.board.tally.bytes_out, weight as u64);
            }
        }
        // The application's own `Clone` has panicked.
        Tally::add(&self.board.tally.panics, self.flights.take_uncopied());
        count
    }

    /// Flushes what was given, and tells the keeper if messages went out.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) {
        let Some(main) = self.main.as_mut().filter(|main| main.broken.is_none()) else { return };
        if !main.unflushed {
            return;
        }
        let link = &mut main.link;
        let flushed = match contain(|| link.poll_flush(cx)).unwrap_or(Poll::Ready(Err(LinkEnd::Panicked))) {
            Poll::Pending => false,
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(end)) => {
                main.broken = Some(end);
                return;
            }
        };
        let traffic = main.traffic_since();
        Tally::add(&self.board.tally.bytes_out, traffic.map_or(0, |traffic| traffic.sent));
        Tally::add(&self.board.tally.bytes_in, traffic.map_or(0, |traffic| traffic.received));
        let id = main.id;
        // A link that does not count takes no more than it gets rid of: one that
        // is given more than its path carries is never flushed, and never idle.
        let given = std::mem::take(&mut main.given);
        let went_out =
            main.unflushed_messages && traffic.map_or(flushed || given, |traffic| traffic.sent > 0);
        if flushed {
            main.unflushed = false;
            if std::mem::take(&mut main.unflushed_messages) {
                self.flights.flushed(id);
                match main.confirms {
                    Confirms::Answer => {}
                    Confirms::Flush => self.flights.deliver_flushed(id),
                    Confirms::Never => self.flights.doubt_flushed(id),
                }
            }
        }
        if went_out {
            let now = self.now();
            self.keeper.handle(Input::Sent { link: id }, now);
            self.execute();
        }
    }
}
