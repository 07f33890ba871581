//! The printed report: tables in Markdown, one line of JSON, and the tables put
//! into a document.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clients::Client;
use crate::fault::Fault;
use crate::results::{Results, Row};
use crate::schedule::watched;

/// The part between these lines of a document is ours.
const BEGIN: &str = "<!-- recovery: begin -->";
const END: &str = "<!-- recovery: end -->";

/// Writes one cell of a table.
type Cell<'a> = &'a dyn Fn(&Row) -> String;

/// Times that lie this far apart are told.
const WIDE: Duration = Duration::from_millis(100);

/// How the run was made.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub rounds: usize,
    pub quick: bool,
    pub cores: usize,
    /// How many wanted a core when it began, where the system tells: with more
    /// than there are cores, milliseconds are too long.
    pub load: Option<f64>,
}

/// All tables, with the words that they need to be read.
pub fn document(results: &Results, setting: Setting) -> String {
    let Setting { rounds, cores, load, .. } = setting;
    let load = load.map_or(String::new(), |load| format!(" (load before the run {load:.1})"));
    let mut text = format!(
        "Medians of {rounds} rounds on {cores} cores{load}, loopback, release build; {}.\n",
        versions(include_str!("../../../Cargo.lock"))
    );
    let parts: [(&str, Cell<'_>); 3] = [
        ("Back after: to the first message on a new link (shortest – longest)", &|row| {
            let back = wait(row.back, row.fault, setting);
            match results.span(row.client, row.fault).filter(|(least, most)| *most > *least + WIDE) {
                Some((least, most)) => {
                    format!("{back} ({:.1} – {:.1})", least.as_secs_f64(), most.as_secs_f64())
                }
                None => back,
            }
        }),
        ("Detected after", &|row| wait(row.detected, row.fault, setting)),
        ("Attempts", &|row| row.attempts.to_string()),
    ];
    for (title, cell) in parts {
        writeln!(text, "\n**{title}**\n\n{}", table(results, cell)).expect("a string takes all");
    }
    writeln!(text, "\n{}", quiet(results, setting)).expect("a string takes all");
    text
}

/// The rows, as one value.
pub fn json(results: &Results, setting: Setting) -> Value {
    let ms = |wait: Option<Duration>| wait.map(|wait| (wait.as_secs_f64() * 1e5).round() / 1e2);
    let row = |row: &Row| {
        json!({
            "client": row.client.name(),
            "fault": row.fault.name(),
            "detected_ms": ms(row.detected),
            "back_ms": ms(row.back),
            "attempts": row.attempts,
        })
    };
    json!({ "rounds": setting.rounds, "rows": results.rows().iter().map(row).collect::<Vec<_>>() })
}

/// Puts `text` between the marks of the document at `path`.
///
/// # Errors
///
/// Says why it cannot.
pub fn put(path: &Path, text: &str) -> Result<(), String> {
    let why = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let document = std::fs::read_to_string(path).map_err(|error| why(&error))?;
    let document = between_marks(&document, text).map_err(|error| why(&error))?;
    std::fs::write(path, document).map_err(|error| why(&error))
}

fn between_marks(document: &str, text: &str) -> Result<String, String> {
    let begin = document.find(BEGIN).ok_or(format!("it has no line {BEGIN}"))? + BEGIN.len();
    let end = begin + document[begin..].find(END).ok_or(format!("it has no line {END}"))?;
    Ok(format!("{}\n\n{text}\n{}", &document[..begin], &document[end..]))
}

/// Who keeps a link that has nothing wrong with it.
fn quiet(results: &Results, setting: Setting) -> String {
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    for row in results.rows().into_iter().filter(|row| row.fault == Fault::Quiet) {
        match row.detected.or(row.back) {
            None => kept.push(row.client.title().to_owned()),
            Some(after) => dropped.push(format!("{} after {}", row.client.title(), short(after))),
        }
    }
    let list = |names: Vec<String>| if names.is_empty() { "nobody".to_owned() } else { names.join("; ") };
    let watched = watched(Fault::Quiet, setting.quick).as_secs();
    format!(
        "A healthy link on which nothing is said for {watched} s, and pings are answered, is dropped by: {}. \
         It is kept by: {}.",
        list(dropped),
        list(kept)
    )
}

/// A column for each fault, a line for each client.
fn table(results: &Results, cell: Cell<'_>) -> String {
    let faults: Vec<_> = Fault::ALL.into_iter().filter(|fault| *fault != Fault::Quiet).collect();
    let titles: Vec<_> = faults.iter().map(|fault| fault.title()).collect();
    let mut text = format!("| | {} |\n|---|{}", titles.join(" | "), "---:|".repeat(titles.len()));
    for client in Client::ALL {
        let shown = |fault: &Fault| results.row(client, *fault).map_or(String::new(), |row| cell(&row));
        let cells: Vec<_> = faults.iter().map(shown).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            write!(text, "\n| {} | {} |", client.title(), cells.join(" | ")).expect("a string takes all");
        }
    }
    text
}

