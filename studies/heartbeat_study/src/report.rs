//! The report at the end: tables for people, one line of JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use crate::cost::{CHATTY, TIMEOUT};
use common::document;

use crate::{cost, grid, mixture};

/// Between these lines of a document stand the tables.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// All that was measured.
pub struct Report {
    pub grid: Vec<grid::Row>,
    /// How long each run of the grid is.
    pub grid_length: Duration,
    pub mixture: Vec<mixture::Row>,
    pub networks: usize,
    pub days: u32,
    pub cost: Vec<cost::Row>,
    pub seed: u64,
}

impl Report {
    /// In Markdown, so that they can go into a document as they are.
    pub fn tables(&self) -> String {
        let mut out = String::new();
        self.write_tables(&mut out).expect("a String takes all that is written");
        out
    }

    fn write_tables(&self, out: &mut String) -> std::fmt::Result {
        let days = self.grid_length.as_secs() / (24 * 3600);
        writeln!(
            out,
            "Single timeouts, {days} days, idle, gaps of at most 7200 s, seed {}. Of silent",
            self.seed
        )?;
        writeln!(out, "expiry, RST and FIN the worst of each figure by itself.\n")?;
        writeln!(
            out,
            "| mode | T (s) | drops learning | drops after | of these no rechecks | settled (s) | of T | after (s) |"
        )?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.grid {
            let settled = row.settled.map_or("never".to_owned(), |at| format!("{:.1}", at.as_secs_f64()));
            let part =
                row.settled.map_or(String::new(), |at| format!("{:.3}", at.div_duration_f64(row.timeout)));
            let after = row.settle_time.map_or("never".to_owned(), |at| format!("{:.0}", at.as_secs_f64()));
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {settled} | {part} | {after} |",
                row.mode,
                row.timeout.as_secs(),
                row.learning_drops,
                row.drops_after,
                row.drops_astray
            )?;
        }
        writeln!(
            out,
            "\n{} networks, a day to learn and {} days more in each (a week where nothing is learned),\nidle, seed {}. But for the first column those days alone count. Beats are a multiple of 86400 / (0.9 · min(T, 7200 s)) a day,",
            self.networks, self.days, self.seed
        )?;
        writeln!(out, "those of side links included.\n")?;
        writeln!(
            out,
            "| algorithm | drops learning, mean | beats, median | mean | drops/day, mean | median | death noticed, median (s) | 99 % (s) |"
        )?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in &self.mixture {
            writeln!(
                out,
                "| {} | {} | {:.3} | {:.3} | {} | {} | {:.1} | {:.1} |",
                row.algorithm.name(),
                few(row.learning_drops_mean),
                row.beats_ratio_median,
                row.beats_ratio_mean,
                few(row.drops_day_mean),
                few(row.drops_day_median),
                row.detection_at(0.5).unwrap_or_default().as_secs_f64(),
                row.detection_at(0.99).unwrap_or_default().as_secs_f64(),
            )?;
        }
        writeln!(
            out,
            "\nCost a day on a path with a timeout of {} s; the chatty application hears something each {} s on average.",
            TIMEOUT.as_secs(),
            CHATTY.as_secs()
        )?;
        writeln!(out, "Wake-ups are timers and inputs, without those that bring a message.\n")?;
        writeln!(out, "| mode | application | beats | saved by traffic | bytes | wake-ups | drops |")?;
        writeln!(out, "|---|---|---:|---:|---:|---:|---:|")?;
        for row in &self.cost {
            writeln!(
                out,
                "| {} | {} | {:.1} | {:.1} | {:.0} | {:.1} | {} |",
                row.mode,
                row.application,
                row.beats,
                row.beats_saved,
                row.bytes,
                row.wake_ups,
                few(row.drops)
            )?;
        }
        Ok(())
    }

    /// One object on one line.
    pub fn json(&self) -> String {
        let grid: Vec<_> = self
            .grid
            .iter()
            .map(|row| {
                format!(
                    concat!(
                        r#"{{"mode":"{}","timeout_s":{},"learning_drops":{},"drops_after":{},"#,
                        r#""settled_s":{},"settle_time_s":{}}}"#
                    ),
                    row.mode,
                    row.timeout.as_secs(),
                    row.learning_drops,
                    row.drops_after,
                    number(row.settled),
                    number(row.settle_time)
                )
            })
            .collect();
        let mixture: Vec<_> = self
            .mixture
            .iter()
            .filter(|row| row.algorithm.is_compared())
            .map(|row| {
                format!(
                    concat!(
                        r#"{{"algorithm":"{}","beats_ratio_median":{:.4},"drops_day_mean":{:.5},"#,
                        r#""drops_day_median":{:.5},"detection_p50_s":{},"detection_p99_s":{}}}"#
                    ),
                    row.algorithm.name(),
                    row.beats_ratio_median,
                    row.drops_day_mean,
                    row.drops_day_median,
                    number(row.detection_at(0.5)),
                    number(row.detection_at(0.99))
                )
            })
            .collect();
        format!(r#"{{"grid":[{}],"mixture":[{}]}}"#, grid.join(","), mixture.join(","))
    }

    /// The document with these tables in place of those between its marks.
    pub fn fill(&self, document: &str) -> Result<String, String> {
        document::fill(document, BEGIN, END, &self.tables())
    }
}

