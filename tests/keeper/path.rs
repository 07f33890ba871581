//! The system's facts about the path tell a dead path from a stuck server,
//! sooner than beats alone.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Config, Output, PathFacts, Timer};
use longlink::{Beat, Cause, Detection, Event, Evidence, Failure, Heartbeat, RetryReason};

/// A link whose path the system tells of, with its round trip measured: a
/// deadline is 1 s, a row of beats 10 s.
fn telling(heartbeat: Heartbeat) -> Rig {
    let mut rig = Rig::new(with_heartbeat(heartbeat), 1);
    rig.open_as(|opened| opened.tells_path = true);
    rig.beat_answered(RTT);
    rig.forget();
    rig
}

fn all_arrived(_: Duration) -> PathFacts {
    PathFacts::default()
}

/// Nothing has been acknowledged since `from`.
fn nothing_since(from: Duration) -> impl Fn(Duration) -> PathFacts {
    move |now| PathFacts::new(14, now - from)
}

/// The next attempt comes, and its dial succeeds at once.
fn reopen(rig: &mut Rig) {
    rig.until_opening();
    rig.pass(RTT);
    rig.open_as(|opened| opened.tells_path = true);
}

fn looks(rig: &Rig) -> Option<Duration> {
    rig.timer().filter(|(_, timer)| *timer == Timer::Path).map(|(at, _)| at)
}

#[test]
fn acknowledged_beats_without_answers_mean_a_stuck_server() {
    let mut rig = telling(Heartbeat::adaptive());
    let known = (rig.interval(), rig.keeper.stats().proven);
    // The try of 34 s.
    rig.pass_with(secs(34) + secs(11), all_arrived);
    assert!(!rig.is_connected());
    assert_eq!(rig.diagnoses(), [(Cause::ServerStuck, Evidence::Acknowledged)]);
    let gap = rig.log.iter().find_map(|(_, output)| match output {
        Output::Emit(Event::Disconnected { gap, .. }) => Some(*gap),
        _ => None,
    });
    assert_eq!(gap, Some(secs(34)), "the gap before the row is told all the same");
    let reason = rig.scheduled().map(|(_, _, reason)| reason);
    assert_eq!(reason, Some(RetryReason::LinkEnded), "a server that is stuck may be so for everybody");
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::ServerStuck, Evidence::Acknowledged)]);
    assert_eq!((rig.interval(), rig.keeper.stats().proven), known);
}

#[test]
fn a_server_stuck_twice_at_a_gap_may_be_a_path_that_adopts_flows() {
    let mut rig = telling(Heartbeat::adaptive());
    rig.pass_with(secs(34) + secs(11), all_arrived);
    reopen(&mut rig);
    assert_eq!(rig.interval(), secs(34), "the same gap is tried again");
    rig.forget();
    rig.pass_with(secs(34) + secs(41), all_arrived);
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
    assert_eq!(rig.interval(), secs(29), "34 s failed: the next try is between");
}

#[test]
fn beats_that_do_not_arrive_after_a_gap_that_was_tried_mean_idle_expiry() {
    let mut rig = telling(Heartbeat::adaptive());
    let beat = rig.elapsed() + secs(34);
    rig.pass_with(secs(45), nothing_since(beat));
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
    assert_eq!(rig.interval(), secs(29), "34 s failed: the next try is between");
}

#[test]
fn beats_that_do_not_arrive_on_a_busy_link_mean_a_dead_path() {
    let mut rig = telling(Heartbeat::adaptive());
    // Beats that somebody asked for: no gap explains that they are lost.
    rig.pass(secs(1));
    rig.confirm();
    let beat = rig.elapsed();
    rig.pass_with(secs(11), nothing_since(beat));
    assert_eq!(rig.detection(), Some(Detection::Unanswered { beats: 5 }));
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::PathDead, Evidence::Unacknowledged)]);
}

