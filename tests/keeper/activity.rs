//! Whether somebody looks at the application, and settings that change.

use std::time::Duration;

use crate::rig::{RTT, Rig, secs, with_heartbeat};
use longlink::keeper::{Input, Output};
use longlink::{Activity, Detection, Event, Heartbeat};

/// The gaps that beats went out after.
fn gaps(rig: &Rig) -> Vec<Duration> {
    let gaps = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Emit(Event::BeatSent { gap, .. }) => Some(*gap),
        _ => None,
    });
    gaps.collect()
}

/// The link in use answers what comes after a gap below this.
fn live(rig: &mut Rig, time: Duration, timeout: Duration) {
    let end = rig.elapsed() + time;
    while rig.elapsed() < end {
        if rig.opening().is_some() {
            rig.open(longlink::Beat::Ping);
        }
        let detection = rig.log.len();
        rig.until(|output| matches!(output, Output::Beat { .. } | Output::Open { .. }));
        let lives = rig.log[detection..]
            .iter()
            .any(|(_, output)| matches!(output, Output::Emit(Event::BeatSent { gap, .. }) if *gap < timeout));
        if lives {
            rig.pass(RTT);
            rig.answer();
        }
    }
}

/// A timeout of 100 s was found: 115 s failed, and 96 s are proven.
fn settled() -> Rig {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    live(&mut rig, secs(3_000), secs(100));
    assert_eq!(rig.interval(), secs(96).mul_f64(0.93));
    rig.forget();
    rig
}

#[test]
fn in_the_background_five_misses_span_25_s() {
    for (activity, span) in [(Activity::Foreground, 10), (Activity::Background, 25)] {
        let mut rig = Rig::connected(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
        rig.keeper.tell(Input::Activity(activity));
        // So that the round trip is known.
        for _ in 0..8 {
            rig.beat_answered(RTT);
        }
        let asked = rig.until_beat();
        assert_eq!(rig.until_death() - asked, secs(span), "{activity:?}");
        assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
    }
}

#[test]
fn in_the_foreground_no_gap_is_tried() {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    live(&mut rig, secs(24 * 3_600), secs(100));
    assert!(gaps(&rig).iter().all(|gap| *gap <= secs(27)), "{:?}", gaps(&rig).iter().max());
    assert_eq!(rig.keeper.stats().reconnects, 0);
}

#[test]
fn a_look_that_is_due_waits_until_nobody_looks_at_the_application() {
    let mut rig = settled();
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    live(&mut rig, secs(20 * 24 * 3_600), secs(100));
    let held = secs(96).mul_f64(0.93);
    assert!(gaps(&rig).iter().all(|gap| *gap <= held), "{:?}", gaps(&rig).iter().max());
    rig.forget();
    rig.keeper.tell(Input::Activity(Activity::Background));
    live(&mut rig, secs(600), secs(1_000));
    assert!(gaps(&rig).iter().any(|gap| *gap >= secs(115)), "{:?}", gaps(&rig));
}

#[test]
fn another_longest_gap_counts_at_once_and_what_was_learned_stays() {
    let mut rig = settled();
    rig.update(with_heartbeat(Heartbeat::adaptive().max(secs(60))));
    assert_eq!(rig.interval(), secs(60).mul_f64(0.93));
    live(&mut rig, secs(600), secs(100));
    assert!(gaps(&rig).iter().all(|gap| *gap <= secs(60)), "{:?}", gaps(&rig));
    rig.update(with_heartbeat(Heartbeat::adaptive()));
    assert_eq!(rig.interval(), secs(96).mul_f64(0.93), "it is still known");
}
