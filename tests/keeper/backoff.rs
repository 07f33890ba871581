//! Come back fast and hurt nobody: when the next attempt is made, and when
//! none is.

mod attempts;
mod closing;
mod delays;
mod first_retry;
mod refusals;

use std::time::Duration;

use crate::rig::{Rig, millis, secs};
use longlink::LinkEnd;
use longlink::keeper::Config;

const FLOOR: Duration = millis(500);

fn code(code: u16) -> LinkEnd {
    LinkEnd::Closed { code: Some(code), reason: String::new() }
}

/// A link that was in use for longer than 30 s and heard something, and is
/// idle now.
fn proved(seed: u64) -> Rig {
    let mut rig = Rig::connected(Config::default(), seed);
    rig.pass(secs(10));
    rig.heard();
    rig.pass(secs(25));
    if rig.is_connected() { rig } else { panic!("the link must live") }
}

/// The delay after a proved link that ended so.
fn first_delay(seed: u64, end: LinkEnd) -> Duration {
    let mut rig = proved(seed);
    rig.end(end);
    rig.delay()
}

/// That `delays` are drawn evenly between the bounds: within them, each fifth
/// of the span has its share, and no value stands out.
fn assert_even(delays: &[Duration], low: Duration, high: Duration) {
    assert!(delays.len() >= 500);
    let mut fifths = [0; 5];
    for &delay in delays {
        assert!(delay >= low && delay <= high, "{delay:?} is not within {low:?}..{high:?}");
        let part = (delay - low).as_secs_f64() / (high - low).as_secs_f64();
        fifths[((part * 5.0) as usize).min(4)] += 1;
    }
    for fifth in fifths {
        let share = f64::from(fifth) / delays.len() as f64;
        assert!((0.14..=0.26).contains(&share), "{fifths:?} of {low:?}..{high:?}");
    }
    let mut sorted = delays.to_vec();
    sorted.sort();
    sorted.dedup();
    assert!(sorted.len() > delays.len() * 95 / 100, "some delay is drawn over and over");
}
