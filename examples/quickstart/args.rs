//! The command line, read by hand: a handful of options do not earn a dependency.

use std::time::Duration;

/// The text of `--help`.
pub const USAGE: &str = "\
The long connection that stays up through everything, shown in a minute.

Usage: quickstart [OPTIONS]

Without --url, an echo server, a relay that plays a bad network, and a client
of longlink run in this process, on loopback. The exit code is 0 only if
nothing was lost, repeated or reordered and every fault was noticed and
survived in time.

  --nat-timeout <TIME>     the relay forgets a flow that is idle for this long:
                           1500ms to 10s (default 3s; above 5s the run takes
                           longer than a minute)
  --seed <NUMBER>          pins all chance (default 1)
  --order <ORDER>          of the faults: listed (default) or shuffled
  --json                   the last line is one JSON object
  --url <ws(s)://...>      your own echo server instead, without the relay,
                           until Ctrl-C, which closes gracefully
  --scale <FACTOR>         with --url: all of longlink's times multiplied by
                           this (default 1)
  -h, --help               this text";

/// The factor that the demonstration runs at: a NAT timeout of 3 s stands for
/// one of 60 s, and so on for every time of the heartbeat and the reconnect
/// policy.
pub const SCALE: f64 = 1.0 / 20.0;

/// The command.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// How long a flow may be idle before the relay forgets it.
    pub nat_timeout: Duration,
    /// Pins all chance.
    pub seed: u64,
    /// The order of the faults.
    pub order: Order,
    /// The kind of the last line.
    pub output: Output,
    /// The user's own echo server.
    pub url: Option<String>,
    /// With `url`: the factor on all times.
    pub scale: f64,
}

/// The order of the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they are listed.
    Listed,
    /// Drawn from the seed.
    Shuffled,
}

/// The kind of output at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A table.
    Table,
    /// A table, and one JSON object as the last line.
    Json,
}

impl Default for Args {
    fn default() -> Args {
        Args {
            nat_timeout: Duration::from_secs(3),
            seed: 1,
            order: Order::Listed,
            output: Output::Table,
            url: None,
            scale: 1.0,
        }
    }
}

impl Args {
    /// Reads the arguments that follow the program's name; `None` asks for
    /// [`USAGE`].
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Args>, String> {
        let mut args = Args::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            // Both `--seed 7` and `--seed=7` are understood.
            let (name, attached) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value =
                || attached.clone().or_else(|| arguments.next()).ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--nat-timeout" => args.nat_timeout = nat_timeout(&value()?)?,
                "--seed" => {
                    args.seed = value()?.parse().map_err(|_| "--seed needs a whole number".to_owned())?
                }
                "--order" => args.order = order(&value()?)?,
                "--url" => args.url = Some(value()?),
                "--scale" => {
                    args.scale = value()?.parse().map_err(|_| "--scale needs a number".to_owned())?
                }
                "--json" => args.output = Output::Json,
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name}")),
            }
        }
        Ok(Some(args))
    }
}

fn order(value: &str) -> Result<Order, String> {
    match value {
        "listed" => Ok(Order::Listed),
        "shuffled" => Ok(Order::Shuffled),
        _ => Err("--order is listed or shuffled".to_owned()),
    }
}

fn nat_timeout(value: &str) -> Result<Duration, String> {
    let timeout = duration(value).ok_or("--nat-timeout needs a time such as 3s or 1700ms")?;
    if (Duration::from_millis(1500)..=Duration::from_secs(10)).contains(&timeout) {
        Ok(timeout)
    } else {
        Err("--nat-timeout must lie between 1500ms and 10s".to_owned())
    }
}

fn duration(value: &str) -> Option<Duration> {
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (value.strip_suffix('s')?, 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Option<Args>, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn times_are_read_in_seconds_and_milliseconds() {
        assert_eq!(parse("--nat-timeout 1700ms").unwrap().unwrap().nat_timeout, Duration::from_millis(1700));
        assert_eq!(parse("--nat-timeout=5s").unwrap().unwrap().nat_timeout, Duration::from_secs(5));
        assert_eq!(parse("--nat-timeout 2.5s").unwrap().unwrap().nat_timeout, Duration::from_millis(2500));
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for line in ["--nat-timeout 3", "--nat-timeout 1s", "--seed", "--seed x", "--order up", "--speed 3"] {
            let refusal = parse(line).unwrap_err();
            assert!(refusal.contains(line.split_whitespace().next().unwrap()), "{line}: {refusal}");
        }
    }
}
