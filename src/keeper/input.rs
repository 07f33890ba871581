//! What a keeper is told.

use super::activity::Activity;
use super::config::Config;
use super::end::{Failure, LinkEnd};
use super::facts::{PathFacts, RouteFacts};
use super::link::{Dialled, Opened};
use super::names::{LinkId, Token};
use super::path::Recalled;

/// What a keeper is told: what happened, or what is wanted. One call of
/// [`Keeper::handle`](super::Keeper::handle) takes one of these.
///
/// Words about a link that was abandoned, or never opened, change nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    // What is wanted.
    /// Begin: open the first link. Once.
    Start,
    /// Probe the link in use: one beat, one deadline of 3 s (where a beat's
    /// own is longer, or twice the shortest round trip, of that), any byte
    /// answers it; unanswered, the link is dead. News that the network is gone
    /// calls it off. While waiting to retry, the next attempt begins at once.
    Probe,
    /// Abandon the link in use, or end a wait, and open a new link at once. A
    /// second link that is being opened beside the first is that new link.
    /// While an attempt is under way and no link is in use: nothing.
    Reconnect,
    /// Open a second link beside the one in use, which it replaces once it is
    /// open: goodbye is said on the first, which is then read to its end. If
    /// the second cannot be opened, nothing has happened; if the first is lost
    /// meanwhile, the second is the attempt to come back. Without a link in
    /// use, while a second is being opened already, and where
    /// [`Config::overlap`] forbids one: nothing.
    Replace,
    /// Somebody waits to know that the peer has what was written: beat at once
    /// on the link in use; while such a beat is under way, again when it is
    /// answered.
    Confirm,
    /// Whether somebody looks at the application. Until it is said, gaps are
    /// tried whenever they can be.
    Activity(Activity),
    /// Pause: say goodbye on the link in use, abandon all others, and open
    /// none until [`Input::Resume`].
    Pause,
    /// End a pause: open a link at once, or when the server's own time has
    /// come, if it named one.
    Resume,
    /// Other settings from here on, taken as they are ([`Config::check`]).
    /// What was learned stays, unless the heartbeat's scale is another; what
    /// is under way goes on, its deadlines included.
    Update(Box<Config>),
    /// Close: say goodbye on the link in use, abandon all others, and finish
    /// within [`Config::close_deadline`].
    Close,

    // What happened to a link.
    /// The network path of an attempt is there, though TLS and the login are
    /// still to come: it shows why the link before was lost. May be left out,
    /// and comes with [`Input::Opened`] or the failure then.
    Dialled {
        /// The link.
        link: LinkId,
        /// When the path was there.
        dialled: Dialled,
    },
    /// An attempt succeeded, login included.
    Opened {
        /// The link.
        link: LinkId,
        /// What is known of it.
        opened: Opened,
    },
    /// An attempt failed.
    OpenFailed {
        /// The link that was to be opened.
        link: LinkId,
        /// Why.
        failure: Failure,
        /// When the path was there, if it came so far.
        dialled: Option<Dialled>,
    },
    /// Something came in: all that one batch of reading brought.
    Read {
        /// The link.
        link: LinkId,
        /// Whether messages were among it.
        messages: Messages,
        /// The beats that were answered, in order; `None` where an answer does
        /// not say which beat it answers.
        answers: &'a [Option<Token>],
    },
    /// Bytes of messages went out.
    Sent {
        /// The link.
        link: LinkId,
    },
    /// The inbox is full: the link is no longer read.
    Stalled {
        /// The link.
        link: LinkId,
    },
    /// There is room again, and what waited on the link was read.
    ReadAgain {
        /// The link.
        link: LinkId,
    },
    /// A link ended by itself. Everything that could be read from it was. The
    /// bytes of the goodbye itself are not to be told as read: the end is
    /// judged by the silence before it.
    Ended {
        /// The link.
        link: LinkId,
        /// How.
        end: LinkEnd,
    },
    /// What the system knows of the path under a link: the answer to
    /// [`Output::AskPath`](super::Output::AskPath), and welcome at any time;
    /// `None` where it does not tell.
    Path {
        /// The link.
        link: LinkId,
        /// What the system says.
        facts: Option<PathFacts>,
    },
    /// What the system says of the way to a link's peer: the answer to
    /// [`Output::AskRoute`](super::Output::AskRoute). `None` where it does not
    /// tell: then the link is probed as if the way had changed. An address
    /// that is gone counts at any time.
    Route {
        /// The link.
        link: LinkId,
        /// What the system says.
        facts: Option<RouteFacts>,
    },

    // What happened around.
    /// The host names the network that it is on. Say so before
    /// [`Input::Network`], which tells the rest, in the same instant, and
    /// before [`Input::Start`] where the name is known by then.
    ///
    /// Another name means another path: what was learned stays with the old
    /// one, and what is known of the new one takes its place. The same name
    /// again changes nothing.
    NetworkNamed {
        /// What the host calls it.
        network: &'a str,
    },
    /// The host says something of the network.
    Network(NetworkStatus),
    /// What is remembered of a network: the answer to
    /// [`Output::Recall`](super::Output::Recall); `recalled` is `None` where
    /// nothing is. It counts only if the host is still on that network, and
    /// only as far as nothing better is known by now.
    Recalled {
        /// The network that was asked about.
        network: Option<&'a str>,
        /// What is remembered of it.
        recalled: Option<Recalled>,
    },
    /// The time of [`Keeper::poll_timeout`](super::Keeper::poll_timeout) has
    /// come (harmless before it).
    ///
    /// Before it, read what waits on the links and tell it: a process that
    /// slept must not call a link dead whose answer is there.
    Timeout,
}

/// Where the messages of a batch stood. One that comes ahead of an answer may
/// have been held up by the path until the beat went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Messages {
    /// There were none.
    None,
    /// The first came before any answer, or there was no answer.
    BeforeAnswers,
    /// All came behind the first answer.
    AfterAnswers,
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
