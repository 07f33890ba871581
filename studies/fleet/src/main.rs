//! The load of a fleet on its servers when it has lost them: longlink's own keepers
//! by the thousand, and models of other clients.
//!
//! `cargo run --release -p fleet` lives through each [`scenario`] in
//! virtual time. For longlink the real keeper is driven, with the
//! defaults, one for each client, each with a seed of its own; the [`models`]
//! are written from the sources that they name.
//!
//! - [`world`] has the clients' events in one queue, and
//! - [`service`] the servers, which accept so many attempts a second;
//! - [`record`] counts, and [`frontier`] says who beats whom.
//!
//! The [`report`] goes to the terminal and, as JSON, into a file; the
//! [`figures`] become SVG plots. docs/reconnect.md explains the results.

mod args;
#[allow(dead_code, reason = "others use more of it")]
#[path = "../../../tests/simulation/chance.rs"]
mod chance;
mod client;
mod figures;
mod frontier;
mod longlink;
mod models;
mod record;
mod report;
mod runs;
mod scenario;
mod service;
mod world;

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use common::document::write;

use crate::args::Args;

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
    let report = runs::all(args);
    println!("{}", report.tables());
    for told in &report.told {
        for (name, plot) in figures::of(told) {
            write(&args.plots.join(name), &plot.svg())?;
        }
    }
    write(&args.results, &format!("{}\n", report.json()))?;
    if let Some(document) = &args.document {
        let old = fs::read_to_string(document).map_err(|why| format!("{}: {why}", document.display()))?;
        let new = report.fill(&old).map_err(|why| format!("{}: {why}", document.display()))?;
        write(document, &new)?;
    }
    eprintln!("{:.1} s", begun.elapsed().as_secs_f64());
    if args.json {
        println!("{}", report.json());
    }
    Ok(())
}
