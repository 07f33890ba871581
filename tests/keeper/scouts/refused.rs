//! Who does not want scouts is sent none, or none for a while.

use super::{await_dials, await_scouts, gaps, linked, live, live_and_open, refused, scouting, sent, stats};
use crate::rig::{Rig, millis, secs, with_heartbeat};
use longlink::{Beat, Failure, LinkEnd};

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
    let scout = rig.scouts()[0].link;
    rig.fail_scout(scout, Failure::Stop);
    assert!(refused(&rig));
    assert!(rig.scouts().is_empty(), "the others are called back");
    rig.forget();
    live(&mut rig, secs(23 * 3600), |_| true);
    assert_eq!(sent(&rig), 0);
    live(&mut rig, secs(3600 + 10), |_| true);
    assert!(sent(&rig) > 0);
}

#[test]
fn scouts_that_cannot_be_opened_count_as_refused_after_five() {
    let mut rig = linked();
    let mut times = Vec::new();
    while !refused(&rig) {
        await_dials(&mut rig);
        times.push(rig.elapsed());
        for scout in rig.scouts() {
            if rig.scouts().iter().any(|out| out.link == scout.link) {
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
fn a_server_that_names_a_time_is_not_asked_for_scouts_before() {
    let mut rig = linked();
    await_dials(&mut rig);
    let busy = Failure::Http { status: 503, retry_after: Some(secs(3600)), verified: true };
    rig.fail_scout(rig.scouts()[0].link, busy);
    let failed = rig.elapsed();
    rig.forget();
    live(&mut rig, secs(3599), |_| true);
    assert_eq!(sent(&rig), 0);
    live(&mut rig, secs(60), |_| true);
    assert!(sent(&rig) > 0, "since {failed:?}");
}

#[test]
fn pitfall_47_a_server_that_ends_the_link_for_a_scout_gets_no_more() {
    let mut rig = linked();
    let mut lost = 0;
    for _ in 0..20 {
        for _ in 0..60 {
            live_and_open(&mut rig, secs(1), |_| true, false);
            if let Some(scout) = rig.scouts().first().copied() {
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
    assert_eq!(stats(&rig).reconnects, 2);
}

#[test]
fn an_end_at_some_other_time_does_not_count_against_scouts() {
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
fn a_scout_that_fails_is_followed_after_a_minute_then_twice_as_long() {
    let mut rig = linked();
    for minutes in [1, 2, 4, 8] {
        await_dials(&mut rig);
        let link = rig.scouts()[0].link;
        rig.fail_scout(link, Failure::Refused);
        let failed = rig.elapsed();
        assert_eq!(rig.scouts().len(), 0, "the others would fare no better");
        await_dials(&mut rig);
        let pause = rig.elapsed() - failed;
        let longest = secs(60 * minutes);
        assert!(pause >= longest / 2 && pause <= longest + secs(1), "{pause:?} of {longest:?}");
    }
    let link = rig.scouts()[0].link;
    assert!(!refused(&rig));
    rig.fail_scout(link, Failure::Refused);
    assert!(refused(&rig), "five in a row");
}
