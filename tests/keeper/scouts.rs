//! Scouts: side links that test gaps, so that the link in use is never
//! risked.

use std::time::Duration;

use crate::rig::{RTT, Rig, Scout, millis, secs, with_heartbeat};
use longlink::keeper::{
    Activity, Beat, Event, Failure, Heartbeat, LinkEnd, LinkId, NetworkStatus, Output, Probing, Scouted,
};

pub fn scouting() -> Heartbeat {
    Heartbeat::adaptive().probing(Probing::Scout).max(secs(7200))
}

/// A link in use, and nothing else yet.
pub fn linked() -> Rig {
    Rig::connected(with_heartbeat(scouting()), 1)
}

/// The first three scouts are open.
pub fn scouted() -> Rig {
    let mut rig = linked();
    await_scouts(&mut rig);
    for scout in rig.scouts.clone() {
        rig.open_scout(scout.link);
    }
    rig
}

pub fn await_scouts(rig: &mut Rig) {
    await_scouts_that(rig, true);
}

/// Scouts are being opened.
pub fn await_dials(rig: &mut Rig) {
    await_scouts_that(rig, false);
}

fn await_scouts_that(rig: &mut Rig, open: bool) {
    for _ in 0..2_000 {
        if rig.scouts.iter().any(|scout| scout.token.is_none()) {
            return;
        }
        live_and_open(rig, secs(1), |_| true, open);
    }
    panic!("no scout was sent: {:?}", rig.log.last());
}

/// Lets time pass: the link in use answers each beat, scouts are opened at
/// once and answer those beats that `survives` says they do.
pub fn live(rig: &mut Rig, time: Duration, survives: impl Fn(&Scout) -> bool) {
    live_and_open(rig, time, survives, true);
}

fn live_and_open(rig: &mut Rig, time: Duration, survives: impl Fn(&Scout) -> bool, open: bool) {
    let end = rig.elapsed() + time;
    while rig.elapsed() < end {
        let seen = rig.log.len();
        let next = rig.timer().map_or(end, |(at, _)| at.min(end));
        rig.pass(next.saturating_sub(rig.elapsed()));
        let beats: Vec<_> = rig.log[seen..]
            .iter()
            .filter_map(|(_, output)| match output {
                Output::Beat { link, .. } => Some(*link),
                _ => None,
            })
            .collect();
        for link in beats {
            if Some(link) == rig.main {
                rig.answer();
            } else if let Some(scout) = rig.scouts.iter().find(|scout| scout.link == link).copied()
                && survives(&scout)
            {
                rig.answer_scout(link);
            }
        }
        if open {
            for scout in rig.scouts.clone() {
                rig.open_scout(scout.link);
            }
        }
    }
}

pub fn gaps(rig: &Rig) -> Vec<f64> {
    rig.scouts.iter().map(|scout| (scout.gap.as_secs_f64() * 10.0).round() / 10.0).collect()
}

pub fn met(rig: &Rig) -> Vec<Scouted> {
    let met = rig.log.iter().filter_map(|(_, output)| match output {
        Output::Emit(Event::ScoutReturned { met, .. }) => Some(*met),
        _ => None,
    });
    met.collect()
}

pub fn sent(rig: &Rig) -> usize {
    rig.instants(|output| matches!(output, Output::Emit(Event::ScoutSent { .. }))).len()
}

pub fn refused(rig: &Rig) -> bool {
    !rig.instants(|output| matches!(output, Output::Emit(Event::ScoutsRefused))).is_empty()
}

/// Nothing but what the link in use survives anyway.
pub fn knows_nothing(rig: &Rig) -> bool {
    figures(rig).proven <= secs(10) && rig.interval() <= secs(10)
}

fn figures(rig: &Rig) -> longlink::keeper::Figures {
    rig.keeper.figures(rig.now)
}

#[test]
fn the_link_in_use_beats_at_the_shortest_interval_until_a_scout_has_proved_more() {
    let mut rig = linked();
    assert_eq!(rig.interval(), secs(10));
    await_scouts(&mut rig);
    live(&mut rig, secs(13), |_| true);
    let beats = rig.beats();
    assert!(beats[0] <= secs(10) && beats[0] >= secs(9), "{beats:?}");
    assert_eq!(rig.interval(), secs(10));
    live(&mut rig, secs(2), |_| true);
    assert_eq!(rig.interval(), secs(12), "14 s are proven, 2 s less are held");
}

