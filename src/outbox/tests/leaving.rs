//! When every accepted message has left the outbox.

use super::{Bench, NEW, OLD};

#[test]
fn what_was_flushed_or_reported_is_drained() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.give(OLD, 2);
    assert_eq!((bench.outbox.accepted(), bench.outbox.drained()), (3, 0));
    bench.flush(OLD);
    assert_eq!(bench.outbox.drained(), 2);
    bench.give(OLD, 1);
    assert_eq!(bench.outbox.drained(), 2);
    assert_eq!(bench.end(OLD), 3);
    assert_eq!(bench.outbox.drained(), 3);
}

#[test]
fn what_one_link_flushed_is_not_drained_before_what_another_took_earlier() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.give(OLD, 1);
    bench.give(NEW, 1);
    bench.flush(NEW);
    assert_eq!(bench.outbox.drained(), 0);
    bench.flush(OLD);
    assert_eq!(bench.outbox.drained(), 2);
    bench.flights.take(OLD, 1, &mut bench.outbox);
    bench.push(3, 1, None);
    bench.give(NEW, 1);
    bench.flush(NEW);
    assert_eq!(bench.outbox.drained(), 2, "message 2 departs");
    bench.hand_over(OLD, 1);
    bench.flush(OLD);
    assert_eq!(bench.outbox.drained(), 4);
}

#[test]
fn what_is_taken_late_is_drained_only_when_that_is_flushed_too() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.flights.take(OLD, 1, &mut bench.outbox);
    bench.give(NEW, 1);
    bench.flights.put_back(OLD, &mut bench.outbox);
    assert_eq!(bench.give(NEW, 1), [0]);
    bench.flights.take(NEW, 1, &mut bench.outbox);
    bench.hand_over(NEW, 1);
    bench.flights.report(&mut bench.outbox);
    assert_eq!(bench.outbox.drained(), 0);
    bench.flush(NEW);
    assert_eq!(bench.outbox.drained(), 3);
}

#[test]
fn what_was_handed_back_is_never_drained() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.give(OLD, 1);
    assert_eq!(bench.outbox.close(), [1, 2]);
    assert_eq!(bench.end(OLD), 1);
    assert!(bench.outbox.close().is_empty());
    bench.flush(NEW);
    assert_eq!(bench.outbox.drained(), 1);
    assert!(!bench.outbox.is_settled());
}

#[test]
fn it_is_settled_when_all_has_left_and_nobody_waits_for_an_outcome() {
    let mut bench = Bench::new(8, 800);
    assert!(bench.outbox.is_settled());
    bench.push(0, 1, Some("first"));
    assert!(!bench.outbox.is_settled(), "it waits");
    bench.give(OLD, 1);
    assert!(!bench.outbox.is_settled(), "it is not flushed");
    bench.flush(OLD);
    assert!(!bench.outbox.is_settled(), "its outcome is not known");
    bench.deliver_flushed(OLD);
    assert!(bench.outbox.is_settled());
    bench.push(1, 1, None);
    bench.give(OLD, 1);
    assert!(!bench.outbox.is_settled(), "it is not flushed");
    bench.flush(OLD);
    assert!(bench.outbox.is_settled());
    let place = bench.outbox.reserve(None).unwrap();
    assert!(bench.outbox.is_settled(), "a place is no message");
    bench.outbox.release(place);
}
