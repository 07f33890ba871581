//! Many runs of the world, beside each other, and what they come to.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use longlink::keeper::Config;
use longlink::{Heartbeat, Probing};

use crate::chance::Chance;
use crate::record::{Record, When};
use crate::world::{self, Expiry, Nature};

/// The timeouts that the world uses, in seconds.
pub const LISTED: [u64; 17] =
    [20, 30, 45, 60, 90, 120, 180, 240, 275, 300, 341, 350, 600, 900, 1800, 3600, 7200];
/// The scores' longest gap.
pub const MAX: Duration = Duration::from_secs(7200);
const SHORTEST: Duration = Duration::from_secs(20);

/// How the timeout is learned, with the limits of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Main,
    Scout,
}

impl Mode {
    fn config(self) -> Config {
        let mut config = Config::default();
        let probing = match self {
            Mode::Main => Probing::Main,
            Mode::Scout => Probing::Scout,
        };
        config.heartbeat = Heartbeat::adaptive().max(MAX).probing(probing);
        config
    }

    /// Where the settled interval lies, as a part of the timeout.
    pub fn band(self) -> std::ops::RangeInclusive<f64> {
        match self {
            Mode::Main => 0.72..=0.95,
            Mode::Scout => 0.80..=0.95,
        }
    }

    /// When it has settled.
    fn limit(self, timeout: Duration) -> Duration {
        match self {
            Mode::Main => 6 * timeout + Duration::from_secs(600),
            Mode::Scout => 5 * timeout + Duration::from_secs(120),
        }
    }
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub mode: Mode,
    pub nature: Nature,
    pub seed: u64,
    pub length: Duration,
}

/// One run: what it was, and what came of it.
#[derive(Debug)]
pub struct Run {
    pub plan: Plan,
    pub record: Record,
}

impl Run {
    pub fn timeout(&self) -> Duration {
        self.plan.nature.timeouts[0].1
    }

    pub fn ratio(&self) -> f64 {
        self.record.interval().as_secs_f64() / self.timeout().min(MAX).as_secs_f64()
    }

    /// Beats against the fewest that would do.
    pub fn beats_ratio(&self) -> f64 {
        let best = 86_400.0 / (0.9 * self.timeout().min(MAX).as_secs_f64());
        self.record.beats_a_day() / best
    }

    pub fn in_the_band(&self) -> bool {
        self.plan.mode.band().contains(&self.ratio())
    }

    pub fn limit(&self) -> Duration {
        self.plan.mode.limit(self.timeout())
    }

    pub fn settles_in_time(&self) -> bool {
        self.record.settled.is_some_and(|settled| settled.at <= self.limit())
    }

    /// The interval of the link in use at that time, once one was used.
    pub fn interval_at(&self, at: Duration) -> Option<Duration> {
        let later = self.record.intervals.partition_point(|&(since, _)| since <= at);
        later.checked_sub(1).map(|last| self.record.intervals[last].1)
    }

    /// The part of the time from then on in which the interval was below this.
    pub fn time_below(&self, interval: Duration, from: Duration) -> f64 {
        let spans = &self.record.intervals;
        let below = spans.iter().enumerate().map(|(at, &(since, used))| {
            let until = spans.get(at + 1).map_or(self.record.length, |next| next.0);
            if used < interval { until.saturating_sub(since.max(from)) } else { Duration::ZERO }
        });
        below.sum::<Duration>().as_secs_f64() / (self.record.length - from).as_secs_f64()
    }
}

/// All listed timeouts with all kinds of expiry, `seeds` times.
pub fn listed(mode: Mode, loss: f64, seeds: u64, length: Duration) -> Vec<Plan> {
    let mut plans = Vec::new();
    for timeout in LISTED {
        for expiry in Expiry::ALL {
            let nature = Nature::steady(Duration::from_secs(timeout), expiry).with_loss(loss);
            plans.extend((0..seeds).map(|seed| Plan { mode, nature: nature.clone(), seed, length }));
        }
    }
    plans
}

