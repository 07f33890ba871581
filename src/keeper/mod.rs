//! The keeper decides; it never waits.
//!
//! It is told what happened and when (`handle_*`), it is asked what to do
//! ([`Keeper::poll_output`]) and when to call again
//! ([`Keeper::poll_timeout`]). It has no I/O, clock, lock, await or randomness
//! of its own: time comes in as [`Moment`], chance as a seed.

mod activity;
mod core;
mod dice;
mod end;
mod event;
mod heartbeat;
mod invalid;
mod links;
mod moment;
mod path;
mod reconnect;
mod timer;
mod verdict;
mod watch;

pub use self::core::Keeper;
pub use activity::Activity;
pub use dice::Dice;
pub use end::{Failure, LinkEnd};
pub use event::{Because, Cause, Event, GiveUp, Ground, MemoryFault, Scouted, Seen};
pub use heartbeat::{Beat, Expiry, Growth, Heartbeat, Learned, Probing, Recalled};
pub use invalid::Invalid;
pub use links::{LinkId, Purpose, Token};
pub use moment::Moment;
pub use path::{PathFacts, RouteFacts};
pub use reconnect::{Delays, Reconnect, Refusal, Retry};
pub use timer::Timer;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How long a goodbye may take by default: 3 s.
pub const CLOSE_DEADLINE: Duration = Duration::from_secs(3);

/// The keeper's settings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// When to beat.
    pub heartbeat: Heartbeat,
    /// When to come back.
    pub reconnect: Reconnect,
    /// How long a goodbye may take: after it a closing link is dropped.
    /// Default: 3 s.
    pub close_deadline: Duration,
    /// Whether a second link may be opened beside the one in use. Default:
    /// true. False for servers that allow one session a user.
    pub overlap: bool,
    /// The longest time without a message, apart from beats: after it the
    /// link is dropped, since its peer answers but says nothing. Default:
    /// none.
    pub silence_limit: Option<Duration>,
    /// Whether an attempt that fails is the end, as long as no link was ever
    /// taken into use. Default: false.
    pub fail_fast: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            heartbeat: Heartbeat::default(),
            reconnect: Reconnect::default(),
            close_deadline: CLOSE_DEADLINE,
            overlap: true,
            silence_limit: None,
            fail_fast: false,
        }
    }
}

impl Config {
    /// The defaults, with these two.
    pub fn new(heartbeat: Heartbeat, reconnect: Reconnect) -> Config {
        Config { heartbeat, reconnect, ..Config::default() }
    }

    /// Refuses what cannot work.
    ///
    /// # Errors
    ///
    /// [`Invalid`] names the field.
    pub fn check(&self) -> Result<(), Invalid> {
        self.heartbeat.check()?;
        self.reconnect.check()?;
        if self.close_deadline.is_zero() {
            return Err(Invalid::new("close_deadline", "must not be zero"));
        }
        if self.silence_limit.is_some_and(|limit| limit.is_zero()) {
            return Err(Invalid::new("silence_limit", "must not be zero"));
        }
        Ok(())
    }
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
    /// Ask the link's peer, now, to say something after `silence`; that it
    /// does is reported as heard. Only where [`Opened::answers_after`].
    AskAfter {
        /// The link.
        link: LinkId,
        /// How long the peer is to be silent.
        silence: Duration,
    },
    /// The path under the link may be another now: let it move there, if it
    /// can. The probe that follows shows whether it lives.
    Migrate {
        /// The link.
        link: LinkId,
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
    /// Look up what is remembered of this path; answer with
    /// [`Keeper::handle_recalled`], when it can be and if there is a memory.
    Recall {
        /// What the host calls the network, if it names it.
        network: Option<Arc<str>>,
        /// Which of the transport's routes it is about.
        route: usize,
    },
    /// Keep what is known of this path, in place of what was kept. It comes
    /// when something was learned, and once a day where that is confirmed.
    Remember {
        /// What the host calls the network, if it names it.
        network: Option<Arc<str>>,
        /// Which of the transport's routes it is about.
        route: usize,
        /// What is known.
        learned: Learned,
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

/// A transport's report that the network path is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialled {
    /// How long it took, from the attempt's start.
    pub took: Duration,
    /// The local address, where there is one.
    pub local: Option<IpAddr>,
}

impl Dialled {
    /// The path was there after `took`, from this local address.
    pub fn new(took: Duration, local: Option<IpAddr>) -> Dialled {
        Dialled { took, local }
    }
}

/// What is known of a link that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// Who beats.
    pub beat: Beat,
    /// When the path was there.
    pub dialled: Dialled,
    /// How long the whole attempt took.
    pub took: Duration,
    /// Whether the system tells [`PathFacts`] of it: [`Timer::Path`] comes
    /// only then.
    pub tells_path: bool,
    /// Whether the peer can be asked to speak after a silence:
    /// [`Output::AskAfter`] comes only then.
    pub answers_after: bool,
    /// Whether opening it has shown who the peer is: only then is a breach of
    /// the protocol final when it comes again and again.
    pub vouched: bool,
}

impl Opened {
    /// A link of which the system tells nothing, and whose peer is known but
    /// cannot be asked to speak.
    pub fn new(beat: Beat, dialled: Dialled, took: Duration) -> Opened {
        Opened { beat, dialled, took, tells_path: false, answers_after: false, vouched: true }
    }
}

/// What the host says of the network: hints, which may come early, late or
/// never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkStatus {
    /// It is there (again).
    Online,
    /// It is gone.
    Offline,
    /// It is another: an address or the default route changed.
    Changed,
    /// The machine woke from sleep. Where the system's clocks tell of the
    /// sleep (Linux) that is noticed by itself, but not before something else
    /// wakes the process.
    Woke,
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
    /// Paused by the application: no link is opened until it is resumed.
    Paused,
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
    /// Beats sent, and requests that the peer speak in place of one.
    pub beats_sent: u64,
    /// Beats that traffic made unnecessary.
    pub beats_saved: u64,
    /// Beats unanswered at their deadline.
    pub beats_missed: u64,
    /// Scouts sent out.
    pub scouts_sent: u64,
    /// Beats that scouts sent, beside `beats_sent`.
    pub scout_beats: u64,
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
    /// Panics of the application's own reconnect policies, which were caught.
    pub policy_panics: u64,
}
