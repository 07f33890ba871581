//! Why a link died, judged by what the next dial shows.

use std::net::IpAddr;
use std::time::Duration;

use super::event::{Cause, Ground};
use super::heartbeat::Evidence;
use super::links::LinkId;
use super::watch::{Asked, Watch};
use super::{Dialled, LinkEnd, Moment, Seen};

/// A dial this quick is "at once": the path works.
const AT_ONCE: Duration = Duration::from_secs(1);
/// So is one within so many round trips …
const ROUND_TRIPS: u32 = 4;
/// … or so many times what the dial of the dead link took: where names, proxies
/// or the path itself are slow each dial is, and no death would ever be judged.
const DIALS: u32 = 2;

/// A link that died, waiting for the next dial to show why.
#[derive(Debug)]
pub(super) struct Inquest {
    pub(super) link: LinkId,
    pub(super) local: Option<IpAddr>,
    pub(super) rtt: Option<Duration>,
    /// How long the link's own dial took.
    pub(super) dial: Duration,
    /// What the death says about the idle timeout if the path still works.
    pub(super) evidence: Option<Evidence>,
    /// The cause if the path still works and the timeout was not it.
    pub(super) otherwise: Cause,
    /// The peer's system is known not to have received what was sent.
    pub(super) unacknowledged: bool,
    /// Something that spoils the conclusion came in between.
    pub(super) spoiled: Option<Ground>,
}

/// What an inquest concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) cause: Cause,
    pub(super) ground: Ground,
    /// What the prober may learn from it.
    pub(super) evidence: Option<Evidence>,
}

impl Finding {
    /// What it rests on, to be told: that the system has not acknowledged
    /// what was sent says more than a quick dial where the dial alone does
    /// not explain the death.
    pub(super) fn ground_for(&self, unacknowledged: bool) -> Ground {
        match (self.cause, self.ground) {
            (Cause::PathDead, Ground::ConnectedAtOnce) if unacknowledged => Ground::Unacknowledged,
            (_, ground) => ground,
        }
    }
}

impl Inquest {
    /// Concludes from the first attempt after the death; `unit` scales one
    /// second to the heartbeat's.
    pub(super) fn conclude(&self, dialled: Option<Dialled>, unit: impl Fn(Duration) -> Duration) -> Finding {
        let silent = |cause, ground| Finding { cause, ground, evidence: None };
        if let Some(ground) = self.spoiled {
            return silent(self.unless_peer_spoke(Cause::PathDead), ground);
        }
        let Some(dialled) = dialled else {
            return silent(self.unless_peer_spoke(Cause::PathDead), Ground::DialFailed);
        };
        if self.local != dialled.local {
            return silent(self.unless_peer_spoke(Cause::AddressGone), Ground::AddressChanged);
        }
        if dialled.took > self.at_once(unit) {
            return silent(self.unless_peer_spoke(Cause::PathDead), Ground::DialFailed);
        }
        Finding { cause: self.otherwise, ground: Ground::ConnectedAtOnce, evidence: self.evidence }
    }

    /// How long a dial may take that shows a path that works.
    fn at_once(&self, unit: impl Fn(Duration) -> Duration) -> Duration {
        let round_trips = self.rtt.unwrap_or_default().saturating_mul(ROUND_TRIPS);
        unit(AT_ONCE).max(round_trips).max(self.dial.saturating_mul(DIALS))
    }

    fn unless_peer_spoke(&self, cause: Cause) -> Cause {
        match self.otherwise {
            Cause::ClosedByPeer => Cause::ClosedByPeer,
            Cause::IdleExpiry
            | Cause::PathDead
            | Cause::ServerStuck
            | Cause::AddressGone
            | Cause::Slept
            | Cause::Ours => cause,
        }
    }
}

/// What a row of unanswered beats says, if the path still works.
pub(super) fn evidence_of_silence(asked: Asked) -> Option<(Evidence, bool)> {
    (!asked.spoiled).then_some((Evidence::Expired { gap: asked.gap }, asked.chosen))
}

/// What an end says, if the path still works.
pub(super) fn evidence_of_end(watch: &Watch, end: &LinkEnd, now: Moment) -> Option<(Evidence, bool)> {
    if !may_be_a_middlebox(end) || watch.is_spoiled() || watch.is_behind(now) {
        return None;
    }
    match watch.asked() {
        // In answer to a beat: a reset says that the path forgot the link;
        // another end only where the gap was a try.
        Some(asked) if matches!(end, LinkEnd::Reset) || asked.chosen => {
            Some((Evidence::Expired { gap: asked.gap }, asked.chosen))
        }
        Some(asked) => Some((Evidence::EndedIdle { gap: asked.gap }, false)),
        // In answer to what we sent, too.
        None if matches!(end, LinkEnd::Reset)
            && let Some(gap) = watch.just_ended(now) =>
        {
            Some((Evidence::Expired { gap }, false))
        }
        None => Some((Evidence::EndedIdle { gap: watch.gap(now) }, false)),
    }
}

