//! The networks that are drawn from what is known of the world's timeouts.

use std::time::Duration;

use crate::chance::Chance;
use crate::world::{Expiry, Nature};

/// Idle timeouts of the world's middleboxes, how often each is met with, and
/// who says so.
const KNOWN: &str = include_str!("../idle-timeouts.csv");
/// Networks differ by their middlebox and by one of so many dice: from these a
/// client draws its jitter, and they say when the path dies. Networks that are
/// alike in both are lived in once.
pub const DICE: u64 = 64;

/// One row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Middlebox {
    pub label: String,
    pub timeout: Duration,
    pub expiry: Expiry,
    pub weight: f64,
    pub source: String,
}

/// A path with two middleboxes, of which the less patient one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The row that counts.
    pub middlebox: usize,
    /// One of [`DICE`].
    pub dice: u64,
    pub timeout: Duration,
    pub expiry: Expiry,
}

impl Network {
    pub fn nature(&self) -> Nature {
        Nature::steady(self.timeout, self.expiry)
    }
}

pub fn known() -> Vec<Middlebox> {
    parse(KNOWN).unwrap_or_else(|why| panic!("idle-timeouts.csv is part of the program: {why}"))
}

/// `count` networks, the same for the same seed.
pub fn draw(middleboxes: &[Middlebox], count: usize, seed: u64) -> Vec<Network> {
    let mut chance = Chance::new(seed);
    let one = |chance: &mut Chance| weighted(middleboxes, chance.unit());
    let networks = (0..count).map(|_| {
        let (a, b) = (one(&mut chance), one(&mut chance));
        let middlebox = if middleboxes[b].timeout < middleboxes[a].timeout { b } else { a };
        let Middlebox { timeout, expiry, .. } = middleboxes[middlebox];
        Network { middlebox, dice: chance.below(DICE), timeout, expiry }
    });
    networks.collect()
}

/// The row at `unit`, 0 to 1, of all weights.
fn weighted(middleboxes: &[Middlebox], unit: f64) -> usize {
    let total: f64 = middleboxes.iter().map(|middlebox| middlebox.weight).sum();
    let mut left = unit * total;
    for (at, middlebox) in middleboxes.iter().enumerate() {
        left -= middlebox.weight;
        if left < 0.0 {
            return at;
        }
    }
    middleboxes.len() - 1
}

fn parse(csv: &str) -> Result<Vec<Middlebox>, String> {
    let mut lines = csv.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    match lines.next() {
        Some((_, "label,seconds,at_expiry,weight,source")) => {}
        _ => return Err("the first line does not name the columns".to_owned()),
    }
    let middleboxes: Vec<_> = lines
        .map(|(at, line)| row(line).map_err(|why| format!("line {}: {why}", at + 1)))
        .collect::<Result<_, _>>()?;
    if middleboxes.is_empty() { Err("there are no rows".to_owned()) } else { Ok(middleboxes) }
}

fn row(line: &str) -> Result<Middlebox, String> {
    let mut cells = line.splitn(5, ',');
    let mut cell = |name: &str| {
        let cell = cells.next().map(str::trim).filter(|cell| !cell.is_empty());
        cell.ok_or(format!("no {name}"))
    };
    let label = cell("label")?.to_owned();
    let seconds: u64 = cell("seconds")?.parse().map_err(|_| "seconds is no whole number")?;
    let expiry = match cell("at_expiry")? {
        "silent" => Expiry::Silent,
        // Said in the protocol's own words, by a middlebox that is a proxy.
        "fin" | "close" => Expiry::Fin,
        "rst" => Expiry::Rst,
        "rst_late" => Expiry::RstLate,
        other => return Err(format!("at_expiry {other} is none that is known")),
    };
    let weight: f64 = cell("weight")?.parse().map_err(|_| "weight is no number")?;
    if seconds == 0 || !(weight.is_finite() && weight > 0.0) {
        return Err("seconds and weight must be above zero".to_owned());
    }
    let source = cell("source")?.to_owned();
    Ok(Middlebox { label, timeout: Duration::from_secs(seconds), expiry, weight, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "label,seconds,at_expiry,weight,source\n";

    #[test]
    fn every_row_of_the_table_can_be_read_and_says_where_it_is_from() {
        let known = known();
        assert_eq!(known.len(), 26);
        for middlebox in &known {
            let sourced =
                middlebox.source.contains("https://") || middlebox.source == "no public source found";
            assert!(sourced, "{middlebox:?}");
        }
        assert!(known.iter().any(|middlebox| middlebox.expiry == Expiry::RstLate));
    }

    #[test]
    fn a_close_counts_as_a_fin() {
        let read = parse(&format!("{HEAD}Heroku,55,close,2,\"somewhere, https://example.com\"\n")).unwrap();
        assert_eq!(read[0].expiry, Expiry::Fin);
        assert_eq!(read[0].source, "\"somewhere, https://example.com\"");
    }

    #[test]
    fn a_row_that_makes_no_sense_is_refused_by_its_line() {
        for line in ["x", "x,y,silent,1,s", "x,0,silent,1,s", "x,1,maybe,1,s", "x,1,fin,-1,s", "x,1,fin,1,"] {
            let refusal = parse(&format!("{HEAD}{line}\n")).unwrap_err();
            assert!(refusal.starts_with("line 2: "), "{line}: {refusal}");
        }
        assert!(parse("seconds,label\n").is_err());
        assert!(parse(HEAD).is_err());
    }

    #[test]
    fn of_two_middleboxes_the_less_patient_one_counts() {
        let read = parse(&format!("{HEAD}long,600,fin,1,s\nshort,60,silent,3,s\n")).unwrap();
        let networks = draw(&read, 10_000, 1);
        let short = networks.iter().filter(|network| network.expiry == Expiry::Silent).count();
        // One in sixteen has the long one twice.
        assert!((9_250..9_500).contains(&short), "{short}");
        assert!(networks.iter().all(|network| read[network.middlebox].timeout == network.timeout));
        assert_eq!(draw(&read, 10, 1), draw(&read, 10, 1));
    }
}
