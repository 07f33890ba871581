//! The outcome of a message on one link.

use super::super::{Confirm, Outcome};
use super::{Bench, OLD};
use crate::Token;

/// Three messages with tickets: a link took and flushed two, and
/// took the third without a flush.
fn two_of_three_flushed() -> Bench {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, "first"), (1, "second"), (2, "third")] {
        bench.push(message, 1, Some(ticket));
    }
    bench.give(OLD, 2);
    bench.flush(OLD);
    bench.give(OLD, 1);
    bench
}

#[test]
fn an_answered_beat_confirms_what_was_written_before_it_and_no_more() {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, "first"), (1, "second"), (2, "third")] {
        bench.push(message, 1, Some(ticket));
    }
    bench.give(OLD, 2);
    bench.beat(OLD, 7);
    bench.give(OLD, 1);
    bench.answer(OLD, 8);
    assert!(bench.settled().is_empty());
    bench.answer(OLD, 7);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered), ("second", Outcome::Delivered)]);
    assert_eq!(bench.end(OLD), 1);
    assert_eq!(bench.settled(), [("third", Outcome::MaybeSent(2))]);
}

#[test]
fn an_answer_that_names_no_beat_answers_the_oldest() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, Some("first"));
    bench.beat(OLD, 1);
    bench.give(OLD, 1);
    bench.beat(OLD, 2);
    bench.answer_unnamed(OLD);
    assert!(bench.settled().is_empty());
    bench.answer_unnamed(OLD);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered)]);
    bench.answer_unnamed(OLD);
}

#[test]
fn a_beat_answered_after_a_later_one_confirms_nothing() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, Some("first"));
    bench.push(1, 1, Some("second"));
    bench.beat(OLD, 1);
    bench.give(OLD, 1);
    bench.beat(OLD, 2);
    bench.answer(OLD, 2);
    assert_eq!(bench.settled().len(), 1);
    bench.give(OLD, 1);
    bench.answer(OLD, 1);
    bench.answer_unnamed(OLD);
    assert!(bench.settled().is_empty());
}

#[test]
fn thirty_two_beats_are_remembered_and_of_more_the_latest() {
    // Each beat comes after one message more.
    let beats = |count: u32| {
        let mut bench = Bench::new(100, 800);
        for beat in 1..=count {
            bench.push(beat, 1, Some("one"));
            bench.give(OLD, 1);
            bench.beat(OLD, beat.into());
        }
        bench
    };
    let mut bench = beats(32);
    bench.answer(OLD, 1);
    assert_eq!(bench.settled().len(), 1);

    let mut bench = beats(34);
    bench.answer(OLD, 2);
    assert_eq!(bench.settled().len(), 0, "it is forgotten");
    // Two answers that name no beat may be those to the two forgotten beats.
    bench.answer_unnamed(OLD);
    bench.answer_unnamed(OLD);
    assert_eq!(bench.settled().len(), 0);
    bench.answer_unnamed(OLD);
    assert_eq!(bench.settled().len(), 3);
}

#[test]
fn an_unnamed_answer_to_a_forgotten_beat_confirms_nothing() {
    const BEATS: u32 = 40;
    let mut bench = Bench::new(64, 800);
    for beat in 0..BEATS {
        // Each beat comes after one message more.
        bench.push(beat, 1, Some("one"));
        bench.give(OLD, 1);
        bench.beat(OLD, beat.into());
    }
    for answers in 1..=BEATS as usize {
        bench.answer_unnamed(OLD);
        let confirmed = BEATS as usize - bench.flights.unconfirmed();
        assert!(confirmed <= answers, "no more than {answers} beats were answered");
    }
    assert_eq!(bench.flights.unconfirmed(), 0);
}

#[test]
fn an_answer_by_name_shows_that_those_of_forgotten_beats_were_lost() {
    let mut bench = Bench::new(100, 800);
    for beat in 1..=34 {
        bench.push(beat, 1, Some("one"));
        bench.give(OLD, 1);
        bench.beat(OLD, beat.into());
    }
    bench.answer(OLD, 3);
    assert_eq!(bench.settled().len(), 3);
    bench.answer_unnamed(OLD);
    assert_eq!(bench.settled().len(), 1, "the next in order");
}

