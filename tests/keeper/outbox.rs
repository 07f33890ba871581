//! The outbox by itself: what is accepted, what becomes of it, and what is
//! told of that.

use std::collections::VecDeque;

use longlink::keeper::Token;
use longlink::outbox::{Bounds, Confirm, Outbox, Outcome, Parcel};

/// An outbox of numbers, and what the driver has taken from it.
struct Bench {
    outbox: Outbox<u32, &'static str>,
    batch: VecDeque<Parcel<u32>>,
}

impl Bench {
    fn new(messages: usize, bytes: usize) -> Bench {
        Bench { outbox: Outbox::new(Bounds { messages, bytes }), batch: VecDeque::new() }
    }

    /// Accepts a message of this weight, with a ticket or without.
    fn push(&mut self, message: u32, weight: usize, ticket: Option<&'static str>) -> u64 {
        let place = self.outbox.reserve(Some(weight)).expect("there is room");
        let confirm = ticket.map(|ticket| Confirm { ticket, copy: message });
        self.outbox.push(place, message, weight, confirm).expect("it is open")
    }

    /// Gives the next messages to an imagined link.
    fn give(&mut self, count: usize) {
        assert_eq!(self.outbox.take(count, &mut self.batch), count);
        let weight = self.batch.iter().map(Parcel::weight).sum();
        self.batch.clear();
        self.outbox.written(count, weight);
    }

    fn settled(&mut self) -> Vec<(&'static str, Outcome<u32>)> {
        std::iter::from_fn(|| self.outbox.poll_settled()).collect()
    }
}

/// Three messages with tickets, of which a link took and flushed two, and
/// took the third without a flush.
fn two_of_three_flushed() -> Bench {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, "first"), (1, "second"), (2, "third")] {
        bench.push(message, 1, Some(ticket));
    }
    bench.give(2);
    bench.outbox.flushed();
    bench.give(1);
    bench
}

#[test]
fn where_a_flush_confirms_what_was_flushed_is_delivered_and_no_more() {
    let mut bench = two_of_three_flushed();
    assert_eq!(bench.settled(), []);
    bench.outbox.deliver_flushed();
    assert_eq!(bench.settled(), [("first", Outcome::Delivered), ("second", Outcome::Delivered)]);
    assert_eq!(bench.outbox.unconfirmed(), 1);
    assert_eq!(bench.outbox.link_ended(), 1);
    assert_eq!(bench.settled(), [("third", Outcome::MaybeSent(2))]);
}

#[test]
fn where_nothing_confirms_what_was_flushed_is_maybe_sent_and_not_counted_again() {
    let mut bench = two_of_three_flushed();
    bench.outbox.doubt_flushed();
    assert_eq!(bench.settled(), [("first", Outcome::MaybeSent(0)), ("second", Outcome::MaybeSent(1))]);
    assert_eq!(bench.outbox.link_ended(), 1);
    assert_eq!(bench.settled(), [("third", Outcome::MaybeSent(2))]);
}

#[test]
fn a_late_answer_takes_nothing_back_that_is_known_to_have_arrived() {
    let mut bench = Bench::new(8, 800);
    for message in 0..3 {
        bench.push(message, 1, None);
    }
    bench.give(1);
    bench.outbox.beat_sent(Token(1), bench.outbox.given());
    bench.give(2);
    bench.outbox.flushed();
    bench.outbox.deliver_flushed();
    bench.outbox.answered(Some(Token(1)));
    assert_eq!(bench.outbox.link_ended(), 0);
}

#[test]
fn an_answered_goodbye_delivers_all_that_the_link_took() {
    let mut bench = two_of_three_flushed();
    bench.push(3, 1, Some("fourth"));
    bench.outbox.goodbye_answered();
    assert_eq!(bench.settled(), ["first", "second", "third"].map(|ticket| (ticket, Outcome::Delivered)));
    assert_eq!(bench.outbox.drained(), 3);
    assert_eq!(bench.outbox.link_ended(), 0);
    assert_eq!(bench.settled(), []);
}

#[test]
fn what_was_flushed_or_reported_is_drained() {
    let mut bench = Bench::new(8, 800);
    assert_eq!([bench.push(0, 1, None), bench.push(1, 1, None), bench.push(2, 1, None)], [0, 1, 2]);
    assert_eq!((bench.outbox.accepted(), bench.outbox.given(), bench.outbox.drained()), (3, 0, 0));
    bench.give(2);
    assert_eq!((bench.outbox.accepted(), bench.outbox.given(), bench.outbox.drained()), (3, 2, 0));
    bench.outbox.flushed();
    assert_eq!((bench.outbox.given(), bench.outbox.drained()), (2, 2));
    bench.give(1);
    assert_eq!((bench.outbox.given(), bench.outbox.drained()), (3, 2));
    assert_eq!(bench.outbox.link_ended(), 3);
    assert_eq!(bench.outbox.drained(), 3);
}

