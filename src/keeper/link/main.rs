//! The link in use, with all state that ends with it.

use std::net::IpAddr;
use std::time::Duration;

use super::opened::Opened;
use super::replies::{Replies, ReplyMeaning};
use super::route_check::{RouteAction, RouteCheck};
use super::watch::{InboundKind, Proof, Watch};
use crate::keeper::config::Heartbeat;
use crate::keeper::event::Evidence;
use crate::keeper::moment::Moment;
use crate::keeper::timer::Timer;

/// A stalled reader is told after this.
const STALL_TOLD: Duration = Duration::from_secs(1);

/// The link in use.
#[derive(Debug)]
pub(in crate::keeper) struct Main {
    pub(in crate::keeper) epoch: u64,
    pub(in crate::keeper) since: Moment,
    pub(in crate::keeper) local: Option<IpAddr>,
    /// How long its dial took.
    pub(in crate::keeper) dial: Duration,
    /// Opening it has shown who the peer is.
    pub(in crate::keeper) vouched: bool,
    pub(in crate::keeper) watch: Watch,
    /// How far the peer is trusted to speak when asked.
    pub(in crate::keeper) replies: Replies,
    /// A byte came in since the link was taken into use.
    heard: bool,
    pub(in crate::keeper) stall: Option<Stall>,
    /// The last message, or the moment when the link was taken into use.
    pub(in crate::keeper) message: Moment,
    /// Evidence that something else than idleness has happened since the last byte
    /// came in: a death now says nothing about idleness.
    pub(in crate::keeper) disturbed: Option<Evidence>,
    /// When the way to the peer is checked, after news of the network.
    pub(in crate::keeper) route_check: Option<RouteCheck>,
    /// When such news last led to a probe.
    pub(in crate::keeper) probed: Option<Moment>,
    /// When a scout was last sent or opened beside it.
    pub(in crate::keeper) scout_came: Option<Moment>,
}

/// The link in use is not read.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct Stall {
    pub(in crate::keeper) since: Moment,
    pub(in crate::keeper) told: bool,
}

/// The knowledge about the path that changes what a byte proves.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct PathKnowledge {
    /// The longest gap known to survive.
    pub(in crate::keeper) proven: Duration,
    /// Peers on this path speak when they are asked.
    pub(in crate::keeper) peer_replies: bool,
}

/// The conclusions from one batch of reading.
#[derive(Clone, Copy, Debug)]
pub(in crate::keeper) struct ReadResult {
    /// The gap that the link has lived through, if the gap is evidence.
    pub(in crate::keeper) survived: Option<Duration>,
    /// The proof of it.
    pub(in crate::keeper) proof: Proof,
    /// Whether the batch ended a row of beats.
    pub(in crate::keeper) answered: bool,
    /// The meaning of a reply to a request to speak.
    pub(in crate::keeper) shown: ReplyMeaning,
    /// The batch came just now: it did not wait behind a stalled reader, or while the
    /// process stood still.
    pub(in crate::keeper) fresh: bool,
}

impl Main {
    pub(in crate::keeper) fn new(epoch: u64, opened: &Opened, watch: Watch, now: Moment) -> Main {
        Main {
            epoch,
            since: now,
            local: opened.dialled.local,
            dial: opened.dialled.took,
            vouched: opened.vouched,
            watch,
            replies: Replies::new(opened.answers_after),
            heard: false,
            stall: None,
            message: now,
            disturbed: None,
            route_check: None,
            probed: None,
            scout_came: None,
        }
    }

    /// The next thing that is due.
    pub(in crate::keeper) fn next_due(
        &self,
        heartbeat: &Heartbeat,
        silence_limit: Option<Duration>,
    ) -> Option<(Moment, Timer)> {
        let message = silence_limit
            .filter(|_| self.stall.is_none())
            .map(|limit| (self.message + limit, Timer::Message));
        let stall = self
            .stall
            .filter(|stall| !stall.told)
            .map(|stall| (stall.since + heartbeat.unit(STALL_TOLD), Timer::Stall));
        let check = self.route_check.map(|check| (check.at, Timer::Network));
        // The route check is first among things that are due at once: without an
        // address there is no link to ask.
        [check, self.watch.next_due(), stall, message].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The link was in use for long enough, and a byte came in.
    pub(in crate::keeper) fn has_proved(&self, stable: Duration, now: Moment) -> bool {
        self.heard && now.since(self.since) >= stable
    }

    /// A batch came in.
    pub(in crate::keeper) fn read(
        &mut self,
        kind: InboundKind,
        known: PathKnowledge,
        now: Moment,
    ) -> ReadResult {
        self.heard = true;
        self.disturbed = None;
        // The request was void, and a beat took its place: the answer to the beat
        // proves that the path carries our packets, and no more.
        let in_place = self.replies.are_possible()
            && known.peer_replies
            && self.watch.asked().is_some_and(|asked| {
                let tries = asked.is_try || asked.gap > known.proven;
                tries && !asked.requested
            });
        let heard = self.watch.hear(kind, now);
        let fresh = self.stall.is_none() && !heard.behind;
        let shown = heard.reply.map_or(ReplyMeaning::Nothing, |reply| self.replies.judge(reply));
        let survived = heard.survived.filter(|_| !in_place);
        ReadResult { survived, proof: heard.proof, answered: heard.answered, shown, fresh }
    }

    /// Checks the way to the peer at `at`. If a check is planned already, the
    /// stronger action counts.
    pub(in crate::keeper) fn check_route(&mut self, at: Moment, then: RouteAction) {
        // An answer about the earlier way says nothing about the way now.
        self.route_check.take_if(|check| check.asked);
        let check = self.route_check.get_or_insert(RouteCheck::new(at, then));
        check.then = check.then.max(then);
    }
}
