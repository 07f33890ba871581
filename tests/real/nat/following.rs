//! A timeout that changes is followed.

use std::time::Duration;

use crate::stage::{ALLOWANCE, BACK, PLAIN, SCALE, Stage, T, assert_in_band, hold, learn, wanted};

#[test]
fn a_timeout_that_is_cut_to_4_s_and_raised_to_16_s_is_followed() {
    if !wanted() {
        return;
    }
    let stage = Stage::set(&[PLAIN]);
    let mut client = stage.client("following", SCALE);
    learn(&mut client, T, SCALE);

    client.account.clear();
    let cut = Duration::from_secs(4);
    client.say(format_args!("cut to {cut:?}"));
    stage.lab.set_timeout(0, cut);
    client.until("the cut is noticed", T * 12, |_, account| !account.shrank.is_empty());
    client.account.learned.clear();
    client.until("it is learned again", T * 12, |_, account| !account.learned.is_empty());
    client.until_connected(BACK);
    // One more than the design allows where nothing but a timeout goes wrong.
    assert!(client.account.lost.len() <= ALLOWANCE + 1, "{:?}", client.account);
    assert_in_band(&client, cut);
    hold(&mut client, 2);
}
