//! Five misses, fast: what is a beat, what is a miss, what is a death, and at
//! which instant.

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{
    Activity, Beat, Config, Event, Growth, Heartbeat, LinkEnd, LinkId, Output, PathFacts, RouteFacts, Seen,
    Timer, Token,
};

/// The instants, counted from the first of them.
fn from_the_first(instants: &[Duration]) -> Vec<Duration> {
    instants.iter().map(|&at| at - instants[0]).collect()
}

#[test]
fn pitfall_01_only_inbound_clears_misses() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    let dead_by = secs(27 + 30);
    // A busy publisher into a black hole.
    while rig.is_connected() {
        assert!(rig.elapsed() <= dead_by, "what we send proves nothing");
        rig.sent();
        rig.pass(millis(100));
    }
    assert_eq!(rig.seen(), Some(Seen::Unanswered { beats: 5 }));
}

#[test]
fn pitfall_01_a_busy_publisher_does_not_delay_the_beat_or_any_miss() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    let silent_since = rig.elapsed();
    rig.forget();
    while rig.is_connected() {
        assert!(rig.elapsed() < secs(120), "what we send proves nothing");
        rig.sent();
        rig.pass(millis(250));
    }
    let first = rig.beats()[0];
    assert!(first - silent_since <= secs(30));
    let after: Vec<Duration> = rig.misses().iter().map(|&at| at - first).collect();
    assert_eq!(after, [1, 2, 4, 6, 10].map(secs));
}

#[test]
fn pitfall_02_any_inbound_is_life() {
    let mut rig = Rig::fixed(30);
    for _ in 0..20 {
        rig.until_beat();
        rig.pass(millis(2_999));
        rig.heard();
    }
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn pitfall_02_a_message_after_four_misses_starts_the_count_anew() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.forget();
    let first = rig.until_beat();
    rig.pass(secs(6));
    assert_eq!(rig.misses().len(), 4);
    rig.heard();
    rig.forget();
    // Only a whole new series may kill it.
    let dead = rig.until_death();
    assert_eq!(rig.misses().len(), 5);
    assert!(dead >= first + secs(6) + secs(27), "the next beat is an interval away");
}

#[test]
fn pitfall_02_a_round_trip_is_measured_from_the_matched_answer_only() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    rig.until_beat();
    rig.pass(millis(100));
    rig.keeper.handle_heard(link, rig.now);
    assert_eq!(rig.keeper.figures(rig.now).rtt, None, "a message is no answer");
    rig.keeper.handle_answered(link, Some(Token(u64::MAX)), rig.now);
    assert_eq!(rig.keeper.figures(rig.now).rtt, None, "not one of our beats");
    rig.until_beat();
    rig.pass(millis(70));
    rig.answer();
    assert_eq!(rig.keeper.figures(rig.now).rtt, Some(millis(70)));
}

#[test]
fn an_answer_that_names_no_beat_is_life_but_no_round_trip_is_invented() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    for _ in 0..3 {
        rig.until_beat();
        rig.pass(millis(400));
        rig.keeper.handle_answered(link, None, rig.now);
        rig.pass(secs(20));
    }
    assert!(rig.is_connected());
    assert_eq!(rig.misses(), NEVER);
}

#[test]
fn pitfall_08_late_words_of_an_abandoned_link_are_ignored() {
    let mut rig = Rig::fixed(30);
    let old = rig.main();
    rig.until_death();
    rig.until_opening();
    rig.open(Beat::Ping);
    rig.pass(secs(5));
    let (timer, state) = (rig.timer(), rig.keeper.state());
    let figures = rig.keeper.figures(rig.now);
    rig.forget();

    let late: [fn(&mut Rig, LinkId); 9] = [
        |rig, old| rig.keeper.handle_heard(old, rig.now),
        |rig, old| rig.keeper.handle_answered(old, rig.token, rig.now),
        |rig, old| rig.keeper.handle_answered(old, None, rig.now),
        |rig, old| rig.keeper.handle_sent(old, rig.now),
        |rig, old| rig.keeper.handle_stalled(old, rig.now),
        |rig, old| rig.keeper.handle_resumed(old, rig.now),
        |rig, old| rig.keeper.handle_path(old, PathFacts::new(1, secs(60)), rig.now),
        |rig, old| rig.keeper.handle_route(old, RouteFacts::new(false, None), rig.now),
        |rig, old| rig.keeper.handle_ended(old, LinkEnd::Reset, rig.now),
    ];
    for word in late {
        word(&mut rig, old);
        assert_eq!(rig.keeper.poll_output(), None);
        assert_eq!((rig.timer(), rig.keeper.state()), (timer, state));
    }
    assert_eq!(rig.keeper.figures(rig.now), figures);
}

