//! Settings: what the ready-made ones are, how they are scaled, and which are
//! refused, to the exact bound.

use std::time::Duration;

use crate::rig::{Rig, millis, secs, with_reconnect};
use longlink::keeper::Config;
use longlink::{Beat, Failure, Growth, Heartbeat, Invalid, LinkEnd, Probing, Reconnect};

const NANO: Duration = Duration::from_nanos(1);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

fn refused(checked: Result<(), Invalid>) -> Option<&'static str> {
    checked.err().map(|invalid| invalid.field)
}

#[test]
fn the_preset_heartbeats_are_the_default_with_other_figures() {
    let adaptive = Heartbeat::adaptive;
    let spelled_out =
        adaptive().probing(Probing::Main).start(secs(27)).min(secs(10)).max(secs(285)).misses(5);
    assert_eq!(adaptive(), spelled_out.growth(Growth::Ladder));
    assert_eq!(Heartbeat::default(), adaptive());
    assert_eq!(Heartbeat::frugal(), adaptive().max(secs(1800)));
    assert_eq!(Heartbeat::prompt(), Heartbeat::fixed(secs(15)));
}

#[test]
fn probing_after_off_or_fixed_learns_again() {
    assert_eq!(Heartbeat::off().probing(Probing::Scout), Heartbeat::adaptive().probing(Probing::Scout));
    let fixed = Heartbeat::fixed(secs(40));
    let learns = fixed.clone().probing(Probing::Main);
    assert_ne!(learns, fixed);
    assert_eq!(learns.start(secs(27)).min(secs(10)).max(secs(285)), Heartbeat::adaptive());
}

#[test]
fn scaled_multiplies_the_durations_that_were_set_before_it() {
    let own = |heartbeat: Heartbeat, by: u64| {
        let heartbeat = heartbeat.min(secs(10 * by)).start(secs(20 * by)).max(secs(100 * by));
        heartbeat.growth(Growth::Step(secs(5 * by))).recheck_after(secs(200 * by))
    };
    assert_eq!(own(Heartbeat::adaptive(), 2).scaled(0.5), own(Heartbeat::adaptive().scaled(0.5), 1));
    assert_eq!(Heartbeat::adaptive().scaled(0.5).scaled(0.5), Heartbeat::adaptive().scaled(0.25));
    let eager = format!("{:?}", Reconnect::eager().cap(secs(10)).scaled(2.0).base(secs(3)));
    assert!(eager.contains("base: 3s, cap: 20s"), "{eager}");
    assert!(eager.contains("eager: true, scale: 2.0"), "{eager}");
}

#[test]
fn each_setting_of_the_heartbeat_is_taken() {
    let default = Heartbeat::adaptive();
    for set in [
        default.clone().probing(Probing::Passive),
        default.clone().start(secs(28)),
        default.clone().min(secs(11)),
        default.clone().max(secs(286)),
        default.clone().misses(4),
        default.clone().growth(Growth::Factor(1.5)),
        default.clone().recheck_after(secs(1)),
        Heartbeat::adaptive().scaled(2.0).start(secs(27)).min(secs(10)).max(secs(285)),
    ] {
        assert_ne!(set, default);
    }
}

#[test]
fn a_scaled_heartbeat_has_every_duration_multiplied() {
    let half = Heartbeat::adaptive().scaled(0.5);
    assert_eq!(half.clone().start(millis(13_500)).min(secs(5)).max(millis(142_500)), half);
    let mut rig = Rig::beating(half);
    assert_eq!(rig.until_beat(), millis(13_500));
    // The first deadline is half of 3 s.
    rig.forget();
    rig.until_death();
    assert_eq!(rig.misses()[0], millis(15_000));
}

