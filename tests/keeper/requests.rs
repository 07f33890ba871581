//! A peer that can be asked to speak after a silence: it shows the direction
//! that no beat of ours can, and costs no link where the path has forgotten
//! the flow and takes it up again for a beat.

mod replies;

use std::time::Duration;

use crate::rig::{NEVER, RTT, Rig, millis, secs, with_heartbeat};
use longlink::keeper::{Config, Input, Output};
use longlink::{Activity, Beat, Cause, Event, Evidence, Heartbeat, LinkEnd, NetworkStatus, RetryReason};

/// A deadline of an answer before a round trip was measured.
const FIRST_DEADLINE: Duration = secs(3);

/// Connected since the origin to a peer that can be asked.
fn asking(config: Config) -> Rig {
    let mut rig = Rig::new(config, 1);
    rig.open_as(|opened| opened.answers_after = true);
    rig
}

/// The requests to the peer: when, and for which silence.
fn requests(rig: &Rig) -> Vec<(Duration, Duration)> {
    let requests = rig.log.iter().filter_map(|(at, output)| match output {
        Output::AskAfter { silence, .. } => Some((*at, *silence)),
        _ => None,
    });
    requests.collect()
}

/// The peer does what it was last asked for.
fn keep_word(rig: &mut Rig) {
    let (at, silence) = *requests(rig).last().expect("it was asked");
    rig.pass(at + silence + RTT - rig.elapsed());
    rig.heard();
}

/// The peer has shown that it keeps its word: what follows is the try of 27 s.
fn trusting() -> Rig {
    let mut rig = asking(Config::default());
    keep_word(&mut rig);
    rig
}

fn proven(rig: &Rig) -> Duration {
    rig.keeper.stats().proven
}

#[test]
fn a_peer_is_asked_at_the_start_of_each_tried_silence() {
    let mut rig = asking(Config::default());
    // At first it has to show that it does what it is asked.
    assert_eq!(requests(&rig), [(Duration::ZERO, secs(10))]);
    let mut at = Duration::ZERO;
    for silence in [10, 27, 34, 58, 68, 115, 149].map(secs) {
        assert_eq!(requests(&rig).last(), Some(&(at, silence)));
        keep_word(&mut rig);
        assert_eq!(proven(&rig), silence, "the way of the word is no part of the silence");
        at += silence + RTT;
    }
    assert_eq!(rig.beats(), NEVER);
    let stats = rig.keeper.stats();
    assert_eq!((stats.beats_sent, stats.beats_saved), (8, 0), "a request is paid for as a beat is");
}

#[test]
fn a_missing_reply_with_an_answered_beat_means_a_forgotten_flow() {
    let mut rig = trusting();
    rig.forget();
    let asked = rig.elapsed();
    let beat = rig.until_beat();
    assert_eq!(beat, asked + secs(27) + FIRST_DEADLINE, "it is given as long as an answer");
    // The server's system sends its word again, and the answer after it.
    rig.pass(RTT);
    rig.heard();
    rig.answer();
    // Once it may have been lost or late: the same is asked for again.
    assert_eq!(requests(&rig), [(rig.elapsed(), secs(27))]);
    rig.beat_answered(RTT);
    assert!(rig.is_connected(), "it has cost no link");
    assert_eq!(proven(&rig), secs(10), "an answered beat proves nothing here");
    let next = requests(&rig).last().expect("the next try is asked for").1;
    assert!(next > secs(10) && next < secs(27), "{next:?}");
}

#[test]
fn a_single_word_that_is_lost_or_late_teaches_nothing() {
    let mut rig = trusting();
    for gap in [27, 34, 58].map(secs) {
        // The server stood still for a moment: its word comes behind our beat.
        rig.until_beat();
        rig.pass(millis(10));
        rig.heard();
        rig.pass(RTT);
        rig.answer();
        assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), gap)));
        keep_word(&mut rig);
        assert_eq!(proven(&rig), gap);
    }
}

#[test]
fn the_answer_to_an_older_beat_does_not_leave_the_peer_unasked() {
    for together in [false, true] {
        let mut rig = trusting();
        rig.until_beat();
        let first = rig.token;
        rig.until_beat();
        let second = rig.token;
        rig.pass(RTT);
        if together {
            rig.answer_all(&[first, second]);
        } else {
            rig.answer_all(&[first]);
            rig.pass(FIRST_DEADLINE);
            rig.answer_all(&[second]);
        }
        rig.forget();
        rig.pass(secs(26));
        assert_eq!(requests(&rig), [], "asked in the same instant: together: {together}");
        rig.pass(secs(1) + RTT);
        rig.heard();
        assert_eq!(proven(&rig), secs(27), "together: {together}");
    }
}

/// On a path that forgets after `timeout`, and takes flows up again, until
/// nothing is tried any more: the silences that were too long, and what was
/// learned.
fn learn_on_a_loose_path(timeout: Duration) -> (Vec<Duration>, Option<(Duration, Duration)>) {
    let mut rig = trusting();
    let mut forgotten = Vec::new();
    while let Some((at, silence)) = requests(&rig).last().copied()
        && at == rig.elapsed()
    {
        assert!(rig.log.len() < 1_000, "it tries for ever");
        if silence < timeout {
            keep_word(&mut rig);
        } else {
            forgotten.push(silence);
            rig.beat_answered(RTT);
        }
    }
    assert_eq!(rig.keeper.stats().reconnects, 0);
    let learned = rig.log.iter().find_map(|(_, output)| match output {
        Output::Emit(Event::IdleTimeoutLearned { proven, failed }) => Some((*proven, *failed)),
        _ => None,
    });
    (forgotten, learned)
}

