//! Reading from links, and the destination of their messages.

use std::task::{Context, Poll, Waker};

use tokio::task::coop;

use super::Driver;
use super::inbox::InboxRoom;
use super::link::Duty;
use super::status::Counters;
use crate::contain::{contain, drop_contained};
use crate::keeper::{Input, Messages};
use crate::transport::{Frame, Link, Transport};
use crate::{LinkEnd, LinkId};

/// The most frames that one turn reads of one link. A peer that sends fast, and
/// whose frames do not fill the inbox, leaves the other links their turn.
const FRAMES: usize = 1024;

/// The least number of messages that may be read beyond a full inbox from a
/// draining link, however small the inbox is: a message that is not read is lost.
const LAST_MESSAGES: usize = 64;

/// The destination of a link's messages.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// No destination: the link is a scout.
    Nowhere,
    /// The link itself, which was not taken into use yet.
    Link,
    /// The sequence: an older link comes first, or the inbox has no room.
    Sequence,
    Inbox,
}

/// The results of one batch of reading, beside its messages.
struct Batch {
    frames: usize,
    bytes: usize,
    messages: Messages,
    /// The peer sent a sign of life that the link may have to answer.
    alive: bool,
    /// The link has no more bytes, and will wake the task.
    exhausted: bool,
    ended: Option<LinkEnd>,
}