#[test]
fn a_heartbeat_is_refused_by_the_name_of_the_field_that_cannot_work() {
    let default = Heartbeat::adaptive;
    for (heartbeat, field) in [
        (default(), None),
        (Heartbeat::adaptive().scaled(1e-6), None),
        (Heartbeat::adaptive().scaled(0.99e-6), Some("heartbeat.scaled")),
        (Heartbeat::adaptive().scaled(1.01e6), Some("heartbeat.scaled")),
        (Heartbeat::adaptive().scaled(0.0), Some("heartbeat.scaled")),
        (Heartbeat::adaptive().scaled(f64::NAN), Some("heartbeat.scaled")),
        (Heartbeat::adaptive().scaled(f64::INFINITY), Some("heartbeat.scaled")),
        (default().start(Duration::ZERO), Some("heartbeat.start")),
        (default().min(Duration::ZERO), Some("heartbeat.min")),
        (default().max(YEAR), None),
        (default().max(YEAR + NANO), Some("heartbeat.max")),
        (Heartbeat::fixed(secs(60)), None),
        (default().start(secs(60)).min(secs(60) + NANO).max(secs(60)), Some("heartbeat.min")),
        (default().start(secs(10)), None),
        (default().start(secs(10) - NANO), Some("heartbeat.start")),
        (default().start(secs(285)), None),
        (default().start(secs(285) + NANO), Some("heartbeat.start")),
        (default().misses(0), Some("heartbeat.misses")),
        (default().misses(1), None),
        (default().misses(16), None),
        (default().misses(17), Some("heartbeat.misses")),
        (default().recheck_after(Duration::ZERO), Some("heartbeat.recheck_after")),
        (default().recheck_after(NANO), None),
        (default().recheck_after(YEAR), None),
        (default().recheck_after(YEAR + NANO), Some("heartbeat.recheck_after")),
        (default().growth(Growth::Factor(1.0)), Some("heartbeat.growth")),
        (default().growth(Growth::Factor(0.5)), Some("heartbeat.growth")),
        (default().growth(Growth::Factor(1.01)), None),
        (default().growth(Growth::Factor(f64::INFINITY)), Some("heartbeat.growth")),
        (default().growth(Growth::Factor(f64::NAN)), Some("heartbeat.growth")),
        (default().growth(Growth::Step(Duration::ZERO)), Some("heartbeat.growth")),
        (default().growth(Growth::Step(NANO)), None),
    ] {
        assert_eq!(refused(heartbeat.check()), field, "{heartbeat:?}");
    }
}

#[test]
fn a_reconnect_policy_is_refused_by_the_name_of_its_bad_field() {
    let default = Reconnect::default;
    for (reconnect, field) in [
        (default(), None),
        (Reconnect::default().scaled(1e-6), None),
        (Reconnect::default().scaled(1e6), None),
        (Reconnect::default().scaled(0.99e-6), Some("reconnect.scaled")),
        (Reconnect::default().scaled(1.01e6), Some("reconnect.scaled")),
        (Reconnect::default().scaled(0.0), Some("reconnect.scaled")),
        (Reconnect::default().scaled(f64::INFINITY), Some("reconnect.scaled")),
        (default().base(Duration::ZERO), Some("reconnect.base")),
        (default().base(secs(9)).cap(secs(9)), None),
        (default().base(secs(9) + NANO).cap(secs(9)), Some("reconnect.cap")),
        (default().attempt_deadline(Duration::ZERO), Some("reconnect.attempt_deadline")),
        (default().attempt_deadline(NANO), None),
        (default().attempts(0), Some("reconnect.attempts")),
        (default().attempts(1), None),
        (default().attempts(None), None),
    ] {
        assert_eq!(refused(reconnect.check()), field, "{reconnect:?}");
    }
}

#[test]
fn a_connection_is_checked_whole() {
    let mut config = with_reconnect(Reconnect::default());
    assert_eq!(refused(config.check()), None);
    config.heartbeat = Heartbeat::adaptive().misses(0);
    assert_eq!(refused(config.check()), Some("heartbeat.misses"));
    let config = with_reconnect(Reconnect::default().attempts(0));
    assert_eq!(refused(config.check()), Some("reconnect.attempts"));
    let mut config = Config::default();
    config.close_deadline = Duration::ZERO;
    assert_eq!(refused(config.check()), Some("close_deadline"));
    let mut config = Config::default();
    config.silence_limit = Some(Duration::ZERO);
    assert_eq!(refused(config.check()), Some("silence_limit"));
}