#[test]
fn a_forgotten_flow_costs_no_link_and_no_drop() {
    let (forgotten, learned) = learn_on_a_loose_path(secs(70));
    assert_eq!(forgotten, [115, 115, 96, 96, 77, 77].map(secs));
    assert_eq!(learned, Some((secs(68), secs(77))));

    let (forgotten, learned) = learn_on_a_loose_path(secs(11));
    assert!(forgotten.len() > 6, "more than three drops are never spent: {forgotten:?}");
    let (proven, failed) = learned.expect("it is learned");
    assert!(proven < secs(11) && failed >= secs(11), "{proven:?}, {failed:?}");
}

#[test]
fn an_answer_after_two_misses_ends_an_outage_and_says_nothing() {
    let mut rig = trusting();
    let interval = rig.interval();
    rig.until_beat();
    rig.pass(2 * FIRST_DEADLINE + RTT);
    rig.answer();
    assert_eq!((proven(&rig), rig.interval()), (secs(10), interval));
    assert_eq!(requests(&rig).last().map(|request| request.1), Some(secs(27)), "it is tried again");
}

#[test]
fn a_row_that_is_not_answered_either_is_a_death_as_usual() {
    let mut rig = trusting();
    let asked = rig.elapsed();
    assert_eq!(rig.until_death(), asked + secs(27) + FIRST_DEADLINE + secs(30));
    rig.until_opening();
    rig.pass(RTT);
    rig.open_as(|opened| opened.answers_after = true);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
    let gap = rig.log.iter().find_map(|(_, output)| match output {
        Output::Emit(Event::Disconnected { gap, .. }) => Some(*gap),
        _ => None,
    });
    assert_eq!(gap, Some(secs(27)), "the silence that was asked for");
}

#[test]
fn a_reset_in_answer_to_the_beat_says_that_the_silence_was_too_long() {
    let mut rig = trusting();
    rig.until_beat();
    rig.pass(RTT);
    rig.end(LinkEnd::Reset);
    rig.until_opening();
    rig.pass(RTT);
    rig.open(Beat::Ping);
    assert_eq!(rig.diagnoses(), [(Cause::IdleExpiry, Evidence::ConnectedAtOnce)]);
}

#[test]
fn a_peer_that_never_speaks_is_asked_three_times_only() {
    let mut rig = asking(Config::default());
    for _ in 0..3 {
        assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(10))));
        rig.beat_answered(RTT);
        assert_eq!((rig.interval(), proven(&rig)), (secs(27), Duration::ZERO), "it taught nothing");
    }
    rig.forget();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat(), heard + secs(27), "beats prove as they do without");
    rig.pass(RTT);
    rig.answer();
    assert_eq!(proven(&rig), secs(27));
    assert_eq!(requests(&rig), []);
}

#[test]
fn a_first_word_that_is_lost_does_not_keep_a_peer_from_being_asked_again() {
    for lost in 1..3 {
        let mut rig = asking(Config::default());
        for _ in 0..lost {
            rig.beat_answered(RTT);
        }
        keep_word(&mut rig);
        assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))), "{lost} words lost");
        assert_eq!(proven(&rig), secs(10));
    }
}

#[test]
fn bytes_before_the_reply_void_the_request() {
    let mut rig = trusting();
    rig.forget();
    rig.pass(secs(20));
    rig.heard();
    let heard = rig.elapsed();
    assert_eq!(rig.until_beat(), heard + secs(27));
    assert_eq!(requests(&rig), [], "a busy link is not asked at every message");
    rig.pass(RTT);
    rig.answer();
    // The path may have taken the flow up again for it.
    assert_eq!(proven(&rig), secs(20), "what the peer's own words have shown");
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))), "the same silence again");
    keep_word(&mut rig);
    assert_eq!(proven(&rig), secs(27));
}

#[test]
fn what_we_send_meanwhile_makes_the_gap_shorter() {
    let mut rig = trusting();
    let asked = rig.elapsed();
    rig.pass(secs(5));
    rig.sent();
    rig.forget();
    rig.pass(asked + secs(27) + RTT - rig.elapsed());
    rig.heard();
    assert_eq!(proven(&rig), secs(22) + RTT);
    assert_eq!(requests(&rig).last().map(|request| request.1), Some(secs(27)), "it is tried again");
    // The word does not come after such a gap, and the beat after 25 s is
    // answered: that proves no 25 s.
    rig.pass(secs(5));
    rig.sent();
    rig.beat_answered(RTT);
    assert_eq!(proven(&rig), secs(22) + RTT);
}

#[test]
fn a_word_that_waited_behind_a_frozen_process_says_nothing_wrong() {
    let mut rig = trusting();
    rig.freeze(secs(60));
    rig.timeout();
    rig.pass(RTT);
    rig.answer();
    assert_eq!(rig.interval(), secs(27));
    assert_eq!(proven(&rig), secs(10));
}

#[test]
fn news_of_the_network_voids_the_request() {
    let mut rig = trusting();
    rig.pass(secs(5));
    rig.forget();
    rig.network(NetworkStatus::Online);
    // The probe is answered: a new silence begins, and is asked for.
    rig.pass(RTT);
    rig.answer();
    assert_eq!(requests(&rig), [(rig.elapsed(), secs(27))]);
}

#[test]
fn only_gaps_that_are_tried_are_asked_for_and_only_where_the_peer_can_be() {
    assert_eq!(requests(&asking(with_heartbeat(Heartbeat::fixed(secs(30))))), []);
    assert_eq!(requests(&Rig::connected(Config::default(), 1)), []);
    let mut rig = Rig::new(Config::default(), 1);
    rig.open_as(|opened| {
        opened.answers_after = true;
        opened.beat = Beat::KeepAlive { max_send_gap: secs(60) };
    });
    assert_eq!(requests(&rig), [], "our own beats would break the silence");
}
