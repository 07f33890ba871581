//! More news than the kernel keeps for a listener.

use std::fmt::Write;
use std::time::Duration;

use longlink::{Detection, Event};

use crate::stage::{SOON, Stage, wanted};
use crate::uplinks::Uplink::{First, Second};
use crate::waits::{flow, is_loss, until_heard, until_told};

/// Routes added at once: many times what a socket's buffer takes.
const ROUTES: u32 = 5_000;

fn burst() -> String {
    (0..ROUTES).fold(String::new(), |mut commands, number| {
        let (high, low) = (number / 256, number % 256);
        writeln!(commands, "route add 172.16.{high}.{low}/32 via {}", First.address(1))
            .expect("a string takes it");
        commands
    })
}

#[test]
fn an_overrun_is_survived_and_drops_nothing() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    let mut client = stage.connected("overrun-kept");
    // A network may be named a moment after it came, which is a change, too.
    client.pass(Duration::from_secs(2));
    let deed = client.freeze(|| stage.lab.ip(&burst()));
    assert_ne!(stage.lab.client().overruns(), 0, "it took fewer routes than the kernel has room for");
    until_told(&mut client, "it counts as a change", deed.begun, SOON, |event| {
        matches!(event, Event::NetworkChanged)
    });
    flow(&mut client, Duration::from_secs(3));
    assert!(client.account.lost.is_empty());
    assert_eq!(stage.server.logins(client.name()), 1);
}

#[test]
fn what_happened_in_an_overrun_is_not_missed() {
    if !wanted() {
        return;
    }
    let stage = Stage::set();
    stage.lab.plug(Second);
    let mut client = stage.proved("overrun-missed");
    // The change that matters comes last, when there is no room any more.
    let commands = format!("{}{}link del up0", burst(), Second.default_route());
    let deed = client.freeze(|| stage.lab.ip(&commands));
    assert_ne!(stage.lab.client().overruns(), 0, "it took fewer routes than the kernel has room for");
    until_told(&mut client, "the link is abandoned", deed.begun, SOON, is_loss);
    assert_eq!(client.account.lost[0].detection, Detection::AddressGone);
    until_heard(&mut client, deed, SOON);
    client.until_connected(SOON);
    flow(&mut client, Duration::from_secs(1));
}
