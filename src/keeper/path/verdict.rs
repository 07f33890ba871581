//! The cause of a link's death, judged by the next dial.

use std::net::IpAddr;
use std::time::Duration;

use super::observation::Observation;
use crate::keeper::end::LinkEnd;
use crate::keeper::event::{Cause, Detection, Evidence};
use crate::keeper::link::{BeatRow, Dialled, Silence};
use crate::keeper::moment::Moment;
use crate::keeper::names::LinkId;

/// A dial within this is "at once": the path works.
const AT_ONCE: Duration = Duration::from_secs(1);
/// So is a dial within so many round trips …
const ROUND_TRIPS: u32 = 4;
/// … or within so many times the dead link's own dial: where names, proxies
/// or the path are slow, each dial is slow, and no death would ever be judged.
const DIALS: u32 = 2;

/// A link that died, waiting for the next dial to show why.
#[derive(Debug)]
pub(in crate::keeper) struct PendingDiagnosis {
    pub(in crate::keeper) link: LinkId,
    /// When the death was noticed.
    pub(in crate::keeper) died: Moment,
    pub(in crate::keeper) local: Option<IpAddr>,
    pub(in crate::keeper) rtt: Option<Duration>,
    /// How long the link's own dial took.
    pub(in crate::keeper) dial: Duration,
    /// The observation about the idle timeout, if the path still works.
    pub(in crate::keeper) observation: Option<Observation>,
    /// The cause if the path still works and idleness was not it.
    pub(in crate::keeper) otherwise: Cause,
    /// The peer's system is known not to have received our last packets.
    pub(in crate::keeper) unacknowledged: bool,
    /// Evidence that spoils the conclusion.
    pub(in crate::keeper) spoiled: Option<Evidence>,
}

/// The conclusion of a diagnosis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct Finding {
    pub(in crate::keeper) cause: Cause,
    pub(in crate::keeper) evidence: Evidence,
    /// The observation that the prober may learn from.
    pub(in crate::keeper) observation: Option<Observation>,
}

impl Finding {
    /// The evidence to be told. A missing acknowledgement says more than a quick
    /// dial where the dial alone does not explain the death.
    pub(in crate::keeper) fn evidence_for(&self, unacknowledged: bool) -> Evidence {
        match (self.cause, self.evidence) {
            (Cause::PathDead, Evidence::ConnectedAtOnce) if unacknowledged => Evidence::Unacknowledged,
            (_, evidence) => evidence,
        }
    }
}

impl PendingDiagnosis {
    /// Concludes from the first attempt after the death; `unit` scales one
    /// second to the heartbeat's.
    pub(in crate::keeper) fn conclude(
        &self,
        dialled: Option<Dialled>,
        unit: impl Fn(Duration) -> Duration,
    ) -> Finding {
        let silent = |cause, evidence| Finding { cause, evidence, observation: None };
        if let Some(evidence) = self.spoiled {
            return silent(self.unless_peer_spoke(Cause::PathDead), evidence);
        }
        let Some(dialled) = dialled else {
            return silent(self.unless_peer_spoke(Cause::PathDead), Evidence::DialFailed);
        };
        if self.local != dialled.local {
            return silent(self.unless_peer_spoke(Cause::AddressGone), Evidence::AddressChanged);
        }
        if dialled.took > self.at_once(unit) {
            return silent(self.unless_peer_spoke(Cause::PathDead), Evidence::DialFailed);
        }
        Finding { cause: self.otherwise, evidence: Evidence::ConnectedAtOnce, observation: self.observation }
    }

    /// The longest dial that shows a path that works.
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

/// The observation in a death about the idle timeout, if the path still works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::keeper) struct DeathObservation {
    pub(in crate::keeper) observation: Observation,
    /// Whether the gap was one that the prober tries.
    pub(in crate::keeper) is_try: bool,
}

/// The observation in a row of unanswered beats.
pub(in crate::keeper) fn of_silence(asked: BeatRow) -> Option<DeathObservation> {
    let observation = Observation::Expired { gap: asked.gap };
    (!asked.spoiled).then_some(DeathObservation { observation, is_try: asked.is_try })
}

