//! The outputs of a keeper.

use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use super::names::{LinkId, Token};
use super::path::Learned;
use super::state::Finish;

/// An order of the keeper. The driver carries out each order at
/// once, in this sequence, and reports the result.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// Open a link; answer with [`Input::Opened`](super::Input::Opened) or
    /// [`Input::OpenFailed`](super::Input::OpenFailed). The keeper keeps the attempt's
    /// deadline: when it passes, the attempt is abandoned.
    Open {
        /// The link's name from now on.
        link: LinkId,
        /// The link's purpose.
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
    /// Ask the link's peer, now, to say something after `silence`; the bytes that it
    /// sends then are reported as read. Only where [`Opened::answers_after`](super::Opened::answers_after).
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
    /// Ask the system, now, for its facts about the path under the link, and answer
    /// with [`Input::Path`](super::Input::Path) before any other input: the facts tell
    /// a dead path from a stuck peer. Only where [`Opened::tells_path`](super::Opened::tells_path).
    AskPath {
        /// The link.
        link: LinkId,
    },
    /// Ask the system, now, for the way to the link's peer, and answer with
    /// [`Input::Route`](super::Input::Route) before any other input: the news of the network has settled.
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
    /// Drop the link, or the attempt to open it, at once and without a goodbye. No
    /// later report about it counts.
    Abandon {
        /// The link.
        link: LinkId,
    },
    /// Look up the stored lessons about this path; answer with
    /// [`Input::Recalled`](super::Input::Recalled), at any time, and if there is a store.
    Recall {
        /// The host's name for the network, if it gave one.
        network: Option<Arc<str>>,
        /// The transport's route.
        route: usize,
    },
    /// Store the lessons about this path, in place of earlier ones. This comes
    /// when the keeper has learned, and once a day where a lesson is confirmed.
    Remember {
        /// The host's name for the network, if it gave one.
        network: Option<Arc<str>>,
        /// The transport's route.
        route: usize,
        /// The lessons.
        learned: Learned,
    },
    /// Tell the application.
    Emit(Event),
    /// The connection is over: no order follows.
    Finish(Finish),
}

/// The purpose of a link that is opened.
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