#[test]
fn three_scouts_at_once_test_gaps_that_grow_by_two_fifths() {
    let rig = scouted();
    assert!(rig.elapsed() >= secs(1) && rig.elapsed() <= secs(10), "a fleet does not dial at once");
    assert_eq!(gaps(&rig), [14.0, 19.6, 27.4]);
    let mut rig = rig;
    live(&mut rig, secs(15), |_| true);
    assert_eq!(gaps(&rig), [19.6, 27.4, 38.4]);
    assert_eq!(met(&rig), [Scouted::Survived]);
    assert_eq!(figures(&rig).proven, secs(14));
}

#[test]
fn a_scout_that_lives_is_parted_from_with_a_goodbye_and_a_dead_one_without() {
    let mut rig = scouted();
    let (lives, dies) = (rig.scouts[0].link, rig.scouts[1].link);
    live(&mut rig, secs(60), |scout| scout.gap == secs(14));
    let retired = |output: &Output| *output == Output::Retire { link: lives };
    let abandoned = |output: &Output| *output == Output::Abandon { link: dies };
    assert_eq!(rig.instants(retired).len(), 1);
    assert_eq!(rig.instants(abandoned).len(), 1);
}

#[test]
fn the_timeout_is_found_between_scouts_without_a_drop() {
    for timeout in [12, 15, 20, 30, 45, 60, 100, 240, 300, 1000, 7199] {
        let mut rig = linked();
        let timeout = secs(timeout);
        live(&mut rig, 5 * timeout + secs(120), |scout| scout.gap < timeout);
        let proven = figures(&rig).proven.as_secs_f64() / timeout.as_secs_f64();
        assert!((0.9..1.0).contains(&proven), "{timeout:?}: {proven} proven");
        assert!(rig.scouts.is_empty(), "{timeout:?}: it goes on: {:?}", gaps(&rig));
        assert!(rig.is_connected());
        assert_eq!(figures(&rig).reconnects, 0);
    }
}

#[test]
fn what_a_silent_scout_met_with_is_believed_only_once_the_link_in_use_was_heard() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    rig.forget();
    // At 14 s the first scout beats, and so does the link in use.
    let beat = rig.until_beat();
    assert_eq!(rig.beats(), [beat, beat]);
    // Neither is answered: nothing is concluded, the link in use dies.
    rig.until_death();
    assert!(knows_nothing(&rig));
    assert!(met(&rig).iter().all(|met| matches!(met, Scouted::Expired | Scouted::Void)), "{:?}", met(&rig));
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    await_scouts(&mut rig);
    assert_eq!(gaps(&rig)[0], 14.0, "nothing was learned from the outage");
}

#[test]
fn an_outage_that_the_link_in_use_outlives_by_a_moment_says_nothing_of_idleness() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    let beat = rig.until_beat();
    // Neither is answered; the scout's row is over a moment before the other's.
    rig.pass(secs(9));
    let scout = rig.scouts[0].link;
    rig.until(|output| matches!(output, Output::Abandon { link } if *link == scout));
    if rig.is_connected() {
        rig.heard();
    }
    assert!(rig.elapsed() > beat);
    assert!(!met(&rig).contains(&Scouted::Expired), "{:?}", met(&rig));
    assert!(knows_nothing(&rig));
}

#[test]
fn a_scout_that_falls_silent_while_the_link_in_use_is_heard_says_what_the_timeout_is() {
    let mut rig = scouted();
    live(&mut rig, secs(60), |scout| scout.gap == secs(14));
    // 19.6 s failed: what lies above it is not tested any more.
    assert!(gaps(&rig).iter().all(|gap| *gap > 14.0 && *gap < 19.6), "{:?}", gaps(&rig));
    assert!(rig.is_connected());
}

#[test]
fn an_end_of_the_link_in_use_voids_the_scouts_begun_before_it() {
    for end in [LinkEnd::Eof, LinkEnd::Reset] {
        let mut rig = scouted();
        live(&mut rig, secs(10), |_| true);
        let scout = rig.scouts[1].link;
        // A restart: the scout's end comes first.
        rig.end_scout(scout, end.clone());
        rig.end(end);
        assert!(rig.scouts.is_empty());
        rig.pass(secs(1));
        rig.open(Beat::Ping);
        rig.pass(millis(10));
        assert!(knows_nothing(&rig));
        await_scouts(&mut rig);
        assert_eq!(gaps(&rig)[0], 14.0);
    }
}

#[test]
fn an_end_of_an_idle_scout_is_the_timeout_if_the_link_in_use_answers() {
    let mut rig = scouted();
    live(&mut rig, secs(12), |_| true);
    let scout = rig.scouts[0].link;
    rig.forget();
    rig.end_scout(scout, LinkEnd::Eof);
    assert_eq!(rig.beats(), [rig.elapsed()], "the link in use is asked at once");
    assert!(knows_nothing(&rig), "nothing is believed before it answers");
    rig.pass(RTT);
    rig.answer();
    assert!(figures(&rig).proven >= secs(12), "{:?}", figures(&rig));
    assert!(matches!(met(&rig)[0], Scouted::Ended { gap } if gap >= secs(12)));
}

