//! Several links at once: no answer on one settles messages of another.

use super::super::{Ended, Outcome};
use super::{Bench, NEW, OLD};
use crate::LinkId;

/// One message with a ticket on each of two links, each with a beat of the
/// same name behind it.
fn one_on_each() -> Bench {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, Some("old"));
    bench.push(1, 1, Some("new"));
    bench.give(OLD, 1);
    bench.give(NEW, 1);
    bench.beat(OLD, 7);
    bench.beat(NEW, 7);
    bench
}

#[test]
fn an_answer_on_one_link_settles_nothing_that_another_took() {
    let mut bench = one_on_each();
    bench.answer(NEW, 7);
    assert_eq!(bench.settled(), [("new", Outcome::Delivered)]);
    bench.answer(NEW, 7);
    bench.answer_unnamed(NEW);
    assert!(bench.settled().is_empty());
    bench.answer(OLD, 7);
    assert_eq!(bench.settled(), [("old", Outcome::Delivered)]);
}

#[test]
fn an_answer_without_a_name_answers_the_oldest_beat_of_its_own_link() {
    let mut bench = one_on_each();
    bench.answer_unnamed(NEW);
    assert_eq!(bench.settled(), [("new", Outcome::Delivered)]);
}

#[test]
fn a_flush_of_one_link_settles_nothing_that_another_took() {
    let mut bench = one_on_each();
    bench.flush(NEW);
    bench.deliver_flushed(OLD);
    assert!(bench.settled().is_empty());
    bench.deliver_flushed(NEW);
    assert_eq!(bench.settled(), [("new", Outcome::Delivered)]);

    let mut bench = one_on_each();
    bench.flush(OLD);
    bench.flights.doubt_flushed(NEW);
    assert!(bench.settled().is_empty());
    bench.flights.doubt_flushed(OLD);
    assert_eq!(bench.settled(), [("old", Outcome::MaybeSent(0))]);
}

#[test]
fn an_answered_goodbye_of_one_link_delivers_nothing_that_another_took() {
    let mut bench = one_on_each();
    bench.goodbye_answered(OLD);
    assert_eq!(bench.settled(), [("old", Outcome::Delivered)]);
}

#[test]
fn the_end_of_one_link_puts_nothing_in_doubt_that_another_took() {
    let mut bench = one_on_each();
    bench.push(2, 1, None);
    bench.give(OLD, 1);
    assert_eq!(bench.flights.end(OLD, &mut bench.outbox), Some(Ended { epoch: 1, maybe_sent: 2 }));
    assert_eq!(bench.settled(), [("old", Outcome::MaybeSent(0))]);
    bench.answer(NEW, 7);
    assert_eq!(bench.settled(), [("new", Outcome::Delivered)]);
    assert_eq!(bench.flights.end(NEW, &mut bench.outbox), Some(Ended { epoch: 2, maybe_sent: 0 }));
}

#[test]
fn late_words_of_a_link_that_ended_change_nothing() {
    let mut bench = one_on_each();
    bench.push(2, 1, None);
    bench.end(OLD);
    assert_eq!(bench.settled().len(), 1);
    bench.answer(OLD, 7);
    bench.answer_unnamed(OLD);
    bench.beat(OLD, 8);
    bench.flush(OLD);
    bench.deliver_flushed(OLD);
    bench.flights.doubt_flushed(OLD);
    bench.goodbye_answered(OLD);
    bench.flights.take(OLD, 9, &mut bench.outbox);
    bench.flights.put_back(OLD, &mut bench.outbox);
    assert!(bench.flights.hand_over(OLD).is_none());
    assert!(bench.flights.is_idle(OLD) && !bench.flights.wants_confirmation(OLD));
    assert_eq!(bench.flights.end(OLD, &mut bench.outbox), None);
    assert!(!bench.flights.has_news());
    assert_eq!((bench.settled(), bench.flights.unconfirmed()), (vec![], 1));
    assert_eq!(bench.give(NEW, 1), [2]);
}

#[test]
fn an_old_links_beat_confirms_nothing_on_the_next() {
    const NEXT: LinkId = LinkId(3);
    let mut bench = Bench::new(8, 800);
    for beat in 0..34 {
        bench.beat(OLD, beat);
    }
    bench.end(OLD);
    bench.flights.begin(NEXT, 3);
    bench.push(0, 1, Some("first"));
    bench.give(NEXT, 1);
    bench.answer(NEXT, 33);
    bench.answer_unnamed(NEXT);
    assert!(bench.settled().is_empty());
    bench.beat(NEXT, 100);
    bench.answer_unnamed(NEXT);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered)], "the forgotten beats were the old link's");
}

#[test]
fn a_link_is_idle_when_nothing_departs_on_it() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    bench.flights.take(OLD, 1, &mut bench.outbox);
    assert!(!bench.flights.is_idle(OLD) && bench.flights.is_idle(NEW));
    let mut handover = bench.flights.hand_over(OLD).unwrap();
    assert!(!handover.is_done());
    assert_eq!(handover.next(), Some((0, 1)));
    assert!(handover.is_done());
    assert!(bench.flights.is_idle(OLD));
}
