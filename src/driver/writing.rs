//! Writing to links: messages, beats and goodbyes.

use std::task::{Context, Poll};

use super::Driver;
use super::link::Duty;
use super::status::Counters;
use crate::contain::contain;
use crate::keeper::Input;
use crate::transport::{ConfirmedBy, Link, Transport};
use crate::{LinkEnd, LinkId};

impl<T: Transport> Driver<T> {
    /// Writes to each link, the link in use first. Returns whether every message that
    /// was to depart was taken.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some(link) = self.links.in_use().map(|live| live.id) {
            self.write_to(link, cx);
        }
        let mut last = None;
        while let Some(link) = self.links.beside_after(last) {
            self.write_to(link, cx);
            last = Some(link);
        }
        let blocked = self.links.in_use().is_some_and(|live| !self.flights.is_idle(live.id));
        if blocked || self.flights.has_news() {
            self.with_outbox(|state, _| state.wants_messages &= !blocked);
        }
        !blocked
    }

    /// Gives the link its messages, sends a beat where a sender waits for a
    /// confirmation, and flushes once for all.
    fn write_to(&mut self, link: LinkId, cx: &mut Context<'_>) {
        if self.give(link, cx) {
            let now = self.now();
            self.keeper.handle(Input::Confirm, now);
            self.execute();
        }
        self.flush(link, cx);
        if self.links.get(link).is_some_and(|live| live.wants_flush) {
            // The keeper has answered `Sent` with a beat.
            self.flush(link, cx);
        }
        if let Some(live) = self.links.get_mut(link).filter(|live| live.broken.is_none()) {
            self.again |= live.say_goodbye(cx);
        }
    }

    /// Gives the link in use as many departing messages as it takes. Returns
    /// whether an answered beat is to confirm them.
    fn give(&mut self, link: LinkId, cx: &mut Context<'_>) -> bool {
        let Some(live) = self.links.get_mut(link) else { return false };
        if !matches!(live.duty, Duty::InUse { .. }) || live.broken.is_some() {
            return false;
        }
        let asked = live.confirmed_by == ConfirmedBy::Answer && self.flights.wants_confirmation(link);
        let Some(mut handover) = self.flights.hand_over(link).filter(|handover| !handover.is_done()) else {
            return false;
        };
        let to = &mut live.link;
        let (mut count, mut total) = (0, 0);
        let gave = contain(|| {
            while !handover.is_done() {
                match to.poll_ready(cx) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(ready) => ready?,
                }
                let Some((message, bytes)) = handover.next() else { return Ok(()) };
                // The message is counted before it is given: from here on it may arrive,
                // whatever the link returns.
                count += 1;
                total += bytes;
                to.start_send(message)?;
            }
            Ok(())
        });
        if let Err(end) = gave.unwrap_or(Err(LinkEnd::Panicked)) {
            live.broken = Some(end);
        }
        if count > 0 {
            live.gave();
            live.unflushed_messages = true;
            live.given = true;
            Counters::add(&self.status.tally.messages_out, count as u64);
            if live.traffic.is_none() {
                Counters::add(&self.status.tally.bytes_out, total as u64);
            }
        }
        // The application's own `Clone` has panicked.
        Counters::add(&self.status.tally.panics, self.flights.take_uncopied());
        count > 0 && asked
    }

    /// Flushes the link, and tells the keeper if messages went out. A goodbye
    /// flushes all bytes before it.
    fn flush(&mut self, link: LinkId, cx: &mut Context<'_>) {
        let Some(live) = self.links.get_mut(link) else { return };
        if !live.unflushed || live.broken.is_some() || live.is_draining() {
            return;
        }
        let flushed = live.flush(cx).is_ready();
        if live.broken.is_some() {
            return;
        }
        let traffic = live.traffic_since();
        // A link that does not count its bytes is idle only when it is flushed. A
        // link that is given more than its path carries is never flushed.
        let given = std::mem::take(&mut live.given);
        let went_out =
            live.unflushed_messages && traffic.map_or(flushed || given, |traffic| traffic.sent > 0);
        if flushed && std::mem::take(&mut live.unflushed_messages) {
            self.flights.flushed(link);
            match live.confirmed_by {
                ConfirmedBy::Answer => {}
                ConfirmedBy::Flush => self.flights.deliver_flushed(link),
                ConfirmedBy::Never => self.flights.doubt_flushed(link),
            }
        }
        if live.carries() {
            Counters::add(&self.status.tally.bytes_out, traffic.map_or(0, |traffic| traffic.sent));
            Counters::add(&self.status.tally.bytes_in, traffic.map_or(0, |traffic| traffic.received));
        }
        if went_out {
            let now = self.now();
            self.keeper.handle(Input::Sent { link }, now);
            self.execute();
        }
    }
}
