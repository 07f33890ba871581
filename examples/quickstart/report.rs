//! The report at the end: the table, the checks, and one line of JSON.

use std::fmt::Write;
use std::time::Duration;

use crate::faults::{Bound, Fault};
use crate::ledger::Tally;

/// All that was measured.
#[derive(Clone, Debug)]
pub struct Report {
    /// The faults, in the order in which they struck.
    pub rows: Vec<Row>,
    /// The outcomes of the messages.
    pub tally: Tally,
    /// The NAT's timeout, where it is known.
    pub nat_timeout: Option<Duration>,
    /// The interval that was learned.
    pub learned: Duration,
    /// The beats.
    pub beats: Beats,
    /// Links that were lost although nothing was done to them.
    pub strays: u64,
    /// At the end, silences that the link lived through.
    pub held: u32,
    /// Lines on what the others saw.
    pub logs: Vec<String>,
    /// How long it all took.
    pub took: Duration,
}

/// One fault, as measured.
#[derive(Clone, Debug)]
pub struct Row {
    /// Which.
    pub fault: Fault,
    /// How it was noticed.
    pub how: String,
    /// The cause that was diagnosed.
    pub cause: String,
    /// From its beginning until it was noticed; `None`: never.
    pub noticed: Option<Duration>,
    /// From its beginning until the next echo; `None`: never.
    pub back: Option<Duration>,
    /// How soon it had to be.
    pub bound: Bound,
}

/// Beats of the whole run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beats {
    /// Sent.
    pub sent: u64,
    /// Of these, sent at once to confirm a message.
    pub confirming: u64,
    /// Made unnecessary by traffic.
    pub saved: u64,
}

impl Row {
    /// Counted from when it was noticed, or from its end if that is later.
    fn back_after(&self) -> Option<Duration> {
        let from = self.noticed?.max(self.fault.lasts());
        Some(self.back?.saturating_sub(from))
    }
}

impl Report {
    /// So many silences are held at the end.
    pub const HOLDS: u32 = 2;

    /// Everything that is wrong, in words; empty if all is well.
    pub fn failures(&self) -> Vec<String> {
        [self.lateness(), self.losses()].concat()
    }

    /// Everything that is wrong with the messages.
    pub fn losses(&self) -> Vec<String> {
        let Tally { lost, maybe_sent, under_way, repeated, reordered, .. } = self.tally;
        let mut failures = Failures::default();
        failures.unless(lost == 0, format!("{lost} messages were lost"));
        failures.unless(repeated == 0, format!("{repeated} messages were repeated"));
        failures.unless(reordered == 0, format!("{reordered} messages were reordered"));
        if self.nat_timeout.is_some() {
            failures.unless(
                maybe_sent <= under_way,
                format!("{maybe_sent} maybes, but only {under_way} messages were under way"),
            );
        }
        failures.0
    }

    /// Everything that is wrong with the times, which a machine that stands
    /// still can spoil.
    fn lateness(&self) -> Vec<String> {
        let mut failures = Failures::default();
        for row in &self.rows {
            let Row { fault, bound, .. } = row;
            failures.unless(
                row.noticed.is_some_and(|noticed| noticed <= bound.noticed),
                format!("{fault}: noticed after {}, not within {}", ms(row.noticed), ms(Some(bound.noticed))),
            );
            failures.unless(
                row.back.is_none_or(|back| back >= bound.not_before),
                format!("{fault}: back after {}, too soon for {}", ms(row.back), ms(Some(bound.not_before))),
            );
            failures.unless(
                row.back_after().is_some_and(|back| back <= bound.back),
                format!("{fault}: back {} after, not within {}", ms(row.back_after()), ms(Some(bound.back))),
            );
        }
        if let Some(nat_timeout) = self.nat_timeout {
            for fault in Fault::ORDERED.into_iter().chain([Fault::NatExpiry]) {
                failures
                    .unless(self.rows.iter().any(|row| row.fault == fault), format!("{fault} never struck"));
            }
            failures.unless(self.strays == 0, format!("{} links were lost outside the faults", self.strays));
            failures.unless(
                self.held == Report::HOLDS,
                format!("only {} silences were held at the end", self.held),
            );
            let ratio = self.learned.div_duration_f64(nat_timeout);
            failures.unless(
                (0.7..=0.97).contains(&ratio),
                format!("the learned interval is {ratio:.2} of the timeout, not 0.7 to 0.97"),
            );
        }
        failures.0
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        self.write_table(&mut out).expect("a String takes all that is written");
        out
    }