#[test]
fn it_is_empty_when_nothing_waits_to_be_taken() {
    let mut bench = Bench::new(8, 800);
    assert!(bench.outbox.is_empty());
    bench.push(0, 1, None);
    assert!(!bench.outbox.is_empty());
    assert_eq!(bench.outbox.take(5, &mut bench.batch), 1);
    assert!(bench.outbox.is_empty());
    bench.outbox.put_back(&mut bench.batch);
    assert!(!bench.outbox.is_empty());
}

#[test]
fn an_outbox_that_refuses_more_still_gives_what_waits() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    assert!(bench.outbox.has_room() && !bench.outbox.is_closed());
    bench.outbox.refuse_more();
    assert!(bench.outbox.is_closed() && !bench.outbox.has_room());
    assert!(bench.outbox.reserve(Some(1)).is_none());
    bench.give(1);
    assert!(bench.outbox.close().is_empty());
}

#[test]
fn a_ticket_that_nobody_waits_for_is_forgotten_unless_a_link_took_its_message() {
    let mut bench = Bench::new(8, 800);
    for (message, ticket) in [(0, "gone"), (1, "gone"), (2, "kept"), (3, "gone"), (4, "kept")] {
        bench.push(message, 1, Some(ticket));
    }
    bench.give(1);
    bench.outbox.forget_tickets(|ticket| *ticket == "gone");
    assert_eq!(bench.outbox.close(), [1, 3], "those are as if they had come without a ticket");
    assert_eq!(bench.settled(), [("kept", Outcome::NotSent(2)), ("kept", Outcome::NotSent(4))]);
    bench.outbox.link_ended();
    assert_eq!(bench.settled(), [("gone", Outcome::MaybeSent(0))]);
}

#[test]
fn a_beat_is_wanted_only_where_its_answer_would_settle_something() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, None);
    bench.push(1, 1, Some("second"));
    assert!(!bench.outbox.wants_confirmation(0));
    assert!(!bench.outbox.wants_confirmation(1), "nobody asks about the first");
    assert!(bench.outbox.wants_confirmation(2));
    bench.give(1);
    assert!(bench.outbox.wants_confirmation(2));
    bench.give(1);
    assert!(!bench.outbox.wants_confirmation(2), "the beat behind it is under way");
    bench.push(2, 1, None);
    assert!(!bench.outbox.wants_confirmation(3), "nobody asks about the third");
}

#[test]
fn a_place_of_unknown_weight_counts_as_its_share_of_the_bytes() {
    // Ten messages, 100 bytes: ten bytes each.
    let mut bench = Bench::new(10, 100);
    bench.push(0, 89, None);
    let place = bench.outbox.reserve(None).expect("11 bytes are left");
    assert!(bench.outbox.has_room(), "one byte is left");
    bench.outbox.release(place);
    bench.push(1, 1, None);
    let place = bench.outbox.reserve(None).expect("10 bytes are left");
    assert!(!bench.outbox.has_room(), "nothing is left");
    bench.outbox.release(place);
    assert!(bench.outbox.has_room());
}

#[test]
fn by_default_there_is_room_for_1024_messages_and_a_mebibyte() {
    assert_eq!(Bounds::default(), Bounds { messages: 1024, bytes: 1_048_576 });
}

#[test]
fn messages_places_and_tickets_count_together_against_the_bounds() {
    let mut bench = Bench::new(3, 800);
    bench.push(0, 1, Some("first"));
    bench.give(1);
    bench.push(1, 1, None);
    let place = bench.outbox.reserve(Some(1)).expect("there is room for one more");
    assert!(!bench.outbox.has_room(), "one is unsettled, one waits, one has a place");
    bench.outbox.release(place);

    let mut bench = Bench::new(100, 30);
    bench.push(0, 10, Some("first"));
    bench.give(1);
    bench.push(1, 10, None);
    let place = bench.outbox.reserve(Some(9)).expect("there is room for ten bytes");
    assert!(bench.outbox.has_room(), "29 bytes of 30");
    bench.outbox.release(place);
    let _place = bench.outbox.reserve(Some(10)).expect("there is room for ten bytes");
    assert!(!bench.outbox.has_room(), "30 bytes of 30");
}

#[test]
fn what_goes_out_or_is_handed_back_makes_room() {
    let mut bench = Bench::new(100, 30);
    for message in 0..3 {
        bench.push(message, 10, None);
    }
    assert!(!bench.outbox.has_room());
    bench.give(1);
    bench.push(3, 10, None);
    assert!(!bench.outbox.has_room());
    bench.give(3);
    for message in 4..7 {
        bench.push(message, 10, None);
    }
    assert!(!bench.outbox.has_room());
}

#[test]
fn a_settled_message_makes_room_for_its_weight() {
    let mut bench = Bench::new(100, 30);
    bench.push(0, 10, Some("first"));
    bench.push(1, 20, Some("second"));
    bench.give(1);
    bench.outbox.flushed();
    bench.give(1);
    assert!(!bench.outbox.has_room());
    bench.outbox.deliver_flushed();
    bench.push(2, 9, None);
    assert!(bench.outbox.has_room(), "29 bytes of 30");
    bench.push(3, 1, None);
    assert!(!bench.outbox.has_room(), "30 bytes of 30");
}

