//! The link in use beside its scouts: what it shows of the path is what their
//! fate is judged by.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::rig::{LOGIN, RTT, Rig, millis, secs, with_heartbeat};
use crate::scouts::{
    await_dials, await_scouts, gaps, knows_nothing, linked, live, met, refused, scouted, scouting, sent,
};
use longlink::keeper::{Dialled, Input, Messages, Opened, Output};
use longlink::{Activity, Beat, Event, Failure, LinkEnd, ScoutResult};

/// Lets a second pass at a time, at the end of which the server speaks on the
/// link in use.
fn chat(rig: &mut Rig, seconds: u64) {
    for _ in 0..seconds {
        rig.pass(secs(1));
        rig.heard();
    }
}

/// Scouts are being opened within this time.
fn await_dials_for(rig: &mut Rig, time: Duration) {
    let end = rig.elapsed() + time;
    rig.answers_at_once = true;
    while rig.scouts().is_empty() {
        assert!(rig.elapsed() < end, "no scout was sent");
        rig.pass(secs(1));
    }
    rig.answers_at_once = false;
}

#[test]
fn a_silent_scout_beside_a_missed_answer_says_nothing() {
    let mut rig = linked();
    rig.confirm();
    rig.pass(RTT);
    rig.answer();
    await_scouts(&mut rig);
    for scout in rig.scouts() {
        rig.open_scout(scout.link);
    }
    live(&mut rig, secs(13), |_| true);
    let scout = rig.scouts()[0].link;
    rig.forget();
    // The link in use answers when the first scout beats …
    let beat = rig.until_beat();
    rig.pass(RTT);
    rig.answer();
    rig.pass(secs(1));
    // … and then no more: the path is gone for ten seconds.
    rig.confirm();
    let over = rig.until(|output| *output == Output::Abandon { link: scout });
    assert_eq!(over, beat + secs(10));
    assert!(rig.is_connected() && !rig.misses().is_empty());
    rig.pass(millis(500));
    rig.answer();
    assert_eq!(met(&rig), [ScoutResult::Void]);
    assert!(knows_nothing(&rig));
}

#[test]
fn a_link_in_use_that_is_asked_already_is_not_asked_again_for_a_scout() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    rig.confirm();
    rig.forget();
    let beat = rig.until_beat();
    assert_eq!((rig.beats(), rig.misses()), (vec![beat], vec![]), "the scout's alone");
}

/// Three scouts are open beside a link in use on which the server speaks.
fn scouted_in_a_chat() -> Rig {
    let mut rig = linked();
    while rig.scouts().is_empty() {
        chat(&mut rig, 1);
    }
    for scout in rig.scouts() {
        rig.open_scout(scout.link);
    }
    rig
}

#[test]
fn a_scouts_end_before_0_9_of_the_shortest_interval_is_no_timeout() {
    for (gap, met_with) in
        [(millis(8_999), ScoutResult::Void), (secs(9), ScoutResult::Ended { gap: secs(9) })]
    {
        let mut rig = scouted_in_a_chat();
        chat(&mut rig, 8);
        rig.pass(gap - secs(8));
        let scout = rig.scouts()[0].link;
        rig.end_scout(scout, LinkEnd::Eof);
        assert_eq!(met(&rig), [met_with]);
    }
}

#[test]
fn a_server_that_ends_scouts_early_is_left_alone_for_a_while() {
    let mut rig = scouted_in_a_chat();
    chat(&mut rig, 5);
    let before = sent(&rig);
    for scout in rig.scouts() {
        rig.end_scout(scout.link, LinkEnd::Eof);
    }
    assert_eq!(met(&rig), [ScoutResult::Void; 3]);
    chat(&mut rig, 29);
    assert_eq!(sent(&rig), before, "it is left alone for a while");
    await_scouts(&mut rig);
    assert_eq!(gaps(&rig)[0], 14.0);
}

#[test]
fn while_the_link_in_use_is_not_read_nothing_that_happens_sends_a_scout() {
    let mut rig = linked();
    rig.stalled();
    rig.keeper.tell(Input::Activity(Activity::Background));
    rig.pass(secs(60));
    assert_eq!(sent(&rig), 0);
}

#[test]
fn a_gap_survived_before_a_shrink_makes_no_scouts_end_a_deadline() {
    let mut rig = linked();
    live(&mut rig, secs(1620), |scout| scout.gap < secs(300));
    assert!(rig.interval() > secs(250));
    // Now it is 140 s: a beat is lost, and so is that of the scout that finds
    // out.
    rig.until_death();
    rig.pass(secs(1));
    rig.open(Beat::Ping);
    let shrank = |output: &Output| matches!(output, Output::Emit(Event::IdleTimeoutShrank { .. }));
    while rig.instants(shrank).is_empty() {
        assert!(rig.elapsed() < secs(4_000), "it is noticed");
        live(&mut rig, secs(1), |scout| scout.gap < secs(140));
    }
    // The gap in between is tested, and the server ends an idle scout.
    rig.forget();
    await_scouts(&mut rig);
    live(&mut rig, secs(145), |_| true);
    rig.end_scout(rig.scouts()[0].link, LinkEnd::Eof);
    assert!(matches!(met(&rig)[..], [ScoutResult::Ended { .. }]), "{:?}", met(&rig));
}