impl<T: Transport> Driver<T> {
    /// Reads each link, the link in use first; but a link that went unread in the
    /// turn before comes before all others. The links share the task's budget.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) {
        let first = self.unread.take();
        if let Some(link) = first {
            self.read_from(link, cx);
        }
        let mut next = self.links.in_use().map(|live| live.id);
        let mut last = None;
        loop {
            let Some(link) = next.take().or_else(|| self.links.beside_after(last)) else { return };
            if self.links.in_use().is_none_or(|live| live.id != link) {
                last = Some(link);
            }
            if Some(link) == first {
                continue;
            }
            if coop::has_budget_remaining() {
                self.read_from(link, cx);
            } else {
                self.unread.get_or_insert(link);
                self.again = true;
            }
        }
    }

    /// Reads one link until no bytes wait or there is no room, and tells the
    /// keeper.
    fn read_from(&mut self, link: LinkId, cx: &mut Context<'_>) {
        let (to, room) = self.destination(link, cx);
        if room.is_none() {
            return self.leave_unread(link);
        }
        let batch = self.read_batch(link, room, cx);
        let Some(live) = self.links.get_mut(link) else { return };
        if batch.alive {
            live.gave();
        }
        let traffic = live.traffic_since();
        let was_stalled = match &mut live.duty {
            Duty::Held(_) => false,
            Duty::InUse { stalled } => std::mem::take(stalled),
            Duty::Draining { all_read, .. } => {
                *all_read = batch.exhausted;
                false
            }
        };
        let is_told = !live.is_draining();
        let bytes = traffic.map_or(batch.bytes as u64, |traffic| traffic.received);
        if live.carries() {
            Counters::add(&self.status.tally.bytes_in, bytes);
            Counters::add(&self.status.tally.bytes_out, traffic.map_or(0, |traffic| traffic.sent));
        }
        self.bring(link, to, cx.waker());
        // A part of a long message is a sign of life too, even if the link ended
        // within the message. A goodbye is no sign of life: it would end the very
        // silence that the end is to be judged by.
        let parts = bytes > 0 && !matches!(batch.ended, Some(LinkEnd::Closed { .. }));
        if is_told && (batch.frames > 0 || parts) {
            let now = self.now();
            self.keeper.handle(Input::Read { link, messages: batch.messages, answers: &self.pongs }, now);
            self.pongs.clear();
            self.execute();
        }
        self.pongs.clear();
        if was_stalled {
            let now = self.now();
            self.keeper.handle(Input::ReadAgain { link }, now);
            self.execute();
        }
        if let Some(end) = batch.ended {
            return self.ended(link, end);
        }
        if to == Destination::Inbox && self.room.is_none() {
            // The reader wakes the task when there is room.
            return self.leave_unread(link);
        }
        self.again |= !batch.exhausted;
    }

    /// Reads the last bytes of a link that cannot be written to, and returns its
    /// end if it tells one. Up to one more inbox is read beyond a full one, since
    /// a message that is not read now is lost.
    pub(super) fn read_last_words(&mut self, link: LinkId, cx: &mut Context<'_>) -> Option<LinkEnd> {
        let (to, _) = self.destination(link, cx);
        let batch = self.read_batch(link, self.inbox.bounds(), cx);
        self.pongs.clear();
        self.bring(link, to, cx.waker());
        batch.ended.filter(|end| *end != LinkEnd::Panicked)
    }

    /// The destination of a link's messages, and how much may be read.
    fn destination(&mut self, link: LinkId, cx: &mut Context<'_>) -> (Destination, InboxRoom) {
        let bounds = self.inbox.bounds();
        let Some(live) = self.links.get(link) else { return (Destination::Nowhere, InboxRoom::NONE) };
        if !live.carries() {
            return (Destination::Nowhere, bounds);
        }
        let bounds = match &live.duty {
            Duty::Held(kept) => return (Destination::Link, kept.room(bounds)),
            Duty::InUse { .. } => bounds,
            Duty::Draining { .. } => InboxRoom { messages: bounds.messages.max(LAST_MESSAGES), ..bounds },
        };
        let drains = live.is_draining();
        if self.sequence.is_first(link) {
            let room = self.refresh_room(cx);
            if !drains {
                return (Destination::Inbox, room);
            }
            if !room.is_none() {
                return (Destination::Inbox, self.move_held_back(link, room, cx));
            }
        }
        (Destination::Sequence, self.sequence.room(link, bounds))
    }

    /// Moves messages of a link that were kept beyond a full inbox into the inbox,
    /// now that it has room. Returns the room that is left.
    fn move_held_back(&mut self, link: LinkId, room: InboxRoom, cx: &mut Context<'_>) -> InboxRoom {
        let Some(mut kept) = self.sequence.take_kept(link) else { return room };
        self.arrived.append(&mut kept);
        self.deliver(Some(cx.waker()));
        self.room
    }

    fn read_batch(&mut self, link: LinkId, room: InboxRoom, cx: &mut Context<'_>) -> Batch {
        let mut batch = Batch {
            frames: 0,
            bytes: 0,
            messages: Messages::None,
            alive: false,
            exhausted: false,
            ended: None,
        };
        let Some(live) = self.links.get_mut(link) else { return batch };
        let from = &mut live.link;
        let (arrived, pongs) = (&mut self.arrived.messages, &mut self.pongs);
        let read = contain(|| {
            while arrived.len() < room.messages && batch.bytes < room.bytes && batch.frames < FRAMES {
                match from.poll_next(cx) {
                    Poll::Pending => {
                        // `Pending` also means that the task has used up its budget: then
                        // the link may have more bytes.
                        batch.exhausted = coop::has_budget_remaining();
                        return;
                    }
                    Poll::Ready(Ok(Frame::Message(message))) => {
                        if batch.messages == Messages::None {
                            batch.messages = match pongs.is_empty() {
                                true => Messages::BeforeAnswers,
                                false => Messages::AfterAnswers,
                            };
                        }
                        batch.bytes = batch.bytes.saturating_add(from.size(&message));
                        arrived.push_back(message);
                    }
                    Poll::Ready(Ok(Frame::Pong(token))) => {
                        pongs.push(token);
                    }
                    Poll::Ready(Ok(Frame::Alive)) => batch.alive = true,
                    Poll::Ready(Err(end)) => {
                        batch.ended = Some(end);
                        return;
                    }
                }
                batch.frames += 1;
            }
        });
        if read.is_err() {
            batch.ended = Some(LinkEnd::Panicked);
        }
        self.arrived.bytes = self.arrived.bytes.saturating_add(batch.bytes);
        for token in &self.pongs {
            self.flights.answered(link, *token);
        }
        batch
    }

    /// Takes the messages that were read of a link to their destination.
    fn bring(&mut self, link: LinkId, to: Destination, driver: &Waker) {
        if self.arrived.is_empty() {
            return;
        }
        match to {
            Destination::Nowhere => {
                self.arrived.bytes = 0;
                self.arrived.messages.drain(..).for_each(drop_contained);
            }
            Destination::Link => {
                if let Some(Duty::Held(kept)) = self.links.get_mut(link).map(|live| &mut live.duty) {
                    kept.append(&mut self.arrived);
                }
            }
            Destination::Sequence => self.sequence.keep(link, &mut self.arrived),
            Destination::Inbox => self.deliver(Some(driver)),
        }
    }

    /// There is no room for messages: the link is not read any more.
    fn leave_unread(&mut self, link: LinkId) {
        let Some(live) = self.links.get_mut(link) else { return };
        match &mut live.duty {
            Duty::Held(_) => {}
            Duty::Draining { all_read, .. } => *all_read = false,
            Duty::InUse { stalled } => {
                if !std::mem::replace(stalled, true) {
                    let now = self.now();
                    self.keeper.handle(Input::Stalled { link }, now);
                    self.execute();
                }
            }
        }
    }
}