/// Whether an end can be a middlebox's doing: a goodbye that gives a reason
/// of its own is the server's.
pub(super) fn may_be_a_middlebox(end: &LinkEnd) -> bool {
    match end {
        LinkEnd::Eof | LinkEnd::Reset => true,
        LinkEnd::Closed { code, .. } => matches!(code, None | Some(1000 | 1001)),
        LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } | LinkEnd::Io { .. } | LinkEnd::Panicked => false,
    }
}

/// The cause of a death at which the path turns out to work, if it was not a
/// matter of idleness.
pub(super) fn otherwise(seen: &Seen, acknowledged: Option<bool>) -> Cause {
    match seen {
        Seen::Ended(LinkEnd::Io { .. }) | Seen::Unacknowledged => Cause::PathDead,
        Seen::Ended(_) => Cause::ClosedByPeer,
        Seen::Unanswered { .. } | Seen::ProbeUnanswered if acknowledged == Some(false) => Cause::PathDead,
        Seen::Silent | Seen::Unanswered { .. } | Seen::ProbeUnanswered => Cause::ServerStuck,
        Seen::NoMessage | Seen::AddressGone | Seen::Slept | Seen::Asked | Seen::Paused | Seen::Closed => {
            Cause::PathDead
        }
    }
}

/// The cause of a death that needs no inquest; `acknowledged` says whether
/// the peer's system is known to have received all that was sent.
pub(super) fn known_at_once(seen: &Seen, acknowledged: Option<bool>) -> Option<(Cause, Ground)> {
    match seen {
        Seen::Unanswered { .. } | Seen::ProbeUnanswered if acknowledged == Some(true) => {
            Some((Cause::ServerStuck, Ground::Acknowledged))
        }
        Seen::Asked | Seen::Paused | Seen::Closed => Some((Cause::Ours, Ground::Ourselves)),
        Seen::Slept => Some((Cause::Slept, Ground::Suspended)),
        Seen::NoMessage => Some((Cause::ServerStuck, Ground::SilenceLimit)),
        Seen::AddressGone => Some((Cause::AddressGone, Ground::NetworkEvent)),
        Seen::Ended(end) if !may_be_a_middlebox(end) => match end {
            LinkEnd::Io { .. } => None,
            LinkEnd::TooBig { .. } | LinkEnd::Panicked => Some((Cause::Ours, Ground::Ourselves)),
            LinkEnd::Closed { .. } | LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Protocol(_) => {
                Some((Cause::ClosedByPeer, Ground::PeerSaid))
            }
        },
        Seen::Ended(_)
        | Seen::Unanswered { .. }
        | Seen::ProbeUnanswered
        | Seen::Silent
        | Seen::Unacknowledged => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_middlebox_can_say_is_put_down_to_one() {
        let closed = |code| LinkEnd::Closed { code, reason: String::new() };
        for end in [LinkEnd::Eof, LinkEnd::Reset, closed(None), closed(Some(1000)), closed(Some(1001))] {
            assert!(may_be_a_middlebox(&end), "{end}");
        }
        let io = LinkEnd::Io { kind: std::io::ErrorKind::Other, message: String::new() };
        let too_big = LinkEnd::TooBig { size: 2, limit: 1 };
        for end in [closed(Some(1011)), LinkEnd::Protocol(String::new()), too_big, io, LinkEnd::Panicked] {
            assert!(!may_be_a_middlebox(&end), "{end}");
        }
    }

    #[test]
    fn a_dial_is_at_once_within_a_second_or_four_round_trips_or_twice_the_dial_before() {
        let inquest = |rtt, dial| Inquest {
            link: LinkId(1),
            local: None,
            rtt,
            dial,
            evidence: None,
            otherwise: Cause::ServerStuck,
            unacknowledged: false,
            spoiled: None,
        };
        let ground = |rtt: u64, dial: u64, took: u64| {
            let [rtt, dial, took] = [rtt, dial, took].map(Duration::from_millis);
            let inquest = inquest((!rtt.is_zero()).then_some(rtt), dial);
            inquest.conclude(Some(Dialled::new(took, None)), |unit| unit).ground
        };
        for (rtt, dial, took) in
            [(0, 20, 1_000), (200, 500, 1_000), (400, 700, 1_600), (0, 1_200, 2_400), (400, 3_000, 6_000)]
        {
            assert_eq!(ground(rtt, dial, took), Ground::ConnectedAtOnce, "{rtt} {dial} {took}");
            assert_eq!(ground(rtt, dial, took + 1), Ground::DialFailed, "{rtt} {dial} {took}");
        }
    }
}
