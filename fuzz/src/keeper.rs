//! What can happen to a keeper, held against the model of `tests/simulation`.

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
