//! How the interval goes over time on a few paths.

use std::time::Duration;

use common::parallel;

use crate::algorithms::{Algorithm, Trial};
use crate::record::DAY;
use crate::world::{Expiry, Nature};

const TIMEOUTS: [u64; 5] = [30, 120, 350, 1200, 3600];
/// Long enough for the first recheck, a week after settling.
pub const LENGTH: Duration = Duration::from_secs(9 * 24 * 3600);

/// The intervals of the user's link on one path, each with its beginning.
#[derive(Clone, Debug)]
pub struct Trace {
    pub mode: &'static str,
    pub timeout: Duration,
    pub intervals: Vec<(Duration, Duration)>,
}

pub fn run(seed: u64) -> Vec<Trace> {
    let modes = [("main", Algorithm::LonglinkMain), ("scout", Algorithm::LonglinkScout)];
    let cases: Vec<_> = modes.iter().flat_map(|mode| TIMEOUTS.map(|timeout| (*mode, timeout))).collect();
    parallel::map(&cases, |&((mode, algorithm), timeout)| {
        let timeout = Duration::from_secs(timeout);
        let trial = Trial { traced: true, ..Trial::of(LENGTH) };
        let outcome = algorithm.run(&Nature::steady(timeout, Expiry::Silent), &trial, seed);
        Trace { mode, timeout, intervals: outcome.record.intervals }
    })
}

/// A week and a bit, in words.
pub fn length_in_days() -> u64 {
    LENGTH.as_secs() / DAY.as_secs()
}
