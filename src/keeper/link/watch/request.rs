//! What a peer was asked to say, and whether it did.
//!
//! A beat that is answered shows that the path carries what we send. Some
//! routers take up a flow again that they had forgotten when such a packet
//! comes (Linux with `nf_conntrack_tcp_loose`): the beat is answered though
//! nothing that the peer would have said could have come in. A peer that was
//! asked to speak first shows the other direction.

use std::time::Duration;

use crate::keeper::moment::Moment;

/// A peer's clock may be this much fast.
const ON_TIME: f64 = 0.98;
/// Beats that may be missed before an answer no longer says that the path had
/// forgotten the flow: after a longer row it was an outage. One may, since the
/// peer's system sends its reply again, ahead of the answer, only as long after
/// as it has waited already.
const MISSED: u32 = 1;

/// The peer was asked to say something after a silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it was asked.
    pub(super) at: Moment,
    pub(super) silence: Duration,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Reply {
    /// The peer spoke as it was asked.
    Kept,
    /// It did not, though it answers: the path has forgotten its side of the
    /// flow within this silence, if the peer is one that speaks when it is asked to.
    Missing(Duration),
    /// What it had to say was held up by the path until a beat of ours went
    /// out, after this gap.
    HeldUp(Duration),
}

impl Request {
    /// When a reply that has not come is given up: it is given as long as the
    /// answer to a beat.
    pub(super) fn due(&self, patience: Duration) -> Moment {
        self.at + self.silence + patience
    }

    /// Whether a reply that comes now is the one.
    pub(super) fn is_kept(&self, now: Moment) -> bool {
        now.since(self.at) >= self.silence.mul_f64(ON_TIME)
    }
}

/// What an answer says that came after so many misses, where a reply of the
/// peer had not come before.
pub(super) fn missing(silence: Duration, missed: u32, clean: bool) -> Option<Reply> {
    (clean && missed <= MISSED).then_some(Reply::Missing(silence))
}
