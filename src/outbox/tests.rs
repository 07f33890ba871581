use std::collections::VecDeque;

use proptest::prelude::*;

use super::{Bounds, Confirm, KEPT, Outbox, Outcome};
use crate::keeper::Token;

type Box = Outbox<u32, u32>;

fn outbox(messages: usize, bytes: usize) -> Box {
    Outbox::new(Bounds { messages, bytes })
}

fn push(outbox: &mut Box, message: u32, weight: usize, confirmed: bool) -> bool {
    let Some(place) = outbox.reserve(Some(weight)) else { return false };
    let confirm = confirmed.then_some(Confirm { ticket: message, copy: message });
    outbox.push(place, message, weight, confirm).is_ok()
}

/// Gives up to `count` of the taken parcels to an imagined link.
fn give(outbox: &mut Box, batch: &mut VecDeque<super::Parcel<u32>>, count: usize) -> Vec<u32> {
    let mut given = Vec::new();
    let mut weight = 0;
    for parcel in batch.drain(..count.min(batch.len())) {
        weight += parcel.weight();
        given.push(parcel.into_message());
    }
    outbox.written(given.len(), weight);
    given
}

fn settled(outbox: &mut Box) -> Vec<(u32, Outcome<u32>)> {
    std::iter::from_fn(|| outbox.poll_settled()).collect()
}

#[test]
fn what_a_link_did_not_take_goes_out_on_the_next_in_order() {
    let mut outbox = outbox(8, 800);
    let mut batch = VecDeque::new();
    for message in 0..5 {
        assert!(push(&mut outbox, message, 10, false));
    }
    outbox.take(4, &mut batch);
    assert_eq!(give(&mut outbox, &mut batch, 2), [0, 1]);
    outbox.put_back(&mut batch);
    assert_eq!(outbox.link_ended(), 2);
    outbox.take(9, &mut batch);
    assert_eq!(give(&mut outbox, &mut batch, 9), [2, 3, 4]);
}

#[test]
fn an_answered_beat_confirms_what_was_written_before_it_and_no_more() {
    let mut outbox = outbox(8, 800);
    let mut batch = VecDeque::new();
    for message in 0..3 {
        push(&mut outbox, message, 1, true);
    }
    outbox.take(9, &mut batch);
    give(&mut outbox, &mut batch, 2);
    outbox.beat_sent(Token(7), outbox.given());
    give(&mut outbox, &mut batch, 1);
    outbox.answered(Some(Token(8)));
    assert!(settled(&mut outbox).is_empty());
    outbox.answered(Some(Token(7)));
    assert_eq!(settled(&mut outbox), [(0, Outcome::Delivered), (1, Outcome::Delivered)]);
    assert_eq!(outbox.link_ended(), 1);
    assert_eq!(settled(&mut outbox), [(2, Outcome::MaybeSent(2))]);
}

#[test]
fn an_answer_that_names_no_beat_answers_the_oldest() {
    let mut outbox = outbox(8, 800);
    let mut batch = VecDeque::new();
    push(&mut outbox, 0, 1, true);
    outbox.beat_sent(Token(1), 0);
    outbox.take(9, &mut batch);
    give(&mut outbox, &mut batch, 1);
    outbox.beat_sent(Token(2), 1);
    outbox.answered(None);
    assert!(settled(&mut outbox).is_empty());
    outbox.answered(None);
    assert_eq!(settled(&mut outbox), [(0, Outcome::Delivered)]);
    outbox.answered(None);
}

#[test]
fn an_answer_without_a_name_to_a_beat_that_was_forgotten_confirms_nothing() {
    const BEATS: u64 = 40;
    let mut outbox = outbox(64, 800);
    let mut batch = VecDeque::new();
    for beat in 0..BEATS {
        // Each beat comes after one message more.
        push(&mut outbox, beat as u32, 1, true);
        outbox.take(1, &mut batch);
        give(&mut outbox, &mut batch, 1);
        outbox.beat_sent(Token(beat), outbox.given());
    }
    for answers in 1..=BEATS {
        outbox.answered(None);
        assert!(BEATS - outbox.unconfirmed() as u64 <= answers, "no more than {answers} beats were answered");
    }
    assert_eq!(outbox.unconfirmed(), 0);
}

#[test]
fn an_old_links_beat_confirms_nothing_on_the_next() {
    let mut outbox = outbox(8, 800);
    let mut batch = VecDeque::new();
    outbox.beat_sent(Token(1), 9);
    outbox.link_ended();
    push(&mut outbox, 0, 1, true);
    outbox.take(9, &mut batch);
    give(&mut outbox, &mut batch, 1);
    outbox.answered(Some(Token(1)));
    outbox.answered(None);
    assert!(settled(&mut outbox).is_empty());
}

