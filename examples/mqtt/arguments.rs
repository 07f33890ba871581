//! Reading a command line by hand.

/// An argument's name, and what follows an equals sign: both `--seed 7` and
/// `--seed=7` are understood.
pub fn split(argument: String) -> (String, Option<String>) {
    match argument.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (argument, None),
    }
}

pub fn number(name: &str, value: &str, within: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    let number: u64 = value.parse().map_err(|_| format!("{name} needs a whole number, not {value}"))?;
    if within.contains(&number) {
        Ok(number)
    } else {
        Err(format!("{name} must lie between {} and {}", within.start(), within.end()))
    }
}
