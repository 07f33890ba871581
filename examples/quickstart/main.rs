//! A long connection that stays up through everything, shown in a minute.
//!
//! `cargo run --release --example quickstart` starts, in one process on
//! loopback, a WebSocket echo [`server`], a [`relay`] in front of it that plays
//! the network, and a [`client`] of longlink. The client sends numbered
//! messages and keeps a [`ledger`] of them, while the story in [`run`] first
//! lets longlink learn how long the relay's NAT remembers an idle flow, and then
//! goes through the [`faults`]. At the end the [`report`] is checked: the exit
//! code is 0 only if nothing was lost, repeated or reordered, and every fault
//! was noticed and survived in time. It is 3 where only times are not as they
//! must be, and the machine stood still meanwhile: then it shows nothing, and is
//! to be run again.
//!
//! To read how longlink is used, read [`client`]; the rest is the stage.

mod args;
mod client;
mod faults;
#[path = "../../tests/support/hiccups.rs"]
mod hiccups;
mod ledger;
mod own_server;
mod relay;
mod report;
mod run;
mod server;
mod timeline;
mod wire;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use crate::args::{Args, Output};

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
    match show(&args).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn show(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
    hiccups::watch();
    let begun = Instant::now();
    let report = match &args.url {
        Some(url) => own_server::run(url, args).await?,
        None => run::run(args).await?,
    };
    println!("\n{}", report.table());
    let failures = report.failures();
    for failure in &failures {
        println!("FAILED     {failure}");
    }
    let stood_still = hiccups::told(begun).filter(|_| report.losses().is_empty());
    let code = match (failures.is_empty(), stood_still) {
        (true, _) => ExitCode::SUCCESS,
        (false, Some(how)) => {
            println!("VOID       {how}: run it again");
            ExitCode::from(3)
        }
        (false, None) => ExitCode::FAILURE,
    };
    match args.output {
        Output::Table => {}
        Output::Json => println!("{}", report.json()),
    }
    Ok(code)
}