#[test]
fn without_facts_a_busy_dead_link_that_redials_at_once_was_stuck() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.beat_answered(RTT);
    rig.confirm();
    rig.until_death();
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::ServerStuck, Evidence::ConnectedAtOnce)]);
}

#[test]
fn the_dial_alone_shows_why_a_link_was_lost() {
    let mut rig = telling(Heartbeat::adaptive());
    rig.until_death();
    rig.until_opening();
    let link = rig.opening().expect("an attempt is under way");
    rig.dialled(link, RTT);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
    // The login never ends.
    rig.pass(secs(15));
    assert_eq!(rig.diagnoses().len(), 1, "it is judged once");
    assert_eq!(rig.interval(), secs(29));
}

#[test]
fn a_dial_that_fails_says_more_than_what_is_unacknowledged() {
    let mut rig = telling(Heartbeat::adaptive());
    let beat = rig.elapsed() + secs(34);
    rig.pass_with(secs(34) + secs(10), nothing_since(beat));
    rig.until_opening();
    rig.fail(Failure::Unreachable);
    assert_eq!(rig.diagnoses(), [(Cause::PathDead, Evidence::DialFailed)]);
}

#[test]
fn only_what_was_told_of_the_last_beat_counts() {
    let mut rig = telling(Heartbeat::adaptive());
    let beat = rig.elapsed() + secs(34);
    // The first four arrived; of the fifth nothing is known.
    rig.pass_with(secs(34) + secs(6), all_arrived);
    rig.until_death();
    assert_eq!(rig.elapsed(), beat + secs(10));
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
}

#[test]
fn a_probe_that_arrives_and_is_not_answered_means_a_stuck_server() {
    let mut rig = telling(Heartbeat::adaptive());
    rig.probe();
    rig.pass_with(secs(3), all_arrived);
    assert_eq!(rig.detection(), Some(Detection::ProbeUnanswered));
    assert_eq!(rig.diagnoses(), [(Cause::ServerStuck, Evidence::Acknowledged)]);
}

#[test]
fn a_message_unacknowledged_by_a_deadline_brings_the_beat_forward() {
    let mut rig = telling(Heartbeat::fixed(secs(300)));
    rig.pass(secs(60));
    rig.sent();
    let sent = rig.elapsed();
    assert_eq!(looks(&rig), Some(sent + secs(1)));
    rig.pass_with(secs(20), nothing_since(sent));
    assert_eq!(rig.beats()[0], sent + secs(1));
    assert!(!rig.is_connected(), "dead 11 s after the message, not after five minutes");
    let died = rig.instants(|output| matches!(output, Output::Emit(Event::Disconnected { .. })));
    assert_eq!(died, [sent + secs(11)]);
}

#[test]
fn an_acknowledged_message_is_asked_about_once_and_brings_no_beat() {
    let mut rig = telling(Heartbeat::fixed(secs(300)));
    rig.pass(secs(60));
    rig.sent();
    rig.pass_with(secs(100), all_arrived);
    assert_eq!(rig.beats(), NEVER);
    assert_eq!(looks(&rig), None);
}

#[test]
fn a_later_message_is_given_its_own_time() {
    let mut rig = telling(Heartbeat::fixed(secs(300)));
    rig.pass(secs(60));
    rig.sent();
    let first = rig.elapsed();
    rig.pass(millis(600));
    // The first has arrived, the second never will.
    rig.sent();
    let second = rig.elapsed();
    rig.pass_with(millis(1_500), nothing_since(second));
    assert_eq!(rig.beats(), [second + secs(1)]);
    assert_eq!(second - first, millis(600));
}

#[test]
fn what_comes_in_makes_the_look_unnecessary() {
    let mut rig = telling(Heartbeat::fixed(secs(300)));
    rig.pass(secs(60));
    rig.sent();
    rig.pass(RTT);
    rig.heard();
    assert_eq!(looks(&rig), None);
}

