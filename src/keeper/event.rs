//! The events of a connection, as past facts.

mod detection;
mod display;

pub use detection::Detection;

use std::io;
use std::time::Duration;

use super::end::{Failure, LinkEnd};
use super::names::LinkId;

/// An event of a connection. Facts come at once; a [`Diagnosed`] follows
/// a [`Disconnected`] when the cause can be known.
///
/// `Display` writes one line for a log. No event holds credentials, messages
/// or URLs.
///
/// [`Diagnosed`]: Event::Diagnosed
/// [`Disconnected`]: Event::Disconnected
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An attempt to open a link began.
    Connecting {
        /// The link that it will be.
        link: LinkId,
        /// Counts consecutive attempts from 1.
        attempt: u32,
    },
    /// An attempt failed; `ReconnectScheduled` or `GaveUp` follows.
    AttemptFailed {
        /// The link that it would have been.
        link: LinkId,
        /// Counts consecutive attempts from 1.
        attempt: u32,
        /// Why the attempt failed.
        failure: Failure,
    },
    /// A link was taken into use, logged in.
    Connected {
        /// The link.
        link: LinkId,
        /// Counts the links taken into use, from 1.
        epoch: u64,
        /// How long its attempt took.
        took: Duration,
    },
    /// The link in use is gone and was dropped.
    Disconnected {
        /// The link.
        link: LinkId,
        /// The link's epoch: counts the links taken into use, from 1.
        epoch: u64,
        /// How the end was noticed.
        detection: Detection,
        /// The idle time that the end is judged by: since the last byte
        /// either way, or before the beat that was not answered.
        gap: Duration,
        /// How long the link was in use.
        uptime: Duration,
    },
    /// Why a link ended, as far as it can be known.
    Diagnosed {
        /// The link.
        link: LinkId,
        /// The cause.
        cause: Cause,
        /// The evidence for the cause.
        evidence: Evidence,
    },
    /// A beat went out after `gap` without a byte either way.
    BeatSent {
        /// The link.
        link: LinkId,
        /// Time since any byte.
        gap: Duration,
    },
    /// A beat was answered.
    BeatAnswered {
        /// The link.
        link: LinkId,
        /// Round trip, where the answer names its beat.
        rtt: Option<Duration>,
    },
    /// A beat's deadline passed without a byte of any kind.
    BeatMissed {
        /// The link.
        link: LinkId,
        /// Misses in a row.
        consecutive: u32,
    },
    /// The heartbeat's interval is another now.
    IntervalChanged {
        /// The interval from here on, before jitter.
        interval: Duration,
        /// The longest gap known to survive.
        proven: Duration,
    },
    /// The prober found the idle timeout and holds an interval below it.
    IdleTimeoutLearned {
        /// The longest gap known to survive.
        proven: Duration,
        /// The shortest gap that killed a link.
        failed: Duration,
    },
    /// A gap that used to survive no longer does; learning starts again.
    IdleTimeoutShrank {
        /// The gap that failed.
        failed: Duration,
    },
    /// The path is known from before: learning begins with this.
    IdleTimeoutRecalled {
        /// The longest gap that was known to survive.
        proven: Duration,
        /// The shortest gap that had killed a link, if one had.
        failed: Option<Duration>,
        /// The time since it was last stored or confirmed. Beyond seven
        /// days only half of the proven gap is trusted.
        age: Duration,
    },
    /// The interval store could not be read or written; the connection goes on
    /// without it. The same fault is told once until the store works again.
    StoreFailed {
        /// The fault.
        fault: StoreFault,
    },
    /// A scout is being opened: a side link that tests a gap.
    ScoutSent {
        /// The side link.
        link: LinkId,
        /// The gap that it tests.
        gap: Duration,
    },
    /// A scout's trial is over.
    ScoutReturned {
        /// The side link.
        link: LinkId,
        /// The gap that it was to test.
        gap: Duration,
        /// The result.
        met: ScoutResult,
    },
    /// No scout can be had: the server, the transport or `overlap(false)`
    /// refuses a second link. Learning goes on from gaps that happen anyway.
    ScoutsRefused,
    /// The next attempt waits for `delay`.
    ReconnectScheduled {
        /// Counts consecutive attempts from 1.
        attempt: u32,
        /// How long the wait is.
        delay: Duration,
        /// Why there is an attempt, and why after this long.
        reason: RetryReason,
    },
    /// The wait was cut short.
    ReconnectAdvanced {
        /// The rest of the wait.
        delay: Duration,
        /// Why it was cut short.
        reason: RetryReason,
    },
    /// The host reported that the network is there.
    NetworkOnline,
    /// The host reported that the network is gone.
    NetworkOffline,
    /// The host reported another address or route.
    NetworkChanged,
    /// The machine slept.
    Slept {
        /// For how long; zero where only the host says so.
        lasted: Duration,
    },
    /// The application paused the connection: no link is opened until it is
    /// resumed.
    Paused,
    /// The application resumed the connection.
    Resumed,
    /// The application has not read for this long while messages wait; the
    /// link is not read meanwhile.
    ReaderStalled {
        /// How long the inbox has been full.
        lasted: Duration,
    },
    /// Messages that a link had taken when it ended: they may have arrived.
    MaybeSent {
        /// The number of messages.
        count: u64,
    },
    /// Messages came in when nobody was left to read them.
    MessagesDropped {
        /// The number of messages since the last such event.
        count: u64,
    },
    /// The listener was too slow: events are missing here.
    EventsDropped {
        /// The number of events.
        count: u64,
    },
    /// There will be no further attempt.
    GaveUp {
        /// Why.
        reason: GiveUp,
    },
    /// The connection was closed by us, and this is its last event.
    Closed,
}

