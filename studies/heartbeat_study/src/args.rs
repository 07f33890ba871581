//! The command line.

use std::path::PathBuf;

use common::arguments::{number, split};

pub const USAGE: &str = "\
heartbeat_study: the real keeper and models of others, on simulated networks

  cargo run --release -p heartbeat-study -- [options]

  --quick           fewer networks, timeouts and days: under a minute
  --networks N      how many networks are drawn          (default 10000)
  --days N          how long each is lived in, after one  (default 56)
  --seed N          pins all chance                      (default 1)
  --out DIR         where the plots go    (default target/heartbeat-study)
  --results FILE    where the JSON goes   (default target/heartbeat-study.json)
  --document FILE   put the tables between the marks of this document, too
  --json            print the JSON as the last line, too
  -h, --help        this text";

/// The command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub quick: bool,
    pub networks: usize,
    /// In each of the drawn networks.
    pub days: u32,
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
            quick: false,
            networks: 10_000,
            days: 56,
            seed: 1,
            plots: PathBuf::from("target/heartbeat-study"),
            results: PathBuf::from("target/heartbeat-study.json"),
            document: None,
            json: false,
        };
        let (mut networks, mut days) = (None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, attached) = split(argument);
            if let ("--quick" | "--json" | "-h" | "--help", Some(_)) = (name.as_str(), &attached) {
                return Err(format!("{name} takes no value"));
            }
            let mut value =
                || attached.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--quick" => args.quick = true,
                "--json" => args.json = true,
                "--networks" => networks = Some(number(&name, &value()?, 1..=1_000_000)?),
                "--days" => days = Some(number(&name, &value()?, 1..=365)?),
                "--seed" => args.seed = number(&name, &value()?, 0..=u64::MAX)?,
                "--out" => args.plots = PathBuf::from(value()?),
                "--results" => args.results = PathBuf::from(value()?),
                "--document" => args.document = Some(PathBuf::from(value()?)),
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        if args.quick {
            (args.networks, args.days) = (150, 7);
        }
        // Both were checked against bounds that fit.
        args.networks = networks.map_or(args.networks, |networks| networks as usize);
        args.days = days.map_or(args.days, |days| days as u32);
        Ok(Some(args))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn quick_is_a_choice_that_others_override() {
        let quick = parse("--days 3 --quick --json").unwrap().unwrap();
        assert_eq!((quick.days, quick.networks, quick.json), (3, 150, true));
        assert_eq!(parse("").unwrap().unwrap().networks, 10_000);
        assert_eq!(parse("--quick --help").unwrap(), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for line in
            ["--days 0", "--days x", "--networks", "--seed -1", "--out", "--quick=1", "--fast", "more"]
        {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.contains(line.split(['=', ' ']).next().unwrap()), "{line}: {refusal}");
        }
    }
}
