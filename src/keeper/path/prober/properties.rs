//! Promises that hold for any path and any accident.

use proptest::prelude::*;

use super::*;
use crate::keeper::link::Proof;
use crate::keeper::path::Observation;
use crate::keeper::{Learned, Recalled};

const DAY: Duration = Duration::from_secs(24 * 3600);
const MAX: Duration = Duration::from_secs(7200);

fn heartbeat(probing: Probing) -> Heartbeat {
    Heartbeat::adaptive().probing(probing).max(MAX)
}

/// A path with an idle timeout, on which a prober learns.
struct Path {
    prober: Prober,
    dice: Dice,
    now: Moment,
    timeout: Duration,
}

/// An accident in one gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accident {
    /// An outage that looks like an expiry.
    Outage,
    /// A restart after this part of the gap, in thousandths.
    Restart(u32),
}

impl Path {
    fn new(probing: Probing, timeout: Duration, seed: u64) -> Path {
        let prober = Prober::new(heartbeat(probing));
        Path { prober, dice: Dice::new(seed), now: Moment::ORIGIN + DAY, timeout }
    }

    /// The next gap passes: on a scout's trial if one is wanted, otherwise on
    /// the link in use.
    fn step(&mut self, accident: Option<Accident>) {
        let trial = self.prober.next_trial(&[], self.now);
        let pace = self.prober.pace(&mut self.dice, self.now);
        let gap = trial.unwrap_or_else(|| pace.expect("it beats").after);
        assert!(!gap.is_zero(), "time would stand still");
        self.now = self.now + gap;
        let observation = match accident {
            Some(Accident::Outage) => Observation::Expired { gap },
            Some(Accident::Restart(thousandths)) if gap < self.timeout => {
                Observation::EndedIdle { gap: gap * thousandths / 1000 }
            }
            Some(Accident::Restart(_)) | None if gap >= self.timeout => Observation::Expired { gap },
            Some(Accident::Restart(_)) | None => Observation::Survived { gap, proof: Proof::BeatAnswered },
        };
        self.prober.learn(observation, self.now);
    }

    fn live(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.step(None);
        }
    }

    /// Whether the prober takes a gap for too long that the path survives.
    fn is_wrong(&self) -> bool {
        // A recheck goes 2 % above the failed gap: closer than that is right.
        self.prober.failed().is_some_and(|failed| failed < self.timeout.mul_f64(0.98))
    }

    fn ratio(&self) -> f64 {
        self.prober.held().as_secs_f64() / self.timeout.min(MAX).as_secs_f64()
    }
}

fn assert_held_is_proven(prober: &Prober, dice: &mut Dice, now: Moment) {
    let heartbeat = &prober.heartbeat;
    if prober.proven() < heartbeat.min {
        return;
    }
    let most = prober.proven().min(heartbeat.max).mul_f64(HELD);
    assert!(prober.held() <= most, "{:?} held, {:?} proven", prober.held(), prober.proven());
    let pace = prober.pace(dice, now).filter(|pace| !pace.is_try);
    assert!(pace.is_none_or(|pace| pace.after <= most), "{pace:?}, {:?} proven", prober.proven());
}

fn probing() -> impl Strategy<Value = Probing> {
    prop_oneof![Just(Probing::Main), Just(Probing::Scout), Just(Probing::Passive)]
}

/// A timeout between 20 s and 7,200 s, evenly over the logarithm.
fn timeout() -> impl Strategy<Value = Duration> {
    (20f64.ln()..7200f64.ln()).prop_map(|ln| Duration::from_secs_f64(ln.exp()))
}

fn observation() -> impl Strategy<Value = (u8, f64, f64)> {
    (0u8..3, 1f64..20_000f64, 0f64..200_000f64)
}