/// The result of a scout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScoutResult {
    /// The scout's beat was answered.
    Survived,
    /// The beat was not answered, or by a reset. Believed once the link in
    /// use shows that the path works.
    Expired,
    /// The other side ended the scout after this gap. Believed likewise.
    Ended {
        /// Time since the last byte.
        gap: Duration,
    },
    /// No result: the scout could not be opened, was called back,
    /// or something happened to the network.
    Void,
}

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A middlebox forgot the idle link.
    IdleExpiry,
    /// The path was gone: a new dial failed too, or was slow.
    PathDead,
    /// The path works, but the peer on this link does not answer.
    ServerStuck,
    /// The peer ended the link: a close, a restart, a reset.
    ClosedByPeer,
    /// The local address went away.
    AddressGone,
    /// The machine slept.
    Slept,
    /// This side ended the link.
    Ours,
}

/// The evidence for a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// The same address connected again at once.
    ConnectedAtOnce,
    /// The next dial failed or took too long.
    DialFailed,
    /// The next dial came from another local address.
    AddressChanged,
    /// A network event came in between.
    NetworkEvent,
    /// A late timer or a suspend came in between.
    Suspended,
    /// The peer's system has acknowledged all our bytes: the path works.
    Acknowledged,
    /// The peer's system has not acknowledged our bytes, though the same
    /// address connected again at once.
    Unacknowledged,
    /// The peer's own goodbye.
    PeerSaid,
    /// The application's own limit for the silence between messages.
    SilenceLimit,
    /// Our own command.
    Ourselves,
}

/// Why an attempt is made when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryReason {
    /// A link ended for this client alone: no other client comes
    /// back at the same moment.
    EndedAlone,
    /// A link ended in a way that all clients may have met.
    LinkEnded,
    /// The peer's close code asks for this.
    CloseCode(u16),
    /// The attempt before failed.
    AttemptFailed,
    /// The server named the time.
    RetryAfter,
    /// The network is there (again).
    Network,
    /// The machine woke.
    Woke,
    /// The network is reported gone; one try a minute all the same.
    Offline,
    /// Somebody looks at the application again.
    Foreground,
    /// The application asked for the attempt.
    Asked,
    /// The application's own reconnect policy chose the delay.
    Policy,
}

/// A fault of an interval store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreFault {
    /// The store could not be read.
    NotRead(io::ErrorKind),
    /// The store could not be written; its earlier content is still there.
    NotWritten(io::ErrorKind),
    /// The content cannot be used: it makes no sense, is too big, may not
    /// be read, or may not be replaced.
    Broken {
        /// Whether it was put out of the way, so that a new store can begin.
        set_aside: bool,
    },
    /// The store refuses the request, for a reason of its own.
    Refused,
    /// The store's code panicked.
    Panicked,
}

/// Why there will be no further attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GiveUp {
    /// The peer's close code is final.
    Close {
        /// The code.
        code: u16,
        /// The peer's text.
        reason: String,
    },
    /// The link's end is final, or came too often in a row.
    Link(LinkEnd),
    /// The attempt's failure is final.
    Failure(Failure),
    /// The configured number of attempts is used up.
    Attempts(u32),
    /// The reconnect policy has no more delays, or its classification says
    /// that there is no further attempt.
    Policy,
}