/// `count` timeouts, log-uniform, each with one of the kinds in turn, and
/// with any of some round trips.
pub fn unseen(mode: Mode, count: usize, seed: u64, loss: f64, length: Duration) -> Vec<Plan> {
    let mut chance = Chance::new(seed);
    let mut plans = Vec::new();
    for number in 0..count {
        let timeout = chance.log_between(SHORTEST, MAX);
        let expiry = Expiry::ALL[number % Expiry::ALL.len()];
        let mut nature = Nature::steady(timeout, expiry).with_loss(loss);
        nature.rtt = Duration::from_millis(chance.pick(&[10, 50, 150, 400]));
        nature.edge = nature.rtt / 5;
        plans.push(Plan { mode, nature, seed: seed * 1_000_000 + number as u64, length });
    }
    plans
}

/// Runs all, on as many threads as there are cores, in their order.
pub fn run_all(plans: Vec<Plan>) -> Vec<Run> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Run>>> = Mutex::new(plans.iter().map(|_| None).collect());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(at) else { break };
                    let record = world::run_tracing(&plan.nature, plan.mode.config(), plan.seed, plan.length);
                    let run = Run { plan: plan.clone(), record };
                    done.lock().expect("no thread panics with the lock")[at] = Some(run);
                }
            });
        }
    });
    let done = done.into_inner().expect("no thread panics with the lock");
    done.into_iter().map(|run| run.expect("every run was done")).collect()
}

pub fn check(failures: &mut Vec<String>, run: &Run, rule: &str, holds: bool) {
    if !holds {
        failures.push(format!("  {rule}: {}", line(run)));
    }
}

#[derive(Debug)]
#[allow(dead_code, reason = "printed")]
pub struct Summary {
    runs: usize,
    pub mean_drops: f64,
    most_drops: usize,
    rechecks_a_run: f64,
    otherwise: usize,
    pub in_the_band: f64,
    least: f64,
    pub median: f64,
    beats_ratio: f64,
    scouts_a_run: f64,
    greatest: f64,
    /// The longest time to settle, as a part of its limit.
    settles_within: f64,
}

impl Summary {
    pub fn of(runs: &[Run]) -> Summary {
        let count = runs.len() as f64;
        let learning = runs.iter().map(|run| run.record.count(When::Learning));
        let mut ratios: Vec<f64> = runs.iter().map(Run::ratio).collect();
        ratios.sort_by(f64::total_cmp);
        let mut beats: Vec<f64> = runs.iter().map(Run::beats_ratio).collect();
        beats.sort_by(f64::total_cmp);
        let settles = runs.iter().map(|run| match run.record.settled {
            Some(settled) => settled.at.as_secs_f64() / run.limit().as_secs_f64(),
            None => f64::INFINITY,
        });
        Summary {
            runs: runs.len(),
            mean_drops: learning.clone().sum::<usize>() as f64 / count,
            most_drops: learning.max().unwrap_or(0),
            rechecks_a_run: runs.iter().map(|run| run.record.count(When::Recheck)).sum::<usize>() as f64
                / count,
            otherwise: runs.iter().map(|run| run.record.count(When::Otherwise)).sum(),
            in_the_band: runs.iter().filter(|run| run.in_the_band()).count() as f64 / count,
            least: ratios[0],
            median: ratios[ratios.len() / 2],
            beats_ratio: beats[beats.len() / 2],
            scouts_a_run: runs.iter().map(|run| run.record.scouts as f64).sum::<f64>() / count,
            greatest: ratios[ratios.len() - 1],
            settles_within: settles.fold(0.0, f64::max),
        }
    }
}

pub fn print_runs(runs: &[Run]) {
    println!(
        "{:>7} {:<8} {:>8} {:>5} {:>6} {:>9} {:>6} {:>10} {:>10} {:>10}",
        "T s",
        "expiry",
        "learning",
        "rechecks",
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
        run.timeout().as_secs_f64(),
        format!("{:?}", run.plan.nature.expiry),
        record.count(When::Learning),
        record.count(When::Recheck),
        record.count(When::Otherwise),
        record.interval().as_secs_f64(),
        run.ratio(),
        settled,
        run.limit().as_secs_f64(),
        record.beats_a_day(),
    );
    if record.count(When::Otherwise) > 0 || record.count(When::Learning) > 2 {
        line += &format!(" seed {}", run.plan.seed);
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