#[test]
fn a_publisher_costs_one_look_a_deadline_however_much_it_sends() {
    let mut rig = telling(Heartbeat::fixed(secs(300)));
    let mut asked = 0;
    for _ in 0..1_000 {
        rig.sent();
        let until = rig.elapsed() + millis(10);
        while rig.timer().is_some_and(|(at, _)| at <= until) {
            asked += 1;
            rig.pass_with(rig.timer().expect("it is due").0 - rig.elapsed(), all_arrived);
        }
        rig.pass(until - rig.elapsed());
    }
    assert!((9..=10).contains(&asked), "{asked} looks in ten seconds");
}

#[test]
fn a_link_of_which_the_system_tells_nothing_is_not_looked_after() {
    let mut rig = Rig::connected(Config::default(), 1);
    rig.pass(secs(5));
    rig.sent();
    assert_eq!(looks(&rig), None);
}

#[test]
fn a_stalled_reader_on_a_dead_path_is_given_the_time_of_a_row_of_beats() {
    let mut rig = telling(Heartbeat::fixed(secs(30)));
    rig.stalled();
    let stalled = rig.elapsed();
    assert_eq!(looks(&rig), None, "that it stalls is told first");
    rig.pass_with(secs(20), all_arrived);
    assert!(rig.is_connected());
    // The beat of the stalled link is lost.
    let beat = rig.until_beat();
    rig.pass_with(secs(20), nothing_since(beat));
    assert_eq!(rig.detection(), Some(Detection::Unacknowledged));
    let died = rig.instants(|output| matches!(output, Output::Emit(Event::Disconnected { .. })));
    assert_eq!(died, [beat + secs(10)]);
    assert!(beat > stalled + secs(20));
    reopen(&mut rig);
    assert_eq!(rig.diagnoses(), [(Cause::PathDead, Evidence::Unacknowledged)]);
}

#[test]
fn a_stalled_reader_whose_peer_is_stalled_too_is_left_alone() {
    let mut rig = telling(Heartbeat::fixed(secs(30)));
    rig.stalled();
    rig.pass_with(secs(3_600), all_arrived);
    assert!(rig.is_connected());
}

/// A try of 34 s whose first beat is missed; then a message comes in, ahead
/// of the answer.
fn held_up(facts: impl Fn(Duration) -> PathFacts) -> Duration {
    let mut rig = telling(Heartbeat::adaptive());
    let beat = rig.until_beat();
    rig.pass_with(secs(1), facts);
    assert_eq!((rig.misses().len(), rig.elapsed()), (1, beat + secs(1)));
    rig.pass(millis(500));
    rig.message();
    rig.answer();
    assert!(rig.is_connected());
    rig.interval()
}

#[test]
fn what_an_outage_has_held_up_says_nothing_of_idleness() {
    assert_eq!(held_up(all_arrived), secs(29), "beats arrived: the path had forgotten the way back");
    assert_eq!(held_up(nothing_since(secs(61))), secs(34), "nothing arrived: the path was dead both ways");
}

#[test]
fn a_link_that_only_listens_is_not_looked_after() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open_as(|opened| {
        opened.beat = Beat::Listen { longest_silence: secs(60) };
        opened.tells_path = true;
    });
    rig.sent();
    assert_eq!(rig.timer(), Some((secs(60), Timer::Silence)), "no beat could be brought forward");
}

#[test]
fn the_path_is_asked_about_only_where_no_answer_is_due() {
    let waits = |tells: bool, asks: bool| {
        let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(30))), 1);
        rig.open_as(|opened| opened.tells_path = tells);
        rig.beat_answered(RTT);
        if asks {
            rig.until_beat();
        }
        rig.unacknowledged(14, millis(100));
        rig.timer().map(|(_, timer)| timer)
    };
    assert_eq!(waits(true, false), Some(Timer::Path));
    assert_eq!(waits(true, true), Some(Timer::Answer));
    assert_eq!(waits(false, false), Some(Timer::Beat));
    assert_eq!(waits(false, true), Some(Timer::Answer));
}