/// Small numbers with the digits that matter.
fn few(number: f64) -> String {
    match number {
        0.0 => "0".to_owned(),
        _ if number < 0.1 => format!("{number:.4}"),
        _ => format!("{number:.2}"),
    }
}

fn number(duration: Option<Duration>) -> String {
    duration.map_or("null".to_owned(), |duration| format!("{:.3}", duration.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::Algorithm;

    fn report() -> Report {
        let secs = Duration::from_secs;
        let row = |algorithm| mixture::Row {
            algorithm,
            learning_drops_mean: 1.0,
            beats_ratio_median: 1.05,
            beats_ratio_mean: 1.06,
            drops_day_mean: 0.01,
            drops_day_median: 0.0,
            detection: vec![secs(10), secs(20)],
        };
        Report {
            grid: vec![grid::Row {
                mode: "main",
                timeout: secs(300),
                learning_drops: 1,
                drops_after: 2,
                drops_astray: 0,
                settled: Some(Duration::from_millis(267_840)),
                settle_time: None,
            }],
            grid_length: secs(56 * 24 * 3600),
            mixture: Algorithm::ALL.map(row).to_vec(),
            networks: 10,
            days: 56,
            cost: Vec::new(),
            seed: 1,
        }
    }

    #[test]
    fn the_json_has_the_agreed_keys_and_no_others() {
        let json = report().json();
        let grid = concat!(
            r#"{"grid":[{"mode":"main","timeout_s":300,"learning_drops":1,"drops_after":2,"#,
            r#""settled_s":267.840,"settle_time_s":null}],"mixture":[{"algorithm":"longlink-main","#,
            r#""beats_ratio_median":1.0500,"drops_day_mean":0.01000,"drops_day_median":0.00000,"#,
            r#""detection_p50_s":20.000,"detection_p99_s":20.000},"#
        );
        assert!(json.starts_with(grid), "{json}");
        assert!(!json.contains('\n') && !json.contains("longlink-default"));
        assert_eq!(json.matches("\"algorithm\"").count(), 9);
    }

    #[test]
    fn the_tables_go_between_the_marks_of_a_document() {
        let filled = report().fill(&format!("before\n{BEGIN}\nold\n{END}\nafter\n")).unwrap();
        assert!(filled.starts_with(&format!("before\n{BEGIN}\n\nSingle timeouts, 56 days")));
        assert!(filled.ends_with(&format!("\n{END}\nafter\n")) && !filled.contains("old"));
    }
}
