//! A timeout that changes is followed.

use std::thread;
use std::time::{Duration, Instant};

use longlink::{Heartbeat, Probing};

use crate::hiccups::steadily;
use crate::routers::Nat;
use crate::stage::{BACK, PLAIN, SCALE, Stage, assert_in_band, spoiled, wanted};

/// The first look upward after settling: soon enough to be seen.
const LOOK_AFTER: Duration = Duration::from_secs(8);

/// A timeout, in seconds, and the links in use that it may cost to learn it
/// from the one before.
type Step = (u64, usize);

#[test]
fn a_timeout_that_is_cut_to_4_s_and_raised_to_16_s_is_followed() {
    if !wanted() {
        return;
    }
    let stories: [(&str, Probing, &[Step]); 3] = [
        // Two doubts and one of the tries that follow; the ladder's end.
        ("following", Probing::Main, &[(8, 3), (4, 3), (16, 3)]),
        ("scouts-cut", Probing::Scout, &[(8, 0), (4, 1)]),
        ("scouts-raised", Probing::Scout, &[(4, 0), (16, 0)]),
    ];
    thread::scope(|scope| {
        for (name, probing, steps) in stories {
            scope.spawn(move || steadily(name, || follow(name, probing, steps)));
        }
    });
}

fn follow(name: &str, probing: Probing, steps: &[Step]) {
    let mut before = Duration::from_secs(steps[0].0);
    let stage = Stage::set(&[Nat { timeout: before, ..PLAIN }]);
    let heartbeat = Heartbeat::adaptive().scaled(SCALE).probing(probing).recheck_after(LOOK_AFTER);
    let mut client = stage.client_with(name, heartbeat, SCALE);
    for &(seconds, allowed) in steps {
        let timeout = Duration::from_secs(seconds);
        stage.lab.set_timeout(0, timeout);
        client.say(format_args!("the timeout is {timeout:?}"));
        client.account.clear();
        let begun = Instant::now();
        // A beat may have been answered just before, and the gap that was held
        // must fail twice, with a climb between.
        let limit = before.max(timeout) * 12;
        if timeout < before {
            client.until("the cut is noticed", limit, |_, account| !account.shrank.is_empty());
            client.account.learned.clear();
        }
        client.until("it is learned", limit, |_, account| !account.learned.is_empty());
        client.until_connected(BACK);
        let allowed = allowed + spoiled(begun, SCALE);
        assert!(client.account.lost.len() <= allowed, "{:?}", client.account);
        assert_in_band(&client, timeout);
        before = timeout;
    }
}
