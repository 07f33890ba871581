//! Waiting messages: their room, their order, their end.

use std::collections::VecDeque;

use super::super::{Bounds, Confirm, Flights, KEPT, Outbox, Outcome, shrink};
use super::{Bench, NEW, OLD, asks};

#[test]
fn by_default_there_is_room_for_1024_messages_and_a_mebibyte() {
    assert_eq!(Bounds::default(), Bounds { messages: 1024, bytes: 1_048_576 });
}

#[test]
fn messages_are_numbered_as_they_are_accepted() {
    let mut bench = Bench::new(8, 800);
    assert_eq!([bench.push(7, 1, None), bench.push(8, 1, Some("second")), bench.push(9, 1, None)], [0, 1, 2]);
    assert_eq!(bench.outbox.accepted(), 3);
}

#[test]
fn a_message_with_a_ticket_takes_room_until_it_is_settled() {
    let mut bench = Bench::new(2, 100);
    bench.push(0, 1, Some("first"));
    bench.push(1, 1, None);
    assert!(!bench.has_room());
    bench.give(OLD, 2);
    bench.push(2, 1, None);
    assert!(!bench.has_room(), "message 0 is not settled");
    bench.goodbye_answered(OLD);
    assert!(bench.has_room());
}

#[test]
fn what_departs_takes_room_until_the_link_takes_it() {
    let mut bench = Bench::new(1, 100);
    bench.push(0, 1, None);
    bench.flights.take(OLD, 1, &mut bench.outbox);
    bench.flights.report(&mut bench.outbox);
    assert!(!bench.has_room());
    bench.hand_over(OLD, 1);
    assert!(bench.has_room());
}

#[test]
fn one_message_may_go_over_the_byte_bound_and_then_no_other_enters() {
    let mut bench = Bench::new(10, 100);
    bench.push(0, 99, None);
    bench.push(1, 5_000, None);
    assert!(!bench.has_room());
}

#[test]
fn an_absurd_size_counts_as_4_gib_and_leaves_no_trace() {
    let mut bench = Bench::new(10, usize::MAX);
    for message in 0..3 {
        bench.push(message, usize::MAX, Some("one"));
    }
    assert!(format!("{:?}", bench.outbox).contains("held_bytes: 12884901885"));
    bench.give(OLD, 3);
    bench.goodbye_answered(OLD);
    assert_eq!(bench.settled().len(), 3);
    assert!(format!("{:?}", bench.outbox).contains("held: 0, held_bytes: 0, reserved: 0, reserved_bytes: 0"));
}

#[test]
fn a_reserved_place_is_nobody_elses_and_can_be_given_back() {
    let mut outbox = Outbox::<u32, u32>::new(Bounds { messages: 1, bytes: 100 });
    let place = outbox.reserve(None).expect("there is room");
    assert!(!outbox.has_room() && outbox.reserve(Some(0)).is_none());
    outbox.release(place);
    assert!(outbox.has_room());
}

#[test]
fn a_place_of_unknown_size_counts_as_its_share_of_the_bytes() {
    // Ten messages, 100 bytes: ten bytes each.
    let mut bench = Bench::new(10, 100);
    bench.push(0, 89, None);
    let place = bench.outbox.reserve(None).expect("11 bytes are left");
    assert!(bench.has_room(), "one byte is left");
    bench.outbox.release(place);
    bench.push(1, 1, None);
    let place = bench.outbox.reserve(None).expect("10 bytes are left");
    assert!(!bench.has_room(), "nothing is left");
    bench.outbox.release(place);
    assert!(bench.has_room());
}

#[test]
fn messages_places_and_tickets_count_together_against_the_bounds() {
    let mut bench = Bench::new(3, 800);
    bench.push(0, 1, Some("first"));
    bench.give(OLD, 1);
    bench.push(1, 1, None);
    let place = bench.outbox.reserve(Some(1)).expect("there is room for one more");
    assert!(!bench.has_room(), "one is unsettled, one waits, one has a place");
    bench.outbox.release(place);

    let mut bench = Bench::new(100, 30);
    bench.push(0, 10, Some("first"));
    bench.give(OLD, 1);
    bench.push(1, 10, None);
    let place = bench.outbox.reserve(Some(9)).expect("there is room for ten bytes");
    assert!(bench.has_room(), "29 bytes of 30");
    bench.outbox.release(place);
    let _place = bench.outbox.reserve(Some(10)).expect("there is room for ten bytes");
    assert!(!bench.has_room(), "30 bytes of 30");
}

