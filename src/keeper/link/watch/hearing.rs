//! Bytes that come in, and the conclusions from them.

use std::time::Duration;

use super::request::{self, Reply};
use super::{Watch, WatchState};
use crate::keeper::moment::Moment;
use crate::keeper::names::Token;

/// The kind of bytes that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum InboundKind {
    /// A beat's answer, or anything else.
    Bytes,
    /// A message, ahead of any answer.
    Message,
}

/// The proof that a link has lived through a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) enum Proof {
    /// The peer spoke first. This proof is the stronger one: the path carries
    /// packets that the peer sends by itself.
    PeerSpoke,
    /// A beat of ours was answered. A path that takes up again what it had
    /// forgotten answers too.
    BeatAnswered,
}

/// The conclusions from an inbound byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct Inbound {
    /// The gap that the link has lived through, if the gap is evidence.
    pub(in crate::keeper) survived: Option<Duration>,
    /// The proof of it.
    pub(in crate::keeper) proof: Proof,
    /// The reply to a request to speak.
    pub(in crate::keeper) reply: Option<Reply>,
    /// Whether the byte ended a row of beats: a new pace is wanted.
    pub(in crate::keeper) answered: bool,
    /// Whether the byte may have waited while the process stood still.
    pub(in crate::keeper) behind: bool,
}

/// The beat that an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct Matched {
    /// The round trip, if it can be measured.
    pub(in crate::keeper) rtt: Option<Duration>,
    /// Whether a sender waits for another beat.
    pub(in crate::keeper) again: bool,
}

impl Watch {
    /// Bytes came in.
    pub(in crate::keeper) fn hear(&mut self, kind: InboundKind, now: Moment) -> Inbound {
        let behind = self.is_behind(now);
        if behind {
            self.spoil();
            self.measured_from = now;
        }
        let clean = !self.is_spoiled();
        let request = self.request.take();
        // Bytes in the same turn as the request were there before it.
        self.request = request.filter(|request| request.at == now);
        let (survived, answered, proof, reply) = match self.phase {
            WatchState::Quiet => {
                let kept = request.filter(|request| request.is_kept(now));
                // The time that the reply took is no part of the silence.
                let longest = kept.map_or(Duration::MAX, |request| request.silence);
                let gap = clean.then(|| self.gap(now).min(longest));
                (gap, kept.is_some(), Proof::PeerSpoke, kept.map(|_| Reply::Kept))
            }
            // A beat can bring back a flow that the path had forgotten. Then a message
            // that the peer sent earlier comes in ahead of the answer, and late. A path
            // that knew the flow would have let the message through in time.
            WatchState::Asking { asked, missed, .. } if kind == InboundKind::Message && !asked.requested => {
                let late = clean && !asked.lost && missed > 0 && self.can_be_prompt();
                (None, true, Proof::PeerSpoke, late.then_some(Reply::HeldUp(asked.gap)))
            }
            WatchState::Asking { asked, missed, .. } => {
                let reply = asked
                    .requested
                    .then(|| {
                        request::missing(asked.gap, missed, clean && !asked.lost && self.can_be_prompt())
                    })
                    .flatten();
                let survived = (clean && !asked.requested).then_some(asked.gap);
                (survived, true, Proof::BeatAnswered, reply)
            }
            WatchState::Probing { .. } => (None, true, Proof::BeatAnswered, None),
        };
        if self.stalled.is_none() {
            self.phase = WatchState::Quiet;
            self.spoiled = false;
            self.ask_path_at = None;
            self.asked_path = false;
            self.acknowledged = None;
            self.heard = now;
            self.ended = Duration::ZERO;
            self.rests_until = None;
        }
        // The link is alive: of the early beats only a probe is still worth sending.
        self.ahead = self.ahead.filter(|ahead| ahead.is_probe());
        if let Some(pace) = self.pace
            && now >= self.rhythm
        {
            // The bytes spared a beat, unless they were the reply to a request.
            let asked_for = u64::from(reply == Some(Reply::Kept));
            let pace = pace.after.max(Duration::from_nanos(1));
            let passed = now.since(self.rhythm).as_nanos() / pace.as_nanos();
            let beats = u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1);
            self.saved += u64::from(beats) - asked_for;
            self.rhythm = self.rhythm + pace * beats;
        }
        self.answers = self.answers.wrapping_add(u32::from(answered));
        Inbound { survived, proof, reply, answered, behind }
    }

    /// Matches an answer to its beat. Call after [`hear`].
    ///
    /// [`hear`]: Watch::hear
    pub(in crate::keeper) fn match_answer(&mut self, token: Option<Token>, now: Moment) -> Matched {
        let sent = match token {
            Some(token) => self.unanswered.take(token),
            None => self.unanswered.take_only(),
        };
        let measures = |sent: &Moment| self.stalled.is_none() && *sent >= self.measured_from;
        let rtt = sent.filter(measures).map(|sent| now.since(sent));
        if let Some(rtt) = rtt {
            self.rtt.sample(rtt);
        }
        let again = match (self.confirming, token) {
            (Some(confirming), Some(token)) if token.0 < confirming.token.0 => false,
            (Some(confirming), _) => {
                self.confirming = None;
                confirming.again
            }
            (None, _) => false,
        };
        // An answer behind a late reply voids the conclusion from the reply.
        self.answers = self.answers.wrapping_add(u32::from(sent.is_some()));
        Matched { rtt, again }
    }
}
