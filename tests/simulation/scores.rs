//! What the heartbeat must reach: the scores of the main link.
//!
//! | | the listed timeouts | any timeout |
//! |---|---|---|
//! | drops while learning | ≤ 2, mean ≤ 1.2 | ≤ 3, mean ≤ 1.4 |
//! | drops after, outside looks | 0 | 0 |
//! | settled interval / timeout | 0.72–0.95, median ≥ 0.88 | ≥ 94 % of them there, none below 0.64 |
//! | time to settle | ≤ 6 timeouts + 10 min | |
//! | 1 % of beats lost and sent again | the same | the same |

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use longlink::keeper::{Config, Heartbeat};

use crate::chance::Chance;
use crate::record::{DAY, Record, When};
use crate::world::{self, Expiry, Nature};

/// The timeouts that the world uses, in seconds.
const LISTED: [u64; 17] = [20, 30, 45, 60, 90, 120, 180, 240, 275, 300, 341, 350, 600, 900, 1800, 3600, 7200];
/// The scores' longest gap.
const MAX: Duration = Duration::from_secs(7200);
const SHORTEST: Duration = Duration::from_secs(20);
const BAND: std::ops::RangeInclusive<f64> = 0.72..=0.95;
const LOSS: f64 = 0.01;

#[test]
fn the_listed_timeouts_are_learned_within_the_scores() {
    // Long enough for the first looks, a week after settling.
    let runs = run_all(listed(0.0, 1), 9 * DAY);
    judge_listed("listed timeouts, 9 days", &runs);
}

#[test]
fn the_listed_timeouts_are_learned_though_beats_are_lost() {
    let runs = run_all(listed(LOSS, 1), 2 * DAY);
    judge_listed("listed timeouts, 1 % of beats lost, 2 days", &runs);
}

