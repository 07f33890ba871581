//! The keeper decides; it never waits.
//!
//! It is told what happened and when (`handle_*`), it is asked what to do
//! ([`Keeper::poll_output`]) and when to call again
//! ([`Keeper::poll_timeout`]). It has no I/O, clock, lock, await or randomness
//! of its own: time comes in as [`Moment`], chance as a seed.

mod dice;
mod end;
mod event;
mod heartbeat;
mod invalid;
mod links;
mod moment;
mod reconnect;

pub use dice::Dice;
pub use end::{Failure, LinkEnd};
pub use event::{Because, Cause, Event, GiveUp, Ground, Seen};
pub use heartbeat::{Beat, Growth, Heartbeat, Probing};
pub use invalid::Invalid;
pub use links::{LinkId, Purpose, Token};
pub use moment::Moment;
pub use reconnect::{Delays, Reconnect, Refusal};

use std::net::IpAddr;
use std::time::Duration;

/// The keeper's settings.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// When to beat.
    pub heartbeat: Heartbeat,
    /// When to come back.
    pub reconnect: Reconnect,
}

/// What the keeper wants done, in this order. Whoever drives it does each at
/// once and reports what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Open a link; answer with [`Keeper::handle_opened`] or
    /// [`Keeper::handle_open_failed`]. The keeper keeps the attempt's
    /// deadline: when it passes, the attempt is abandoned.
    Open {
        /// The link's name from now on.
        link: LinkId,
        /// What it is for.
        purpose: Purpose,
        /// Which of the transport's routes to take.
        route: usize,
        /// Counts consecutive attempts from 1.
        attempt: u32,
    },
    /// Take this opened link into use: messages go over it from now on.
    Promote {
        /// The link.
        link: LinkId,
        /// Counts the links taken into use, from 1.
        epoch: u64,
    },
    /// Send a beat over the link, now.
    Beat {
        /// The link.
        link: LinkId,
        /// Names the beat.
        token: Token,
    },
    /// Say goodbye on the link and read it to its end; report that end with
    /// [`Keeper::handle_ended`]. The keeper keeps the deadline.
    Retire {
        /// The link.
        link: LinkId,
    },
    /// Drop the link, or the attempt to open it, at once and without a word
    /// to its peer. Nothing it says later counts.
    Abandon {
        /// The link.
        link: LinkId,
    },
    /// Tell the application.
    Emit(Event),
    /// It is over: nothing will be asked for any more.
    Finish(Finish),
}

/// How a connection finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finish {
    /// Closed by us.
    Closed,
    /// Given up.
    GaveUp(GiveUp),
}

/// What the next deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Timer {
    /// A beat is due.
    Beat,
    /// A beat's or probe's answer is due.
    Answer,
    /// The peer's own beat is due.
    Silence,
    /// The next attempt is due.
    Retry,
    /// An attempt's deadline.
    Attempt,
    /// The link in use counts as proved.
    Proof,
    /// The reader has stalled long enough to be told.
    Stall,
    /// A closing link's deadline.
    Goodbye,
}

/// A transport's report that the network path is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// How long it took, from the attempt's start.
    pub took: Duration,
    /// The local address, where there is one.
    pub local: Option<IpAddr>,
}

/// What is known of a link that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Who beats.
    pub beat: Beat,
    /// When the path was there.
    pub dialled: Dialled,
    /// How long the whole attempt took.
    pub took: Duration,
}

/// What the host says of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NetworkStatus {
    /// It is there (again).
    Online,
    /// It is gone.
    Offline,
    /// It is another: an address or the default route changed.
    Changed,
}

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// An attempt is under way.
    Connecting {
        /// Counts consecutive attempts from 1.
        attempt: u32,
    },
    /// A link is in use.
    Connected {
        /// Counts the links taken into use, from 1.
        epoch: u64,
    },
    /// Waiting for the next attempt.
    Waiting {
        /// The attempt that is waited for.
        attempt: u32,
    },
    /// Saying goodbye.
    Closing,
    /// Closed by us.
    Closed,
    /// Given up.
    GaveUp,
}

