//! Paths on which an answer takes longer than any deadline.

use std::time::Duration;

use longlink::Heartbeat;
use longlink::keeper::{Event, Output};

use super::rig::{Rig, secs, with_heartbeat};

/// The round trip, beyond the longest deadline of 5 s.
const SLOW: Duration = secs(8);

#[test]
fn a_message_between_a_beat_and_its_answer_says_nothing_where_every_answer_is_late() {
    let mut rig = Rig::new(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.open_as(|opened| {
        opened.took = SLOW * 3;
    });
    for _ in 0..10 {
        rig.until_beat();
        let first = rig.token;
        // The first deadlines are 3 s, the others 5 s.
        rig.pass(secs(6));
        rig.message();
        rig.pass(SLOW - secs(6));
        rig.token = first;
        rig.answer();
        assert!(rig.interval() >= secs(27), "{:?}", rig.interval());
    }
    let told = |output: &Output| {
        matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. } | Event::IdleTimeoutShrank { .. }))
    };
    assert!(rig.instants(told).is_empty());
    assert!(rig.is_connected());
}
