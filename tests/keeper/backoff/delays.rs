//! How long an attempt is waited for.

use std::time::Duration;

use super::{FLOOR, assert_even, code};
use crate::rig::{Rig, millis, secs};
use longlink::keeper::Finish;
use longlink::{Beat, Failure, GiveUp, Reconnect};

const CAP: Duration = secs(60);

/// The delay before attempt `attempt + 1` after `attempt` refused ones.
fn delay_after(failures: u32, seed: u64) -> Duration {
    let mut rig = Rig::dialling(Reconnect::default(), seed);
    for number in 1..=failures {
        rig.fail(Failure::Refused);
        if number < failures {
            rig.until_opening();
        }
    }
    rig.delay()
}

#[test]
fn pitfall_12_a_delay_is_never_zero_in_a_loop() {
    for seed in 0..50 {
        let mut rig = Rig::dialling(Reconnect::default(), seed);
        for _ in 0..20 {
            rig.fail(Failure::Refused);
            assert!(rig.delay() >= FLOOR);
            rig.until_opening();
        }
    }
}

#[test]
fn pitfall_12_nor_by_a_policy_of_zeros() {
    let mut rig = Rig::dialling(Reconnect::default().delays(|| std::iter::repeat(Duration::ZERO)), 1);
    rig.fail(Failure::Refused);
    assert_eq!(rig.delay(), Duration::ZERO, "but the first may be");
    for _ in 0..100 {
        rig.until_opening();
        rig.fail(Failure::Refused);
        assert!(rig.delay() >= millis(1));
    }
    assert!(rig.elapsed() >= millis(99));
}

#[test]
fn pitfall_12_nor_by_an_eager_policy() {
    let mut rig = Rig::dialling(Reconnect::eager(), 1);
    for _ in 0..20 {
        rig.open(Beat::Ping);
        rig.heard();
        rig.end(code(1000));
        assert!(rig.delay() >= FLOOR, "only the first retry after a proved link is immediate");
        rig.until_opening();
    }
    rig.open(Beat::Ping);
    rig.heard();
    rig.pass(secs(31));
    rig.heard();
    rig.end(code(1011));
    assert_eq!(rig.delay(), Duration::ZERO);
}

#[test]
fn pitfall_12_no_more_delays_means_give_up() {
    // Three delays are three retries; the first connect does not wait.
    let delays = || [secs(1), secs(2), secs(3)];
    let mut rig = Rig::dialling(Reconnect::default().delays(delays), 1);
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(1));
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(3));
    rig.fail(Failure::Refused);
    assert_eq!(rig.until_opening(), secs(6));
    rig.fail(Failure::Refused);
    assert_eq!(rig.finished(), Some(Finish::GaveUp(GiveUp::Policy)));
    assert_eq!(rig.timer(), None);
}

#[test]
fn pitfall_13_at_the_cap_the_delays_still_spread_and_never_exceed_it() {
    let delays: Vec<Duration> = (0..800).map(|seed| delay_after(12, seed)).collect();
    assert_even(&delays, FLOOR, CAP);
}

#[test]
fn the_delays_double_from_a_second_to_a_minute() {
    let longest = [1, 2, 4, 8, 16, 32, 60, 60].map(secs);
    for (failures, longest) in (1..).zip(longest) {
        let delays: Vec<Duration> = (0..600).map(|seed| delay_after(failures, seed)).collect();
        assert_even(&delays, FLOOR, longest);
    }
}

#[test]
fn pitfall_44_delays_are_drawn_evenly_from_the_floor_up() {
    for failures in [1, 2, 3] {
        let delays: Vec<Duration> = (0..1_000).map(|seed| delay_after(failures, seed)).collect();
        let on_the_floor = delays.iter().filter(|&&delay| delay == FLOOR).count();
        assert!(on_the_floor <= 5, "{on_the_floor} of 1,000 on the floor");
        assert_even(&delays, FLOOR, secs(1 << (failures - 1)));
    }
}

#[test]
fn a_cap_below_half_a_second_makes_every_delay_half_a_second() {
    let mut rig = Rig::dialling(Reconnect::default().base(millis(10)).cap(millis(100)), 1);
    for _ in 0..5 {
        rig.fail(Failure::Refused);
        assert_eq!(rig.delay(), millis(500));
        rig.until_opening();
    }
}
