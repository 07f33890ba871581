//! How much an outbox holds, and how much of that is taken.

/// How much an outbox holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Messages, including those whose outcome somebody waits for.
    pub messages: usize,
    /// Their size in bytes. A message is accepted while there is any room
    /// at all, so one message may go over the bound.
    pub bytes: usize,
}

impl Bounds {
    /// 1,024 messages: seconds of a busy feed, and small enough that a sender
    /// notices a link that does not move.
    pub const MESSAGES: usize = 1024;
    /// 1 MiB, the usual limit of one message.
    pub const BYTES: usize = 1 << 20;
}

/// 1,024 messages and 1 MiB.
impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { messages: Bounds::MESSAGES, bytes: Bounds::BYTES }
    }
}

/// A place that is reserved for one message. It counts until it is used or released.
#[derive(Debug)]
#[must_use = "a place that is neither used nor released is lost"]
pub struct Reserved {
    size: u32,
}

/// No message counts more than 4 GiB, whatever the application says, so that
/// sums of sizes stay far from the end of their type.
#[inline]
pub(super) fn believed(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// The room of an outbox.
///
/// The methods that run for every message are `inline`. They are not generic, so
/// the application's crate would call them otherwise.
#[derive(Debug)]
pub(super) struct OutboxRoom {
    bounds: Bounds,
    /// Messages that were accepted and still count.
    held: usize,
    held_bytes: u64,
    /// Reserved places.
    reserved: usize,
    reserved_bytes: u64,
}

impl OutboxRoom {
    pub(super) fn new(bounds: Bounds) -> OutboxRoom {
        OutboxRoom { bounds, held: 0, held_bytes: 0, reserved: 0, reserved_bytes: 0 }
    }

    #[inline]
    pub(super) fn is_left(&self) -> bool {
        self.held + self.reserved < self.bounds.messages
            && self.held_bytes + self.reserved_bytes < self.bounds.bytes as u64
    }

    /// Whether no message counts any more.
    pub(super) fn holds_nothing(&self) -> bool {
        self.held == 0
    }

    /// Reserves a place; of unknown size, it counts as its share of the bytes.
    #[inline]
    pub(super) fn reserve(&mut self, size: Option<usize>) -> Reserved {
        let size = believed(size.unwrap_or(self.bounds.bytes / self.bounds.messages.max(1)));
        self.reserved += 1;
        self.reserved_bytes += u64::from(size);
        Reserved { size }
    }

    #[inline]
    pub(super) fn release(&mut self, place: Reserved) {
        self.reserved -= 1;
        self.reserved_bytes -= u64::from(place.size);
    }

    /// One message more counts.
    #[inline]
    pub(super) fn hold(&mut self, size: u32) {
        self.held += 1;
        self.held_bytes += u64::from(size);
    }

    /// `count` messages do not count any more.
    pub(super) fn free(&mut self, count: usize, size: u64) {
        self.held -= count;
        self.held_bytes -= size;
    }
}
