//! How far a peer can be trusted to speak when it was asked to.

use std::time::Duration;

use super::watch::Reply;

/// A peer that was asked to speak so often in a row, never did, and answers
/// beats all the same is not asked again on this link.
const NEVER_SPEAKS: u32 = 3;
/// A gap is the same once more within this part of it: what we send meanwhile
/// makes it a little shorter.
const SAME: f64 = 0.1;

/// What the peer of one link made of requests to speak after a silence. Another
/// link's peer may be another.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Replies {
    /// The peer can be asked.
    possible: bool,
    /// It was, and did.
    kept: bool,
    /// How many times it was asked and did not, before it ever did.
    missing: u32,
    /// The gap after which it did not, though it had before.
    broken: Option<Duration>,
}

/// What one reply shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum ReplyMeaning {
    /// Nothing yet.
    Nothing,
    /// The peer does what it is asked, or not.
    Trust(bool),
    /// The path had forgotten the flow within this gap.
    Forgotten(Duration),
}

impl Replies {
    pub(in crate::keeper) fn new(possible: bool) -> Replies {
        Replies { possible, kept: false, missing: 0, broken: None }
    }

    /// Whether it is worth asking the peer.
    pub(in crate::keeper) fn are_possible(&self) -> bool {
        self.possible
    }

    /// What became of what the peer was asked to say.
    pub(in crate::keeper) fn judge(&mut self, reply: Reply) -> ReplyMeaning {
        match reply {
            Reply::Kept => {
                self.kept = true;
                self.broken = None;
                ReplyMeaning::Trust(true)
            }
            // Once it may have been lost or late as any packet: it is asked
            // again for the same gap, which costs no link.
            Reply::Missing(gap) if self.kept => {
                let again = self.broken.take().is_some_and(|last| gap.abs_diff(last) <= last.mul_f64(SAME));
                self.broken = (!again).then_some(gap);
                if again { ReplyMeaning::Forgotten(gap) } else { ReplyMeaning::Nothing }
            }
            // And for the shortest gap where it has never spoken.
            Reply::Missing(_) => {
                self.missing += 1;
                self.possible = self.missing < NEVER_SPEAKS;
                ReplyMeaning::Trust(false)
            }
            Reply::HeldUp(gap) => ReplyMeaning::Forgotten(gap),
        }
    }
}
