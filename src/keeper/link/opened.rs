//! The facts about a link that was opened.

use std::net::IpAddr;
use std::time::Duration;

use super::beat::Beat;

/// A transport's report that the network path is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dialled {
    /// The time of the dial, from the attempt's start.
    pub took: Duration,
    /// The local address, where the link has one.
    pub local: Option<IpAddr>,
}

impl Dialled {
    /// The path was there after `took`, from this local address.
    pub fn new(took: Duration, local: Option<IpAddr>) -> Dialled {
        Dialled { took, local }
    }
}

/// The facts about a link that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// Who beats.
    pub beat: Beat,
    /// When the path was there.
    pub dialled: Dialled,
    /// The time of the whole attempt.
    pub took: Duration,
    /// Whether the system tells [`PathFacts`] of the link: [`Output::AskPath`] comes
    /// only then.
    ///
    /// [`PathFacts`]: crate::keeper::PathFacts
    /// [`Output::AskPath`]: crate::keeper::Output::AskPath
    pub tells_path: bool,
    /// Whether the peer can be asked to speak after a silence:
    /// [`Output::AskAfter`] comes only then.
    ///
    /// [`Output::AskAfter`]: crate::keeper::Output::AskAfter
    pub answers_after: bool,
    /// Whether opening the link has shown who the peer is: only then is a breach of
    /// the protocol final when it comes again and again.
    pub vouched: bool,
}

impl Opened {
    /// A link about which the system tells nothing, and whose peer is known but
    /// cannot be asked to speak.
    pub fn new(beat: Beat, dialled: Dialled, took: Duration) -> Opened {
        Opened { beat, dialled, took, tells_path: false, answers_after: false, vouched: true }
    }
}