#[test]
fn an_end_below_what_the_link_in_use_has_survived_is_a_login_deadline() {
    let mut rig = linked();
    // The link in use has survived 300 s.
    rig.pass(millis(100));
    let now = rig.now;
    let main = rig.main();
    let mut heartbeat = with_heartbeat(Heartbeat::fixed(secs(300)));
    heartbeat.silence_limit = None;
    rig.keeper.update(heartbeat, now);
    rig.pass(secs(299));
    rig.heard();
    rig.keeper.update(with_heartbeat(scouting()), rig.now);
    assert_eq!(rig.main(), main);
    await_scouts(&mut rig);
    for scout in rig.scouts.clone() {
        rig.open_scout(scout.link);
    }
    live(&mut rig, secs(13), |_| true);
    let scout = rig.scouts[0].link;
    let before = figures(&rig).proven;
    rig.end_scout(scout, LinkEnd::Eof);
    live(&mut rig, secs(1), |_| true);
    assert_eq!(figures(&rig).proven, before);
    assert!(met(&rig).ends_with(&[Scouted::Void]), "{:?}", met(&rig));
}

#[test]
fn pitfall_47_without_overlap_no_second_link_is_ever_opened() {
    let mut config = with_heartbeat(scouting());
    config.overlap = false;
    let mut rig = Rig::connected(config, 1);
    assert!(refused(&rig), "it says so");
    assert_eq!(rig.interval(), secs(27), "as passive");
    live(&mut rig, secs(10 * 24 * 3600), |_| true);
    assert_eq!(sent(&rig), 0);
}

#[test]
fn scouts_that_a_transport_refuses_for_good_are_not_sent_again_for_a_day() {
    let mut rig = linked();
    await_dials(&mut rig);
    let scout = rig.scouts[0].link;
    rig.fail_scout(scout, Failure::Stop);
    assert!(refused(&rig));
    assert!(rig.scouts.is_empty(), "the others are called back");
    rig.forget();
    live(&mut rig, secs(23 * 3600), |_| true);
    assert_eq!(sent(&rig), 0);
    live(&mut rig, secs(3600 + 10), |_| true);
    assert!(sent(&rig) > 0);
}

#[test]
fn scouts_that_cannot_be_opened_come_ever_more_seldom_and_count_as_refused_after_five() {
    let mut rig = linked();
    let mut times = Vec::new();
    while !refused(&rig) {
        await_dials(&mut rig);
        times.push(rig.elapsed());
        for scout in rig.scouts.clone() {
            if rig.scouts.iter().any(|out| out.link == scout.link) {
                rig.fail_scout(scout.link, Failure::TimedOut);
            }
        }
        assert!(times.len() <= 5);
        if !refused(&rig) {
            // Nothing before the pause is over.
            let before = sent(&rig);
            rig.pass(secs(5));
            assert_eq!(sent(&rig), before);
        }
    }
    assert!(rig.is_connected());
}

#[test]
fn a_link_that_only_listens_sends_no_scouts() {
    let mut rig = Rig::new(with_heartbeat(scouting()), 1);
    rig.open(Beat::Listen { longest_silence: secs(60) });
    rig.pass(secs(30));
    assert_eq!(sent(&rig), 0);
    assert!(refused(&rig));
}

#[test]
fn what_one_link_refuses_the_next_may_allow() {
    let mut rig = Rig::new(with_heartbeat(scouting()), 1);
    rig.open(Beat::Listen { longest_silence: secs(60) });
    assert!(refused(&rig));
    rig.end(LinkEnd::Eof);
    rig.until_opening();
    rig.open(Beat::Ping);
    await_scouts(&mut rig);
    assert_eq!(gaps(&rig), [14.0, 19.6, 27.4]);
}

#[test]
fn in_a_doubt_one_scout_tests_the_interval_while_the_link_in_use_holds_half() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    assert!(rig.scouts.is_empty());
    let held = rig.interval();
    assert!(held > secs(250), "{held:?}");
    // One beat is not answered.
    rig.until_death();
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    assert!(rig.interval() <= held / 2, "{:?}", rig.interval());
    await_scouts(&mut rig);
    assert_eq!(rig.scouts.len(), 1);
    let tested = rig.scouts[0].gap;
    assert!(tested <= held && tested >= held.mul_f64(0.9), "{tested:?}");
    // Its answer lifts the doubt, the link's own at half does not.
    live(&mut rig, secs(200), |_| true);
    assert!(rig.interval() <= held / 2, "{:?}", rig.interval());
    live(&mut rig, secs(100), |_| true);
    assert_eq!(rig.interval(), held);
}

