//! The actions that a watch asks for, and its view of a silence.

use std::time::Duration;

use crate::keeper::event::Detection;
use crate::keeper::names::Token;

/// The action that a deadline asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum WatchAction {
    /// No action yet.
    Wait,
    /// Ask the system for the path's facts.
    AskPath,
    /// Send a beat.
    Beat { token: Token, gap: Duration },
    /// Send the next beat: one was missed.
    Missed { consecutive: u32, token: Token },
    /// The link is dead. `asked` is the row of beats, for evidence, and
    /// `acknowledged` tells whether all its beats are known to have arrived.
    Dead { detection: Detection, asked: Option<BeatRow>, acknowledged: Option<bool> },
}

/// A row of beats: the silence that its first beat was sent after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct BeatRow {
    /// The longest time without a byte, either way, since the last one in.
    pub(in crate::keeper) gap: Duration,
    /// Whether the prober tries this gap.
    pub(in crate::keeper) is_try: bool,
    /// Whether something spoils the gap as evidence.
    pub(in crate::keeper) spoiled: bool,
    /// Whether the peer was to speak at the gap's end, and did not.
    pub(in crate::keeper) requested: bool,
    /// Whether a beat of the row is known not to have arrived by its
    /// deadline: then the path was dead both ways, and had not forgotten one way.
    pub(in crate::keeper) lost: bool,
}

/// The silence by which an end is judged.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Silence {
    /// Time since any byte, either way.
    pub(in crate::keeper) gap: Duration,
    /// The row of unanswered beats.
    pub(in crate::keeper) asked: Option<BeatRow>,
    /// The longest silence that a byte of ours has ended, if it went out so
    /// short a time ago that an end now may be the answer to it.
    pub(in crate::keeper) just_ended: Option<Duration>,
    /// Whether something spoils the gap as evidence, or the end may have
    /// waited to be read.
    pub(in crate::keeper) spoiled: bool,
}
