//! What a keeper wants done.

use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use super::names::{LinkId, Token};
use super::path::Learned;
use super::state::Finish;

/// What the keeper wants done, in this order. Whoever drives it does each at
/// once and reports what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Open a link; answer with [`Input::Opened`](super::Input::Opened) or
    /// [`Input::OpenFailed`](super::Input::OpenFailed). The keeper keeps the attempt's
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
    /// does is reported as heard. Only where [`Opened::answers_after`](super::Opened::answers_after).
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
    /// Ask the system, now, what it knows of the path under the link, and answer
    /// with [`Input::Path`](super::Input::Path) before all else: it tells a dead path from a peer
    /// that is stuck. Only where [`Opened::tells_path`](super::Opened::tells_path).
    AskPath {
        /// The link.
        link: LinkId,
    },
    /// Ask the system, now, for the way to the link's peer, and answer with
    /// [`Input::Route`](super::Input::Route) before all else: the news of the network has settled.
    AskRoute {
        /// The link.
        link: LinkId,
    },
    /// Say goodbye on the link and read it to its end; report that end with
    /// [`Input::Ended`](super::Input::Ended). The keeper keeps the deadline.
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
    /// [`Input::Recalled`](super::Input::Recalled), when it can be and if there is a memory.
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

/// What a link is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To carry the messages.
    Main,
    /// To stay silent for a while and then beat once, so that the idle timeout
    /// of the path is learned without risk to the link in use. No message
    /// goes over it.
    Scout,
}
