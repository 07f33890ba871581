//! Three plots for each scenario: what the servers get, who is back, and who
//! beats whom.

use common::plot::{Axis, COLOURS, Mark, Plot, Scale, Stroke};

use crate::report::{LONGLINK, Row, Told};

/// Longer times are cut off.
const LONGEST: f64 = 300.0;
/// A line has no more points than this.
const POINTS: usize = 150;

/// The plots of a scenario, each with the name of its file.
pub fn of(told: &Told) -> [(String, Plot); 3] {
    let name = told.scenario.name;
    [
        (format!("{name}-attempts.svg"), attempts(told)),
        (format!("{name}-back.svg"), back(told)),
        (format!("{name}-frontier.svg"), frontier(told)),
    ]
}

/// Attempts at the servers over time.
fn attempts(told: &Told) -> Plot {
    let end = length(told);
    let most = told.rows.iter().flat_map(|row| &row.per_second).max().copied().unwrap_or(1) as f64;
    let marks = lines(told, |row| {
        // A second's count stands in its middle.
        let points = row.per_second.iter().enumerate();
        points.map(|(second, &count)| (second as f64 + 0.5, count as f64)).collect()
    });
    Plot {
        title: format!("{}: attempts that reach a server, a second", told.scenario.name),
        x: time(end),
        y: Axis {
            label: "attempts per second",
            scale: Scale::Logarithmic,
            low: 1.0,
            high: most * 1.2,
            ticks: ticks(1.0, most * 1.2)
                .into_iter()
                .filter(|(tick, _)| tick.log10().fract() == 0.0)
                .collect(),
        },
        marks,
    }
}

/// The share of the clients that is connected, over time.
fn back(told: &Told) -> Plot {
    let end = length(told);
    let marks = lines(told, |row| {
        let points = row.connected.iter().enumerate();
        let last = row.connected.last().map(|&share| (end, share * 100.0));
        points.map(|(tenth, &share)| ((tenth + 1) as f64 / 10.0, share * 100.0)).chain(last).collect()
    });
    let shares = [0.0, 25.0, 50.0, 75.0, 100.0];
    Plot {
        title: format!("{}: clients that are connected", told.scenario.name),
        x: time(end),
        y: Axis {
            label: "%",
            scale: Scale::Linear,
            low: 0.0,
            high: 100.0,
            ticks: shares.map(|share| (share, share.to_string())).to_vec(),
        },
        marks,
    }
}

/// The peak against the time until 99 % are back.
fn frontier(told: &Told) -> Plot {
    let peaks = told.rows.iter().map(|row| row.figures.peak_per_s as f64);
    let (least, most) = peaks.fold((f64::MAX, 1.0), |(least, most), peak| (peak.min(least), peak.max(most)));
    let times = told.rows.iter().filter_map(|row| row.figures.t99).map(|t99| t99.as_secs_f64());
    let (first, last) = times.fold((f64::MAX, 1.0), |(first, last), t99| (t99.min(first), t99.max(last)));
    let end = last * 2.0;
    let marks = told.rows.iter().enumerate().map(|(place, row)| Mark::Point {
        name: row.name.to_owned(),
        colour: COLOURS[place % COLOURS.len()],
        at: (row.figures.t99.map_or(end, |t99| t99.as_secs_f64()), row.figures.peak_per_s as f64),
        radius: if row.name == LONGLINK { 9.0 } else { 5.0 },
    });
    let mut x_ticks = ticks(first * 0.8, end * 0.7);
    x_ticks.push((end, "never".to_owned()));
    Plot {
        title: format!("{}: to the lower left is better", told.scenario.name),
        x: Axis {
            label: "99 % are back after (s)",
            scale: Scale::Logarithmic,
            low: first * 0.8,
            high: end,
            ticks: x_ticks,
        },
        y: Axis {
            label: "peak, attempts per second",
            scale: Scale::Logarithmic,
            low: least * 0.8,
            high: most * 1.2,
            ticks: ticks(least * 0.8, most * 1.2),
        },
        marks: marks.collect(),
    }
}

/// One line for each schedule; ours is solid.
fn lines(told: &Told, points: impl Fn(&Row) -> Vec<(f64, f64)>) -> Vec<Mark> {
    let end = length(told);
    let line = |(place, row): (usize, &Row)| {
        let within: Vec<_> = points(row).into_iter().filter(|(at, _)| *at <= end).collect();
        let every = within.len().div_ceil(POINTS).max(1);
        Mark::Line {
            name: row.name.to_owned(),
            colour: COLOURS[place % COLOURS.len()],
            stroke: if row.name == LONGLINK { Stroke::Solid } else { Stroke::Hint },
            points: within.into_iter().step_by(every).collect(),
        }
    };
    // Ours is drawn over the others.
    told.rows.iter().enumerate().rev().map(line).collect()
}

/// How much time is shown: until 99 % of ours are back, and of most others.
fn length(told: &Told) -> f64 {
    let story = told.scenario.story.last().map_or(0.0, |(at, _)| at.as_secs_f64());
    let t99 = |row: &Row| row.figures.t99.map(|t99| t99.as_secs_f64());
    let own = told.rows.iter().find(|row| row.name == LONGLINK).and_then(t99).unwrap_or_default();
    let mut ends: Vec<f64> = told.rows.iter().filter_map(t99).collect();
    ends.sort_by(f64::total_cmp);
    let most = ends.get(ends.len() * 4 / 5).or(ends.last()).copied().unwrap_or_default();
    (story + own.max(most) * 1.1).clamp(10.0, LONGEST.max(story + 60.0))
}

fn time(end: f64) -> Axis {
    let every =
        [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0].into_iter().find(|every| end / every <= 10.0).unwrap_or(60.0);
    let ticks = (0..=(end / every) as u32).map(|tick| f64::from(tick) * every);
    Axis {
        label: "seconds since the first loss",
        scale: Scale::Linear,
        low: 0.0,
        high: end,
        ticks: ticks.map(|tick| (tick, tick.to_string())).collect(),
    }
}

/// One, two and five times the powers of ten, within a range.
fn ticks(low: f64, high: f64) -> Vec<(f64, String)> {
    let powers = (0..=6).flat_map(|power| [1, 2, 5].map(|times| f64::from(times * 10u32.pow(power))));
    powers.filter(|tick| (low..=high).contains(tick)).map(|tick| (tick, tick.to_string())).collect()
}