    fn write_table(&self, out: &mut String) -> std::fmt::Result {
        if !self.rows.is_empty() {
            let wide =
                |pick: fn(&Row) -> &String| self.rows.iter().map(|row| pick(row).len()).max().unwrap_or(0);
            let how = wide(|row| &row.how).max("how it was noticed".len());
            let cause = wide(|row| &row.cause).max("diagnosed".len());
            let line = |out: &mut String, cells: [&str; 7]| {
                let [a, b, c, d, e, f, g] = cells;
                writeln!(out, "{a:<17}  {b:<how$}  {c:<cause$}  {d:>9}  {e:>9}  {f:>9}  {g:>9}")
            };
            line(out, ["fault", "how it was noticed", "diagnosed", "noticed", "(bound)", "back", "(bound)"])?;
            for row in &self.rows {
                let back_bound = row.noticed.map(|noticed| noticed.max(row.fault.lasts()) + row.bound.back);
                line(
                    out,
                    [
                        row.fault.name(),
                        &row.how,
                        &row.cause,
                        &ms(row.noticed),
                        &ms(Some(row.bound.noticed)),
                        &ms(row.back),
                        &ms(back_bound),
                    ],
                )?;
            }
            writeln!(out)?;
        }
        let Tally { accepted, echoed, maybe_sent, under_way, lost, repeated, reordered } = self.tally;
        writeln!(out, "messages   {accepted} accepted, {echoed} echoed")?;
        match self.nat_timeout {
            Some(_) => {
                writeln!(out, "           {maybe_sent} maybe sent, of {under_way} under way at the cuts")?
            }
            None => writeln!(out, "           {maybe_sent} maybe sent")?,
        }
        writeln!(out, "           {lost} lost, {repeated} repeated, {reordered} reordered")?;
        match self.nat_timeout {
            Some(timeout) => writeln!(
                out,
                "interval   {} learned, the NAT forgets after {} ({:.2} of it)",
                ms(Some(self.learned)),
                ms(Some(timeout)),
                self.learned.div_duration_f64(timeout)
            )?,
            None => writeln!(out, "interval   {:.1?}", self.learned)?,
        }
        let Beats { sent, confirming, saved } = self.beats;
        let keeping = sent.saturating_sub(confirming);
        writeln!(
            out,
            "beats      {sent} sent: {keeping} to keep the link, {confirming} to confirm messages"
        )?;
        writeln!(out, "           {saved} saved by traffic")?;
        for log in &self.logs {
            writeln!(out, "{log}")?;
        }
        writeln!(out, "took       {:.1?}", self.took)
    }

    /// For programs: one object on one line.
    pub fn json(&self) -> String {
        let faults: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                let (kind, noticed, back) = (row.fault.name(), number(row.noticed), number(row.back));
                format!(r#"{{"kind":"{kind}","detected_ms":{noticed},"recovered_ms":{back}}}"#)
            })
            .collect();
        let Tally { accepted, echoed, maybe_sent, lost, repeated, reordered, .. } = self.tally;
        format!(
            concat!(
                r#"{{"faults":[{}],"sent":{},"received":{},"lost":{},"maybe_sent":{},"duplicated":{},"#,
                r#""reordered":{},"nat_timeout_ms":{},"learned_interval_ms":{},"ok":{}}}"#
            ),
            faults.join(","),
            accepted,
            echoed,
            lost,
            maybe_sent,
            repeated,
            reordered,
            number(self.nat_timeout),
            number(Some(self.learned)),
            self.failures().is_empty(),
        )
    }
}

/// Everything that is wrong, in words.
#[derive(Default)]
struct Failures(Vec<String>);

impl Failures {
    fn unless(&mut self, holds: bool, otherwise: String) {
        if !holds {
            self.0.push(otherwise);
        }
    }
}

fn ms(duration: Option<Duration>) -> String {
    duration.map_or("never".to_owned(), |duration| format!("{} ms", duration.as_millis()))
}

fn number(duration: Option<Duration>) -> String {
    duration.map_or("null".to_owned(), |duration| duration.as_millis().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let millis = Duration::from_millis;
        let rows = Fault::ORDERED.into_iter().chain([Fault::NatExpiry]).map(|fault| Row {
            fault,
            how: "reset".to_owned(),
            cause: "closed by peer".to_owned(),
            noticed: Some(millis(1)),
            back: Some(fault.lasts() + millis(255)),
            bound: fault.bound(millis(3000), millis(2700)),
        });
        Report {
            rows: rows.collect(),
            tally: Tally { accepted: 9, echoed: 9, ..Tally::default() },
            nat_timeout: Some(millis(3000)),
            learned: millis(2700),
            beats: Beats::default(),
            strays: 0,
            held: Report::HOLDS,
            logs: Vec::new(),
            took: millis(50_000),
        }
    }

    #[test]
    fn all_is_well_when_nothing_went_wrong() {
        assert_eq!(report().failures(), Vec::<String>::new());
        assert!(report().json().ends_with(r#""nat_timeout_ms":3000,"learned_interval_ms":2700,"ok":true}"#));
    }

    #[test]
    fn each_thing_that_can_go_wrong_is_named() {
        type Spoil = fn(&mut Report);
        let spoil: [(&str, Spoil); 11] = [
            ("lost", |report| report.tally.lost = 1),
            ("repeated", |report| report.tally.repeated = 1),
            ("reordered", |report| report.tally.reordered = 1),
            ("maybes", |report| report.tally.maybe_sent = 1),
            ("learned", |report| report.learned = Duration::from_millis(2000)),
            ("held", |report| report.held = 1),
            ("outside", |report| report.strays = 1),
            ("never struck", |report| drop(report.rows.pop())),
            ("noticed after", |report| report.rows[1].noticed = Some(Duration::from_secs(1))),
            ("too soon", |report| report.rows[2].back = Some(Duration::from_millis(100))),
            ("not within", |report| report.rows[1].back = None),
        ];
        for (word, spoil) in spoil {
            let mut report = report();
            spoil(&mut report);
            let failures = report.failures();
            assert_eq!(failures.len(), 1, "{word}: {failures:?}");
            assert!(failures[0].contains(word), "{word}: {failures:?}");
            let of_messages = ["lost", "repeated", "reordered", "maybes"].contains(&word);
            assert_eq!(!report.losses().is_empty(), of_messages, "{word}");
        }
    }
}
