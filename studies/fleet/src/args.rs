//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use common::arguments::{number, split};
use longlink::Reconnect;

use crate::service::{LONGEST_WAIT, Nanos};

pub const USAGE: &str = "\
fleet: longlink's keepers by the thousand, and models of others, lose their server

  cargo run --release -p fleet -- [options]

  --quick           a fleet of 5000: a few seconds
  --clients N       the fleet, 1000 to 1000000           (default 50000)
                    a million take 3.6 GB and 11 minutes of one core
  --queue MS        how long a server's listen queue is   (default 4096)
  --base MS         longlink's first step                 (default 1000)
  --cap MS          longlink's longest delay              (default 60000)
  --seed N          pins all chance                       (default 1)
  --out DIR         where the plots go             (default target/fleet)
  --results FILE    where the JSON goes       (default target/fleet.json)
  --document FILE   put the tables between the marks of this document, too
  --json            print the JSON as the last line, too
  -h, --help        this text";

/// The command.
#[derive(Clone, Debug)]
pub struct Args {
    pub clients: usize,
    /// The longest wait in a server's listen queue.
    pub queue: Nanos,
    /// longlink's policy.
    pub reconnect: Reconnect,
    pub seed: u64,
    pub plots: PathBuf,
    pub results: PathBuf,
    pub document: Option<PathBuf>,
    pub json: bool,
}

impl Args {
    /// Reads the arguments that follow the program's name; `None` asks for
    /// [`USAGE`].
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Args>, String> {
        let mut args = Args {
            clients: 50_000,
            queue: LONGEST_WAIT,
            reconnect: Reconnect::default(),
            seed: 1,
            plots: PathBuf::from("target/fleet"),
            results: PathBuf::from("target/fleet.json"),
            document: None,
            json: false,
        };
        let (mut quick, mut clients) = (false, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, attached) = split(argument);
            if let ("--quick" | "--json" | "-h" | "--help", Some(_)) = (name.as_str(), &attached) {
                return Err(format!("{name} takes no value"));
            }
            let mut value =
                || attached.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--quick" => quick = true,
                "--json" => args.json = true,
                "--clients" => clients = Some(number(&name, &value()?, 1_000..=1_000_000)?),
                "--queue" => args.queue = number(&name, &value()?, 1..=60_000)? * 1_000_000,
                "--base" => args.reconnect = args.reconnect.base(millis(&name, &value()?)?),
                "--cap" => args.reconnect = args.reconnect.cap(millis(&name, &value()?)?),
                "--seed" => args.seed = number(&name, &value()?, 0..=u64::MAX)?,
                "--out" => args.plots = PathBuf::from(value()?),
                "--results" => args.results = PathBuf::from(value()?),
                "--document" => args.document = Some(PathBuf::from(value()?)),
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        args.reconnect.check().map_err(|why| why.to_string())?;
        if quick {
            args.clients = 5_000;
        }
        // It was checked against bounds that fit.
        args.clients = clients.map_or(args.clients, |clients| clients as usize);
        Ok(Some(args))
    }
}

fn millis(name: &str, value: &str) -> Result<Duration, String> {
    number(name, value, 1..=3_600_000).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn quick_is_a_choice_that_others_override() {
        assert_eq!(parse("--quick --json").unwrap().unwrap().clients, 5_000);
        assert_eq!(parse("--clients=2000 --quick").unwrap().unwrap().clients, 2_000);
        assert_eq!(parse("").unwrap().unwrap().clients, 50_000);
        assert!(parse("--quick --help").unwrap().is_none());
    }

    #[test]
    fn a_policy_that_cannot_work_is_refused() {
        assert!(parse("--base 2000 --cap 1000").unwrap_err().contains("reconnect.cap"));
        assert!(parse("--cap 20000").unwrap().is_some());
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for line in
            ["--clients 0", "--clients x", "--queue", "--seed -1", "--out", "--quick=1", "--fast", "more"]
        {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.contains(line.split(['=', ' ']).next().unwrap()), "{line}: {refusal}");
        }
    }
}
