//! How longlink and other clients recover from the same faults, side by side.
//!
//! `cargo run --release -p recovery` puts each
//! [client](clients) in front of a [server] of its own on loopback, lets
//! messages flow both ways, injects a [fault] into the established link, and
//! measures when the client knew, when its application had a message on a new
//! link, and how many attempts that took. All [trials](trial) run at the same
//! time in one process, at instants that the [schedule] spreads; none shares
//! anything with another but the machine. What each number means is said in
//! [`trial::Outcome`].
//!
//! To check whether a client is treated fairly, read its file in [`clients`].

mod args;
mod clients;
mod fault;
mod report;
mod results;
mod schedule;
mod server;
mod speech;
mod tape;
mod trial;

use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::args::Args;
use crate::report::Setting;
use crate::results::Results;

/// Clients begin this far apart, so that they do not all dial at once.
const APART: Duration = Duration::from_millis(3);

#[tokio::main]
async fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(why) => {
            eprintln!("{why}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    raise_the_limit_of_descriptors();
    let cores = available_parallelism().map_or(1, usize::from);
    let setting = Setting { rounds: args.rounds, quick: args.quick, cores, load: load() };
    let (results, void) = run(&args).await;
    let text = report::document(&results, setting);
    println!("{text}");
    if let Some(path) = &args.document
        && let Err(why) = report::put(path, &text)
    {
        eprintln!("{why}");
        return ExitCode::FAILURE;
    }
    if args.json {
        println!("{}", report::json(&results, setting));
    }
    // A trial that says nothing of its client is a fault of this harness, or
    // of a machine that is too slow for it.
    if void == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A trial holds four sockets, and hundreds of them run at once: more than
/// many systems allow a process unless it asks.
fn raise_the_limit_of_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    // Where it is refused, a trial that finds no descriptor says so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// The system's load over the last minute.
fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Runs all trials; also how many of them say nothing.
async fn run(args: &Args) -> (Results, u32) {
    let mut running = JoinSet::new();
    for trial in schedule::trials(args.rounds, args.quick) {
        running.spawn(async move { (trial, trial.run().await) });
        sleep(APART).await;
    }
    let (mut results, mut void) = (Results::default(), 0);
    while let Some(done) = running.join_next().await {
        match done {
            Ok((trial, Ok(outcome))) => results.add(trial.client, trial.fault, outcome),
            Ok((trial, Err(why))) => {
                eprintln!("{} under {}: {why}", trial.client.name(), trial.fault.name());
                void += 1;
            }
            Err(panic) => {
                eprintln!("{panic}");
                void += 1;
            }
        }
    }
    (results, void)
}
