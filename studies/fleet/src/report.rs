//! The report at the end: tables for people, one line of JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use common::document;

use crate::frontier::is_beaten;
use crate::record::ScheduleFigures;
use crate::scenario::Scenario;

/// Between these lines of a document stand the tables.
const BEGIN: &str = "<!-- fleet: begin -->";
const END: &str = "<!-- fleet: end -->";

/// Ours, in all tables.
pub const LONGLINK: &str = "longlink";

/// All that was measured.
pub struct Report {
    /// The fleet.
    pub clients: usize,
    pub seed: u64,
    pub told: Vec<Told>,
}

/// The result of one scenario.
pub struct Told {
    pub scenario: Scenario,
    /// Clients that it concerned.
    pub clients: usize,
    /// Ours first.
    pub rows: Vec<Row>,
}

/// The result of one schedule in it.
pub struct Row {
    pub name: &'static str,
    pub figures: ScheduleFigures,
    /// Attempts that reached a server in each second.
    pub per_second: Vec<u64>,
    /// The share that is connected, each tenth of a second.
    pub connected: Vec<f64>,
}

impl Told {
    /// Who beats ours.
    pub fn beaten_by(&self) -> Vec<&'static str> {
        let Some(own) = self.rows.iter().find(|row| row.name == LONGLINK) else { return Vec::new() };
        let beats = |row: &&Row| is_beaten(&own.figures, &row.figures);
        self.rows.iter().filter(beats).map(|row| row.name).collect()
    }
}

impl Report {
    /// In Markdown, so that they can go into a document as they are.
    pub fn tables(&self) -> String {
        let mut out = String::new();
        self.write_tables(&mut out).expect("a String takes all that is written");
        out
    }

    fn write_tables(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "A fleet of {}, seed {}.", self.clients, self.seed)?;
        for told in &self.told {
            writeln!(
                out,
                "\n**`{}`**, {} clients. {}.\n",
                told.scenario.name, told.clients, told.scenario.about
            )?;
            writeln!(
                out,
                "| schedule | attempts per client | in the first second | peak /s | 50 % back (s) | 99 % back (s) | never back |"
            )?;
            writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
            for row in &told.rows {
                let ScheduleFigures { attempts_per_client, first_second, peak_per_s, t50, t99, never } =
                    row.figures;
                writeln!(
                    out,
                    "| {} | {attempts_per_client:.2} | {first_second} | {peak_per_s} | {} | {} | {never} |",
                    row.name,
                    seconds(t50),
                    seconds(t99)
                )?;
            }
            match told.beaten_by()[..] {
                [] => writeln!(
                    out,
                    "\nlonglink is on the frontier: nobody has a lower peak or 99 % back earlier without being worse at the other."
                )?,
                ref others => writeln!(
                    out,
                    "\nlonglink is BEATEN at peak or 99 %, and not better at the other, by {}.",
                    others.join(", ")
                )?,
            }
        }
        Ok(())
    }

    /// One object on one line.
    pub fn json(&self) -> String {
        let scenarios: Vec<_> = self
            .told
            .iter()
            .map(|told| {
                let schedules: Vec<_> = told.rows.iter().map(Row::json).collect();
                format!(r#"{{"name":"{}","schedules":[{}]}}"#, told.scenario.name, schedules.join(","))
            })
            .collect();
        format!(r#"{{"scenarios":[{}]}}"#, scenarios.join(","))
    }

    /// The document with these tables in place of those between its marks.
    pub fn fill(&self, document: &str) -> Result<String, String> {
        document::fill(document, BEGIN, END, &self.tables())
    }
}

impl Row {
    fn json(&self) -> String {
        let ScheduleFigures { attempts_per_client, first_second, peak_per_s, t50, t99, .. } = self.figures;
        format!(
            concat!(
                r#"{{"name":"{}","attempts_per_client":{:.3},"first_second":{},"peak_per_s":{},"#,
                r#""t50_s":{},"t99_s":{}}}"#
            ),
            self.name,
            attempts_per_client,
            first_second,
            peak_per_s,
            number(t50),
            number(t99)
        )
    }
}

fn seconds(duration: Option<Duration>) -> String {
    duration.map_or("never".to_owned(), |duration| format!("{:.1}", duration.as_secs_f64()))
}

fn number(duration: Option<Duration>) -> String {
    duration.map_or("null".to_owned(), |duration| format!("{:.3}", duration.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn report() -> Report {
        let row = |name, peak_per_s, t99| Row {
            name,
            figures: ScheduleFigures {
                attempts_per_client: 2.5,
                first_second: 9,
                peak_per_s,
                t50: Some(Duration::from_millis(1500)),
                t99,
                never: 0,
            },
            per_second: Vec::new(),
            connected: Vec::new(),
        };
        let rows = vec![
            row(LONGLINK, 7, Some(Duration::from_secs(3))),
            row("slow", 6, None),
            row("better", 6, Some(Duration::from_secs(2))),
        ];
        let scenario = scenario::all().remove(0);
        Report { clients: 10, seed: 1, told: vec![Told { scenario, clients: 10, rows }] }
    }

    #[test]
    fn the_json_has_the_agreed_keys_and_no_others() {
        let json = concat!(
            r#"{"scenarios":[{"name":"server_lost","schedules":["#,
            r#"{"name":"longlink","attempts_per_client":2.500,"first_second":9,"peak_per_s":7,"t50_s":1.500,"t99_s":3.000},"#,
            r#"{"name":"slow","attempts_per_client":2.500,"first_second":9,"peak_per_s":6,"t50_s":1.500,"t99_s":null},"#,
            r#"{"name":"better","attempts_per_client":2.500,"first_second":9,"peak_per_s":6,"t50_s":1.500,"t99_s":2.000}"#,
            "]}]}"
        );
        assert_eq!(report().json(), json);
    }

    #[test]
    fn who_beats_ours_is_said_in_the_table() {
        let report = report();
        assert_eq!(report.told[0].beaten_by(), ["better"]);
        let filled = report.fill(&format!("a\n{BEGIN}\nold\n{END}\nb")).unwrap();
        assert!(
            filled.contains("BEATEN at peak or 99 %, and not better at the other, by better.")
                && !filled.contains("old")
        );
    }
}