#[test]
fn what_goes_out_makes_room() {
    let mut bench = Bench::new(100, 30);
    for message in 0..3 {
        bench.push(message, 10, None);
    }
    assert!(!bench.has_room());
    bench.give(OLD, 1);
    bench.push(3, 10, None);
    assert!(!bench.has_room());
    bench.give(OLD, 3);
    for message in 4..7 {
        bench.push(message, 10, None);
    }
    assert!(!bench.has_room());
}

#[test]
fn a_settled_message_makes_room_for_its_size() {
    let mut bench = Bench::new(100, 30);
    bench.push(0, 10, Some("first"));
    bench.push(1, 20, Some("second"));
    bench.give(OLD, 1);
    bench.flush(OLD);
    bench.give(OLD, 1);
    assert!(!bench.has_room());
    bench.deliver_flushed(OLD);
    bench.push(2, 9, None);
    assert!(bench.has_room(), "29 bytes of 30");
    bench.push(3, 1, None);
    assert!(!bench.has_room(), "30 bytes of 30");
}

#[test]
fn it_is_empty_when_nothing_waits_to_be_taken() {
    let mut bench = Bench::new(8, 800);
    assert!(bench.outbox.is_empty());
    bench.push(0, 1, None);
    assert!(!bench.outbox.is_empty());
    bench.flights.take(OLD, 5, &mut bench.outbox);
    assert!(bench.outbox.is_empty());
    bench.flights.put_back(OLD, &mut bench.outbox);
    assert!(!bench.outbox.is_empty());
}

#[test]
fn what_a_link_did_not_take_goes_out_on_the_next_in_order() {
    let mut bench = Bench::new(8, 800);
    for message in 0..5 {
        bench.push(message, 10, None);
    }
    bench.flights.take(OLD, 4, &mut bench.outbox);
    assert_eq!(bench.hand_over(OLD, 2), [0, 1]);
    assert_eq!(bench.end(OLD), 2);
    assert_eq!(bench.give(NEW, 3), [2, 3, 4]);
}

#[test]
fn what_two_links_did_not_take_waits_again_in_its_old_order() {
    for first in [OLD, NEW] {
        let mut bench = Bench::new(8, 800);
        for (message, ticket) in
            [(0, None), (1, Some("1")), (2, None), (3, Some("3")), (4, None), (5, Some("5"))]
        {
            bench.push(message, 1, ticket);
        }
        bench.flights.take(OLD, 2, &mut bench.outbox);
        bench.flights.take(NEW, 2, &mut bench.outbox);
        bench.flights.put_back(first, &mut bench.outbox);
        bench.flights.put_back(if first == OLD { NEW } else { OLD }, &mut bench.outbox);
        assert_eq!(bench.outbox.close(), [0, 2, 4]);
        let back = [("1", Outcome::NotSent(1)), ("3", Outcome::NotSent(3)), ("5", Outcome::NotSent(5))];
        assert_eq!(bench.settled(), back);
    }
}

#[test]
fn of_what_departs_and_what_waits_the_oldest_departs_next() {
    let mut bench = Bench::new(8, 800);
    for message in 0..6 {
        bench.push(message, 1, None);
    }
    bench.flights.take(OLD, 2, &mut bench.outbox);
    bench.flights.take(NEW, 2, &mut bench.outbox);
    bench.flights.put_back(OLD, &mut bench.outbox);
    bench.flights.take(NEW, 3, &mut bench.outbox);
    assert_eq!(bench.hand_over(NEW, 9), [0, 1, 2], "three depart in all");
    assert_eq!(bench.give(OLD, 3), [3, 4, 5]);
}

#[test]
fn a_ticket_goes_with_its_message_to_the_link_and_back() {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, Some("first")), (1, None), (2, Some("third"))] {
        bench.push(message, 1, ticket);
    }
    bench.flights.take(OLD, 2, &mut bench.outbox);
    assert!(bench.flights.wants_confirmation(OLD) && !bench.flights.wants_confirmation(NEW));
    bench.flights.put_back(OLD, &mut bench.outbox);
    assert!(!bench.flights.wants_confirmation(OLD));
    assert_eq!(bench.give(NEW, 3), [0, 1, 2]);
    bench.goodbye_answered(NEW);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered), ("third", Outcome::Delivered)]);
}

#[test]
fn an_outbox_that_refuses_more_still_gives_what_waits() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    assert!(bench.has_room() && !bench.outbox.is_closed());
    let (plain, asked) = (bench.outbox.reserve(None).unwrap(), bench.outbox.reserve(None).unwrap());
    bench.outbox.refuse_more();
    assert!(bench.outbox.is_closed() && !bench.has_room());
    assert!(bench.outbox.reserve(Some(1)).is_none());
    assert_eq!(bench.outbox.push(plain, 1, 1), Err(1));
    let refused = bench
        .outbox
        .push_confirmed(asked, 2, 1, asks("late"))
        .map_err(|(message, ask)| (message, ask.ticket));
    assert_eq!(refused, Err((2, "late")));
    assert_eq!(bench.outbox.accepted(), 1);
    bench.give(OLD, 1);
    assert!(bench.outbox.close().is_empty());
}

