//! A timeout that changes is followed.

use std::thread;
use std::time::Duration;

use longlink::{Heartbeat, Probing};

use crate::stage::{BACK, PLAIN, SCALE, Stage, T, assert_in_band, hold, wanted};

/// The first look upward: soon enough to be seen, and later than anything that
/// a test does with a timeout before.
const LOOK_AFTER: Duration = Duration::from_secs(12);

#[test]
fn a_timeout_that_is_cut_to_4_s_and_raised_to_16_s_is_followed() {
    if !wanted() {
        return;
    }
    thread::scope(|scope| {
        for (name, probing, learning, cut, raise) in
            [("following", Probing::Main, 3, 4, 4), ("following-scouts", Probing::Scout, 0, 1, 0)]
        {
            scope.spawn(move || follow(name, probing, [learning, cut, raise]));
        }
    });
}

/// `allowed` are the links in use that may be lost while it learns, and after
/// each of the two changes.
fn follow(name: &str, probing: Probing, allowed: [usize; 3]) {
    let stage = Stage::set(&[PLAIN]);
    let heartbeat = Heartbeat::scaled(SCALE).probing(probing).look_after(LOOK_AFTER);
    let mut client = stage.client_with(name, heartbeat, SCALE);

    client.until("the timeout is learned", T * 20, |_, account| !account.learned.is_empty());
    client.until_connected(BACK);
    assert!(client.account.lost.len() <= allowed[0], "{:?}", client.account);
    assert_in_band(&client, T);

    client.account.clear();
    let timeout = Duration::from_secs(4);
    client.say(format_args!("cut to {timeout:?}"));
    stage.lab.set_timeout(0, timeout);
    client.until("the cut is noticed", T * 12, |_, account| !account.shrank.is_empty());
    client.account.learned.clear();
    client.until("the cut is learned", T * 12, |_, account| !account.learned.is_empty());
    client.until_connected(BACK);
    assert!(client.account.lost.len() <= allowed[1], "{:?}", client.account);
    assert_in_band(&client, timeout);
    hold(&mut client, 2);

    client.account.clear();
    let timeout = Duration::from_secs(16);
    client.say(format_args!("raised to {timeout:?}"));
    stage.lab.set_timeout(0, timeout);
    client.until("the raise is learned", timeout * 12, |_, account| !account.learned.is_empty());
    client.until_connected(BACK);
    assert!(client.account.lost.len() <= allowed[2], "{:?}", client.account);
    assert_in_band(&client, timeout);
    hold(&mut client, 1);
}
