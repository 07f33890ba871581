//! How far a peer is trusted to speak when it is asked.

use std::time::Duration;

use super::watch::Reply;

/// A peer that was asked so often in a row, never spoke, and answers
/// beats all the same is not asked again on this link.
const NEVER_SPEAKS: u32 = 3;
/// Two gaps are the same within this part: messages of ours in between make a
/// gap a little shorter.
const SAME: f64 = 0.1;

/// The replies of one link's peer to requests to speak. The peer of another link
/// may be another server.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Replies {
    /// The peer can be asked.
    possible: bool,
    /// The peer was asked, and spoke.
    kept: bool,
    /// How many times the peer was asked and did not speak, before it ever spoke.
    missing: u32,
    /// The gap after which the peer did not speak, though it had before.
    broken: Option<Duration>,
}

/// The meaning of one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum ReplyMeaning {
    /// Nothing yet.
    Nothing,
    /// Whether the peer speaks when it is asked.
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

    /// Judges the reply to a request to speak.
    pub(in crate::keeper) fn judge(&mut self, reply: Reply) -> ReplyMeaning {
        match reply {
            Reply::Kept => {
                self.kept = true;
                self.broken = None;
                ReplyMeaning::Trust(true)
            }
            // One missing reply may be lost or late as any packet: the peer is
            // asked again for the same gap, which costs no link.
            Reply::Missing(gap) if self.kept => {
                let again = self.broken.take().is_some_and(|last| gap.abs_diff(last) <= last.mul_f64(SAME));
                self.broken = (!again).then_some(gap);
                if again { ReplyMeaning::Forgotten(gap) } else { ReplyMeaning::Nothing }
            }
            // A peer that has never spoken is asked again for the shortest gap.
            Reply::Missing(_) => {
                self.missing += 1;
                self.possible = self.missing < NEVER_SPEAKS;
                ReplyMeaning::Trust(false)
            }
            Reply::HeldUp(gap) => ReplyMeaning::Forgotten(gap),
        }
    }
}