#[test]
fn where_a_flush_confirms_what_was_flushed_is_delivered_and_no_more() {
    let mut bench = two_of_three_flushed();
    assert!(bench.settled().is_empty());
    bench.deliver_flushed(OLD);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered), ("second", Outcome::Delivered)]);
    assert_eq!(bench.flights.unconfirmed(), 1);
    assert_eq!(bench.end(OLD), 1);
    assert_eq!(bench.settled(), [("third", Outcome::MaybeSent(2))]);
}

#[test]
fn where_nothing_confirms_flushed_messages_are_maybe_sent_once() {
    let mut bench = two_of_three_flushed();
    bench.flights.doubt_flushed(OLD);
    assert_eq!(bench.settled(), [("first", Outcome::MaybeSent(0)), ("second", Outcome::MaybeSent(1))]);
    assert_eq!(bench.end(OLD), 1);
    assert_eq!(bench.settled(), [("third", Outcome::MaybeSent(2))]);
}

#[test]
fn a_late_answer_takes_nothing_back_that_is_known_to_have_arrived() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.give(OLD, 1);
    bench.beat(OLD, 1);
    bench.give(OLD, 2);
    bench.flush(OLD);
    bench.deliver_flushed(OLD);
    bench.answer(OLD, 1);
    assert_eq!(bench.end(OLD), 0);
}

#[test]
fn an_answered_goodbye_delivers_all_that_the_link_took() {
    let mut bench = two_of_three_flushed();
    bench.push(3, 1, Some("fourth"));
    bench.goodbye_answered(OLD);
    assert_eq!(bench.settled(), ["first", "second", "third"].map(|ticket| (ticket, Outcome::Delivered)));
    assert_eq!(bench.outbox.drained(), 3);
    assert_eq!(bench.end(OLD), 0);
    assert!(bench.settled().is_empty());
}

#[test]
fn the_link_gets_the_message_and_its_sender_the_copy() {
    let mut bench = Bench::new(8, 800);
    for message in 0..4 {
        let place = bench.outbox.reserve(Some(1)).unwrap();
        let confirm = Confirm { ticket: "one", copy: |message| Some(message + 10) };
        bench.outbox.push_confirmed(place, message, 1, confirm).unwrap();
    }
    assert_eq!(bench.give(OLD, 2), [0, 1]);
    assert_eq!(bench.end(OLD), 2);
    assert!(bench.outbox.close().is_empty());
    let back = [Outcome::MaybeSent(10), Outcome::MaybeSent(11), Outcome::NotSent(2), Outcome::NotSent(3)];
    assert_eq!(bench.settled(), back.map(|outcome| ("one", outcome)));
    assert!(bench.spare().is_empty());
}

#[test]
fn a_copy_that_nobody_wants_back_is_handed_out_once() {
    let mut bench = two_of_three_flushed();
    bench.deliver_flushed(OLD);
    assert_eq!(bench.spare(), [0, 1]);
    bench.goodbye_answered(OLD);
    assert_eq!(bench.spare(), [2]);
    bench.end(OLD);
    assert!(bench.spare().is_empty());
}

#[test]
fn a_message_that_cannot_be_copied_is_handed_back_and_no_link_gets_it() {
    let mut bench = Bench::new(3, 800);
    for (message, ticket) in [(0, "first"), (1, "second"), (2, "third")] {
        let place = bench.outbox.reserve(Some(1)).unwrap();
        let copy = |message: &u32| (*message != 1).then_some(*message);
        bench.outbox.push_confirmed(place, message, 1, Confirm { ticket, copy }).unwrap();
    }
    bench.flights.take(OLD, 3, &mut bench.outbox);
    assert_eq!(bench.hand_over(OLD, 3), [0, 2]);
    assert_eq!((bench.flights.take_uncopied(), bench.flights.take_uncopied()), (1, 0));
    assert_eq!(bench.settled(), [("second", Outcome::NotSent(1))]);
    assert!(bench.has_room(), "it takes no room any more");
    bench.goodbye_answered(OLD);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered), ("third", Outcome::Delivered)]);
    assert!(bench.outbox.is_settled());
}