#[test]
fn one_scout_looks_upward_after_a_day_and_then_ever_more_seldom() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    let settled = rig.elapsed();
    rig.forget();
    let day = secs(24 * 3600);
    live(&mut rig, 70 * day, |scout| scout.gap < secs(300));
    let looks = rig.instants(|output| matches!(output, Output::Emit(Event::ScoutSent { .. })));
    let days: Vec<u64> = looks
        .iter()
        .map(|at| (at.saturating_sub(settled).as_secs_f64() / day.as_secs_f64()).round() as u64)
        .collect();
    assert_eq!(days, [1, 3, 7, 15, 31, 59]);
    assert!(rig.is_connected());
    assert_eq!(figures(&rig).reconnects, 0);
}

#[test]
fn a_timeout_that_has_grown_is_found_by_a_look() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    live(&mut rig, secs(24 * 3600 + 6000), |scout| scout.gap < secs(900));
    let proven = figures(&rig).proven;
    assert!(proven >= secs(800) && proven < secs(900), "{proven:?}");
}

#[test]
fn in_the_foreground_scouts_are_called_back_and_none_is_sent() {
    let mut rig = scouted();
    rig.keeper.set_activity(Activity::Foreground, rig.now);
    rig.pass(Duration::ZERO);
    live(&mut rig, secs(600), |_| true);
    assert!(rig.scouts.is_empty());
    let before = sent(&rig);
    rig.keeper.set_activity(Activity::Background, rig.now);
    live(&mut rig, secs(1), |_| true);
    assert_eq!(sent(&rig), before + 3);
}

#[test]
fn news_of_the_network_voids_scouts() {
    for status in [NetworkStatus::Online, NetworkStatus::Offline, NetworkStatus::Changed] {
        let mut rig = scouted();
        live(&mut rig, secs(10), |_| true);
        rig.network(status);
        assert!(rig.scouts.is_empty());
        assert!(knows_nothing(&rig));
    }
}

#[test]
fn a_process_that_froze_learns_nothing_from_its_scouts() {
    let mut rig = scouted();
    live(&mut rig, secs(10), |_| true);
    rig.freeze(secs(30));
    let scout = rig.scouts[0].link;
    rig.timeout();
    live(&mut rig, secs(60), |_| false);
    assert!(!rig.scouts.iter().any(|out| out.link == scout));
    assert!(knows_nothing(&rig));
    assert!(met(&rig)[..3].iter().all(|met| *met == Scouted::Void), "{:?}", met(&rig));
}

#[test]
fn closing_abandons_scouts() {
    let mut rig = scouted();
    let main = rig.main();
    rig.close();
    assert!(rig.scouts.is_empty());
    rig.keeper.handle_ended(main, LinkEnd::Eof, rig.now);
    rig.pass(Duration::ZERO);
    assert!(rig.keeper.poll_output().is_some_and(|output| matches!(output, Output::Emit(Event::Closed))));
}

#[test]
fn scouts_that_are_ended_together_are_one_observation() {
    let mut rig = scouted();
    live(&mut rig, secs(12), |_| true);
    // Their server goes, and that of the link in use does not.
    for scout in rig.scouts.clone() {
        rig.end_scout(scout.link, LinkEnd::Eof);
    }
    rig.pass(RTT);
    rig.answer();
    let told = rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Remember { learned, .. } => Some(learned.clone()),
        _ => None,
    });
    let told = told.expect("it is told what was learned");
    assert!(told.ambiguous, "nothing has confirmed it: {told:?}");
    rig.forget();
    live(&mut rig, secs(24 * 3600 + 20), |_| true);
    assert!(sent(&rig) > 0, "it is looked at after a day");
}

#[test]
fn a_server_that_names_a_time_is_not_asked_for_scouts_before() {
    let mut rig = linked();
    await_dials(&mut rig);
    let busy = Failure::Http { status: 503, retry_after: Some(secs(3600)), verified: true };
    rig.fail_scout(rig.scouts[0].link, busy);
    let failed = rig.elapsed();
    rig.forget();
    live(&mut rig, secs(3599), |_| true);
    assert_eq!(sent(&rig), 0);
    live(&mut rig, secs(60), |_| true);
    assert!(sent(&rig) > 0, "since {failed:?}");
}

