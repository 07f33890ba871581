//! The inputs of a keeper.

use super::activity::Activity;
use super::config::Config;
use super::end::{Failure, LinkEnd};
use super::facts::{PathFacts, RouteFacts};
use super::link::{Dialled, Opened};
use super::names::{LinkId, Token};
use super::path::Recalled;

/// An input of a keeper: an event or a command. One call of
/// [`Keeper::handle`](super::Keeper::handle) takes one of these.
///
/// Inputs about a link that was abandoned, or never opened, change nothing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input<'a> {
    // Commands.
    /// Begin: open the first link. Once.
    Start,
    /// Probe the link in use: one beat with one deadline, which any byte answers.
    /// The deadline is 3 s, or that of a beat, or twice the shortest round trip (at
    /// most the time of a whole row of beats), whichever is longest. Unanswered, the
    /// link is dead. News that the network is gone calls the probe off. While waiting,
    /// the next attempt begins at once.
    Probe,
    /// Abandon the link in use, or end a wait, and open a new link at once. A
    /// second link that is being opened beside the first is that new link.
    /// Does nothing while an attempt is under way and no link is in use.
    Reconnect,
    /// Open a second link beside the one in use, which it replaces once it is
    /// open: goodbye is said on the first, which is then read to its end. If
    /// the second cannot be opened, nothing changes; if the first is lost
    /// meanwhile, the second is the attempt to come back. Does nothing without a link
    /// in use, while a second is being opened already, and where
    /// [`Config::overlap`] forbids one.
    Replace,
    /// A sender waits to know that the peer has its message: beat at once
    /// on the link in use. While such a beat is under way, beat again when it is
    /// answered.
    Confirm,
    /// Whether somebody looks at the application. Until this is told, gaps are
    /// tried whenever that is possible.
    Activity(Activity),
    /// Pause: say goodbye on the link in use, abandon all others, and open
    /// none until [`Input::Resume`].
    Pause,
    /// End a pause: open a link at once, or when the server's own time has
    /// come, if it named one.
    Resume,
    /// Other settings from here on, taken as they are ([`Config::check`]).
    /// The lessons stay, unless the heartbeat's scale changes; attempts and
    /// deadlines that run go on.
    Update(Box<Config>),
    /// Close: say goodbye on the link in use, abandon all others, and finish
    /// within [`Config::close_deadline`].
    Close,

    // Events of a link.
    /// The network path of an attempt is there, though TLS and the login are
    /// still to come: it shows why the link before was lost. May be left out;
    /// then it comes with [`Input::Opened`] or the failure.
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
        /// The facts about it.
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
    /// Bytes came in: the result of one batch of reading.
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
    /// A link ended by itself, and everything that could be read from it was. The
    /// bytes of a goodbye itself must not be told as read: the end is
    /// judged by the silence before it.
    Ended {
        /// The link.
        link: LinkId,
        /// How.
        end: LinkEnd,
    },
    /// The system's facts about the path under a link: the answer to
    /// [`Output::AskPath`](super::Output::AskPath), and welcome at any time;
    /// `None` where the system does not tell.
    Path {
        /// The link.
        link: LinkId,
        /// The system's facts.
        facts: Option<PathFacts>,
    },
    /// The system's way to a link's peer: the answer to
    /// [`Output::AskRoute`](super::Output::AskRoute). `None` where the system does not
    /// tell: then the link is probed as if the way had changed. An address
    /// that is gone counts at any time.
    Route {
        /// The link.
        link: LinkId,
        /// The system's facts.
        facts: Option<RouteFacts>,
    },

    // Events of the host.
    /// The host names the network that it is on. Tell this before
    /// [`Input::Network`], which tells the rest, at the same instant, and
    /// before [`Input::Start`] where the name is known by then.
    ///
    /// Another name means another path: the lessons stay with the old
    /// network, and stored lessons of the new one take their place. The same name
    /// again changes nothing.
    NetworkNamed {
        /// The host's name for it.
        network: &'a str,
    },
    /// The host reports about the network.
    Network(NetworkStatus),
    /// The stored lessons about a network: the answer to
    /// [`Output::Recall`](super::Output::Recall); `recalled` is `None` where
    /// nothing is stored. It counts only if the host is still on that network, and
    /// only where no better observation has been made.
    Recalled {
        /// The network that was asked about.
        network: Option<&'a str>,
        /// The stored lessons.
        recalled: Option<Recalled>,
    },
    /// The time of [`Keeper::poll_timeout`](super::Keeper::poll_timeout) has
    /// come (harmless before it).
    ///
    /// First read the waiting bytes of the links and tell them: a process that
    /// slept must not declare a link dead whose answer has arrived.
    Timeout,
}

/// The place of the messages of a batch among its answers. The path may have held
/// up a message that comes ahead of an answer until the beat went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Messages {
    /// The batch had no message.
    None,
    /// The first message came before any answer, or there was no answer.
    BeforeAnswers,
    /// All messages came behind the first answer.
    AfterAnswers,
}

/// The host's report about the network: a hint, which may come early, late or
/// never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkStatus {
    /// The network is there (again).
    Online,
    /// The network is gone.
    Offline,
    /// The network is another: an address or the default route changed.
    Changed,
    /// The machine woke from sleep. Where the system's clocks tell the
    /// sleep (Linux), the keeper notices it by itself, but not before something else
    /// wakes the process.
    Woke,
}
