//! The command line.

use std::path::PathBuf;

pub const USAGE: &str = "\
recovery: the same faults under longlink and other clients that reconnect

  cargo run --release -p recovery -- [options]

  --quick          fewer rounds and shorter waits: under a minute
  --rounds N       how often each client meets each fault  (default 31, quick 3)
  --document FILE  put the tables between the marks of this document, too
  --json           the last line is one JSON object
  -h, --help       this text

The rounds run side by side: the whole takes as long as its longest trial.";

/// The command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Args {
    pub quick: bool,
    pub rounds: usize,
    pub document: Option<PathBuf>,
    pub json: bool,
}

impl Args {
    /// Reads the arguments that follow the program's name; `None` asks for
    /// [`USAGE`].
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Args>, String> {
        let (mut quick, mut json, mut rounds, mut document) = (false, false, None, None);
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--quick" => quick = true,
                "--json" => json = true,
                "--rounds" => {
                    let count = value()?.parse().ok().filter(|count| (1..=101).contains(count));
                    rounds = Some(count.ok_or("--rounds takes a number from 1 to 101")?);
                }
                "--document" => document = Some(PathBuf::from(value()?)),
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("{argument} is not known")),
            }
        }
        let rounds = rounds.unwrap_or(if quick { 3 } else { 31 });
        Ok(Some(Args { quick, rounds, document, json }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_quick_run_has_fewer_rounds_unless_told_otherwise() {
        let rounds = |line: &str| parse(line).unwrap().unwrap().rounds;
        assert_eq!((rounds(""), rounds("--quick"), rounds("--rounds 5 --quick")), (31, 3, 5));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in ["--rounds", "--rounds 0", "--rounds many", "--document", "--slow", "quick"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert_eq!(parse("--help --quick"), Ok(None));
    }
}
