//! Replies that come early, late, behind an answer, or in answer to something else.

use super::*;

#[test]
fn a_word_a_little_early_is_kept_all_the_same() {
    let mut rig = asking(Config::default());
    rig.pass(millis(9_900));
    rig.heard();
    assert_eq!(proven(&rig), millis(9_900));
    assert_eq!(requests(&rig).last(), Some(&(millis(9_900), secs(27))));
}

#[test]
fn what_the_path_held_up_says_what_it_forgets_and_costs_no_link() {
    // A beat after 34 s is missed once; then what the server said before comes
    // in, and the answer behind it.
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.learn(secs(27));
    rig.until_beat();
    rig.pass(secs(1));
    assert_eq!(rig.misses().len(), 1);
    rig.message();
    rig.answer();
    let stats = rig.keeper.stats();
    assert_eq!(stats.proven, secs(27), "the beat has brought the flow back: nothing is proven");
    assert!(rig.is_connected());
    assert_eq!(rig.interval(), secs(29), "between 27 and 34 s");
}

#[test]
fn a_message_that_crosses_a_beat_proves_nothing_and_disproves_nothing() {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.learn(secs(27));
    rig.until_beat();
    rig.pass(RTT / 2);
    rig.message();
    rig.pass(RTT / 2);
    rig.answer();
    assert_eq!(rig.keeper.stats().proven, secs(27));
    assert_eq!(rig.interval(), secs(34), "the same gap is tried again");
}

#[test]
fn an_answer_that_comes_before_a_message_proves_the_gap() {
    let mut rig = Rig::connected(with_heartbeat(Heartbeat::adaptive()), 1);
    rig.learn(secs(27));
    rig.until_beat();
    rig.pass(RTT);
    rig.answer();
    rig.message();
    assert_eq!(rig.keeper.stats().proven, secs(34));
}

#[test]
fn another_links_peer_has_to_show_first_that_it_keeps_its_word() {
    let mut rig = trusting();
    // The service is deployed anew, without a peer that speaks when asked.
    rig.end(LinkEnd::Closed { code: Some(1012), reason: String::new() });
    rig.until_opening();
    rig.open_as(|opened| opened.answers_after = true);
    for _ in 0..8 {
        rig.beat_answered(RTT);
    }
    let failed = rig.instants(|output| {
        matches!(output, Output::Emit(Event::IdleTimeoutLearned { .. } | Event::IdleTimeoutShrank { .. }))
    });
    assert_eq!(failed, NEVER, "its silence says nothing");
    assert!(proven(&rig) >= secs(34), "the beats that are answered do: {:?}", proven(&rig));
}

#[test]
fn a_peer_silent_on_a_new_link_is_asked_for_the_shortest_gap() {
    let mut rig = trusting();
    rig.end(LinkEnd::Closed { code: Some(1012), reason: String::new() });
    rig.until_opening();
    rig.open_as(|opened| opened.answers_after = true);
    assert_eq!(requests(&rig).last().map(|request| request.1), Some(secs(27)), "it kept its word before");
    rig.beat_answered(RTT);
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(10))));
    keep_word(&mut rig);
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))), "trusted again");
}

#[test]
fn a_request_for_a_gap_no_longer_tried_stands_in_for_no_beat() {
    let mut rig = asking(Config::default());
    assert_eq!(requests(&rig), [(Duration::ZERO, secs(10))]);
    rig.pass(secs(5));
    rig.keeper.tell(Input::Activity(Activity::Foreground));
    rig.drain();
    // The first interval, a little shorter, and not when the word is overdue.
    let beat = rig.until_beat();
    assert!(beat >= secs(27).mul_f64(0.9) && beat <= secs(27), "{beat:?}");
}

#[test]
fn an_end_answering_a_tried_beat_is_this_clients_alone() {
    for (sends, reason) in [(false, RetryReason::EndedAlone), (true, RetryReason::LinkEnded)] {
        let mut rig = trusting();
        if sends {
            // It has made the gap shorter than the one to be tried.
            rig.pass(secs(5));
            rig.sent();
        }
        rig.until_beat();
        rig.pass(RTT);
        rig.end(LinkEnd::Eof);
        assert_eq!(rig.scheduled().map(|scheduled| scheduled.2), Some(reason), "sends: {sends}");
    }
}

#[test]
fn a_request_stands_while_its_gap_is_tried() {
    let mut rig = trusting();
    rig.forget();
    let asked = rig.elapsed();
    rig.pass(secs(5));
    rig.keeper.tell(Input::Activity(Activity::Background));
    rig.drain();
    assert_eq!(requests(&rig), [], "the same gap is to be tried");
    rig.pass(asked + secs(27) + RTT - rig.elapsed());
    rig.heard();
    assert_eq!(proven(&rig), secs(27));

    let mut rig = trusting();
    rig.forget();
    rig.pass(secs(5));
    rig.update(with_heartbeat(Heartbeat::adaptive().start(secs(20))));
    rig.drain();
    assert_eq!(requests(&rig), [(rig.elapsed(), secs(20))]);
}

#[test]
fn a_late_first_reply_is_asked_for_again() {
    let mut rig = asking(Config::default());
    let beat = rig.until_beat();
    assert_eq!(beat, secs(10) + FIRST_DEADLINE);
    rig.pass(RTT);
    rig.heard();
    rig.answer();
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(10))));
    keep_word(&mut rig);
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))));
}

#[test]
fn a_late_reply_with_an_answer_behind_it_leaves_a_request() {
    let mut rig = trusting();
    // The machine stands still, with the server on it: its word and our beat
    // cross.
    rig.freeze(secs(27) + FIRST_DEADLINE + secs(5));
    rig.timeout();
    rig.pass(RTT / 2);
    rig.heard();
    rig.pass(RTT / 2);
    rig.answer();
    assert_eq!(proven(&rig), secs(10), "nothing that was late proves anything");
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))));
    keep_word(&mut rig);
    assert_eq!(proven(&rig), secs(27));
}

#[test]
fn an_answer_behind_our_message_does_not_prove_the_requested_gap() {
    for confirmed in [false, true] {
        let mut rig = trusting();
        // Ours has brought back whatever the path had forgotten.
        rig.pass(secs(20));
        if confirmed {
            rig.confirm();
        } else {
            rig.sent();
            rig.until_beat();
        }
        rig.pass(RTT);
        rig.answer();
        assert_eq!(proven(&rig), secs(10), "confirmed: {confirmed}");
        assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(27))));
    }
}

#[test]
fn answers_to_nothing_lead_to_no_requests() {
    let mut rig = trusting();
    rig.until_beat();
    rig.pass(RTT);
    rig.answer();
    rig.forget();
    for _ in 0..3 {
        rig.pass(secs(1));
        rig.answer();
    }
    assert_eq!(requests(&rig), []);
}

#[test]
fn a_request_late_in_a_silence_may_meet_a_forgotten_flow() {
    // Asked for anew after 25 s of a silence of 27: the path may have
    // forgotten by then.
    let mut rig = trusting();
    rig.pass(secs(25));
    rig.update(with_heartbeat(Heartbeat::adaptive().start(secs(12))));
    rig.drain();
    assert_eq!(requests(&rig).last(), Some(&(rig.elapsed(), secs(12))));
    rig.until_death();
    let gap = rig.log.iter().rev().find_map(|(_, output)| match output {
        Output::Emit(Event::Disconnected { gap, .. }) => Some(*gap),
        _ => None,
    });
    assert_eq!(gap, Some(secs(25)));
}