fn wait(wait: Option<Duration>, fault: Fault, setting: Setting) -> String {
    match wait {
        Some(wait) => short(wait),
        None => format!("> {} s", watched(fault, setting.quick).as_secs()),
    }
}

/// Two or three digits, and a unit.
fn short(wait: Duration) -> String {
    let ms = wait.as_secs_f64() * 1e3;
    match ms {
        ..0.05 => "< 0.1 ms".to_owned(),
        ..9.95 => format!("{ms:.1} ms"),
        ..999.5 => format!("{ms:.0} ms"),
        ..9995.0 => format!("{:.2} s", ms / 1e3),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

/// The versions of the clients, from the lock file.
fn versions(lock: &str) -> String {
    let mut packages: Vec<_> = Client::ALL.into_iter().filter_map(Client::package).collect();
    packages.dedup();
    packages.push("tokio-tungstenite");
    let known = packages.into_iter().map(|package| {
        let head = format!("name = \"{package}\"\nversion = \"");
        // Of several versions the newest is ours, and comes last.
        let version = lock.rsplit(&head).next().and_then(|rest| rest.split('"').next());
        format!("{package} {}", version.unwrap_or("?"))
    });
    known.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::Outcome;

    const SETTING: Setting = Setting { rounds: 1, quick: false, cores: 2, load: Some(0.25) };

    fn one() -> Results {
        let mut results = Results::default();
        let detected = Some(Duration::from_micros(1234));
        results.add(Client::ByHand, Fault::Fin, Outcome { detected, back: None, attempts: 2 });
        results
    }

    #[test]
    fn a_number_has_two_or_three_digits() {
        let shown = |micros| short(Duration::from_micros(micros));
        assert_eq!(shown(40), "< 0.1 ms");
        assert_eq!(shown(340), "0.3 ms");
        assert_eq!(shown(9_940), "9.9 ms");
        assert_eq!(shown(9_960), "10 ms");
        assert_eq!(shown(612_400), "612 ms");
        assert_eq!(shown(3_870_000), "3.87 s");
        assert_eq!(shown(20_004_000), "20.0 s");
    }

    #[test]
    fn what_was_not_seen_is_null_and_says_how_long_was_waited() {
        let json = json(&one(), SETTING);
        let row = r#"[{"client":"by_hand","fault":"fin","detected_ms":1.23,"back_ms":null,"attempts":2.0}]"#;
        assert_eq!(json["rows"].to_string(), row);
        assert!(document(&one(), SETTING).contains("| by hand |  | > 75 s |"));
    }

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let before = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(between_marks(&before, "new\n"), Ok(format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n")));
        assert!(between_marks("a", "new").is_err());
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        let told = versions(include_str!("../../../Cargo.lock"));
        assert!(told.contains("ezsockets 0.7") && told.contains("tokio-tungstenite 0.30"), "{told}");
        assert!(!told.contains('?'), "{told}");
    }
}