#[test]
fn debug_tells_the_settings_of_a_reconnect_policy() {
    let told = format!("{:?}", Reconnect::default());
    assert_eq!(
        told,
        "Reconnect { base: 1s, cap: 60s, background_cap: 300s, attempts: None, attempt_deadline: 15s, \
         eager: false, scale: 1.0, own_policy: false, own_classification: false }"
    );
    let own = Reconnect::default()
        .scaled(2.0)
        .base(secs(3))
        .cap(secs(4))
        .background_cap(secs(5))
        .attempts(6)
        .attempt_deadline(secs(7))
        .delays(|| [secs(8)])
        .classify(|_, usual| usual);
    assert_eq!(
        format!("{own:?}"),
        "Reconnect { base: 3s, cap: 4s, background_cap: 5s, attempts: Some(6), attempt_deadline: 7s, \
         eager: false, scale: 2.0, own_policy: true, own_classification: true }"
    );
    assert!(format!("{:?}", Reconnect::eager()).contains("eager: true"));
    let scaled = format!("{:?}", Reconnect::default().scaled(2.0));
    assert!(scaled.contains("base: 2s, cap: 120s, background_cap: 600s"), "{scaled}");
    assert!(scaled.contains("attempt_deadline: 15s"), "{scaled}");
}

/// The bounds of a delay over many draws.
fn bounds(delay: impl Fn(u64) -> Duration) -> (Duration, Duration) {
    let mut delays: Vec<Duration> = (0..300).map(delay).collect();
    delays.sort();
    (delays[0], delays[delays.len() - 1])
}

#[test]
fn a_scaled_policy_scales_floor_first_step_and_close_code_delays() {
    let first = |seed| {
        let mut rig = Rig::dialling(Reconnect::default().scaled(4.0), seed);
        rig.fail(Failure::Refused);
        rig.delay()
    };
    let (least, most) = bounds(first);
    assert!(least >= secs(2) && least <= millis(2_100), "{least:?}");
    assert!(most <= secs(4) && most >= millis(3_900), "{most:?}");

    let restarting = |seed| {
        let mut rig = Rig::connected(with_reconnect(Reconnect::default().scaled(4.0)), seed);
        rig.end(LinkEnd::closed(Some(1012), ""));
        rig.delay()
    };
    let (least, most) = bounds(restarting);
    assert!(least >= secs(20) && least <= secs(22), "{least:?}");
    assert!(most <= secs(120) && most >= secs(118), "{most:?}");
}

#[test]
fn a_scaled_policy_scales_the_time_in_which_a_link_proves_itself() {
    // The number of the attempt that follows a link that was up for so long,
    // where two attempts had failed before it.
    let after = |scale: f64, up: Duration| {
        let mut rig = Rig::dialling(Reconnect::default().scaled(scale), 1);
        for _ in 0..2 {
            rig.fail(Failure::Refused);
            rig.until_opening();
        }
        rig.open(Beat::Ping);
        rig.heard();
        rig.answers_at_once = true;
        rig.pass(up);
        rig.end(LinkEnd::Eof);
        rig.scheduled().expect("it comes back").0
    };
    assert_eq!([after(1.0, secs(29)), after(1.0, secs(30))], [4, 1]);
    assert_eq!([after(2.0, secs(59)), after(2.0, secs(60))], [4, 1]);
    assert_eq!([after(0.5, secs(14)), after(0.5, secs(15))], [4, 1]);
}

#[test]
fn pitfall_30_a_gap_that_grows_beyond_all_time_stops_at_the_maximum() {
    for growth in [Growth::Factor(1e300), Growth::Step(Duration::MAX)] {
        let mut rig = Rig::beating(Heartbeat::adaptive().growth(growth));
        rig.learn(secs(285));
        assert!(rig.is_connected(), "{growth:?}");
    }
}
