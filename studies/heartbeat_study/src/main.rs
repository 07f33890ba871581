//! How well heartbeats work: longlink's own, and models of what others do, on
//! simulated networks.
//!
//! `cargo run --release -p heartbeat-study` lives through years of
//! virtual time in a few minutes. What is driven for longlink is its real
//! keeper, in the [`world`] of the project's own tests.
//!
//! - [`grid`] goes through single idle timeouts and tells what is learned;
//! - [`mixture`] draws [`networks`] from what is known of the world's
//!   middleboxes and puts all [`algorithms`] into each, [`models`] of others
//!   among them;
//! - [`cost`] counts beats, bytes and wake-ups;
//! - [`traces`] follow the interval over time.
//!
//! The [`report`] goes to the terminal and, as JSON, into a file; the
//! [`figures`] become SVG plots. docs/heartbeat.md tells what to make of it.

mod algorithms;
mod args;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../../tests/simulation/chance.rs"]
mod chance;
mod cost;
mod figures;
mod grid;
mod mixture;
mod models;
mod networks;
#[allow(dead_code, reason = "as above")]
#[path = "../../../tests/simulation/record.rs"]
mod record;
mod report;
mod traces;
#[allow(dead_code, reason = "as above")]
#[path = "../../../tests/simulation/world/mod.rs"]
mod world;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use common::document::write;

use crate::algorithms::Algorithm;
use crate::args::Args;
use crate::report::Report;

fn main() -> ExitCode {
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
    match study(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn study(args: &Args) -> Result<(), String> {
    let begun = Instant::now();
    let done = |what: &str| eprintln!("{:>6.1} s  {what}", begun.elapsed().as_secs_f64());
    let grid = grid::run(args.quick, args.seed);
    done("single timeouts");
    let cost = cost::run(args.seed);
    let traces = traces::run(args.seed);
    done("cost and traces");
    let networks = networks::draw(&networks::known(), args.networks, args.seed);
    let mixture = Algorithm::ALL.map(|algorithm| {
        let row = mixture::run(algorithm, &networks, args.days, args.seed);
        done(algorithm.name());
        row
    });
    let report = Report {
        grid,
        grid_length: grid::length(args.quick),
        mixture: mixture.to_vec(),
        networks: args.networks,
        days: args.days,
        cost,
        seed: args.seed,
    };
    println!("{}", report.tables());
    let plots = [
        ("intervals.svg", figures::intervals(&traces)),
        ("beats-and-drops.svg", figures::beats_and_drops(&report.mixture)),
        ("detection.svg", figures::detection(&report.mixture)),
    ];
    for (name, plot) in plots {
        write(&args.plots.join(name), &plot.svg())?;
    }
    write(&args.results, &format!("{}\n", report.json()))?;
    if let Some(document) = &args.document {
        let old = fs::read_to_string(document).map_err(|why| format!("{}: {why}", document.display()))?;
        let new = report.fill(&old).map_err(|why| format!("{}: {why}", document.display()))?;
        write(document, &new)?;
    }
    done("all of it");
    if args.json {
        println!("{}", report.json());
    }
    Ok(())
}
