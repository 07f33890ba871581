//! Plots as SVG, by hand: lines and points over two axes.

use std::fmt::Write;

const WIDTH: f64 = 880.0;
const HEIGHT: f64 = 500.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 660.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 440.0;

/// Colours that can be told apart, on white.
pub const COLOURS: [&str; 13] = [
    "#1b6ca8", "#d1495b", "#2e8b57", "#8e5ea2", "#e08e0b", "#00838f", "#6d4c41", "#5c6bc0", "#9e9d24",
    "#455a64", "#c2185b", "#7cb342", "#b0793a",
];

pub struct Plot {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
}

/// An axis with its ticks; what lies outside is drawn at its end.
pub struct Axis {
    pub label: &'static str,
    pub scale: Scale,
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<(f64, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Logarithmic,
}

pub enum Mark {
    /// Through these points; `name` goes into the legend, if it is not empty.
    Line { name: String, colour: &'static str, stroke: Stroke, points: Vec<(f64, f64)> },
    /// One point; `name` goes into the legend.
    Point { name: String, colour: &'static str, at: (f64, f64), radius: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    Solid,
    Dashed,
    /// Thin and dotted, for what is only there for comparison.
    Hint,
}

impl Axis {
    /// The part of the axis that lies before `value`.
    fn part(&self, value: f64) -> f64 {
        let scaled = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(self.low).ln(),
        };
        let part = (scaled(value) - scaled(self.low)) / (scaled(self.high) - scaled(self.low));
        part.clamp(0.0, 1.0)
    }
}

impl Plot {
    pub fn svg(&self) -> String {
        let mut out = String::new();
        self.write(&mut out).expect("a String takes all that is written");
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13">"##
        )?;
        writeln!(out, r##"<rect width="100%" height="100%" fill="#ffffff"/>"##)?;
        writeln!(out, r#"<text x="{LEFT}" y="28" font-size="16">{}</text>"#, escape(&self.title))?;
        self.write_axes(out)?;
        let mut legend = 0.0;
        for mark in &self.marks {
            let y = TOP + 10.0 + 20.0 * legend;
            let name = match mark {
                Mark::Line { name, colour, stroke, points } => {
                    self.write_line(out, colour, *stroke, points)?;
                    if !name.is_empty() {
                        let (from, to) = (RIGHT + 16.0, RIGHT + 44.0);
                        self.write_path(out, colour, *stroke, &format!("M{from} {y}L{to} {y}"))?;
                    }
                    name
                }
                Mark::Point { name, colour, at, radius } => {
                    write_dot(out, colour, self.place(*at), *radius)?;
                    write_dot(out, colour, (RIGHT + 36.0, y), *radius)?;
                    name
                }
            };
            if !name.is_empty() {
                writeln!(out, r#"<text x="{}" y="{}">{}</text>"#, RIGHT + 52.0, y + 4.0, escape(name))?;
                legend += 1.0;
            }
        }
        writeln!(out, "</svg>")
    }

    fn write_axes(&self, out: &mut String) -> std::fmt::Result {
        for (value, label) in &self.x.ticks {
            let (x, _) = self.place((*value, self.y.low));
            writeln!(out, r##"<path d="M{x:.1} {TOP}V{BOTTOM}" stroke="#e0e0e0"/>"##)?;
            let label = escape(label);
            writeln!(out, r#"<text x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"#, BOTTOM + 18.0)?;
        }
        for (value, label) in &self.y.ticks {
            let (_, y) = self.place((self.x.low, *value));
            writeln!(out, r##"<path d="M{LEFT} {y:.1}H{RIGHT}" stroke="#e0e0e0"/>"##)?;
            let label = escape(label);
            writeln!(out, r#"<text x="{}" y="{:.1}" text-anchor="end">{label}</text>"#, LEFT - 8.0, y + 4.0)?;
        }
        writeln!(out, r##"<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" fill="none" stroke="#333333"/>"##)?;
        let middle = (LEFT + RIGHT) / 2.0;
        let (x_label, y_label) = (escape(self.x.label), escape(self.y.label));
        writeln!(out, r#"<text x="{middle}" y="{}" text-anchor="middle">{x_label}</text>"#, BOTTOM + 42.0)?;
        let middle = (TOP + BOTTOM) / 2.0;
        writeln!(
            out,
            r#"<text transform="translate(20 {middle}) rotate(-90)" text-anchor="middle">{y_label}</text>"#
        )
    }

    fn write_line(
        &self,
        out: &mut String,
        colour: &str,
        stroke: Stroke,
        points: &[(f64, f64)],
    ) -> std::fmt::Result {
        let mut path = String::new();
        for (at, point) in points.iter().enumerate() {
            let (x, y) = self.place(*point);
            write!(path, "{}{x:.1} {y:.1}", if at == 0 { 'M' } else { 'L' })?;
        }
        self.write_path(out, colour, stroke, &path)
    }

    fn write_path(&self, out: &mut String, colour: &str, stroke: Stroke, path: &str) -> std::fmt::Result {
        let style = match stroke {
            Stroke::Solid => r#"stroke-width="2""#,
            Stroke::Dashed => r#"stroke-width="2" stroke-dasharray="7 4""#,
            Stroke::Hint => r#"stroke-width="1" stroke-dasharray="2 4""#,
        };
        writeln!(out, r#"<path d="{path}" fill="none" stroke="{colour}" {style}/>"#)
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (LEFT + (RIGHT - LEFT) * self.x.part(x), BOTTOM - (BOTTOM - TOP) * self.y.part(y))
    }
}

fn write_dot(out: &mut String, colour: &str, (x, y): (f64, f64), radius: f64) -> std::fmt::Result {
    writeln!(out, r##"<circle cx="{x:.1}" cy="{y:.1}" r="{radius}" fill="{colour}" stroke="#ffffff"/>"##)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(scale: Scale, low: f64, high: f64) -> Axis {
        Axis { label: "a < b", scale, low, high, ticks: vec![(low, low.to_string())] }
    }

    #[test]
    fn a_value_lies_where_its_scale_puts_it() {
        assert_eq!(axis(Scale::Linear, 0.0, 4.0).part(1.0), 0.25);
        assert!((axis(Scale::Logarithmic, 1.0, 10_000.0).part(10.0) - 0.25).abs() < 1e-12);
        assert_eq!(axis(Scale::Logarithmic, 1.0, 10.0).part(0.0), 0.0);
        assert_eq!(axis(Scale::Linear, 0.0, 1.0).part(7.0), 1.0);
    }

    #[test]
    fn a_plot_is_well_formed_and_shows_what_it_was_given() {
        let points = vec![(0.0, 0.0), (1.0, 1.0)];
        let line =
            Mark::Line { name: "a & b".to_owned(), colour: COLOURS[0], stroke: Stroke::Dashed, points };
        let point = Mark::Point { name: "c".to_owned(), colour: COLOURS[1], at: (0.5, 0.5), radius: 5.0 };
        let (x, y) = (axis(Scale::Linear, 0.0, 1.0), axis(Scale::Linear, 0.0, 1.0));
        let svg = Plot { title: "t".to_owned(), x, y, marks: vec![line, point] }.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("M80.0 440.0L660.0 50.0"), "{svg}");
        assert!(svg.contains("a &amp; b") && svg.contains("a &lt; b") && !svg.contains("a & b"));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
