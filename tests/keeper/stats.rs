//! The keeper's counts, and its figures of the idle timeout.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Config, Input, Output, PathFacts, Timer};
use longlink::{Activity, Beat, Cause, Event, Evidence, Heartbeat, LinkEnd, NetworkStatus};

const DAY: Duration = secs(24 * 3600);

/// The intervals that were told, with what was proven.
fn intervals(rig: &Rig) -> Vec<(Duration, Duration)> {
    let told = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Emit(Event::IntervalChanged { interval, proven }) => Some((*interval, *proven)),
        _ => None,
    });
    told.collect()
}

/// The gap of the last link that was lost.
fn last_gap(rig: &Rig) -> Option<Duration> {
    rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Emit(Event::Disconnected { gap, .. }) => Some(*gap),
        _ => None,
    })
}

#[test]
fn beats_and_misses_are_counted_the_last_included() {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
    rig.until_death();
    let stats = rig.keeper.stats();
    assert_eq!((stats.beats_sent, stats.beats_missed), (5, 5));
    assert_eq!(rig.misses().len(), 5);
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.until_beat();
    assert_eq!(rig.keeper.stats().beats_sent, 6);
    assert_eq!(rig.keeper.stats().reconnects, 1);
}

#[test]
fn time_with_a_link_and_without_one_is_counted_apart() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.pass(secs(2));
    rig.open(Beat::Ping);
    rig.pass(secs(20));
    let stats = rig.keeper.stats();
    assert_eq!((stats.uptime, stats.downtime), (secs(20), secs(2)));
    rig.end(LinkEnd::Eof);
    let ended = rig.elapsed();
    rig.until_opening();
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    let without = rig.elapsed() - ended;
    rig.pass(secs(5));
    let stats = rig.keeper.stats();
    assert_eq!((stats.uptime, stats.downtime), (secs(25), secs(2) + without));
}

#[test]
fn an_interval_is_told_when_it_changes_and_only_then() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.beat_answered(RTT);
    rig.beat_answered(RTT);
    assert_eq!(intervals(&rig), [(secs(34), secs(27)), (secs(58), secs(34))]);
    rig.forget();
    rig.pass(secs(5));
    rig.heard();
    rig.pass(secs(5));
    rig.message();
    assert_eq!(intervals(&rig), []);
}

#[test]
fn bytes_after_several_intervals_have_spared_one_beat_for_each() {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(30)));
    // The process is frozen: no timer runs, and what came meanwhile is read.
    for (time, saved) in [(100, 3), (10, 3), (9, 3), (1, 4), (29, 4), (1, 5)] {
        rig.freeze(secs(time));
        rig.heard();
        assert_eq!(rig.keeper.stats().beats_saved, saved, "at {:?}", rig.elapsed());
    }
}

#[test]
fn a_gap_that_traffic_ends_is_proven_where_it_is_the_longest_so_far() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    let proven = |rig: &Rig| rig.keeper.stats().proven;
    for (gap, longest) in [(20, 20), (10, 20), (25, 25)] {
        rig.pass(secs(gap));
        rig.heard();
        assert_eq!(proven(&rig), secs(longest));
    }
}

#[test]
fn in_a_doubt_traffic_that_comes_ahead_of_the_beat_lifts_nothing() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(58));
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    let held = rig.interval();
    rig.until_death();
    rig.until_opening();
    rig.open(Beat::Ping);
    assert_eq!(rig.interval(), held / 2);
    // As long as the earliest beat, whose answer would count.
    rig.pass(held.mul_f64(0.9) / 2);
    rig.heard();
    assert_eq!(rig.interval(), held / 2);
}

#[test]
fn a_link_that_ends_in_answer_to_a_beat_has_died_after_the_gap_before_it() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.until_beat();
    rig.pass(millis(10));
    rig.end(LinkEnd::Reset);
    assert_eq!(last_gap(&rig), Some(secs(27)));

    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.pass(secs(20));
    rig.end(LinkEnd::Eof);
    assert_eq!(last_gap(&rig), Some(secs(20)));

    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.until_death();
    assert_eq!(last_gap(&rig), Some(secs(27)), "the row of beats is no part of it");
}