/// The observation in an end that came in this silence.
pub(in crate::keeper) fn of_end(silence: &Silence, end: &LinkEnd) -> Option<DeathObservation> {
    if !may_be_a_middlebox(end) || silence.spoiled {
        return None;
    }
    let held = |observation| Some(DeathObservation { observation, is_try: false });
    match silence.asked {
        // An end in answer to a beat: a reset says that the path forgot the link;
        // another end says so only where the gap was a try.
        Some(asked) if matches!(end, LinkEnd::Reset) || asked.is_try => Some(DeathObservation {
            observation: Observation::Expired { gap: asked.gap },
            is_try: asked.is_try,
        }),
        Some(asked) => held(Observation::EndedIdle { gap: asked.gap }),
        // A reset in answer to our own message says the same.
        None if matches!(end, LinkEnd::Reset)
            && let Some(gap) = silence.just_ended =>
        {
            held(Observation::Expired { gap })
        }
        None => held(Observation::EndedIdle { gap: silence.gap }),
    }
}

/// Whether a middlebox can have made the end: a goodbye that gives a reason
/// of its own comes from the server.
pub(in crate::keeper) fn may_be_a_middlebox(end: &LinkEnd) -> bool {
    match end {
        LinkEnd::Eof | LinkEnd::Reset => true,
        LinkEnd::Closed { code, .. } => matches!(code, None | Some(1000 | 1001)),
        LinkEnd::Protocol(_) | LinkEnd::TooBig { .. } | LinkEnd::Io { .. } | LinkEnd::Panicked => false,
    }
}

/// The cause of a death at which the path turns out to work, if idleness was
/// not the cause.
pub(in crate::keeper) fn otherwise(detection: &Detection, acknowledged: Option<bool>) -> Cause {
    match detection {
        Detection::Ended(LinkEnd::Io { .. }) | Detection::Unacknowledged => Cause::PathDead,
        Detection::Ended(_) => Cause::ClosedByPeer,
        Detection::Unanswered { .. } | Detection::ProbeUnanswered if acknowledged == Some(false) => {
            Cause::PathDead
        }
        Detection::Silent | Detection::Unanswered { .. } | Detection::ProbeUnanswered => Cause::ServerStuck,
        Detection::NoMessage
        | Detection::AddressGone
        | Detection::Slept
        | Detection::Asked
        | Detection::Replaced
        | Detection::Paused
        | Detection::Closed => Cause::PathDead,
    }
}

/// The cause of a death that need not wait for the next dial; `acknowledged` says whether
/// the peer's system is known to have received all that was sent.
pub(in crate::keeper) fn known_at_once(
    detection: &Detection,
    acknowledged: Option<bool>,
) -> Option<(Cause, Evidence)> {
    match detection {
        Detection::Unanswered { .. } | Detection::ProbeUnanswered if acknowledged == Some(true) => {
            Some((Cause::ServerStuck, Evidence::Acknowledged))
        }
        Detection::Asked | Detection::Replaced | Detection::Paused | Detection::Closed => {
            Some((Cause::Ours, Evidence::Ourselves))
        }
        Detection::Slept => Some((Cause::Slept, Evidence::Suspended)),
        Detection::NoMessage => Some((Cause::ServerStuck, Evidence::SilenceLimit)),
        Detection::AddressGone => Some((Cause::AddressGone, Evidence::NetworkEvent)),
        Detection::Ended(end) if !may_be_a_middlebox(end) => match end {
            LinkEnd::Io { .. } => None,
            LinkEnd::TooBig { .. } | LinkEnd::Panicked => Some((Cause::Ours, Evidence::Ourselves)),
            LinkEnd::Closed { .. } | LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Protocol(_) => {
                Some((Cause::ClosedByPeer, Evidence::PeerSaid))
            }
        },
        Detection::Ended(_)
        | Detection::Unanswered { .. }
        | Detection::ProbeUnanswered
        | Detection::Silent
        | Detection::Unacknowledged => None,
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
    fn a_dial_is_at_once_by_a_second_round_trips_or_the_dial_before() {
        let pending = |rtt, dial| PendingDiagnosis {
            link: LinkId(1),
            died: Moment::ORIGIN,
            local: None,
            rtt,
            dial,
            observation: None,
            otherwise: Cause::ServerStuck,
            unacknowledged: false,
            spoiled: None,
        };
        let evidence = |rtt: u64, dial: u64, took: u64| {
            let [rtt, dial, took] = [rtt, dial, took].map(Duration::from_millis);
            let pending = pending((!rtt.is_zero()).then_some(rtt), dial);
            pending.conclude(Some(Dialled::new(took, None)), |unit| unit).evidence
        };
        for (rtt, dial, took) in
            [(0, 20, 1_000), (200, 500, 1_000), (400, 700, 1_600), (0, 1_200, 2_400), (400, 3_000, 6_000)]
        {
            assert_eq!(evidence(rtt, dial, took), Evidence::ConnectedAtOnce, "{rtt} {dial} {took}");
            assert_eq!(evidence(rtt, dial, took + 1), Evidence::DialFailed, "{rtt} {dial} {took}");
        }
    }
}
