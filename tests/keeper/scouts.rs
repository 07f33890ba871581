//! Scouts: side links that test gaps, so that the link in use is never
//! risked.

mod fates;
mod gaps;
mod held_back;
mod refused;

use std::time::Duration;

use crate::rig::{Rig, secs, with_heartbeat};
use longlink::keeper::Output;
use longlink::testing::VirtualLink;
use longlink::{Event, Heartbeat, Probing, ScoutResult};

pub fn scouting() -> Heartbeat {
    Heartbeat::adaptive().probing(Probing::Scout).max(secs(7200))
}

/// A link in use, and nothing else yet.
pub fn linked() -> Rig {
    Rig::connected(with_heartbeat(scouting()), 1)
}

/// The first three scouts are open.
pub fn scouted() -> Rig {
    scouted_by(1)
}

/// The same, as chance has it by this seed.
pub fn scouted_by(seed: u64) -> Rig {
    let mut rig = Rig::connected(with_heartbeat(scouting()), seed);
    await_scouts(&mut rig);
    for scout in rig.scouts() {
        rig.open_scout(scout.link);
    }
    rig
}

pub fn await_scouts(rig: &mut Rig) {
    await_scouts_that(rig, true);
}

/// Scouts are being opened.
pub fn await_dials(rig: &mut Rig) {
    await_scouts_that(rig, false);
}

fn await_scouts_that(rig: &mut Rig, open: bool) {
    for _ in 0..2_000 {
        if rig.scouts().iter().any(|scout| scout.token.is_none()) {
            return;
        }
        live_and_open(rig, secs(1), |_| true, open);
    }
    panic!("no scout was sent: {:?}", rig.log.last());
}

/// Lets time pass: the link in use answers each beat, scouts are opened at
/// once and answer those beats that `survives` says they do.
pub fn live(rig: &mut Rig, time: Duration, survives: impl Fn(&VirtualLink) -> bool) {
    live_and_open(rig, time, survives, true);
}

fn live_and_open(rig: &mut Rig, time: Duration, survives: impl Fn(&VirtualLink) -> bool, open: bool) {
    let end = rig.elapsed() + time;
    while rig.elapsed() < end {
        let seen = rig.log.len();
        let next = rig.timer().map_or(end, |(at, _)| at.min(end));
        rig.pass(next.saturating_sub(rig.elapsed()));
        let beats: Vec<_> = rig.log[seen..]
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Beat { link, .. } => Some(*link),
                _ => None,
            })
            .collect();
        for link in beats {
            if Some(link) == rig.keeper.main().map(|main| main.link) {
                rig.answer();
            } else if let Some(scout) = rig.scouts().iter().find(|scout| scout.link == link).copied()
                && survives(&scout)
            {
                rig.answer_scout(link);
            }
        }
        if open {
            for scout in rig.scouts() {
                rig.open_scout(scout.link);
            }
        }
    }
}

pub fn gaps(rig: &Rig) -> Vec<f64> {
    rig.scouts().iter().map(|scout| (scout.gap.as_secs_f64() * 10.0).round() / 10.0).collect()
}

pub fn met(rig: &Rig) -> Vec<ScoutResult> {
    let met = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Emit(Event::ScoutReturned { met, .. }) => Some(*met),
        _ => None,
    });
    met.collect()
}

pub fn sent(rig: &Rig) -> usize {
    rig.instants(|output| matches!(output, Output::Emit(Event::ScoutSent { .. }))).len()
}

pub fn refused(rig: &Rig) -> bool {
    !rig.instants(|output| matches!(output, Output::Emit(Event::ScoutsRefused))).is_empty()
}

/// Nothing but what the link in use survives anyway.
pub fn knows_nothing(rig: &Rig) -> bool {
    stats(rig).proven <= secs(10) && rig.interval() <= secs(10)
}

fn stats(rig: &Rig) -> longlink::KeeperStats {
    rig.keeper.stats()
}