/// What the keeper has counted and learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Beats sent.
    pub beats_sent: u64,
    /// Beats that traffic made unnecessary.
    pub beats_saved: u64,
    /// Beats unanswered at their deadline.
    pub misses: u64,
    /// Links taken into use after the first.
    pub reconnects: u64,
    /// Smoothed round trip of the present link, once measured.
    pub rtt: Option<Duration>,
    /// The heartbeat's interval, before jitter.
    pub interval: Duration,
    /// The longest gap known to survive.
    pub proven: Duration,
    /// Time with a link in use, in all.
    pub uptime: Duration,
    /// Time without, since the start.
    pub downtime: Duration,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Keeper {
    config: Config,
}

#[allow(unused_variables, clippy::todo)]
impl Keeper {
    /// A keeper that has not started. `config` must have passed its checks.
    pub fn new(config: Config, seed: u64, now: Moment) -> Keeper {
        Keeper { config }
    }

    /// Begins: opens the first link.
    pub fn start(&mut self, now: Moment) {
        todo!()
    }

    /// Probes the link in use: one beat, one deadline of 3 s; unanswered, the
    /// link is dead. While waiting to retry: advances the retry as
    /// `reconnect_now`.
    pub fn probe_now(&mut self, now: Moment) {
        todo!()
    }

    /// Abandons the link in use, or ends a wait, and opens a new link at
    /// once. While an attempt is under way: nothing.
    pub fn reconnect_now(&mut self, now: Moment) {
        todo!()
    }

    /// Closes: says goodbye on the link in use, abandons all others, and
    /// finishes within 3 s.
    pub fn close(&mut self, now: Moment) {
        todo!()
    }

    /// Somebody waits to know that the peer has what was written: beats at
    /// once on the link in use, unless a beat is already under way (then
    /// again when that is answered).
    pub fn confirm(&mut self, now: Moment) {
        todo!()
    }

    /// An attempt succeeded, login included.
    pub fn handle_opened(&mut self, link: LinkId, opened: Opened, now: Moment) {
        todo!()
    }

    /// An attempt failed. `dialled` as for [`Opened`], where it came so far.
    pub fn handle_open_failed(
        &mut self,
        link: LinkId,
        failure: Failure,
        dialled: Option<Dialled>,
        now: Moment,
    ) {
        todo!()
    }

    /// Bytes came in.
    pub fn handle_heard(&mut self, link: LinkId, now: Moment) {
        todo!()
    }

    /// A beat's answer came in; `None` where it does not say which.
    pub fn handle_answered(&mut self, link: LinkId, token: Option<Token>, now: Moment) {
        todo!()
    }

    /// Bytes of messages went out.
    pub fn handle_sent(&mut self, link: LinkId, now: Moment) {
        todo!()
    }

    /// A link ended by itself. Everything that could be read from it was.
    pub fn handle_ended(&mut self, link: LinkId, end: LinkEnd, now: Moment) {
        todo!()
    }

    /// The inbox is full: the link is no longer read.
    pub fn handle_stalled(&mut self, link: LinkId, now: Moment) {
        todo!()
    }

    /// There is room again, and what waited on the link was read.
    pub fn handle_resumed(&mut self, link: LinkId, now: Moment) {
        todo!()
    }

    /// The oldest unacknowledged byte of the link has waited this long, says
    /// the system.
    pub fn handle_unacknowledged(&mut self, link: LinkId, waiting: Duration, now: Moment) {
        todo!()
    }

    /// The link's local address is gone from the system.
    pub fn handle_address_gone(&mut self, link: LinkId, now: Moment) {
        todo!()
    }

    /// The host says something of the network.
    pub fn handle_network(&mut self, status: NetworkStatus, now: Moment) {
        todo!()
    }

    /// The time of [`Keeper::poll_timeout`] has come (harmless before it).
    /// Before calling it, read what waits on the links and report it: a
    /// process that slept must not call a link dead whose answer is there.
    pub fn handle_timeout(&mut self, now: Moment) {
        todo!()
    }

    /// The next thing to do. Drain this after every `handle_*` and command.
    pub fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When to call [`Keeper::handle_timeout`], and what for; `None`: only
    /// after the next input.
    pub fn poll_timeout(&self) -> Option<(Moment, Timer)> {
        todo!()
    }

    /// Where the connection stands.
    pub fn state(&self) -> State {
        todo!()
    }

    /// What was counted and learned, up to `now`.
    pub fn figures(&self, now: Moment) -> Figures {
        todo!()
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