#[test]
fn pitfall_41_a_fin_on_an_idle_link_below_the_proven_gap_is_no_idle_timeout() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    let (interval, proven) = (rig.interval(), rig.keeper.figures(rig.now).proven);
    rig.pass(secs(50));
    rig.end(LinkEnd::Eof);
    reopen_at_once(&mut rig);
    let figures = rig.keeper.figures(rig.now);
    assert_eq!((figures.interval, figures.proven), (interval, proven), "a restart says nothing");
}

#[test]
fn pitfall_41_a_second_fin_at_the_same_gap_is_one() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    for gap in [millis(50_000), millis(50_500)] {
        // Heard, so that the gap is counted from here.
        rig.heard();
        rig.pass(gap);
        rig.end(LinkEnd::Eof);
        reopen_at_once(&mut rig);
    }
    let figures = rig.keeper.figures(rig.now);
    assert!(figures.interval < secs(50), "the interval is {:?}", figures.interval);
}

#[test]
fn pitfall_41_a_second_fin_at_another_gap_is_none() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    rig.learn(secs(115));
    let interval = rig.interval();
    for gap in [secs(50), secs(58)] {
        rig.heard();
        rig.pass(gap);
        rig.end(LinkEnd::Eof);
        reopen_at_once(&mut rig);
    }
    assert_eq!(rig.interval(), interval);
}

#[test]
fn a_link_that_opened_quickly_answers_as_quickly() {
    // The whole attempt took several round trips: no answer takes longer.
    for (took, first) in [(millis(30), secs(1)), (millis(1_400), millis(1_400)), (secs(9), secs(3))] {
        for (activity, least) in [(None, Duration::ZERO), (Some(Activity::Background), millis(2_500))] {
            let mut rig = Rig::new(with_heartbeat(Heartbeat::fixed(secs(60))), 1);
            if let Some(activity) = activity {
                rig.keeper.set_activity(activity, rig.now);
            }
            rig.open_as(|opened| opened.took = took);
            let first = first.max(least);
            let asked = rig.until_beat();
            assert_eq!(rig.until_death() - asked, first * 10, "{took:?}, {activity:?}");
        }
    }
}

#[test]
fn a_busy_feed_that_falls_silent_is_dead_ten_seconds_after_the_first_beat() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open_as(|opened| opened.took = millis(100));
    // Traffic spares all beats, so that no round trip is ever measured.
    for _ in 0..1_000 {
        rig.pass(millis(200));
        rig.message();
    }
    assert_eq!(rig.beats(), NEVER);
    let silent = rig.elapsed();
    let died = rig.until_death() - silent;
    assert!(died <= secs(27 + 10), "{died:?}");
}

#[test]
fn before_the_first_round_trip_is_known_a_deadline_is_three_seconds() {
    let mut rig = Rig::fixed(30);
    let first = rig.until_beat();
    let dead = rig.until_death();
    assert_eq!(dead, first + secs(30));
    assert_eq!(from_the_first(&rig.beats()), [0, 3, 6, 12, 18].map(secs));
    assert_eq!(rig.misses(), [3, 6, 12, 18, 30].map(|after| first + secs(after)));
}

#[test]
fn on_a_quick_path_the_five_deadlines_are_1_1_2_2_and_4_seconds() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.forget();
    let first = rig.until_beat();
    let dead = rig.until_death();
    assert_eq!(rig.misses(), [1, 2, 4, 6, 10].map(|after| first + secs(after)));
    assert_eq!(from_the_first(&rig.beats()), [0, 1, 2, 4, 6].map(secs), "each follows the miss before");
    assert_eq!(dead, first + secs(10));
    assert_eq!(rig.seen(), Some(Seen::Unanswered { beats: 5 }));
}

#[test]
fn on_a_slow_path_the_deadline_follows_the_round_trip() {
    let mut rig = Rig::fixed(30);
    // One sample: SRTT 0.8 s, RTTVAR 0.4 s.
    rig.beat_answered(millis(800));
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + 10 * millis(2_400));
}

#[test]
fn a_deadline_is_never_longer_than_five_seconds() {
    let mut rig = Rig::fixed(60);
    rig.beat_answered(millis(2_500));
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(50));
}

#[test]
fn a_new_link_starts_without_a_round_trip() {
    let mut rig = Rig::fixed(30);
    rig.beat_answered(RTT);
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.open(Beat::Ping);
    assert_eq!(rig.keeper.figures(rig.now).rtt, None);
    rig.forget();
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(30));
}

