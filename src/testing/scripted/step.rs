//! What becomes of one attempt.

use std::net::SocketAddr;
use std::time::Duration;

use crate::keeper::PathFacts;
use crate::transport::ConfirmedBy;
use crate::{Beat, Failure};

/// What becomes of one attempt to connect.
///
/// Unless told otherwise it happens at once, and an attempt that opens a link
/// reports its dial at once.
#[derive(Clone, Debug)]
pub struct Step {
    pub(super) outcome: Outcome,
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
pub(super) enum Outcome {
    Open,
    Fail(Failure),
    Hang,
    Panic,
}

impl Step {
    /// A link opens. It beats by [`Beat::Ping`], and its peer answers beats
    /// and goodbyes at once.
    pub fn open() -> Step {
        Step { dial: Some(Duration::ZERO), ..Step::to(Outcome::Open) }
    }

    /// The address refuses.
    pub fn refuse() -> Step {
        Step::fail(Failure::Refused)
    }

    /// The attempt fails.
    pub fn fail(failure: Failure) -> Step {
        Step::to(Outcome::Fail(failure))
    }

    /// Nothing ever comes of it; only its deadline ends it.
    pub fn hang() -> Step {
        Step::to(Outcome::Hang)
    }

    /// The transport panics.
    pub fn panic() -> Step {
        Step::to(Outcome::Panic)
    }

    /// It happens this long after the attempt began.
    pub fn after(mut self, after: Duration) -> Step {
        self.after = after;
        self
    }

    /// The network path is there, and the attempt reports it, this long after
    /// the attempt began. Without it a failing attempt reports nothing.
    pub fn dialled_after(mut self, dial: Duration) -> Step {
        self.dial = Some(dial);
        self
    }

    /// The local address that the dial reports and the link has. Default:
    /// none.
    pub fn local_addr(mut self, local: SocketAddr) -> Step {
        self.local_addr = Some(local);
        self
    }

    /// Who beats on the link.
    pub fn beat(mut self, beat: Beat) -> Step {
        self.beat = beat;
        self
    }

    /// What shows that a message has reached the peer. The default goes by
    /// the beat.
    pub fn confirmed_by(mut self, confirmed_by: ConfirmedBy) -> Step {
        self.confirmed_by = Some(confirmed_by);
        self
    }

    /// What the link says of the path under it, until the test says otherwise
    /// with [`Peer::path_facts`](super::Peer::path_facts). Default: nothing.
    pub fn path_facts(mut self, facts: PathFacts) -> Step {
        self.path_facts = Some(facts);
        self
    }

    /// How the peer answers beats, until the test says otherwise with
    /// [`Peer::answers`](super::Peer::answers).
    pub fn answers(mut self, answers: Answers) -> Step {
        self.answers = answers;
        self
    }

    /// The peer can be asked to speak after a silence
    /// ([`Link::answer_me_after`](crate::transport::Link::answer_me_after)),
    /// and does so at that time, later by this, or not at all, until the test
    /// says otherwise with [`Peer::words`](super::Peer::words). Default: it
    /// cannot be asked.
    pub fn words(mut self, words: Answers) -> Step {
        self.words = Some(words);
        self
    }

    /// How the peer answers our goodbye, with a close of its own (code 1000).
    pub fn goodbyes(mut self, answers: Answers) -> Step {
        self.goodbyes = answers;
        self
    }

    fn to(outcome: Outcome) -> Step {
        Step {
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
    /// At the instant of asking.
    AtOnce,
    /// This long after.
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