#[test]
fn pitfall_47_a_server_that_ends_the_link_in_use_for_a_scout_is_sent_no_more() {
    let mut rig = linked();
    let mut lost = 0;
    for _ in 0..20 {
        for _ in 0..60 {
            live_and_open(&mut rig, secs(1), |_| true, false);
            if let Some(scout) = rig.scouts.first().copied() {
                // The broker allows one session a client: the newest.
                rig.open_scout(scout.link);
                rig.pass(millis(20));
                rig.end(LinkEnd::Closed { code: Some(1000), reason: "session taken over".to_owned() });
                lost += 1;
                rig.until_opening();
                rig.open(Beat::Ping);
            }
        }
    }
    assert!(refused(&rig));
    assert_eq!(lost, 2, "twice may be chance, more is not");
    live(&mut rig, secs(23 * 3600), |_| true);
    assert_eq!(figures(&rig).reconnects, 2);
}

#[test]
fn a_link_in_use_that_ends_at_some_other_time_does_not_count_against_scouts() {
    let mut rig = linked();
    for _ in 0..6 {
        await_scouts(&mut rig);
        live(&mut rig, secs(5), |_| true);
        rig.end(LinkEnd::Eof);
        rig.until_opening();
        rig.open(Beat::Ping);
    }
    assert!(!refused(&rig));
}

#[test]
fn scouts_that_are_being_opened_when_the_network_changes_are_abandoned_without_a_goodbye() {
    let mut rig = linked();
    await_dials(&mut rig);
    let dialled: Vec<_> = rig.scouts.iter().map(|scout| scout.link).collect();
    assert_eq!(dialled.len(), 3);
    rig.forget();
    rig.network(NetworkStatus::Changed);
    for link in dialled {
        assert!(rig.outputs().contains(&&Output::Abandon { link }), "{:?}", rig.log);
        assert!(!rig.outputs().contains(&&Output::Retire { link }), "{:?}", rig.log);
    }
}

#[test]
fn while_the_link_in_use_is_not_read_no_scout_is_sent() {
    let mut rig = linked();
    rig.stalled();
    rig.pass(secs(60));
    assert_eq!(sent(&rig), 0);
    rig.resumed();
    await_scouts(&mut rig);
}

#[test]
fn a_scout_that_is_not_to_be_had_is_followed_by_another_after_a_minute_and_then_ever_twice_as_long() {
    let mut rig = linked();
    for minutes in [1, 2, 4, 8] {
        await_dials(&mut rig);
        let link = rig.scouts[0].link;
        rig.fail_scout(link, Failure::Refused);
        let failed = rig.elapsed();
        assert_eq!(rig.scouts.len(), 0, "the others would fare no better");
        await_dials(&mut rig);
        let pause = rig.elapsed() - failed;
        let longest = secs(60 * minutes);
        assert!(pause >= longest / 2 && pause <= longest + secs(1), "{pause:?} of {longest:?}");
    }
    let link = rig.scouts[0].link;
    assert!(!refused(&rig));
    rig.fail_scout(link, Failure::Refused);
    assert!(refused(&rig), "five in a row");
}

#[test]
fn a_scout_whose_server_speaks_by_itself_is_given_three_gaps_to_be_silent() {
    let speaks: [fn(&mut Rig, LinkId); 2] = [
        |rig, link| rig.keeper.handle_heard(link, rig.now),
        |rig, link| rig.keeper.handle_message(link, rig.now),
    ];
    for speak in speaks {
        let mut rig = scouted();
        let opened = rig.elapsed();
        let scout = rig.scouts[0];
        assert_eq!(scout.gap, secs(14));
        while rig.scouts.iter().any(|out| out.link == scout.link) {
            assert!(rig.elapsed() < opened + secs(60), "it is parted from");
            // The others fall silent, so that its gap is still to be known.
            live(&mut rig, secs(6), |_| false);
            speak(&mut rig, scout.link);
            rig.drain();
        }
        let lasted = rig.elapsed() - opened;
        assert!(lasted >= secs(42) && lasted <= secs(48), "{lasted:?}");
        let returned = rig.log.iter().find_map(|(_, output)| match output {
            Output::Emit(Event::ScoutReturned { link, met, .. }) if *link == scout.link => Some(*met),
            _ => None,
        });
        assert_eq!(returned, Some(Scouted::Void));
    }
}

#[test]
fn while_the_network_is_reported_gone_no_scout_is_sent() {
    let mut rig = linked();
    rig.network(NetworkStatus::Offline);
    live(&mut rig, secs(300), |_| true);
    assert_eq!(sent(&rig), 0);
    rig.network(NetworkStatus::Online);
    await_scouts(&mut rig);
}