#[test]
fn the_number_of_misses_is_a_setting() {
    for (misses, span) in [(1, 1), (2, 2), (3, 4), (4, 6), (5, 10)] {
        let mut rig = Rig::beating(Heartbeat::fixed(secs(30)).misses(misses));
        rig.beat_answered(RTT);
        let first = rig.until_beat();
        assert_eq!(rig.until_death(), first + secs(span), "{misses} misses");
    }
}

#[test]
fn a_dead_link_is_dropped_before_anything_else_is_said() {
    let mut rig = Rig::fixed(30);
    let link = rig.main();
    rig.until_beat();
    rig.pass(secs(29));
    rig.forget();
    rig.until_death();
    let dropped = rig.outputs().iter().position(|&output| *output == Output::Abandon { link });
    let told =
        rig.outputs().iter().position(|output| matches!(output, Output::Emit(Event::Disconnected { .. })));
    assert!(dropped.is_some() && dropped < told, "{:?}", rig.outputs());
}

#[test]
fn the_first_beat_comes_after_27_seconds_of_silence() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    assert_eq!(rig.until_beat(), secs(27));
}

#[test]
fn inbound_traffic_saves_beats() {
    let mut rig = Rig::beating(Heartbeat::adaptive());
    for _ in 0..100 {
        rig.pass(secs(20));
        rig.heard();
    }
    assert_eq!(rig.beats(), NEVER);
    assert!(rig.keeper.figures(rig.now).beats_saved > 0);
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat(), heard + secs(27));
}

#[test]
fn a_fixed_interval_stays_whatever_is_answered() {
    let mut rig = Rig::fixed(30);
    for _ in 0..50 {
        let silent_since = rig.elapsed();
        let at = rig.beat_answered(RTT);
        assert!(at - silent_since <= secs(30) && at - silent_since >= secs(27));
    }
    assert_eq!(rig.interval(), secs(30));
}

#[test]
fn a_listened_link_is_never_asked_and_dies_of_silence() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(45) });
    for _ in 0..10 {
        rig.pass(secs(44));
        rig.heard();
    }
    let heard = rig.elapsed();
    assert_eq!(rig.timer(), Some((heard + secs(45), Timer::Silence)));
    assert_eq!(rig.until_death(), heard + secs(45));
    assert_eq!(rig.seen(), Some(Seen::Silent));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn a_dictated_beat_goes_out_at_its_time_whatever_flows() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Dictated { every: secs(41) });
    for _ in 0..1_000 {
        rig.pass(millis(500));
        rig.heard();
        rig.sent();
        if rig.beats().last() == Some(&rig.elapsed()) {
            rig.answer();
        }
    }
    let beats = rig.beats();
    assert_eq!(beats.len(), 12);
    for pair in beats.windows(2) {
        assert_eq!(pair[1] - pair[0], secs(41));
    }
}

#[test]
fn an_unanswered_dictated_beat_is_a_miss_and_five_are_a_death() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Dictated { every: secs(41) });
    let first = rig.until_beat();
    assert_eq!(rig.until_death(), first + secs(30));
    assert_eq!(rig.seen(), Some(Seen::Unanswered { beats: 5 }));
}

#[test]
fn under_a_ceiling_inbound_traffic_does_not_save_the_beat() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Ceiling { max_out_silence: secs(20) });
    let mut silent_since = rig.elapsed();
    for _ in 0..400 {
        rig.forget();
        rig.pass(millis(500));
        if let Some(&at) = rig.beats().first() {
            assert!(at - silent_since <= secs(20), "beat after {:?}", at - silent_since);
            assert!(at - silent_since > secs(10), "beat after {:?}", at - silent_since);
            silent_since = at;
            rig.answer();
        }
        assert!(rig.elapsed() - silent_since < secs(21));
        rig.heard();
    }
}

#[test]
fn under_a_ceiling_what_we_send_counts() {
    let mut rig = Rig::new(Default::default(), 1);
    rig.open(Beat::Ceiling { max_out_silence: secs(20) });
    for _ in 0..100 {
        rig.pass(secs(9));
        rig.sent();
        rig.heard();
    }
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn the_first_send_after_a_long_silence_brings_the_beat_forward() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(151));
    assert_eq!(rig.beats(), NEVER);
    rig.sent();
    let sent = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [sent]);
    // It only brings the next beat forward: five misses decide.
    assert_eq!(rig.until_death(), sent + secs(10));
    assert_eq!(rig.seen(), Some(Seen::Unanswered { beats: 5 }));
}

#[test]
fn beats_that_traffic_made_unnecessary_are_counted_whatever_else_beats() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    let before = rig.keeper.figures(rig.now).beats_saved;
    // An hour of messages from the peer, one a second.
    for _ in 0..3600 {
        rig.pass(secs(1));
        rig.heard();
    }
    assert_eq!(rig.keeper.figures(rig.now).beats_saved - before, 3600 / 300);
}

