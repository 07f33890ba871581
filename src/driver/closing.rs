//! The graceful end.
//!
//! First what was accepted is written and what was asked to be confirmed is
//! confirmed; then the keeper closes: goodbye is said, and the link is read
//! to its end. One deadline runs over both.

use std::time::Duration;

use super::Driver;
use crate::LinkEnd;
use crate::keeper::{Finish, Input, Moment};
use crate::transport::Transport;

/// A closing that is under way.
pub(super) struct Closing {
    /// What still waits is written until then; the rest of the time is for
    /// the goodbye.
    write_until: Moment,
    until: Moment,
    /// The keeper was told.
    told: bool,
    /// Messages that links took and nothing confirmed, since it began.
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

    /// When to look again at the latest.
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

    /// Goes on with the closing, if one is under way. Without a link in use
    /// there is nothing to wait for.
    pub(super) fn advance_closing(&mut self) {
        let Some(closing) = &self.closing else { return };
        let (write_until, until, told) = (closing.write_until, closing.until, closing.told);
        let now = self.now();
        if !told {
            let written = match self.links.in_use() {
                Some(live) => !live.unflushed && self.at_desk(|state, _| state.outbox.is_settled()),
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
            // The keeper has the last word.
            while let Some(link) = self.links.first() {
                self.ended(link, LinkEnd::Eof);
            }
            self.finish_as(Finish::Closed);
        }
    }
}
