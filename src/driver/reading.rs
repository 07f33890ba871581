//! Reading the link in use.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::Driver;
use super::board::Tally;
use super::inbox::Room;
use crate::contain::contain;
use crate::keeper::{Input, LinkEnd, LinkId, Messages, Moment};
use crate::transport::{Frame, Link, Transport};

/// Frames of one turn: beyond it others have their turn, however fast a peer
/// sends what does not go to the inbox.
const FRAMES: usize = 1024;

/// How long a message waits in the inbox before the link may make it let go
/// of a shared buffer. Those that are read as they come are not touched.
const PARKED_AFTER: Duration = Duration::from_millis(20);

/// What one batch brought beside messages.
struct Batch {
    frames: usize,
    bytes: usize,
    messages: Messages,
    /// The peer said something that the link may have to answer.
    alive: bool,
    /// Nothing more waits: the link will wake the task.
    exhausted: bool,
    ended: Option<LinkEnd>,
}

impl<T: Transport> Driver<T> {
    /// Reads the link in use until nothing waits or the inbox is full, and
    /// tells the keeper. Returns whether to go on at once.
    pub(super) fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if self.main.is_none() {
            return false;
        }
        if !self.arrived.is_empty() {
            // The login left it.
            self.deliver(Some(cx.waker()));
        }
        let room = self.refresh_room(cx);
        if room.is_none() {
            self.stall();
            return false;
        }
        let batch = self.read_batch(room, cx);
        let Some(main) = &mut self.main else { return false };
        let id = main.id;
        main.unflushed |= batch.alive;
        let traffic = main.traffic_since();
        let was_stalled = std::mem::take(&mut main.stalled);
        let bytes = traffic.map_or(batch.bytes as u64, |traffic| traffic.received);
        Tally::add(&self.board.tally.bytes_in, bytes);
        Tally::add(&self.board.tally.bytes_out, traffic.map_or(0, |traffic| traffic.sent));

        if !self.arrived.is_empty() {
            self.deliver(Some(cx.waker()));
        }
        // A part of a long message is a sign of life too, though the link ended
        // in it; the goodbye that it ended with is none: it would end the
        // silence that the end is to be judged by.
        let parts = bytes > 0 && !matches!(batch.ended, Some(LinkEnd::Closed { .. }));
        if batch.frames > 0 || parts {
            let now = self.now();
            let answers = &self.pongs;
            self.keeper.handle(Input::Read { link: id, messages: batch.messages, answers }, now);
            self.pongs.clear();
            self.execute();
        }
        if was_stalled {
            let now = self.now();
            self.keeper.handle(Input::ReadAgain { link: id }, now);
            self.execute();
        }
        if let Some(end) = batch.ended {
            self.end_main(end);
            return false;
        }
        if self.room.is_none() {
            // The reader wakes the task.
            self.stall();
            return false;
        }
        !batch.exhausted
    }

    /// What a link that cannot be written to still has to say: its end, if it
    /// comes to that. Up to one more inbox is read beyond a full one, since
    /// what is not read now is lost.
    pub(super) fn read_last_words(&mut self, cx: &mut Context<'_>) -> Option<LinkEnd> {
        let batch = self.read_batch(self.inbox.bounds(), cx);
        self.pongs.clear();
        if !self.arrived.is_empty() {
            self.deliver(Some(cx.waker()));
        }
        batch.ended.filter(|end| *end != LinkEnd::Panicked)
    }

    fn read_batch(&mut self, room: Room, cx: &mut Context<'_>) -> Batch {
        let mut batch = Batch {
            frames: 0,
            bytes: 0,
            messages: Messages::None,
            alive: false,
            exhausted: false,
            ended: None,
        };
        let Some(main) = &mut self.main else { return batch };
        let link = &mut main.link;
        let (arrived, pongs) = (&mut self.arrived, &mut self.pongs);
        let read = contain(|| {
            while arrived.len() < room.messages && batch.bytes < room.bytes && batch.frames < FRAMES {
                match link.poll_next(cx) {
                    Poll::Pending => {
                        batch.exhausted = true;
                        return;
                    }
                    Poll::Ready(Ok(Frame::Message(message))) => {
                        if batch.messages == Messages::None {
                            batch.messages = match pongs.is_empty() {
                                true => Messages::BeforeAnswers,
                                false => Messages::AfterAnswers,
                            };
                        }
                        batch.bytes = batch.bytes.saturating_add(link.weigh(&message));
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
        self.arrived_bytes = self.arrived_bytes.saturating_add(batch.bytes);
        for token in &self.pongs {
            self.flights.answered(main.id, *token);
        }
        batch
    }

    /// Puts what was read into the inbox. Without a waker nobody is told when
    /// there is room again: whoever needs it asks for it.
    pub(super) fn deliver(&mut self, driver: Option<&Waker>) {
        let count = self.arrived.len();
        Tally::add(&self.board.tally.messages_in, count as u64);
        if self.waiting_since.is_some() {
            let now = self.now();
            self.park(now);
        }
        let added = self.inbox.add(&mut self.arrived, std::mem::take(&mut self.arrived_bytes), driver);
        self.room = added.room;
        if added.dropped > 0 {
            self.count_dropped(added.dropped);
        } else if self.waiting_since.is_none() {
            self.waiting_since = Some(self.now());
        }
    }

    /// Puts what was read of a link that is over into the inbox, whether there
    /// is room or not: nothing holds its peer back any more. It is at most what
    /// waits among the reports.
    pub(super) fn deliver_what_was_read(&mut self, link: LinkId) {
        let left = self.reports.take_read(link);
        for token in left.answers {
            self.flights.answered(link, token);
        }
        if !left.messages.is_empty() {
            self.arrived.extend(left.messages);
            self.arrived_bytes = self.arrived_bytes.saturating_add(left.bytes);
            self.deliver(None);
        }
    }

    /// Counts messages that came in and that nobody will read.
    pub(super) fn count_dropped(&mut self, count: usize) {
        if count > 0 {
            Tally::add(&self.board.tally.messages_dropped, count as u64);
            self.dropped += count as u64;
            self.tell_dropped(false);
        }
    }

    /// Parks what has waited in the inbox for longer than a moment.
    pub(super) fn park(&mut self, now: Moment) {
        let Some(since) = self.waiting_since else { return };
        if now.since(since) < PARKED_AFTER {
            return;
        }
        self.waiting_since = None;
        let Some(main) = &self.main else { return };
        let mut panicked = false;
        let dropped = self.inbox.park(|message| match contain(|| main.link.park(message)) {
            Ok(message) => Some(message),
            Err(_) => {
                panicked = true;
                None
            }
        });
        if panicked && let Some(main) = &mut self.main {
            main.broken = Some(LinkEnd::Panicked);
        }
        self.count_dropped(dropped);
    }

    /// The room in the inbox. Asked for only where little is known to be
    /// left.
    pub(super) fn refresh_room(&mut self, cx: &mut Context<'_>) -> Room {
        let bounds = self.inbox.bounds();
        if self.room.messages < bounds.messages.div_ceil(2) || self.room.bytes < bounds.bytes.div_ceil(2) {
            self.room = self.inbox.room(cx.waker());
        }
        self.room
    }

    /// The inbox is full: the link is not read any more.
    fn stall(&mut self) {
        let Some(main) = &mut self.main else { return };
        if !std::mem::replace(&mut main.stalled, true) {
            let id = main.id;
            let now = self.now();
            self.keeper.handle(Input::Stalled { link: id }, now);
            self.execute();
        }
    }
}