#[test]
fn a_publisher_who_is_never_answered_is_not_beaten_for_twice_as_often() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    let heard = rig.elapsed();
    for _ in 0..299 {
        rig.pass(secs(1));
        rig.sent();
    }
    assert_eq!(rig.beats(), NEVER);
    rig.pass(secs(1));
    assert_eq!(rig.beats(), [heard + secs(300)]);
}

#[test]
fn a_send_after_a_short_silence_does_not() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(130));
    rig.sent();
    rig.pass(secs(10));
    assert_eq!(rig.beats(), NEVER);
}

#[test]
fn a_byte_unacknowledged_for_longer_than_a_deadline_brings_the_beat_forward() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.forget();
    rig.pass(secs(20));
    rig.unacknowledged(1, millis(900));
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), NEVER, "within the deadline it may still come");
    rig.pass(millis(200));
    rig.unacknowledged(1, millis(1_100));
    let told = rig.elapsed();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [told]);
    assert_eq!(rig.until_death(), told + secs(10));
}

#[test]
fn probe_now_beats_at_once_and_has_one_deadline_of_three_seconds() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.probe();
    let probed = rig.elapsed();
    assert_eq!(rig.beats(), [probed]);
    assert_eq!(rig.timer(), Some((probed + secs(3), Timer::Answer)));
    assert_eq!(rig.until_death(), probed + secs(3));
    assert_eq!(rig.seen(), Some(Seen::ProbeUnanswered));
    assert_eq!(rig.beats(), [probed]);
}

#[test]
fn any_inbound_byte_answers_a_probe() {
    let mut rig = Rig::fixed(300);
    rig.pass(secs(10));
    rig.probe();
    rig.pass(millis(2_999));
    rig.heard();
    rig.pass(secs(200));
    assert!(rig.is_connected());
}

#[test]
fn confirm_beats_at_once() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.forget();
    rig.confirm();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [rig.elapsed()]);
}

#[test]
fn confirm_while_one_is_under_way_beats_again_when_that_is_answered() {
    let mut rig = Rig::fixed(300);
    rig.beat_answered(RTT);
    rig.pass(secs(10));
    rig.confirm();
    rig.forget();
    rig.pass(millis(10));
    rig.confirm();
    rig.confirm();
    rig.pass(millis(10));
    assert_eq!(rig.beats(), NEVER);
    rig.answer();
    rig.pass(Duration::ZERO);
    assert_eq!(rig.beats(), [rig.elapsed()], "what was written after the beat needs another");
    rig.forget();
    rig.pass(RTT);
    rig.answer();
    rig.pass(secs(10));
    assert_eq!(rig.beats(), NEVER, "and only one");
}

#[test]
fn with_the_heartbeat_off_a_link_lives_until_its_transport_ends_it() {
    let mut rig = Rig::beating(Heartbeat::off());
    rig.pass(secs(7 * 24 * 3600));
    assert!(rig.is_connected());
    assert_eq!(rig.beats(), NEVER);
    rig.end(LinkEnd::Eof);
    assert!(!rig.is_connected());
}

#[test]
fn a_scaled_heartbeat_has_all_its_instants_scaled() {
    let mut rig = Rig::beating(Heartbeat::scaled(1.0 / 20.0));
    assert_eq!(rig.until_beat(), millis(1_350));
    // 3 s before the first round trip become 150 ms.
    assert_eq!(rig.until_death(), millis(1_350 + 10 * 150));
}

/// The next attempt comes and succeeds at once.
fn reopen_at_once(rig: &mut Rig) {
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
}

#[test]
fn pitfall_30_a_gap_that_grows_beyond_all_time_stops_at_the_maximum() {
    for growth in [Growth::Factor(1e300), Growth::Step(Duration::MAX)] {
        let mut rig = Rig::beating(Heartbeat::adaptive().growth(growth));
        rig.learn(secs(285));
        assert!(rig.is_connected(), "{growth:?}");
    }
}

#[test]
fn a_probe_that_is_under_way_is_not_begun_anew() {
    let mut rig = Rig::linked();
    let probed = rig.elapsed();
    rig.probe();
    rig.pass(secs(1));
    rig.probe();
    assert_eq!(rig.beats(), [probed]);
    assert_eq!(rig.until_death(), probed + secs(3));
}

#[test]
fn a_link_that_only_listens_is_not_probed() {
    let mut rig = Rig::new(Config::default(), 1);
    rig.open(Beat::Listen { longest_silence: secs(60) });
    rig.probe();
    assert_eq!(rig.beats(), NEVER);
    assert_eq!(rig.timer(), Some((secs(60), Timer::Silence)));
}