#[test]
fn unseen_timeouts_are_learned_within_the_scores() {
    let runs = run_all(unseen(60, 1, 0.0), 2 * DAY);
    judge_unseen("60 unseen timeouts (seed 1), 2 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn the_listed_timeouts_are_learned_within_the_scores_over_56_days() {
    let runs = run_all(listed(0.0, 1), 56 * DAY);
    judge_listed("listed timeouts, 56 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn the_listed_timeouts_are_learned_though_beats_are_lost_over_56_days() {
    let runs = run_all(listed(LOSS, 5), 56 * DAY);
    judge_listed("listed timeouts with 5 seeds each, 1 % of beats lost, 56 days", &runs);
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn a_thousand_unseen_timeouts_are_learned_within_the_scores_over_56_days() {
    for seed in [1, 2] {
        let runs = run_all(unseen(1_000, seed, 0.0), 56 * DAY);
        judge_unseen(&format!("1,000 unseen timeouts (seed {seed}), 56 days"), &runs);
    }
}

#[test]
#[ignore = "takes minutes; run it in release"]
fn a_thousand_unseen_timeouts_are_learned_though_beats_are_lost_over_56_days() {
    let runs = run_all(unseen(1_000, 3, LOSS), 56 * DAY);
    judge_unseen("1,000 unseen timeouts (seed 3), 1 % of beats lost, 56 days", &runs);
}

#[test]
fn a_world_with_restarts_and_outages_is_lived_through() {
    let timeout = Duration::from_secs(120);
    let mut nature = Nature::steady(timeout, Expiry::Silent);
    for day in 0..3 {
        let at = day * DAY + Duration::from_secs(3 * 3600);
        nature.restarts.push((at, Duration::from_secs(2)));
        for (hour, lasts) in [(9, 1), (11, 45), (15, 600)] {
            nature.outages.push((day * DAY + Duration::from_secs(hour * 3600), Duration::from_secs(lasts)));
        }
    }
    for seed in 0..8 {
        let record = world::run(&nature, adaptive(), seed, 3 * DAY);
        assert!(record.figures.reconnects >= 6, "restarts and long outages drop the link: {record:?}");
        assert!(
            record.longest_break < Duration::from_secs(600 + 60 + 15),
            "back within one delay of the end of the longest outage, seed {seed}: {record:?}"
        );
        assert!(record.interval() < timeout, "seed {seed}: {record:?}");
    }
}

#[test]
fn a_timeout_that_halves_is_followed() {
    let mut nature = Nature::steady(Duration::from_secs(300), Expiry::Silent);
    nature.timeouts.push((10 * DAY, Duration::from_secs(150)));
    let record = world::run(&nature, adaptive(), 1, 12 * DAY);
    assert!(record.shrank >= 1, "{record:?}");
    let ratio = record.figures.interval.as_secs_f64() / 150.0;
    assert!(ratio < 1.0 && ratio > 0.5, "{ratio}: {record:?}");
}

fn adaptive() -> Config {
    let mut config = Config::default();
    config.heartbeat = Heartbeat::adaptive().max(MAX);
    config
}

/// One run: what it was, and what came of it.
struct Run {
    timeout: Duration,
    expiry: Expiry,
    seed: u64,
    record: Record,
}

impl Run {
    fn ratio(&self) -> f64 {
        self.record.interval().as_secs_f64() / self.timeout.min(MAX).as_secs_f64()
    }

    fn in_the_band(&self) -> bool {
        BAND.contains(&self.ratio())
    }

    fn limit(&self) -> Duration {
        6 * self.timeout + Duration::from_secs(600)
    }

    fn settles_in_time(&self) -> bool {
        self.record.settled.is_some_and(|settled| settled.at <= self.limit())
    }
}

/// All listed timeouts with all kinds, `seeds` times.
fn listed(loss: f64, seeds: u64) -> Vec<(Nature, u64)> {
    let mut natures = Vec::new();
    for timeout in LISTED {
        for expiry in Expiry::ALL {
            let nature = Nature::steady(Duration::from_secs(timeout), expiry).with_loss(loss);
            natures.extend((0..seeds).map(|seed| (nature.clone(), seed)));
        }
    }
    natures
}

/// `count` timeouts, log-uniform, each with one of the kinds in turn, and
/// with any of some round trips.
fn unseen(count: usize, seed: u64, loss: f64) -> Vec<(Nature, u64)> {
    let mut chance = Chance::new(seed);
    let mut natures = Vec::new();
    for number in 0..count {
        let timeout = chance.log_between(SHORTEST, MAX);
        let expiry = Expiry::ALL[number % Expiry::ALL.len()];
        let mut nature = Nature::steady(timeout, expiry).with_loss(loss);
        nature.rtt = Duration::from_millis(chance.pick(&[10, 50, 150, 400]));
        nature.edge = nature.rtt / 5;
        natures.push((nature, seed * 1_000_000 + number as u64));
    }
    natures
}

/// Runs all, on as many threads as there are cores, in their order.
fn run_all(natures: Vec<(Nature, u64)>, length: Duration) -> Vec<Run> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Run>>> = Mutex::new(natures.iter().map(|_| None).collect());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((nature, seed)) = natures.get(at) else { break };
                    let record = world::run(nature, adaptive(), *seed, length);
                    let (timeout, expiry) = (nature.timeouts[0].1, nature.expiry);
                    let run = Run { timeout, expiry, seed: *seed, record };
                    done.lock().expect("no thread panics with the lock")[at] = Some(run);
                }
            });
        }
    });
    let done = done.into_inner().expect("no thread panics with the lock");
    done.into_iter().map(|run| run.expect("every run was done")).collect()
}

fn judge_listed(title: &str, runs: &[Run]) {
    println!("\n{title}");
    print_runs(runs);
    let summary = Summary::of(runs);
    println!("{summary:?}");
    let mut failures = Vec::new();
    for run in runs {
        check(&mut failures, run, "at most 2 drops while learning", run.record.count(When::Learning) <= 2);
        check(&mut failures, run, "no drop outside looks", run.record.count(When::Otherwise) == 0);
        check(&mut failures, run, "the interval lies in the band", run.in_the_band());
        check(&mut failures, run, "it settles in time", run.settles_in_time());
    }
    assert!(failures.is_empty(), "{title}:\n{}", failures.join("\n"));
    assert!(summary.mean_drops <= 1.2, "{title}: {summary:?}");
    assert!(summary.median >= 0.88, "{title}: {summary:?}");
}

