//! Requests that the peer speak, and its replies.
//!
//! A beat that is answered shows that the path carries our packets. Some
//! routers take up a flow again that they had forgotten when such a packet
//! comes (Linux with `nf_conntrack_tcp_loose`): the beat is answered though no
//! packet that the peer sent first could have come in. A peer that was
//! asked to speak first shows the other direction.

use std::time::Duration;

use crate::keeper::moment::Moment;

/// A peer's clock may be this much fast.
const ON_TIME: f64 = 0.98;
/// Beats that may be missed before an answer no longer says that the path had
/// forgotten the flow: after a longer row the cause was an outage. One miss is
/// allowed, since the peer's system repeats a lost reply only after as long as
/// the reply has waited, and then the reply comes ahead of the answer.
const MISSED: u32 = 1;

/// The peer was asked to say something after a silence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    /// When it was asked.
    pub(super) at: Moment,
    pub(super) silence: Duration,
}

/// The peer's reply to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Reply {
    /// The peer spoke as it was asked.
    Kept,
    /// The peer did not speak, though it answers beats: the path has forgotten its
    /// side of the flow within this silence, if the peer speaks when it is asked.
    Missing(Duration),
    /// The path held the reply up until a beat of ours went out, after this gap.
    HeldUp(Duration),
}

impl Request {
    /// When a missing reply is given up: it has as long as the answer to a beat.
    pub(super) fn due(&self, patience: Duration) -> Moment {
        self.at + self.silence + patience
    }

    /// Whether bytes that come now are the reply.
    pub(super) fn is_kept(&self, now: Moment) -> bool {
        now.since(self.at) >= self.silence.mul_f64(ON_TIME)
    }
}

/// The meaning of an answer after `missed` misses, where no reply of the
/// peer had come before.
pub(super) fn missing(silence: Duration, missed: u32, clean: bool) -> Option<Reply> {
    (clean && missed <= MISSED).then_some(Reply::Missing(silence))
}
