//! How a connection closes.
//!
//! First the driver writes the accepted messages and waits for the confirmations
//! that were asked for. Then the keeper closes: the driver says goodbye and reads
//! the link to its end. One deadline runs over both.

use std::time::Duration;

use super::Driver;
use crate::LinkEnd;
use crate::keeper::{Finish, Input, Moment};
use crate::transport::Transport;

/// A close that is under way.
pub(super) struct Closing {
    /// Until then waiting messages are written; the rest of the time is for
    /// the goodbye.
    write_until: Moment,
    until: Moment,
    /// The keeper was told to close.
    told: bool,
    /// Messages that links took without a confirmation since the close began.
    pub(super) maybe_sent: u64,
}

impl Closing {
    fn new(deadline: Duration, now: Moment) -> Closing {
        Closing {
            write_until: now + (deadline - deadline / 3),
            until: now + deadline,
            told: false,
            maybe_sent: 0,
        }
    }

    /// The latest time at which the driver must go on with the close.
    pub(super) fn next_deadline(&self) -> Moment {
        if self.told { self.until } else { self.write_until }
    }
}

impl<T: Transport> Driver<T> {
    pub(super) fn begin_closing(&mut self) {
        if self.closing.is_none() {
            let now = self.now();
            self.closing = Some(Closing::new(self.keeper.config().close_deadline, now));
            self.touched = true;
        }
    }

    /// Goes on with the close, if one is under way. Without a link in use
    /// there is nothing to wait for.
    pub(super) fn advance_closing(&mut self) {
        let Some(closing) = &self.closing else { return };
        let (write_until, until, told) = (closing.write_until, closing.until, closing.told);
        let now = self.now();
        if !told {
            let written = match self.links.in_use() {
                Some(live) => !live.unflushed && self.with_outbox(|state, _| state.outbox.is_settled()),
                None => true,
            };
            if !written && now < write_until {
                return;
            }
            if let Some(closing) = &mut self.closing {
                closing.told = true;
            }
            self.keeper.handle(Input::Close, now);
            self.execute();
        }
        if now >= until {
            // The keeper has closed: every link that is left is dropped.
            while let Some(link) = self.links.first() {
                self.ended(link, LinkEnd::Eof);
            }
            self.finish_as(Finish::Closed);
        }
    }
}