#[test]
fn a_beat_is_wanted_only_where_its_answer_would_settle_something() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    bench.push(1, 1, Some("second"));
    assert!(!bench.flights.wants_confirmation(OLD), "nothing departs");
    bench.flights.take(OLD, 1, &mut bench.outbox);
    assert!(!bench.flights.wants_confirmation(OLD), "nobody asks about the first");
    bench.hand_over(OLD, 1);
    bench.flights.take(OLD, 1, &mut bench.outbox);
    assert!(bench.flights.wants_confirmation(OLD));
    bench.hand_over(OLD, 1);
    assert!(!bench.flights.wants_confirmation(OLD), "the beat behind it is under way");
}

#[test]
fn there_is_news_where_the_outbox_does_not_know_what_happened() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    bench.push(1, 1, Some("second"));
    bench.flights.take(OLD, 2, &mut bench.outbox);
    assert!(!bench.flights.has_news());
    let mut news = |what: &mut dyn FnMut(&mut Bench)| {
        what(&mut bench);
        let has = bench.flights.has_news();
        bench.flights.report(&mut bench.outbox);
        assert!(!bench.flights.has_news(), "it was told");
        has
    };
    assert!(news(&mut |bench| assert!(bench.flights.hand_over(OLD).unwrap().next().is_some())), "room");
    assert!(
        !news(&mut |bench| assert!(bench.flights.hand_over(OLD).unwrap().next().is_some())),
        "it is kept"
    );
    assert!(!news(&mut |bench| bench.beat(OLD, 1)), "a beat");
    assert!(news(&mut |bench| bench.flights.flushed(OLD)), "both have left");
    assert!(!news(&mut |bench| bench.flights.flushed(OLD)), "nothing more has");
    assert!(news(&mut |bench| bench.flights.answered(OLD, None)), "one is settled");
    assert!(!news(&mut |bench| bench.flights.answered(OLD, None)), "nothing is");
}

#[test]
fn freeing_what_a_burst_left_loses_nothing() {
    const BURST: u32 = 60;
    let mut bench = Bench::new(100, 800);
    for message in 0..BURST {
        bench.push(message, 1, Some("one"));
    }
    for beat in 0..20 {
        bench.give(OLD, 1);
        bench.beat(OLD, beat);
    }
    bench.give(OLD, 20);
    bench.flights.take(OLD, 10, &mut bench.outbox);
    bench.flights.answered(OLD, Some(Token(17)));
    bench.flights.shrink();
    bench.outbox.shrink();
    assert_eq!(bench.settled().len(), 18, "the settled tickets are there");
    assert_eq!(bench.spare().len(), 18, "the copies are there");
    bench.answer(OLD, 19);
    assert_eq!(bench.settled().len(), 2, "the beats are there");
    bench.goodbye_answered(OLD);
    assert_eq!(bench.settled().len(), 20, "the tickets are there");
    bench.end(OLD);
    assert!(bench.outbox.close().is_empty());
    assert_eq!(bench.settled().len(), 20, "the messages are there");
}

#[test]
fn an_outcome_says_what_became_of_the_message_and_hands_it_back() {
    let (delivered, not_sent, maybe) =
        (Outcome::Delivered, Outcome::NotSent("secret"), Outcome::MaybeSent("secret"));
    assert_eq!([&delivered, &not_sent, &maybe].map(Outcome::is_delivered), [true, false, false]);
    assert_eq!(
        [&delivered, &not_sent, &maybe].map(ToString::to_string),
        ["delivered", "not sent", "maybe sent"]
    );
    assert_eq!(format!("{:?}", [&delivered, &not_sent, &maybe]), "[Delivered, NotSent(..), MaybeSent(..)]");
    assert_eq!(
        [delivered, not_sent, maybe].map(Outcome::into_message),
        [None, Some("secret"), Some("secret")]
    );
}