/// Dies of silence, though all that was sent is acknowledged, and is opened again.
fn fall_silent(rig: &mut Rig) -> Duration {
    rig.answers_at_once = false;
    rig.pass_with(secs(1000), |_| PathFacts::new(0, Duration::ZERO));
    let died = rig.elapsed();
    rig.until_opening();
    rig.open_as(|opened| opened.tells_path = true);
    rig.answers_at_once = true;
    died
}

#[test]
fn a_server_stuck_twice_within_two_days_may_be_a_forgetful_path() {
    let stuck = (Cause::ServerStuck, Evidence::Acknowledged);
    let forgets = (Cause::IdleExpiry, Evidence::ConnectedAtOnce);
    for (apart, second) in [(2 * DAY, forgets), (2 * DAY + secs(1), stuck)] {
        let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(300))), 1);
        rig.open_as(|opened| opened.tells_path = true);
        let first = fall_silent(&mut rig);
        assert_eq!(rig.diagnoses(), [stuck]);
        // The last word before 300 s of silence and a row of beats of 10 s.
        rig.pass(first + apart - secs(310) - rig.elapsed());
        rig.heard();
        let again = fall_silent(&mut rig);
        assert_eq!(again - first, apart);
        assert_eq!(rig.diagnoses(), [stuck, second]);
    }
}

#[test]
fn news_of_the_network_during_an_attempt_has_the_new_link_looked_at() {
    type News = fn(&mut Rig);
    let news: [(News, bool); 2] = [
        (|rig| rig.network(NetworkStatus::Online), true),
        (
            |rig| {
                rig.keeper.tell(Input::Activity(Activity::Background));
                rig.keeper.tell(Input::Activity(Activity::Foreground));
                rig.drain();
            },
            false,
        ),
    ];
    for (news, looks) in news {
        let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
        rig.pass(millis(500));
        news(&mut rig);
        rig.open(Beat::Ping);
        let opened = rig.elapsed();
        let look = rig.timer().filter(|(_, timer)| *timer == Timer::Network);
        assert_eq!(look.map(|(at, _)| at), looks.then_some(opened + millis(250)));
    }
    let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
    rig.open(Beat::Ping);
    assert_eq!(rig.timer(), Some((secs(60), Timer::Beat)), "without news there is nothing to look at");
}

#[test]
fn said_again_what_the_application_does_probes_nothing() {
    let mut rig = Rig::linked();
    for activity in [Activity::Background, Activity::Background, Activity::Foreground, Activity::Foreground] {
        rig.keeper.tell(Input::Activity(activity));
        rig.drain();
    }
    rig.timeout();
    assert_eq!(rig.beats().len(), 1, "one probe, for the one return");
    let mut rig = Rig::linked();
    for activity in [Activity::Foreground, Activity::Background] {
        rig.keeper.tell(Input::Activity(activity));
        rig.drain();
    }
    rig.timeout();
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn a_stalled_reader_is_told_of_once_after_a_second() {
    let mut rig = Rig::linked();
    let stalled = rig.elapsed();
    rig.stalled();
    rig.stalled();
    rig.pass(secs(30));
    let told = |output: &Output| matches!(output, Output::Emit(Event::ReaderStalled { lasted }) if *lasted == secs(1));
    assert_eq!(rig.instants(told), [stalled + secs(1)]);
}

#[test]
fn beats_that_traffic_spares_are_counted_beyond_their_link() {
    let mut rig = Rig::beating(Heartbeat::fixed(secs(60)));
    let saved = |rig: &Rig| rig.keeper.stats().beats_saved;
    for _ in 0..60 {
        rig.pass(secs(10));
        rig.heard();
    }
    assert_eq!(saved(&rig), 10, "one a minute");
    rig.end(LinkEnd::Eof);
    assert_eq!(saved(&rig), 10);
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.pass(secs(59));
    rig.heard();
    rig.pass(secs(1));
    rig.heard();
    assert_eq!(saved(&rig), 11);
}