#[test]
fn a_scout_from_another_address_or_without_beats_is_dropped() {
    let another = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let listens = Beat::Listen { longest_silence: secs(60) };
    for (local, beat, dropped) in
        [(None, Beat::Ping, false), (another, Beat::Ping, true), (None, listens, true)]
    {
        let mut rig = linked();
        await_dials(&mut rig);
        let link = rig.scouts()[0].link;
        let opened = Opened::new(beat, Dialled::new(RTT, local), LOGIN);
        rig.keeper.tell(Input::Opened { link, opened });
        rig.drain();
        let abandoned = rig.outputs().contains(&&Output::Abandon { link });
        assert_eq!(abandoned, dropped, "{local:?}, {beat:?}");
        assert_eq!(refused(&rig), beat == listens, "what it can be asked will be the same again");
    }
}

#[test]
fn a_scout_that_is_silent_at_last_is_followed_by_others_at_once() {
    let mut rig = scouted();
    let scout = rig.scouts()[0];
    // Its server speaks by itself for three gaps, and then no more. The others
    // fall silent, so that its gap is still to be known.
    for _ in 0..3 {
        live(&mut rig, secs(13), |_| false);
        rig.keeper.tell(Input::Read { link: scout.link, messages: Messages::None, answers: &[] });
        rig.drain();
    }
    rig.forget();
    live(&mut rig, secs(15), |out| out.link == scout.link);
    let returned = |output: &Output| match output {
        Output::Emit(Event::ScoutReturned { link, met, .. }) => {
            *link == scout.link && *met == ScoutResult::Survived
        }
        _ => false,
    };
    let [over] = rig.instants(returned)[..] else { panic!("{:?}", met(&rig)) };
    let next = rig.instants(|output| matches!(output, Output::Emit(Event::ScoutSent { .. })));
    assert!(next.contains(&over), "{over:?}: {next:?}");
}

#[test]
fn scouts_and_their_beats_are_counted() {
    let mut rig = scouted();
    live(&mut rig, secs(13), |_| true);
    let stats = rig.keeper.stats();
    assert_eq!((stats.scouts_sent, stats.scout_beats), (3, 0));
    live(&mut rig, secs(1), |_| true);
    let stats = rig.keeper.stats();
    assert_eq!((stats.scouts_sent, stats.scout_beats), (4, 1));
    // Those of a row count, each.
    live(&mut rig, secs(60), |_| false);
    let stats = rig.keeper.stats();
    let rows = stats.scout_beats - 1;
    assert!(rows >= 3 * 5, "{stats:?}");
}

#[test]
fn other_settings_are_a_reason_to_ask_again_for_scouts_that_were_refused() {
    let mut rig = linked();
    await_dials(&mut rig);
    rig.fail_scout(rig.scouts()[0].link, Failure::Stop);
    assert!(refused(&rig));
    rig.pass(secs(5));
    rig.forget();
    rig.update(with_heartbeat(scouting()));
    rig.drain();
    live(&mut rig, secs(10), |_| true);
    assert_eq!(sent(&rig), 3);
}

#[test]
fn after_a_day_one_refusal_more_is_enough() {
    let mut rig = linked();
    for _ in 0..2 {
        await_dials(&mut rig);
        rig.end(LinkEnd::Eof);
        rig.until_opening();
        rig.open(Beat::Ping);
    }
    assert!(refused(&rig), "scouts cost it its link");
    rig.forget();
    await_dials_for(&mut rig, secs(24 * 3600 + 10));
    rig.fail_scout(rig.scouts()[0].link, Failure::Refused);
    assert!(refused(&rig));
}

#[test]
fn a_scout_whose_server_speaks_is_left_after_three_gaps() {
    for (later, parted) in [(Duration::ZERO, false), (Duration::from_nanos(1), true)] {
        let mut rig = scouted_in_a_chat();
        let (scout, opened) = (rig.scouts()[0], rig.elapsed());
        assert_eq!(scout.gap, secs(14));
        for _ in 0..4 {
            chat(&mut rig, 10);
            rig.keeper.tell(Input::Read { link: scout.link, messages: Messages::None, answers: &[] });
            rig.drain();
        }
        rig.pass(opened + secs(42) + later - rig.elapsed());
        rig.keeper.tell(Input::Read { link: scout.link, messages: Messages::None, answers: &[] });
        rig.drain();
        let retired = |output: &Output| *output == Output::Retire { link: scout.link };
        assert_eq!(!rig.instants(retired).is_empty(), parted, "{later:?} later");
    }
}

#[test]
fn a_scouts_end_is_a_deadline_below_0_98_of_a_survived_gap() {
    for (earlier, deadline) in [(Duration::ZERO, false), (Duration::from_nanos(1), true)] {
        let mut rig = linked();
        await_dials(&mut rig);
        rig.answers_at_once = true;
        rig.pass(secs(10) - rig.elapsed());
        rig.answers_at_once = false;
        for scout in rig.scouts() {
            rig.open_scout(scout.link);
        }
        let opened = rig.elapsed();
        let gap = rig.keeper.stats().proven.mul_f64(0.98) - earlier;
        assert!(gap > secs(9), "longer than the least that says anything: {gap:?}");
        chat(&mut rig, 9);
        rig.pass(opened + gap - rig.elapsed());
        rig.end_scout(rig.scouts()[0].link, LinkEnd::Eof);
        assert_eq!(met(&rig), [if deadline { ScoutResult::Void } else { ScoutResult::Ended { gap } }]);
    }
}