#[test]
fn closing_hands_everything_back_that_no_link_took() {
    let mut bench = Bench::new(8, 800);
    for message in 0..5 {
        bench.push(message, 100, (message % 2 == 0).then_some("even"));
    }
    bench.flights.take(OLD, 2, &mut bench.outbox);
    bench.hand_over(OLD, 1);
    bench.flights.put_back(OLD, &mut bench.outbox);
    assert_eq!(bench.outbox.close(), [1, 3]);
    assert_eq!(bench.settled(), [("even", Outcome::NotSent(2)), ("even", Outcome::NotSent(4))]);
    assert!(bench.outbox.is_closed() && bench.outbox.is_empty());
    assert!(format!("{:?}", bench.outbox).contains("held: 1, held_bytes: 100"), "what the link took");
    assert_eq!(bench.end(OLD), 1);
    assert_eq!(bench.settled(), [("even", Outcome::MaybeSent(0))]);
}

#[test]
fn a_ticket_that_nobody_waits_for_is_forgotten_while_its_message_waits() {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, "gone"), (1, "gone"), (2, "kept"), (3, "gone"), (4, "kept")] {
        bench.push(message, 1, Some(ticket));
    }
    bench.give(OLD, 1);
    assert_eq!(bench.outbox.forget_tickets(|ticket| *ticket == "gone"), ["gone", "gone"]);
    assert_eq!(bench.outbox.close(), [1, 3], "those are as if they had come without a ticket");
    assert_eq!(bench.settled(), [("kept", Outcome::NotSent(2)), ("kept", Outcome::NotSent(4))]);
    bench.end(OLD);
    assert_eq!(bench.settled(), [("gone", Outcome::MaybeSent(0))]);
}

#[test]
fn debug_tells_figures_and_no_message() {
    let mut outbox = Outbox::new(Bounds { messages: 8, bytes: 800 });
    let place = outbox.reserve(Some(6)).unwrap();
    let confirm = Confirm { ticket: "ticket", copy: |message: &&str| Some(*message) };
    assert_eq!(format!("{confirm:?}"), "Confirm { .. }");
    outbox.push_confirmed(place, "secret", 6, confirm).unwrap();
    let told = format!("{outbox:?}");
    for figure in ["messages: 8", "messages: 1", "asked: 1", "accepted: 1", "held_bytes: 6", "reserved: 0"] {
        assert!(told.contains(figure), "{figure} of {told}");
    }
    let mut flights = Flights::default();
    flights.begin(OLD, 1);
    flights.take(OLD, 1, &mut outbox);
    let mut handover = flights.hand_over(OLD).unwrap();
    assert_eq!(format!("{handover:?}"), "Handover { link: LinkId(1), .. }");
    assert_eq!(handover.next(), Some(("secret", 6)));
    let told = format!("{outbox:?} {flights:?}");
    assert!(told.ends_with("Flights { links: 1, unconfirmed: 1, .. }"), "{told}");
    assert!(!told.contains("secret") && !told.contains("ticket"), "{told}");
}

#[test]
fn an_idle_queue_keeps_only_a_little_of_what_a_burst_took() {
    for (capacity, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
        let mut queue = VecDeque::<u32>::with_capacity(capacity);
        shrink(&mut queue);
        assert_eq!(queue.capacity(), kept);
    }
}

#[test]
fn idle_machines_keep_only_a_little_of_what_a_burst_took() {
    for (count, kept) in [(16, true), (200, false)] {
        let mut bench = Bench::new(count, usize::MAX);
        bench.end(NEW);
        for _ in 0..count {
            bench.push(0, 1, Some("one"));
        }
        bench.outbox.shrink();
        bench.give(OLD, count);
        bench.outbox.shrink();
        for beat in 0..count.min(32) {
            bench.beat(OLD, beat as u64);
        }
        bench.flights.shrink();
        bench.goodbye_answered(OLD);
        bench.answer(OLD, count.min(32) as u64 - 1);
        bench.flights.shrink();
        assert_eq!((bench.settled().len(), bench.spare().len()), (count, count), "what is there stays");
        bench.flights.shrink();
        let capacities = bench.flights.capacities().into_iter().chain(bench.outbox.waiting.capacities());
        for capacity in capacities {
            assert_eq!(capacity > 0, kept, "of {count} messages {capacity} places");
        }
    }
}
