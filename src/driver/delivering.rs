//! From the driver to the inbox: messages that were read, and changes of the link.

use std::task::{Context, Waker};
use std::time::Duration;

use super::Driver;
use super::inbox::{EpochChange, InboxRoom};
use super::sequence::NextInStream;
use super::status::Counters;
use crate::contain::contain;
use crate::keeper::Moment;
use crate::transport::{Link, Transport};
use crate::{Event, LinkEnd};

/// How long a message waits in the inbox before the link may detach it from a
/// shared buffer. A message that is read at once is not touched.
const DETACHED_AFTER: Duration = Duration::from_millis(20);

impl<T: Transport> Driver<T> {
    /// Puts the messages that were read into the inbox. Where `driver` is given, it
    /// is woken when a full inbox has room again.
    pub(super) fn deliver(&mut self, driver: Option<&Waker>) {
        let count = self.arrived.messages.len();
        Counters::add(&self.status.tally.messages_in, count as u64);
        if self.waiting_since.is_some() {
            let now = self.now();
            self.detach(now);
        }
        let bytes = std::mem::take(&mut self.arrived.bytes);
        let added = self.inbox.add(&mut self.arrived.messages, bytes, driver);
        self.room = added.room;
        if added.dropped > 0 {
            self.count_dropped(added.dropped);
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(self.now());
        }
    }

    /// Advances the stream after a link has joined it or ended. The messages of an
    /// ended link go to the inbox even beyond its bounds: a full inbox can hold no
    /// peer back whose link is over.
    pub(super) fn advance_stream(&mut self) {
        while let Some(next) = self.sequence.poll_next() {
            match next {
                NextInStream::Connected { epoch, mut kept } => {
                    self.inbox.mark(EpochChange { disconnected: None, connected: Some(epoch) });
                    self.arrived.append(&mut kept);
                    // The next link in the stream may not have been read for want of room.
                    self.again = true;
                }
                NextInStream::Disconnected { epoch, mut kept } => {
                    self.arrived.append(&mut kept);
                    if !self.arrived.is_empty() {
                        self.deliver(None);
                    }
                    self.inbox.mark(EpochChange { disconnected: Some(epoch), connected: None });
                }
            }
            if !self.arrived.is_empty() {
                self.deliver(None);
            }
        }
    }

    /// The room in the inbox. The inbox's lock is taken only where little room
    /// is known to be left.
    pub(super) fn refresh_room(&mut self, cx: &mut Context<'_>) -> InboxRoom {
        let bounds = self.inbox.bounds();
        if self.room.messages < bounds.messages.div_ceil(2) || self.room.bytes < bounds.bytes.div_ceil(2) {
            self.room = self.inbox.room(cx.waker());
        }
        self.room
    }

    /// Detaches messages that have waited in the inbox for more than [`DETACHED_AFTER`].
    pub(super) fn detach(&mut self, now: Moment) {
        let Some(since) = self.waiting_since else { return };
        if now.since(since) < DETACHED_AFTER {
            return;
        }
        self.waiting_since = None;
        let Some(live) = self.links.in_use() else { return };
        let (link, mut panicked) = (live.id, false);
        let dropped = self.inbox.detach(|message| match contain(|| live.link.detach(message)) {
            Ok(message) => Some(message),
            Err(_) => {
                panicked = true;
                None
            }
        });
        if panicked && let Some(live) = self.links.get_mut(link) {
            live.broken = Some(LinkEnd::Panicked);
        }
        self.count_dropped(dropped);
    }

    /// Counts messages that came in and that nobody will read.
    pub(super) fn count_dropped(&mut self, count: usize) {
        if count > 0 {
            Counters::add(&self.status.tally.messages_dropped, count as u64);
            self.dropped += count as u64;
            self.tell_dropped(false);
        }
    }

    /// Tells how many messages nobody will read: the first at once, later ones at
    /// most once a second.
    pub(super) fn tell_dropped(&mut self, last: bool) {
        const PAUSE: Duration = Duration::from_secs(1);
        if self.dropped == 0 {
            return;
        }
        let now = self.now();
        if last || self.dropped_told.is_none_or(|told| now.since(told) >= PAUSE) {
            self.dropped_told = Some(now);
            let count = std::mem::take(&mut self.dropped);
            self.tell(&Event::MessagesDropped { count });
        }
    }
}