#[test]
fn a_message_with_a_ticket_takes_room_until_it_is_settled() {
    let mut outbox = outbox(2, 100);
    let mut batch = VecDeque::new();
    assert!(push(&mut outbox, 0, 1, true) && push(&mut outbox, 1, 1, false));
    assert!(!push(&mut outbox, 2, 1, false));
    outbox.take(9, &mut batch);
    give(&mut outbox, &mut batch, 2);
    assert!(push(&mut outbox, 2, 1, false));
    assert!(!push(&mut outbox, 3, 1, false), "message 0 is not settled");
    outbox.goodbye_answered();
    assert!(push(&mut outbox, 3, 1, false));
}

#[test]
fn one_message_may_go_over_the_byte_bound_and_then_no_other_enters() {
    let mut outbox = outbox(10, 100);
    assert!(push(&mut outbox, 0, 99, false));
    assert!(push(&mut outbox, 1, 5_000, false));
    assert!(!push(&mut outbox, 2, 1, false));
}

#[test]
fn an_absurd_weight_counts_as_4_gib_and_leaves_no_trace() {
    let mut outbox = outbox(10, usize::MAX);
    let mut batch = VecDeque::new();
    for message in 0..3 {
        let place = outbox.reserve(Some(usize::MAX)).expect("the last one does not fill it");
        let confirm = Some(Confirm { ticket: message, copy: message });
        outbox.push(place, message, usize::MAX, confirm).expect("nothing is closed");
    }
    outbox.take(9, &mut batch);
    assert_eq!(give(&mut outbox, &mut batch, 9), [0, 1, 2]);
    outbox.goodbye_answered();
    assert_eq!(settled(&mut outbox).len(), 3);
    assert!(format!("{outbox:?}").contains("weight: 0"));
}

#[test]
fn a_reserved_place_is_nobody_elses_and_can_be_given_back() {
    let mut outbox = outbox(1, 100);
    let place = outbox.reserve(None).unwrap();
    assert!(!outbox.has_room());
    outbox.release(place);
    assert!(push(&mut outbox, 0, 1, false));
}

#[test]
fn closing_hands_everything_back_that_no_link_took() {
    let mut outbox = outbox(8, 800);
    let mut batch = VecDeque::new();
    for message in 0..5 {
        push(&mut outbox, message, 1, message % 2 == 0);
    }
    let late = outbox.reserve(None).unwrap();
    outbox.take(2, &mut batch);
    give(&mut outbox, &mut batch, 1);
    outbox.put_back(&mut batch);
    assert_eq!(outbox.close(), [1, 3]);
    assert_eq!(settled(&mut outbox), [(2, Outcome::NotSent(2)), (4, Outcome::NotSent(4))]);
    assert_eq!(outbox.push(late, 9, 1, None), Err(9));
    assert_eq!(outbox.link_ended(), 1);
    assert_eq!(settled(&mut outbox), [(0, Outcome::MaybeSent(0))]);
}

#[test]
fn an_idle_outbox_keeps_only_a_little_of_what_the_settled_took() {
    let mut outbox = outbox(8, 800);
    for (capacity, kept) in [(KEPT, KEPT), (KEPT + 1, 0)] {
        outbox.settled = VecDeque::with_capacity(capacity);
        outbox.spare = Vec::with_capacity(capacity);
        outbox.shrink();
        assert_eq!((outbox.settled.capacity(), outbox.spare.capacity()), (kept, kept));
    }
}

#[test]
fn a_copy_that_nobody_wants_back_is_handed_out_once() {
    let mut outbox = outbox(8, 800);
    for number in 0..4 {
        let place = outbox.reserve(Some(1)).unwrap();
        outbox.push(place, number, 1, Some(Confirm { ticket: number, copy: 10 + number })).unwrap();
    }
    let spare = |outbox: &mut Box| {
        let mut copies: Vec<u32> = std::iter::from_fn(|| outbox.poll_spare()).collect();
        copies.sort_unstable();
        copies
    };
    let mut batch = VecDeque::new();
    outbox.take(2, &mut batch);
    give(&mut outbox, &mut batch, 2);
    outbox.flushed();
    outbox.deliver_flushed();
    assert_eq!(settled(&mut outbox), [(0, Outcome::Delivered), (1, Outcome::Delivered)]);
    assert_eq!(spare(&mut outbox), [10, 11]);
    // The one whose ticket is forgotten, and the one that comes back itself.
    outbox.forget_tickets(|ticket| *ticket == 2);
    assert_eq!(spare(&mut outbox), [12]);
    assert_eq!(outbox.close(), [2]);
    assert_eq!(settled(&mut outbox), [(3, Outcome::NotSent(3))]);
    assert_eq!(spare(&mut outbox), [13]);
}

