//! Networks that come and go five times a second start no storm.

use std::time::{Duration, Instant};

use longlink::Event;

use crate::lab::client::Client;
use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Deed;
use crate::uplinks::Uplink::{self, First, Second};
use crate::waits::{BURST, count, flow, is_offline, until_heard, until_told};

/// Five times a second.
const PERIOD: Duration = Duration::from_millis(200);
const MINUTE: Duration = Duration::from_secs(60);

/// The events while the network flapped.
#[derive(Debug)]
struct Tally {
    took: Duration,
    /// The last of them.
    end: Deed,
    attempts: usize,
    accepted: u64,
    beats: usize,
    lost: usize,
}

impl Tally {
    /// How often the keeper may act on news in this time.
    fn turns(&self) -> usize {
        self.took.div_duration_f64(BURST).ceil() as usize + 1
    }
}

/// Does one thing and then the other, five times a second for a minute.
fn flap(stage: &Stage, client: &mut Client, off: &str, on: &str) -> Tally {
    let (began, accepted) = (Instant::now(), stage.server.accepted());
    let (mut end, mut flaps, mut mix) = (None, 0, 1_u64);
    while began.elapsed() < MINUTE {
        // Between a quarter and three quarters of a period, so that nothing
        // that repeats itself falls into step.
        mix = mix.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let away = PERIOD / 4 + PERIOD.mul_f64((mix >> 40) as f64 / (1_u64 << 25) as f64);
        flaps += 1;
        let due = began + PERIOD * flaps;
        stage.lab.ip(off);
        client.pass((due - PERIOD + away).saturating_duration_since(Instant::now()));
        end = Some(stage.lab.ip(on));
        client.pass(due.saturating_duration_since(Instant::now()));
    }
    let tally = Tally {
        took: began.elapsed(),
        end: end.expect("it flapped"),
        attempts: count(client, began, |event| matches!(event, Event::Connecting { .. })),
        accepted: stage.server.accepted() - accepted,
        beats: count(client, began, |event| {
            matches!(event, Event::BeatSent { .. } | Event::BeatMissed { .. })
        }),
        lost: count(client, began, |event| matches!(event, Event::Disconnected { .. })),
    };
    client.say(format_args!(
        "{flaps} flaps in {:.1?}: {} attempts ({} accepted), {} beats, {} links lost",
        tally.took, tally.attempts, tally.accepted, tally.beats, tally.lost
    ));
    tally
}

#[test]
fn the_only_uplink_flaps_and_the_link_that_outlives_it_is_not_dropped() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("flaps-alone");
    let on = format!("link set up0 up\n{}", First.default_route());
    let tally = flap(&stage, &mut client, "link set up0 down", &on);
    assert!(tally.beats <= tally.turns(), "{tally:?}");
    assert_eq!(tally.lost, 0, "{tally:?}");
    assert_eq!(tally.attempts, 0, "{tally:?}");
    until_heard(&mut client, tally.end, SOON);
    flow(&mut client, Duration::from_secs(2));
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn pitfall_33_an_uplink_that_flaps_beside_a_good_one_drops_nothing() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.plug(Second);
    let mut client = stage.connected("flaps-beside");
    let on = format!("link set up1 up\nroute add default via {} dev up1 metric 100", Second.address(1));
    let tally = flap(&stage, &mut client, "link set up1 down", &on);
    assert!(tally.beats <= tally.turns(), "{tally:?}");
    assert_eq!((tally.lost, tally.attempts), (0, 0), "{tally:?}");
    flow(&mut client, Duration::from_secs(2));
    assert_eq!(stage.server.logins(client.name()), 1);
}

/// A client that has no way to the server while something flaps, and then has.
/// Lets the second uplink flap beside the first, or the first, which is alone.
fn waits_while_it_flaps(name: &str, flapping: Uplink, on: &str) {
    let stage = Stage::set();
    if flapping == Second {
        stage.lab.plug(Second);
    }
    stage.lab.set_way(First, false);
    let mut client = stage.client(name);
    client.pass(Duration::from_secs(1));
    let tally = flap(&stage, &mut client, &format!("link set {} down", flapping.device()), on);
    // Beside them the backoff's own: after 1, 2, 4 … 60 s, drawn from half a
    // second on.
    assert!(tally.attempts <= tally.turns() + 8, "{tally:?}");
    if flapping == Second {
        stage.lab.unplug(Second);
    }
    client.pass(BURST);
    stage.lab.set_way(First, true);
    let off = stage.lab.ip("link set up0 down");
    until_told(&mut client, "offline", off.begun, SOON, is_offline);
    client.pass(BURST);
    let deed = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    until_heard(&mut client, deed, SOON);
    client.round_trip();
}

#[test]
fn pitfall_24_a_client_that_waits_while_its_uplink_flaps_starts_no_storm() {
    if !wanted() {
        return;
    }
    let on = format!("link set up0 up\n{}", First.default_route());
    waits_while_it_flaps("flaps-waiting", First, &on);
}

#[test]
fn pitfall_24_a_waiting_client_tries_once_a_burst_of_flaps() {
    if !wanted() {
        return;
    }
    let on = format!("link set up1 up\nroute add default via {} dev up1 metric 100", Second.address(1));
    waits_while_it_flaps("flaps-waiting-beside", Second, &on);
}
