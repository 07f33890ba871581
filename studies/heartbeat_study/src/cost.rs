//! The cost of a heartbeat: beats, bytes, wake-ups; for an application that is
//! idle and for one that receives a lot.

use std::time::Duration;

use common::parallel;
use longlink::keeper::Config;
use longlink::{Heartbeat, Probing};

use crate::algorithms::MAX;
use crate::record::DAY;
use crate::world::longlink::Longlink;
use crate::world::{Expiry, Nature, Traffic, World};

/// Lived in for so long …
const DAYS: u32 = 7;
/// … on a path that forgets a flow after this.
pub const TIMEOUT: Duration = Duration::from_secs(300);
/// The chatty application hears something at random, on average so often.
pub const CHATTY: Duration = Duration::from_secs(60);

/// One mode with one application, a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub mode: &'static str,
    pub application: &'static str,
    pub beats: f64,
    pub beats_saved: f64,
    pub bytes: f64,
    /// Beside those that bring a message.
    pub wake_ups: f64,
    pub drops: f64,
}

pub fn run(seed: u64) -> Vec<Row> {
    let modes = [
        ("main", Heartbeat::adaptive().max(MAX)),
        ("scout", Heartbeat::adaptive().max(MAX).probing(Probing::Scout)),
        ("passive", Heartbeat::adaptive().max(MAX).probing(Probing::Passive)),
        ("fixed 30 s", Heartbeat::fixed(Duration::from_secs(30))),
    ];
    let applications = [("idle", Traffic::None), ("chatty", Traffic::Poisson(CHATTY))];
    let mut cases = Vec::new();
    for (mode, heartbeat) in modes {
        for (application, traffic) in &applications {
            cases.push((mode, heartbeat.clone(), *application, traffic.clone()));
        }
    }
    parallel::map(&cases, |(mode, heartbeat, application, traffic)| {
        let nature = Nature::steady(TIMEOUT, Expiry::Silent).with_traffic(traffic.clone());
        let mut config = Config::default();
        config.heartbeat = heartbeat.clone();
        let mut world = World::new(&nature, Longlink::new(config, nature.beat, seed), seed);
        world.run_to(DAYS * DAY);
        let record = world.record();
        let a_day = |count: u64| count as f64 / f64::from(DAYS);
        Row {
            mode,
            application,
            beats: a_day(record.beats + record.scout_beats),
            beats_saved: a_day(record.stats.beats_saved),
            bytes: a_day(record.bytes),
            wake_ups: a_day(record.wake_ups - record.messages),
            drops: a_day(record.drops.len() as u64),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chatty_application_pays_for_fewer_beats() {
        let rows = run(1);
        for pair in rows.chunks(2) {
            let [idle, chatty] = pair else { panic!("two applications: {pair:?}") };
            assert_eq!(idle.mode, chatty.mode);
            assert!(chatty.beats < idle.beats && chatty.bytes < idle.bytes, "{pair:?}");
            assert!(idle.beats_saved < chatty.beats_saved, "{pair:?}");
        }
    }

    #[test]
    fn a_beat_costs_two_wake_ups_and_its_packets() {
        let rows = run(1);
        let fixed = rows.iter().find(|row| row.mode == "fixed 30 s" && row.application == "idle").unwrap();
        // Its time, and its answer; a few more at the start.
        assert!((2.0..2.01).contains(&(fixed.wake_ups / fixed.beats)), "{fixed:?}");
        // 88 bytes there, 84 back, 52 to acknowledge them.
        assert!((fixed.bytes / fixed.beats - 224.0).abs() < 1.0, "{fixed:?}");
    }
}
