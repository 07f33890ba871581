//! The three plots of the study.

use std::time::Duration;

use common::plot::{Axis, COLOURS, Mark, Plot, Scale, Stroke};

use crate::mixture;
use crate::traces::{LENGTH, Trace, length_in_days};

/// Fewer drops a day than this are drawn as none.
const NO_DROPS: f64 = 0.001;

/// The interval over time, on paths with several timeouts.
pub fn intervals(traces: &[Trace]) -> Plot {
    let end = LENGTH.as_secs_f64();
    let begin = 10.0;
    let mut timeouts: Vec<Duration> = Vec::new();
    let mut marks = Vec::new();
    for trace in traces {
        let place = timeouts.iter().position(|timeout| *timeout == trace.timeout).unwrap_or_else(|| {
            timeouts.push(trace.timeout);
            timeouts.len() - 1
        });
        let colour = COLOURS[place % COLOURS.len()];
        let timeout = trace.timeout.as_secs_f64();
        let stroke = if trace.mode == "main" { Stroke::Solid } else { Stroke::Dashed };
        marks.push(Mark::Line {
            name: format!("{}, timeout {}", trace.mode, seconds(timeout)),
            colour,
            stroke,
            points: steps(trace, begin, end),
        });
        if trace.mode == "main" {
            let points = vec![(begin, timeout), (end, timeout)];
            marks.push(Mark::Line { name: String::new(), colour, stroke: Stroke::Hint, points });
        }
    }
    let times = [10.0, 60.0, 600.0, 3600.0, 6.0 * 3600.0, 86_400.0, end];
    Plot {
        title: format!("The interval over {} days, silent expiry (dotted: the timeout)", length_in_days()),
        x: Axis {
            label: "time since the first link",
            scale: Scale::Logarithmic,
            low: begin,
            high: end,
            ticks: times.map(|time| (time, seconds(time))).to_vec(),
        },
        y: Axis {
            label: "interval",
            scale: Scale::Logarithmic,
            low: 8.0,
            high: 5_000.0,
            ticks: [10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0]
                .map(|interval| (interval, seconds(interval)))
                .to_vec(),
        },
        marks,
    }
}

/// An interval stays until the next begins.
fn steps(trace: &Trace, begin: f64, end: f64) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for (at, interval) in &trace.intervals {
        let at = at.as_secs_f64().max(begin);
        if let Some(&(_, last)) = points.last() {
            points.push((at, last));
        }
        points.push((at, interval.as_secs_f64()));
    }
    if let Some(&(_, last)) = points.last() {
        points.push((end, last));
    }
    points
}

/// Beats against drops, everybody.
pub fn beats_and_drops(rows: &[mixture::Row]) -> Plot {
    let marks = rows.iter().enumerate().map(|(place, row)| Mark::Point {
        name: row.algorithm.name().to_owned(),
        colour: COLOURS[place % COLOURS.len()],
        at: (row.beats_ratio_median, row.drops_day_mean),
        // A small one shows on top of a large one.
        radius: if place % 2 == 0 { 9.0 } else { 5.0 },
    });
    let ratios = [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
    let drops = [0.01, 0.1, 1.0, 10.0, 100.0, 1000.0];
    let mut y_ticks: Vec<_> = drops.map(|drops| (drops, drops.to_string())).to_vec();
    y_ticks.push((NO_DROPS, "none".to_owned()));
    Plot {
        title: "Beats against drops: to the lower left is better".to_owned(),
        x: Axis {
            label: "beats, as a multiple of what would do (median)",
            scale: Scale::Logarithmic,
            low: 0.2,
            high: 40.0,
            ticks: ratios.map(|ratio| (ratio, ratio.to_string())).to_vec(),
        },
        y: Axis {
            label: "drops of the user's link a day (mean)",
            scale: Scale::Logarithmic,
            low: NO_DROPS,
            high: 1000.0,
            ticks: y_ticks,
        },
        marks: marks.collect(),
    }
}

/// How soon a silent death is noticed, everybody.
pub fn detection(rows: &[mixture::Row]) -> Plot {
    let marks = rows.iter().enumerate().map(|(place, row)| Mark::Line {
        name: row.algorithm.name().to_owned(),
        colour: COLOURS[place % COLOURS.len()],
        stroke: if row.algorithm.heartbeat().is_some() { Stroke::Solid } else { Stroke::Dashed },
        points: cumulated(&row.detection),
    });
    let times = [1.0, 10.0, 60.0, 300.0, 1200.0, 3600.0, 7200.0];
    Plot {
        title: "How soon a silent death is noticed by an idle application".to_owned(),
        x: Axis {
            label: "time from the death of the path",
            scale: Scale::Logarithmic,
            low: 1.0,
            high: 8_000.0,
            ticks: times.map(|time| (time, seconds(time))).to_vec(),
        },
        y: Axis {
            label: "part of all networks",
            scale: Scale::Linear,
            low: 0.0,
            high: 1.0,
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| (part, format!("{} %", part * 100.0))).to_vec(),
        },
        marks: marks.collect(),
    }
}

/// One point for each hundredth.
fn cumulated(sorted: &[Duration]) -> Vec<(f64, f64)> {
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let point = |hundredth: usize| (sorted[last * hundredth / 100].as_secs_f64(), hundredth as f64 / 100.0);
    (0..=100).map(point).collect()
}

fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 60.0 || seconds % 60.0 > 0.0 && seconds < 3600.0 => format!("{seconds} s"),
        _ if seconds < 3600.0 => format!("{:.0} min", seconds / 60.0),
        _ if seconds < 86_400.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} d", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_drawn_until_the_next_begins() {
        let secs = Duration::from_secs;
        let intervals = vec![(secs(1), secs(27)), (secs(40), secs(34))];
        let trace = Trace { mode: "main", timeout: secs(60), intervals };
        assert_eq!(steps(&trace, 10.0, 99.0), [(10.0, 27.0), (40.0, 27.0), (40.0, 34.0), (99.0, 34.0)]);
    }

    #[test]
    fn half_of_the_deaths_are_noticed_by_the_median() {
        let sorted: Vec<_> = (0..201).map(Duration::from_secs).collect();
        let points = cumulated(&sorted);
        assert_eq!((points.len(), points[50], points[100]), (101, (100.0, 0.5), (200.0, 1.0)));
        assert!(cumulated(&[]).is_empty());
    }
}
