//! "Online" comes before the way to the server does.

use std::time::Duration;

use longlink::{Event, RetryReason};

use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::First;
use crate::waits::{count, flow, is_offline, until_heard, until_told};

#[test]
fn pitfall_24_online_before_there_is_a_way_drops_no_link() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("early-kept");
    let deed = stage.lab.ip("link set up0 down");
    until_told(&mut client, "offline", deed.begun, SOON, is_offline);
    client.pass(Duration::from_secs(3));
    stage.lab.set_way(First, false);
    let deed = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    until_told(&mut client, "online", deed.begun, SOON, |event| matches!(event, Event::NetworkOnline));
    client.pass(Duration::from_secs(1));
    client.say("now there is a way");
    stage.lab.set_way(First, true);
    flow(&mut client, Duration::from_secs(4));
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn pitfall_24_online_before_there_is_a_way_leaves_the_backoff_running() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let deed = stage.lab.ip("link set up0 down");
    let mut client = stage.client("early-waiting");
    until_told(&mut client, "a long wait", deed.begun, SOON, |event| {
        matches!(event, Event::ReconnectScheduled { reason: RetryReason::Offline, .. })
    });
    stage.lab.set_way(First, false);
    client.pass(Duration::from_secs(2));
    let deed = stage.lab.ip(&format!("link set up0 up\n{}", First.default_route()));
    let is_failure = |event: &Event| matches!(event, Event::AttemptFailed { .. });
    until_told(&mut client, "an attempt that is too early", deed.begun, SOON, is_failure);
    client.pass(Duration::from_secs(1));
    client.say("now there is a way");
    let way = stage.lab.set_way(First, true);
    let waited = until_heard(&mut client, way, SOON);
    // Nobody has said so: the backoff's own delay is what it took.
    assert!(waited <= Duration::from_secs(8), "{waited:?}");
    let advanced = |event: &Event| matches!(event, Event::ReconnectAdvanced { .. });
    assert_eq!(count(&client, deed.begun, advanced), 1, "advanced once a burst");
}
