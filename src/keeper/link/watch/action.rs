//! What a watch says: what is to be done, and what a silence was like.

use std::time::Duration;

use crate::keeper::event::Detection;
use crate::keeper::names::Token;

/// What a deadline led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum WatchAction {
    /// Nothing yet.
    Wait,
    /// The system is to be asked what it knows of the path.
    AskPath,
    /// A beat goes out.
    Beat { token: Token, gap: Duration },
    /// A beat was missed and the next goes out.
    Missed { consecutive: u32, token: Token },
    /// The link is dead. `asked` is what it was asked after, for evidence,
    /// and `acknowledged` whether all that was asked is known to have arrived.
    Dead { detection: Detection, asked: Option<BeatRow>, acknowledged: Option<bool> },
}

/// What the first of a row of beats was sent after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct BeatRow {
    /// The longest time without a byte, either way, since the last one in.
    pub(in crate::keeper) gap: Duration,
    /// Whether the gap was one that the prober tries.
    pub(in crate::keeper) is_try: bool,
    /// Whether something spoils it as evidence.
    pub(in crate::keeper) spoiled: bool,
    /// Whether the peer was to speak at its end, and did not.
    pub(in crate::keeper) requested: bool,
    /// Whether a beat of the row is known not to have arrived by its
    /// deadline: then the path was dead both ways, and had not forgotten one.
    pub(in crate::keeper) lost: bool,
}

/// What an end is to be judged by.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Silence {
    /// Time since any byte, either way.
    pub(in crate::keeper) gap: Duration,
    /// What waits for an answer.
    pub(in crate::keeper) asked: Option<BeatRow>,
    /// The longest silence that what we sent has ended, if it went out so
    /// short a time ago that an end now may be the answer to it.
    pub(in crate::keeper) just_ended: Option<Duration>,
    /// Whether something spoils the gap as evidence, or the end may have
    /// waited to be read.
    pub(in crate::keeper) spoiled: bool,
}