fn judge_unseen(title: &str, runs: &[Run]) {
    println!("\n{title}");
    let summary = Summary::of(runs);
    println!("{summary:?}");
    let mut failures = Vec::new();
    for run in runs {
        check(&mut failures, run, "at most 3 drops while learning", run.record.count(When::Learning) <= 3);
        check(&mut failures, run, "no drop outside looks", run.record.count(When::Otherwise) == 0);
        check(&mut failures, run, "the interval is not below 0.64", run.ratio() >= 0.64);
        check(&mut failures, run, "the interval is below the timeout", run.ratio() < 1.0);
        check(&mut failures, run, "it settles in time", run.settles_in_time());
    }
    assert!(failures.is_empty(), "{title}:\n{}", failures.join("\n"));
    assert!(summary.mean_drops <= 1.4, "{title}: {summary:?}");
    assert!(summary.in_the_band >= 0.94, "{title}: {summary:?}");
    assert!(summary.median >= 0.88, "{title}: {summary:?}");
}

fn check(failures: &mut Vec<String>, run: &Run, rule: &str, holds: bool) {
    if !holds {
        failures.push(format!("  {rule}: {}", line(run)));
    }
}

#[derive(Debug)]
#[allow(dead_code, reason = "printed")]
struct Summary {
    runs: usize,
    mean_drops: f64,
    most_drops: usize,
    looks_a_run: f64,
    otherwise: usize,
    in_the_band: f64,
    least: f64,
    median: f64,
    greatest: f64,
    /// The longest time to settle, as a part of its limit.
    settles_within: f64,
}

impl Summary {
    fn of(runs: &[Run]) -> Summary {
        let count = runs.len() as f64;
        let learning = runs.iter().map(|run| run.record.count(When::Learning));
        let mut ratios: Vec<f64> = runs.iter().map(Run::ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let settles = runs.iter().map(|run| match run.record.settled {
            Some(settled) => settled.at.as_secs_f64() / run.limit().as_secs_f64(),
            None => f64::INFINITY,
        });
        Summary {
            runs: runs.len(),
            mean_drops: learning.clone().sum::<usize>() as f64 / count,
            most_drops: learning.max().unwrap_or(0),
            looks_a_run: runs.iter().map(|run| run.record.count(When::Look)).sum::<usize>() as f64 / count,
            otherwise: runs.iter().map(|run| run.record.count(When::Otherwise)).sum(),
            in_the_band: runs.iter().filter(|run| run.in_the_band()).count() as f64 / count,
            least: ratios[0],
            median: ratios[ratios.len() / 2],
            greatest: ratios[ratios.len() - 1],
            settles_within: settles.fold(0.0, f64::max),
        }
    }
}

fn print_runs(runs: &[Run]) {
    println!(
        "{:>7} {:<8} {:>8} {:>5} {:>6} {:>9} {:>6} {:>10} {:>10} {:>10}",
        "T s",
        "expiry",
        "learning",
        "looks",
        "others",
        "interval",
        "/ T",
        "settled s",
        "limit s",
        "beats/day"
    );
    for run in runs {
        println!("{}", line(run));
    }
}

fn line(run: &Run) -> String {
    let record = &run.record;
    let settled =
        record.settled.map_or("never".to_owned(), |settled| format!("{:.0}", settled.at.as_secs_f64()));
    let mut line = format!(
        "{:>7.1} {:<8} {:>8} {:>5} {:>6} {:>9.1} {:>6.3} {:>10} {:>10.0} {:>10.1}",
        run.timeout.as_secs_f64(),
        format!("{:?}", run.expiry),
        record.count(When::Learning),
        record.count(When::Look),
        record.count(When::Otherwise),
        record.interval().as_secs_f64(),
        run.ratio(),
        settled,
        run.limit().as_secs_f64(),
        record.beats_a_day(),
    );
    if record.count(When::Otherwise) > 0 || record.count(When::Learning) > 2 {
        line += &format!(" seed {}", run.seed);
        for drop in record.drops.iter().take(6) {
            line += &format!(
                " [{:?} at {:.0} s, gap {:.1} s, {}]",
                drop.when,
                drop.at.as_secs_f64(),
                drop.gap.as_secs_f64(),
                drop.seen
            );
        }
    }
    line
}
