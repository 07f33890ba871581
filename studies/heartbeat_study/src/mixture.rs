//! Many networks, as the world has them: everybody in each of them.

use std::time::Duration;

use common::parallel;

use crate::algorithms::{Algorithm, MAX, Trial};
use crate::networks::{DICE, Network};
use crate::record::{DAY, Record};

/// A path dies within this after a run, at one of so many points in time that
/// no rhythm falls in with them.
const DIES_WITHIN: Duration = Duration::from_secs(3 * 3600);
/// A day is given to learning. What it costs is told apart.
pub const LEARNS: Duration = DAY;
/// Who learns nothing is watched for no longer than this.
const WEEK: u32 = 7;
/// The part of a timeout that an interval which is known to be safe uses.
const OPTIMUM: f64 = 0.9;

/// The result of one algorithm in all networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub algorithm: Algorithm,
    /// Drops in the first day, a network.
    pub learning_drops_mean: f64,
    /// After it: beats, those of side links included, as a multiple of what would do.
    pub beats_ratio_median: f64,
    pub beats_ratio_mean: f64,
    pub drops_day_mean: f64,
    pub drops_day_median: f64,
    /// From the silent death of a path until it is noticed, in order.
    pub detection: Vec<Duration>,
}

impl Row {
    /// The time within which this part of the deaths is noticed; `None` if
    /// none was seen.
    pub fn detection_at(&self, part: f64) -> Option<Duration> {
        quantile(&self.detection, part)
    }
}

/// One algorithm in one network.
#[derive(Clone, Copy, Debug)]
struct Life {
    learning_drops: f64,
    beats_a_day: f64,
    drops_a_day: f64,
    noticed: Option<Duration>,
}

pub fn run(algorithm: Algorithm, networks: &[Network], days: u32, seed: u64) -> Row {
    let days = if algorithm.learns() { days } else { days.min(WEEK) };
    let mut kinds: Vec<Network> = Vec::new();
    for network in networks {
        if !kinds.contains(network) {
            kinds.push(*network);
        }
    }
    let lives = parallel::map(&kinds, |network| live(algorithm, network, days, seed));
    let life = |network| kinds.iter().position(|kind| kind == network).map(|at| lives[at]);
    let lives: Vec<_> = networks.iter().filter_map(life).collect();
    summary(algorithm, networks, &lives)
}

fn live(algorithm: Algorithm, network: &Network, days: u32, seed: u64) -> Life {
    let trial = Trial {
        learns: LEARNS,
        length: LEARNS + days * DAY,
        dies_after: Some(DIES_WITHIN.mul_f64((network.dice as f64 + 0.5) / DICE as f64)),
        traced: false,
    };
    let outcome = algorithm.run(&network.nature(), &trial, seed.wrapping_add(network.dice));
    let (learning, record) = (&outcome.learning, &outcome.record);
    let beats = |record: &Record| record.beats + record.scout_beats;
    Life {
        learning_drops: learning.drops.len() as f64,
        beats_a_day: (beats(record) - beats(learning)) as f64 / f64::from(days),
        drops_a_day: (record.drops.len() - learning.drops.len()) as f64 / f64::from(days),
        noticed: outcome.noticed,
    }
}

fn summary(algorithm: Algorithm, networks: &[Network], lives: &[Life]) -> Row {
    let optimum = |network: &Network| DAY.as_secs_f64() / (OPTIMUM * network.timeout.min(MAX).as_secs_f64());
    let pairs = networks.iter().zip(lives);
    let mut ratios: Vec<f64> = pairs.map(|(network, life)| life.beats_a_day / optimum(network)).collect();
    let learning: Vec<f64> = lives.iter().map(|life| life.learning_drops).collect();
    let mut drops: Vec<f64> = lives.iter().map(|life| life.drops_a_day).collect();
    let mut detection: Vec<Duration> = lives.iter().filter_map(|life| life.noticed).collect();
    ratios.sort_by(f64::total_cmp);
    drops.sort_by(f64::total_cmp);
    detection.sort();
    Row {
        algorithm,
        learning_drops_mean: mean(&learning),
        beats_ratio_median: quantile(&ratios, 0.5).unwrap_or(0.0),
        beats_ratio_mean: mean(&ratios),
        drops_day_mean: mean(&drops),
        drops_day_median: quantile(&drops, 0.5).unwrap_or(0.0),
        detection,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The value below which this part of the sorted ones lies.
fn quantile<T: Copy>(sorted: &[T], part: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(((sorted.len() as f64 * part) as usize).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Expiry;

    fn network(timeout: u64, dice: u64) -> Network {
        Network { middlebox: 0, dice, timeout: Duration::from_secs(timeout), expiry: Expiry::Silent }
    }

    #[test]
    fn a_fixed_interval_beats_as_often_as_reckoned() {
        let networks = [network(600, 0), network(600, 1), network(20, 2)];
        let row = run(Algorithm::Fixed30, &networks, 1, 1);
        // One beat each 30.05 s, where one each 540 s would do.
        assert!((row.beats_ratio_median - 540.0 / 30.05).abs() < 0.02, "{row:?}");
        // Where the timeout is 20 s it dies each minute: the median is spared.
        assert_eq!(row.drops_day_median, 0.0);
        assert!((row.learning_drops_mean - row.drops_day_mean).abs() < 1.0, "{row:?}");
        assert!((row.drops_day_mean * 3.0 - 86_400.0 / 60.15).abs() < 2.0, "{row:?}");
        assert!(row.detection.iter().all(|noticed| noticed.as_secs_f64() <= 60.05), "{row:?}");
    }

    #[test]
    fn a_gap_as_long_as_the_longest_is_the_optimum_beyond_it() {
        let networks = [network(432_000, 7)];
        let row = run(Algorithm::LonglinkMain, &networks, 2, 1);
        assert!((0.95..1.15).contains(&row.beats_ratio_median), "{row:?}");
        assert_eq!(row.detection.len(), 1);
    }

    #[test]
    fn quantiles_are_taken_from_what_is_there() {
        let values: Vec<u32> = (0..100).collect();
        assert_eq!(quantile(&values, 0.5), Some(50));
        assert_eq!(quantile(&values, 0.99), Some(99));
        assert_eq!(quantile(&values, 1.0), Some(99));
        assert_eq!(quantile::<u32>(&[], 0.5), None);
    }
}
