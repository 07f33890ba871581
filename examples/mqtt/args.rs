//! The command line.

use std::sync::Arc;
use std::time::Duration;

use crate::arguments;

/// The text of `--help`.
pub const USAGE: &str = "\
MQTT 5 over raw TCP, by longlink.

Usage: mqtt <HOST:PORT> <TOPIC> [--watch | --publish | --check] [OPTIONS]

  --watch               prints what is published, until Ctrl-C (the default)
  --publish             publishes the lines of standard input, with QoS 1
  --check               publishes numbers to itself, and the last line is JSON;
                        the exit code is 0 only if none was lost
  --messages <NUMBER>   with --check: how many (default 100)
  --client-id <ID>      by default one that nobody else has
  --user <NAME>         with the password from the environment, MQTT_PASSWORD
  --keep-alive <SECS>   the longest that we may say nothing (default 60)
  --tls                 speaks TLS
  -h, --help            this text";

/// The command.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    pub broker: String,
    pub topic: String,
    pub mode: Mode,
    pub client_id: String,
    pub user: Option<String>,
    pub keep_alive: Duration,
    pub tls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Watch,
    Publish,
    Check { messages: u64 },
}

impl Args {
    /// Reads the arguments; the error says which one is wrong.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut args = Args {
            broker: String::new(),
            topic: String::new(),
            mode: Mode::Watch,
            client_id: format!("longlink-{}", std::process::id()),
            user: None,
            keep_alive: Duration::from_secs(60),
            tls: false,
        };
        let mut messages = 100;
        let mut places = Vec::new();
        let mut rest = arguments;
        while let Some(argument) = rest.next() {
            if !argument.starts_with('-') {
                places.push(argument);
                continue;
            }
            let (name, value) = arguments::split(argument);
            let mut value = || value.clone().or_else(|| rest.next()).ok_or(format!("{name} needs a value"));
            match &*name {
                "--watch" => args.mode = Mode::Watch,
                "--publish" => args.mode = Mode::Publish,
                "--check" => args.mode = Mode::Check { messages },
                "--messages" => messages = arguments::number(&name, &value()?, 1..=60_000)?,
                "--client-id" => args.client_id = value()?,
                "--user" => args.user = Some(value()?),
                "--keep-alive" => {
                    let seconds = arguments::number(&name, &value()?, 1..=u16::MAX.into())?;
                    args.keep_alive = Duration::from_secs(seconds);
                }
                "--tls" => args.tls = true,
                "-h" | "--help" => return Err("help is asked for".to_owned()),
                _ => return Err(format!("{name} is not known")),
            }
        }
        let [broker, topic] =
            <[String; 2]>::try_from(places).map_err(|_| "a broker and a topic are wanted")?;
        (args.broker, args.topic) = (broker, topic);
        if let Mode::Check { messages: wanted } = &mut args.mode {
            *wanted = messages;
        }
        Ok(args)
    }

    /// Name and password, where there is a name. The password never comes by
    /// the command line, which anybody on the machine can read.
    pub fn credentials(&self) -> Option<(Arc<str>, Arc<str>)> {
        let password = std::env::var("MQTT_PASSWORD").unwrap_or_default();
        self.user.as_deref().map(|user| (user.into(), password.into()))
    }
}
