//! A process that froze (a job that was stopped, an app that its system put
//! aside): what it reads when it goes on may have waited.

use longlink::keeper::Output;
use longlink::{Beat, Event, Heartbeat, LinkEnd, Probing};

use super::rig::{RTT, Rig, secs, with_heartbeat};

fn proven(rig: &Rig) -> std::time::Duration {
    rig.keeper.stats().proven
}

#[test]
fn pitfall_34_what_waited_behind_a_frozen_process_proves_no_gap() {
    let hears: [fn(&mut Rig); 2] = [Rig::heard, Rig::message];
    for hear in hears {
        for probing in [Probing::Main, Probing::Passive] {
            let mut rig = Rig::beating(Heartbeat::adaptive().probing(probing));
            rig.beat_answered(RTT);
            let before = (proven(&rig), rig.interval());
            // The message came soon after the process froze.
            rig.freeze(secs(600));
            hear(&mut rig);
            rig.timeout();
            assert_eq!((proven(&rig), rig.interval()), before, "{probing:?}");
        }
    }
}

#[test]
fn pitfall_34_an_end_behind_a_freeze_tells_no_idle_timeout() {
    for end in [LinkEnd::Eof, LinkEnd::Reset] {
        let mut rig = Rig::beating(Heartbeat::adaptive());
        rig.beat_answered(RTT);
        let before = (proven(&rig), rig.interval());
        // Its server gave up the client that did not answer any more.
        rig.freeze(secs(600));
        rig.end(end);
        rig.until_opening();
        rig.open(Beat::Ping);
        assert_eq!((proven(&rig), rig.interval()), before);
    }
}

#[test]
fn pitfall_34_an_answer_behind_a_freeze_measures_no_round_trip() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.beat_answered(RTT);
    let before = proven(&rig);
    rig.until_beat();
    rig.freeze(secs(60));
    rig.answer();
    assert_eq!(rig.keeper.stats().rtt, Some(RTT));
    assert_eq!(proven(&rig), before);
    let told = rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Emit(Event::BeatAnswered { rtt, .. }) => Some(*rtt),
        _ => None,
    });
    assert_eq!(told, Some(None));
}

#[test]
fn a_message_that_is_read_two_seconds_late_still_counts() {
    for (late, counts) in [(secs(2), true), (secs(2) + std::time::Duration::from_nanos(1), false)] {
        let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
        rig.freeze(secs(27) + late);
        rig.message();
        assert_eq!(!proven(&rig).is_zero(), counts, "{late:?}");
    }
}