#[test]
fn a_beat_answered_after_a_later_one_confirms_nothing() {
    let mut bench = two_of_three_flushed();
    bench.outbox.beat_sent(Token(1), 1);
    bench.outbox.beat_sent(Token(2), 2);
    bench.outbox.answered(Some(Token(2)));
    assert_eq!(bench.settled().len(), 2);
    bench.outbox.answered(Some(Token(1)));
    bench.outbox.answered(None);
    assert_eq!(bench.settled(), []);
}

#[test]
fn an_answer_confirms_nothing_that_no_link_took() {
    let mut bench = Bench::new(8, 800);
    bench.push(0, 1, Some("first"));
    bench.push(1, 1, Some("second"));
    bench.give(1);
    bench.outbox.beat_sent(Token(1), 2);
    bench.outbox.answered(Some(Token(1)));
    assert_eq!(bench.settled(), [("first", Outcome::Delivered)]);
}

#[test]
fn thirty_two_beats_are_remembered_and_of_more_the_latest() {
    // Each beat comes after one message more.
    let beats = |count: u32| {
        let mut bench = Bench::new(100, 800);
        for beat in 1..=count {
            bench.push(beat, 1, Some("one"));
            bench.give(1);
            bench.outbox.beat_sent(Token(u64::from(beat)), bench.outbox.given());
        }
        bench
    };
    let mut bench = beats(32);
    bench.outbox.answered(Some(Token(1)));
    assert_eq!(bench.settled().len(), 1);

    let mut bench = beats(34);
    bench.outbox.answered(Some(Token(2)));
    assert_eq!(bench.settled().len(), 0, "it is forgotten");
    // Two answers that name none may be those to the two forgotten beats.
    bench.outbox.answered(None);
    bench.outbox.answered(None);
    assert_eq!(bench.settled().len(), 0);
    bench.outbox.answered(None);
    assert_eq!(bench.settled().len(), 3);
}

#[test]
fn an_answer_by_name_shows_that_those_of_forgotten_beats_were_lost() {
    let mut bench = Bench::new(100, 800);
    for beat in 1..=34 {
        bench.push(beat, 1, Some("one"));
        bench.give(1);
        bench.outbox.beat_sent(Token(u64::from(beat)), bench.outbox.given());
    }
    bench.outbox.answered(Some(Token(3)));
    assert_eq!(bench.settled().len(), 3);
    bench.outbox.answered(None);
    assert_eq!(bench.settled().len(), 1, "the next in order");
}

#[test]
fn forgotten_beats_are_the_old_links() {
    let mut bench = Bench::new(100, 800);
    for beat in 0..34 {
        bench.outbox.beat_sent(Token(beat), 0);
    }
    bench.outbox.link_ended();
    bench.push(0, 1, Some("first"));
    bench.give(1);
    bench.outbox.beat_sent(Token(100), 1);
    bench.outbox.answered(None);
    assert_eq!(bench.settled(), [("first", Outcome::Delivered)]);
}

#[test]
fn freeing_what_a_burst_left_loses_nothing() {
    const BURST: u32 = 60;
    let mut bench = Bench::new(100, 800);
    for message in 0..BURST {
        bench.push(message, 1, Some("one"));
    }
    bench.give(40);
    for beat in 0..20 {
        bench.outbox.beat_sent(Token(beat), beat + 1);
    }
    bench.outbox.answered(Some(Token(17)));
    bench.outbox.shrink();
    assert_eq!(bench.settled().len(), 18, "the settled tickets are there");
    bench.outbox.answered(Some(Token(19)));
    assert_eq!(bench.settled().len(), 2, "the beats are there");
    bench.outbox.put_back(&mut bench.batch);
    bench.outbox.goodbye_answered();
    assert_eq!(bench.settled().len(), 20, "the tickets are there");
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

#[test]
fn debug_tells_figures_and_no_message() {
    let mut outbox = Outbox::new(Bounds { messages: 8, bytes: 800 });
    let place = outbox.reserve(Some(6)).expect("there is room");
    let confirm = Confirm { ticket: "ticket", copy: "secret" };
    assert_eq!(format!("{confirm:?}"), "Confirm { .. }");
    outbox.push(place, "secret", 6, Some(confirm)).expect("it is open");
    let told = format!("{outbox:?}");
    for figure in ["messages: 8", "waiting: 1", "accepted: 1", "weight: 6", "reserved: 0", "expected: 1"] {
        assert!(told.contains(figure), "{figure} of {told}");
    }
    assert!(!told.contains("secret"), "{told}");
    let mut batch = VecDeque::new();
    outbox.take(1, &mut batch);
    assert_eq!(format!("{batch:?}"), "[Parcel { weight: 6, .. }]");
    outbox.put_back(&mut batch);
    outbox.close();
    let told = format!("{outbox:?}");
    assert!(told.contains("waiting: 0, accepted: 1, unwritten: 0, weight: 0"), "{told}");
}
