//! Any inputs to a keeper, held against the model of `tests/simulation`.

mod settings;
mod steps;
mod undriven;

use arbitrary::Unstructured;

use crate::play::{Coverage, Play};
use crate::schedules::Schedule;

/// Plays the settings, inputs and times that `bytes` are.
///
/// # Panics
///
/// Where a rule does not hold: in the words of the model, with all that went in
/// and came out.
pub fn keeper(bytes: &[u8]) {
    let mut data = Unstructured::new(bytes);
    let Ok((driven, schedule)) = decode(&mut data) else { return };
    if !driven {
        return undriven::play(&schedule);
    }
    if let Err(broken) = Play::new(&schedule, false).all(&mut Coverage::default()) {
        let mut again = Play::new(&schedule, true);
        let _ = again.all(&mut Coverage::default());
        panic!("{broken}\n{:?}\n{}", schedule.settings, again.into_log().join("\n"));
    }
}

/// Whether the outputs are drained after each input, as a driver does; and
/// what happens.
fn decode(data: &mut Unstructured<'_>) -> arbitrary::Result<(bool, Schedule)> {
    let driven = !data.ratio(1, 8)?;
    let seed = data.arbitrary::<u8>()?.into();
    let settings = settings::settings(data)?;
    Ok((driven, Schedule { seed, settings, steps: steps::steps(data) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that went in and came out.
    fn log(seed: &[u8]) -> String {
        let (driven, schedule) = decode(&mut Unstructured::new(seed)).expect("it is whole");
        assert!(driven);
        let mut play = Play::new(&schedule, true);
        play.all(&mut Coverage::default()).expect("no rule is broken");
        play.into_log().join("\n")
    }

    #[test]
    fn the_seeds_are_what_their_names_say() {
        for (seed, shows) in [
            (&include_bytes!("../seeds/keeper/a_link_learns_its_gap")[..], "IntervalChanged"),
            (include_bytes!("../seeds/keeper/five_misses_and_back"), "Unanswered { beats: 5 }"),
            (include_bytes!("../seeds/keeper/refused_for_long"), "attempt: 20"),
            (include_bytes!("../seeds/keeper/idle_timeout_of_a_minute"), "Diagnosed"),
            (include_bytes!("../seeds/keeper/asleep_for_twenty_minutes"), "Slept"),
            (include_bytes!("../seeds/keeper/a_network_that_flaps"), "ProbeUnanswered"),
            (include_bytes!("../seeds/keeper/a_stalled_reader"), "ReaderStalled"),
            (include_bytes!("../seeds/keeper/paused_and_resumed"), "Resumed"),
            (include_bytes!("../seeds/keeper/closed_while_connected"), "Finish(Closed)"),
            (include_bytes!("../seeds/keeper/scouts"), "purpose: Scout"),
        ] {
            let log = log(seed);
            assert!(log.contains(shows), "{shows} is not in\n{log}");
        }
    }
}
