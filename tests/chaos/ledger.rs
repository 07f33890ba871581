//! The bookkeeping that judges: what each side has seen of one connection's
//! messages, and whether the two agree.

mod judge;
#[cfg(test)]
mod tests;

/// The traces of one connection's run on both sides.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The messages that the client's outbox accepted, in order.
    pub accepted: Vec<Accepted>,
    /// The outcomes that confirmations told.
    pub outcomes: Vec<(u64, Fate)>,
    /// The messages that `close` handed back.
    pub handed_back: Vec<u64>,
    /// How many messages links took, by the connection's own count.
    pub taken: u64,
    /// The links that the client used, in order.
    pub links: Vec<Used>,
    /// The messages that the server received, in order.
    pub arrived: Vec<Arrived>,
    /// The messages that the server sent, link by link.
    pub sent: Vec<Sent>,
    /// The messages that the client's reader got, in order.
    pub read: Vec<Read>,
}

/// A message that the client's outbox accepted.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    pub number: u64,
    /// Somebody waits for its outcome.
    pub confirmed: bool,
}

/// The told fate of a message from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    Delivered,
    NotSent,
    MaybeSent,
}

/// A link that the client used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    pub epoch: u64,
    /// The number that both sides know it by.
    pub link: u64,
    /// How many messages it had taken that are in doubt, as the client was
    /// told.
    pub maybe: u64,
    /// The client saw an end that the server had made.
    pub ended_by_peer: bool,
}

/// A message that the server received.
#[derive(Clone, Copy, Debug)]
pub struct Arrived {
    pub link: u64,
    pub number: u64,
}

/// The messages that the server sent over one link: `first..first + count`.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub link: u64,
    pub first: u64,
    pub count: u64,
    /// The server ended it after all of them, and nothing stood in the way.
    pub finished: bool,
}

/// A message that the client's reader got.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    pub epoch: u64,
    pub link: u64,
    /// Its place among those of its link.
    pub index: u64,
    pub number: u64,
}

/// A breach of a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The server received it twice.
    Twice { number: u64 },
    /// The server received it after a later one.
    OutOfOrder { number: u64, after: u64 },
    /// The server received what was never accepted, or was withdrawn.
    NeverAccepted { number: u64 },
    /// The server received it, but not one that was to come before it on the
    /// same link.
    Gap { link: u64, before: u64 },
    /// It was called delivered and never arrived.
    DeliveredNeverArrived { number: u64 },
    /// It was called not sent, or handed back, and arrived.
    NotSentArrived { number: u64 },
    /// Its confirmation never resolved.
    NoOutcome { number: u64 },
    /// Its outcome was told twice, or to nobody who asked.
    OutcomeTooMany { number: u64 },
    /// Its outcome is not that of its place on its link.
    OtherOutcome { number: u64, told: Fate, is: Fate },
    /// The messages that a link took do not agree with those that arrived, were confirmed
    /// or are in doubt.
    CountsDisagree { epoch: u64, taken: u64, arrived: u64, maybe: u64 },
    /// accepted = delivered + not sent + maybe does not hold.
    SumDisagrees { accepted: u64, delivered: u64, not_sent: u64, maybe: u64 },
    /// The client read a message out of order, or twice.
    ReadOutOfOrder { number: u64, after: u64 },
    /// The client read a message of one link under the name of another.
    ReadOnWrongLink { number: u64, epoch: u64, link: u64 },
    /// The client read a message, but not the one before it on the same link.
    ReadGap { link: u64, index: u64 },
    /// The client read what the server did not send.
    ReadNeverSent { number: u64 },
    /// The server ended the link in an orderly way, the client saw that, and
    /// did not read all that came before.
    LostBeforeTheEnd { link: u64, sent: u64, read: u64 },
}

/// The totals of a run without a breach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub links: u64,
    pub accepted: u64,
    pub delivered: u64,
    pub not_sent: u64,
    pub maybe: u64,
    /// Of those in doubt, how many arrived.
    pub maybe_arrived: u64,
    pub sent: u64,
    pub read: u64,
}

impl Totals {
    pub fn add(&mut self, more: Totals) {
        self.links += more.links;
        self.accepted += more.accepted;
        self.delivered += more.delivered;
        self.not_sent += more.not_sent;
        self.maybe += more.maybe;
        self.maybe_arrived += more.maybe_arrived;
        self.sent += more.sent;
        self.read += more.read;
    }
}
