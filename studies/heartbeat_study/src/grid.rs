//! Single timeouts, one after the other: what longlink reaches on each.

use std::time::Duration;

use common::parallel;

use crate::algorithms::{Algorithm, MAX, Trial};
use crate::record::{DAY, Record, When};
use crate::world::{Expiry, Nature};

/// The timeouts that the world uses, in seconds.
const LISTED: [u64; 17] = [20, 30, 45, 60, 90, 120, 180, 240, 275, 300, 341, 350, 600, 900, 1800, 3600, 7200];
/// For a quick run.
const FEW: [u64; 7] = [20, 60, 120, 300, 350, 900, 3600];
/// How a middlebox may end an idle flow.
const KINDS: [Expiry; 3] = [Expiry::Silent, Expiry::Rst, Expiry::Fin];
const DAYS: u32 = 56;
const FEW_DAYS: u32 = 9;
/// Where a settled interval should lie, as a part of the timeout.
const HIGHEST: f64 = 0.95;

/// The result of one timeout: the worst of all kinds of expiry, each figure by
/// itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// `main` or `scout`.
    pub mode: &'static str,
    pub timeout: Duration,
    /// The most.
    pub learning_drops: usize,
    /// The most, rechecks included.
    pub drops_after: usize,
    /// Of these, the drops that were no rechecks.
    pub drops_astray: usize,
    /// The shortest interval, or, if one comes too close to the timeout, the
    /// longest; `None` if it never settled.
    pub settled: Option<Duration>,
    /// The longest; `None` if it never settled.
    pub settle_time: Option<Duration>,
}

/// How long each run is.
pub fn length(quick: bool) -> Duration {
    if quick { FEW_DAYS * DAY } else { DAYS * DAY }
}

pub fn run(quick: bool, seed: u64) -> Vec<Row> {
    let timeouts: &[u64] = if quick { &FEW } else { &LISTED };
    let modes = [("main", Algorithm::LonglinkMain), ("scout", Algorithm::LonglinkScout)];
    let mut cases = Vec::new();
    for (mode, algorithm) in modes {
        for &timeout in timeouts {
            cases.extend(KINDS.map(|kind| (mode, algorithm, Duration::from_secs(timeout), kind)));
        }
    }
    let records = parallel::map(&cases, |&(_, algorithm, timeout, kind)| {
        let nature = Nature::steady(timeout, kind);
        algorithm.run(&nature, &Trial::of(length(quick)), seed).record
    });
    let kinds = records.chunks(KINDS.len()).zip(cases.chunks(KINDS.len()));
    kinds.map(|(records, cases)| worst(cases[0].0, cases[0].2, records)).collect()
}

fn worst(mode: &'static str, timeout: Duration, records: &[Record]) -> Row {
    let most = |count: fn(&Record) -> usize| records.iter().map(count).max().unwrap_or(0);
    let settled: Option<Vec<_>> = records.iter().map(|record| record.settled).collect();
    let intervals = || settled.iter().flatten().map(|settled| settled.interval);
    let shortest = intervals().min();
    let too_long =
        intervals().max().filter(|longest| longest.as_secs_f64() > HIGHEST * timeout.min(MAX).as_secs_f64());
    Row {
        mode,
        timeout,
        learning_drops: most(|record| record.count(When::Learning)),
        drops_after: most(|record| record.count(When::Recheck) + record.count(When::Otherwise)),
        drops_astray: most(|record| record.count(When::Otherwise)),
        settled: too_long.or(shortest),
        settle_time: settled.iter().flatten().map(|settled| settled.at).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Drop, Settled};

    fn record(settled: Option<(u64, u64)>, drops: &[When]) -> Record {
        let secs = Duration::from_secs;
        let nature = Nature::steady(secs(60), Expiry::Silent);
        let mut record = Algorithm::Fixed30.run(&nature, &Trial::of(secs(1)), 1).record;
        record.settled = settled.map(|(at, interval)| Settled { at: secs(at), interval: secs(interval) });
        record.drops = drops.iter().map(|&when| Drop { at: secs(1), gap: secs(1), when, seen: "" }).collect();
        record
    }

    #[test]
    fn the_worst_of_all_kinds_is_told_each_figure_by_itself() {
        let records = [
            record(Some((500, 90)), &[When::Learning, When::Recheck]),
            record(Some((100, 80)), &[When::Recheck, When::Otherwise]),
        ];
        let row = worst("main", Duration::from_secs(100), &records);
        assert_eq!((row.learning_drops, row.drops_after, row.drops_astray), (1, 2, 1));
        assert_eq!(row.settled, Some(Duration::from_secs(80)));
        assert_eq!(row.settle_time, Some(Duration::from_secs(500)));
    }

    #[test]
    fn an_interval_too_close_to_the_timeout_is_the_worst_and_so_is_none() {
        let mut records = vec![record(Some((1, 80)), &[]), record(Some((1, 99)), &[])];
        let row = worst("main", Duration::from_secs(100), &records);
        assert_eq!(row.settled, Some(Duration::from_secs(99)));
        records.push(record(None, &[]));
        let row = worst("main", Duration::from_secs(100), &records);
        assert_eq!((row.settled, row.settle_time), (None, None));
    }
}