#[test]
fn a_restart_while_learning_spends_no_try_once_it_is_known_for_one() {
    let timeout = Duration::from_secs(205);
    let mut path = Path::new(Probing::Main, timeout, 0);
    path.step(Some(Accident::Restart(400)));
    path.live(30 * DAY);
    // The third try, 175 s, is still to be had.
    assert!(path.ratio() > 0.78, "{}", path.ratio());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_held_interval_never_exceeds_its_part_of_the_proven_gap(
        probing in probing(),
        seed in any::<u64>(),
        min in 1u64..60,
        max in 60u64..7200,
        observed in prop::collection::vec(observation(), 1..80),
    ) {
        let start = Duration::from_secs(min.max(27).min(max));
        let heartbeat = Heartbeat::adaptive().probing(probing).min(Duration::from_secs(min)).start(start).max(Duration::from_secs(max));
        prop_assert!(heartbeat.check().is_ok());
        let mut prober = Prober::new(heartbeat);
        let mut dice = Dice::new(seed);
        let mut now = Moment::ORIGIN;
        for (kind, gap, later) in observed {
            now = now + Duration::from_secs_f64(later);
            let gap = Duration::from_secs_f64(gap);
            prober.learn(
                match kind {
                    0 => Observation::Survived { gap, proof: Proof::BeatAnswered },
                    1 => Observation::Expired { gap },
                    _ => Observation::EndedIdle { gap },
                },
                now,
            );
            assert_held_is_proven(&prober, &mut dice, now);
        }
    }

    #[test]
    fn what_is_kept_is_never_refused_when_it_is_taken_back(
        probing in probing(),
        max in 60u64..7200,
        known in observation(),
        observed in prop::collection::vec(observation(), 1..120),
    ) {
        let heartbeat = Heartbeat::adaptive().probing(probing).max(Duration::from_secs(max));
        let mut prober = Prober::new(heartbeat);
        let mut now = Moment::ORIGIN;
        let known = Learned::new(Duration::from_secs_f64(known.1)).failed(Duration::from_secs_f64(known.1 + known.2));
        prober.recall(&Recalled::new(Learned { drops: vec![DAY; 16], ..known }, DAY), now);
        for (kind, gap, later) in observed {
            now = now + Duration::from_secs_f64(later / 100.0);
            let gap = Duration::from_secs_f64(gap);
            prober.learn(
                match kind {
                    0 => Observation::Survived { gap, proof: Proof::BeatAnswered },
                    1 => Observation::Expired { gap },
                    _ => Observation::EndedIdle { gap },
                },
                now,
            );
            if prober.summary().is_some() {
                prop_assert_eq!(prober.learned(now).check(), Ok(()));
            }
        }
    }

    #[test]
    fn whatever_changes_the_limits_of_the_moment_hold(
        seed in any::<u64>(),
        steps in prop::collection::vec((observation(), any::<u8>(), probing(), 1u64..60, 60u64..7200), 1..60),
    ) {
        let mut prober = Prober::new(Heartbeat::adaptive());
        let mut dice = Dice::new(seed);
        let mut now = Moment::ORIGIN;
        for ((kind, gap, later), change, probing, min, max) in steps {
            now = now + Duration::from_secs_f64(later);
            let gap = Duration::from_secs_f64(gap);
            match change % 8 {
                0 => {
                    let (min, max) = (Duration::from_secs(min), Duration::from_secs(max));
                    let start = Duration::from_secs(27).clamp(min, max);
                    let heartbeat = Heartbeat::adaptive().probing(probing).min(min).start(start).max(max);
                    prober.set_heartbeat(heartbeat, now);
                }
                1 => prober.set_alone(change > 99, now),
                2 => prober.set_calm(change > 99),
                3 => {
                    let learned = Learned::new(gap).failed(gap.mul_f64(1.1));
                    prober.recall(&Recalled::new(learned, Duration::from_secs_f64(later * 10.0)), now);
                }
                _ => {
                    let gap = if change > 127 { prober.interval(now).unwrap_or(gap) } else { gap };
                    prober.learn(
                        match kind {
                            0 => Observation::Survived { gap, proof: Proof::BeatAnswered },
                            1 => Observation::Expired { gap: gap.min(prober.heartbeat.max) },
                            _ => Observation::EndedIdle { gap },
                        },
                        now,
                    );
                }
            }
            let Heartbeat { min, max, .. } = prober.heartbeat;
            let pace = prober.pace(&mut dice, now).expect("it beats").after;
            prop_assert!(pace <= max, "{pace:?} of {max:?}: {prober:?}");
            prop_assert!(pace >= min.mul_f64(0.83), "{pace:?} of {min:?}: {prober:?}");
            let trial = prober.next_trial(&[], now);
            prop_assert!(trial.is_none_or(|gap| gap <= max), "{trial:?} of {max:?}: {prober:?}");
            prop_assert!(prober.summary().is_none() || prober.learned(now).check().is_ok(), "{prober:?}");
        }
    }

    #[test]
    fn loss_alone_never_ratchets_the_interval_down(
        probing in prop_oneof![Just(Probing::Main), Just(Probing::Scout)],
        timeout in timeout(),
        seed in any::<u64>(),
        // How many gaps survive between two that are lost.
        between in prop::collection::vec(4usize..40, 1..40),
    ) {
        let mut path = Path::new(probing, timeout, seed);
        path.live(timeout * 12 + Duration::from_secs(1200));
        let before = path.ratio();
        for gaps in between {
            path.step(Some(Accident::Outage));
            for _ in 0..gaps {
                path.step(None);
            }
            prop_assert!(!path.is_wrong(), "{:?} failed of {:?}", path.prober.failed(), path.timeout);
        }
        path.live(timeout * 4);
        prop_assert!(path.ratio() >= before * 0.999, "{} after {before}", path.ratio());
    }

    #[test]
    fn one_accident_costs_at_most_one_wrong_conclusion_and_that_is_undone(
        probing in prop_oneof![Just(Probing::Main), Just(Probing::Scout)],
        timeout in timeout(),
        seed in any::<u64>(),
        when in 0usize..60,
        accident in prop_oneof![Just(Accident::Outage), (1u32..1000).prop_map(Accident::Restart)],
    ) {
        let mut calm = Path::new(probing, timeout, seed);
        calm.live(30 * DAY);
        let mut path = Path::new(probing, timeout, seed);
        let mut wrong = 0;
        for step in 0..when + 200 {
            let was = path.is_wrong();
            path.step((step == when).then_some(accident));
            wrong += usize::from(path.is_wrong() && !was);
        }
        prop_assert!(wrong <= 1, "{wrong} wrong conclusions");
        path.live(30 * DAY);
        prop_assert!(!path.is_wrong(), "{:?} failed of {timeout:?}", path.prober.failed());
        // A recheck 2 % above the failed gap cannot tell a timeout that lies between.
        let between = path.prober.failed().is_some_and(|failed| failed <= timeout);
        prop_assert!(between || path.ratio() >= calm.ratio() * 0.8, "{} after, {} without", path.ratio(), calm.ratio());
    }

    #[test]
    fn scouts_test_at_most_three_gaps_at_once_and_none_twice(
        timeout in timeout(),
        seed in any::<u64>(),
    ) {
        let mut path = Path::new(Probing::Scout, timeout, seed);
        for _ in 0..40 {
            let mut out = Vec::new();
            while let Some(gap) = path.prober.next_trial(&out, path.now) {
                prop_assert!(out.len() < SCOUTS);
                prop_assert!(out.iter().all(|other| !within(gap, *other, 0.001)), "{gap:?} of {out:?}");
                prop_assert!(gap >= path.prober.heartbeat.min.mul_f64(0.9) && gap <= MAX, "{gap:?}");
                out.push(gap);
            }
            path.step(None);
        }
    }
}