#[test]
fn the_copy_of_a_message_that_is_refused_is_spare() {
    let mut outbox = outbox(8, 800);
    let place = outbox.reserve(Some(1)).unwrap();
    outbox.refuse_more();
    assert_eq!(outbox.push(place, 1, 1, Some(Confirm { ticket: 1, copy: 11 })), Err(1));
    assert_eq!((outbox.poll_spare(), outbox.poll_spare()), (Some(11), None));
}

/// What is done to the outbox and its model alike.
#[derive(Clone, Debug)]
enum Step {
    Push { weight: usize, confirmed: bool },
    Take(usize),
    Give(usize),
    Flush,
    Beat,
    Answer(usize),
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1usize..40, any::<bool>()).prop_map(|(weight, confirmed)| Step::Push { weight, confirmed }),
        3 => (0usize..5).prop_map(Step::Take),
        3 => (0usize..5).prop_map(Step::Give),
        1 => Just(Step::Flush),
        2 => Just(Step::Beat),
        2 => (0usize..4).prop_map(Step::Answer),
        1 => Just(Step::End),
    ]
}

/// One message as the model knows it: a plain list, searched each time.
#[derive(Clone, Debug)]
struct Known {
    message: u32,
    weight: usize,
    confirmed: bool,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Waiting,
    Given,
    Delivered,
    MaybeSent,
    NotSent,
}

proptest! {
    #[test]
    fn the_outbox_agrees_with_a_list_of_all_messages(steps in prop::collection::vec(step(), 1..120)) {
        const BOUNDS: Bounds = Bounds { messages: 6, bytes: 120 };
        let mut outbox: Box = Outbox::new(BOUNDS);
        let mut batch = VecDeque::new();
        let mut known: Vec<Known> = Vec::new();
        let mut beats: Vec<(Token, usize)> = Vec::new();
        let (mut sent, mut tokens, mut next) = (Vec::new(), 0, 0);
        for step in steps {
            match step {
                Step::Push { weight, confirmed } => {
                    let held = |one: &&Known| {
                        one.fate == Fate::Waiting || (one.fate == Fate::Given && one.confirmed)
                    };
                    let count = known.iter().filter(held).count();
                    let bytes: usize = known.iter().filter(held).map(|one| one.weight).sum();
                    let fits = count < BOUNDS.messages && bytes < BOUNDS.bytes;
                    prop_assert_eq!(push(&mut outbox, next, weight, confirmed), fits);
                    if fits {
                        known.push(Known { message: next, weight, confirmed, fate: Fate::Waiting });
                        next += 1;
                    }
                }
                Step::Take(most) => { outbox.take(most, &mut batch); }
                Step::Give(count) => {
                    for message in give(&mut outbox, &mut batch, count) {
                        sent.push(message);
                        known[message as usize].fate = Fate::Given;
                    }
                }
                Step::Flush => outbox.flushed(),
                Step::Beat => {
                    tokens += 1;
                    outbox.beat_sent(Token(tokens), outbox.given());
                    beats.push((Token(tokens), sent.len()));
                }
                Step::Answer(back) => {
                    if let Some(at) = beats.len().checked_sub(1 + back) {
                        let (token, covers) = beats[at];
                        outbox.answered(Some(token));
                        beats.drain(..=at);
                        for message in &sent[..covers] {
                            let one = &mut known[*message as usize];
                            if one.fate == Fate::Given { one.fate = Fate::Delivered; }
                        }
                    }
                }
                Step::End => {
                    outbox.put_back(&mut batch);
                    let in_doubt = known.iter().filter(|one| one.fate == Fate::Given).count();
                    prop_assert_eq!(outbox.link_ended(), in_doubt as u64);
                    beats.clear();
                    for one in known.iter_mut().filter(|one| one.fate == Fate::Given) {
                        one.fate = Fate::MaybeSent;
                    }
                }
            }
            for (ticket, outcome) in settled(&mut outbox) {
                let one = &known[ticket as usize];
                let expected = match one.fate {
                    Fate::Delivered => Outcome::Delivered,
                    Fate::MaybeSent => Outcome::MaybeSent(one.message),
                    fate @ (Fate::Waiting | Fate::Given | Fate::NotSent) => panic!("settled while {fate:?}"),
                };
                prop_assert!(one.confirmed);
                prop_assert_eq!(outcome, expected);
            }
        }
        outbox.put_back(&mut batch);
        let handed_back = outbox.close();
        outbox.link_ended();
        for one in known.iter_mut().filter(|one| one.fate == Fate::Waiting) {
            one.fate = Fate::NotSent;
        }
        let waiting: Vec<u32> = known.iter()
            .filter(|one| one.fate == Fate::NotSent && !one.confirmed).map(|one| one.message).collect();
        prop_assert_eq!(handed_back, waiting);
        prop_assert!(sent.iter().is_sorted(), "order was kept over {:?}", sent);
        prop_assert_eq!(outbox.drained(), outbox.given());
        prop_assert!(outbox.unconfirmed() == 0);
    }
}
