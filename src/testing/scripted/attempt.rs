//! One attempt of a script.

use std::net::SocketAddr;
use std::time::Duration;

use crate::keeper::PathFacts;
use crate::transport::ConfirmedBy;
use crate::{Beat, Failure};

/// One attempt of a [`Script`](super::Script): its outcome, and the properties
/// of the link if one opens.
///
/// By default the outcome comes at once, and an attempt that opens a link
/// reports its dial at once.
#[derive(Clone, Debug)]
pub struct ScriptedAttempt {
    pub(super) outcome: AttemptOutcome,
    pub(super) dial: Option<Duration>,
    pub(super) after: Duration,
    pub(super) local_addr: Option<SocketAddr>,
    pub(super) beat: Beat,
    pub(super) confirmed_by: Option<ConfirmedBy>,
    pub(super) path_facts: Option<PathFacts>,
    pub(super) answers: Answers,
    pub(super) words: Option<Answers>,
    pub(super) goodbyes: Answers,
}

#[derive(Clone, Debug)]
pub(super) enum AttemptOutcome {
    Open,
    Fail(Failure),
    Hang,
    Panic,
}

impl ScriptedAttempt {
    /// A link opens. Its beat is [`Beat::Ping`], and its peer answers beats and
    /// goodbyes at once.
    pub fn open() -> ScriptedAttempt {
        ScriptedAttempt { dial: Some(Duration::ZERO), ..ScriptedAttempt::to(AttemptOutcome::Open) }
    }

    /// The address refuses the attempt ([`Failure::Refused`]).
    pub fn refuse() -> ScriptedAttempt {
        ScriptedAttempt::fail(Failure::Refused)
    }

    /// The attempt fails with `failure`.
    pub fn fail(failure: Failure) -> ScriptedAttempt {
        ScriptedAttempt::to(AttemptOutcome::Fail(failure))
    }

    /// The attempt never ends by itself; only its deadline ends it.
    pub fn hang() -> ScriptedAttempt {
        ScriptedAttempt::to(AttemptOutcome::Hang)
    }

    /// The transport panics.
    pub fn panic() -> ScriptedAttempt {
        ScriptedAttempt::to(AttemptOutcome::Panic)
    }

    /// The outcome comes this long after the attempt began. Default: zero.
    pub fn after(mut self, after: Duration) -> ScriptedAttempt {
        self.after = after;
        self
    }

    /// The attempt reports its dial this long after it began. Default: zero for
    /// an attempt that opens a link; an attempt that fails reports no dial.
    pub fn dialled_after(mut self, dial: Duration) -> ScriptedAttempt {
        self.dial = Some(dial);
        self
    }

    /// The local address that the dial reports and the link has. Default:
    /// none.
    pub fn local_addr(mut self, local: SocketAddr) -> ScriptedAttempt {
        self.local_addr = Some(local);
        self
    }

    /// Who beats on the link. Default: [`Beat::Ping`].
    pub fn beat(mut self, beat: Beat) -> ScriptedAttempt {
        self.beat = beat;
        self
    }

    /// The sign that a message has reached the peer. The default depends on the
    /// beat.
    pub fn confirmed_by(mut self, confirmed_by: ConfirmedBy) -> ScriptedAttempt {
        self.confirmed_by = Some(confirmed_by);
        self
    }

    /// The path facts that the link reports, until
    /// [`ScriptedPeer::path_facts`](super::ScriptedPeer::path_facts) changes
    /// them. Default: none.
    pub fn path_facts(mut self, facts: PathFacts) -> ScriptedAttempt {
        self.path_facts = Some(facts);
        self
    }

    /// How the peer answers beats, until
    /// [`ScriptedPeer::answers`](super::ScriptedPeer::answers) changes it.
    /// Default: at once.
    pub fn answers(mut self, answers: Answers) -> ScriptedAttempt {
        self.answers = answers;
        self
    }

    /// The peer can be asked to speak after a silence
    /// ([`Link::answer_me_after`](crate::transport::Link::answer_me_after)).
    /// The peer speaks at the requested time, later by a delay, or not at all, until
    /// [`ScriptedPeer::words`](super::ScriptedPeer::words) changes it.
    /// Default: the peer cannot be asked.
    pub fn words(mut self, words: Answers) -> ScriptedAttempt {
        self.words = Some(words);
        self
    }

    /// How the peer answers a goodbye of the link, with a close of its own (code
    /// 1000). Default: at once.
    pub fn goodbyes(mut self, answers: Answers) -> ScriptedAttempt {
        self.goodbyes = answers;
        self
    }

    fn to(outcome: AttemptOutcome) -> ScriptedAttempt {
        ScriptedAttempt {
            outcome,
            dial: None,
            after: Duration::ZERO,
            local_addr: None,
            beat: Beat::Ping,
            confirmed_by: None,
            path_facts: None,
            answers: Answers::AtOnce,
            words: None,
            goodbyes: Answers::AtOnce,
        }
    }
}

/// Whether and when a peer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// At once.
    AtOnce,
    /// After this delay.
    After(Duration),
    /// Not at all.
    Never,
}

impl Answers {
    pub(super) fn delay(self) -> Option<Duration> {
        match self {
            Answers::AtOnce => Some(Duration::ZERO),
            Answers::After(delay) => Some(delay),
            Answers::Never => None,
        }
    }
}
