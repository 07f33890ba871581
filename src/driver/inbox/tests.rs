use std::task::{Context, Poll};

use super::*;

const BOUNDS: (usize, usize) = (4, 100);

fn add(inbox: &Inbox<u32>, messages: &[u32]) -> Added {
    inbox.add(&mut messages.iter().copied().collect(), 10 * messages.len(), Some(Waker::noop()))
}

fn next(reader: &mut Reader<u32>, inbox: &Inbox<u32>) -> Option<Item<u32>> {
    match reader.poll_item(inbox, &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(item) => Some(item),
        Poll::Pending => None,
    }
}

fn inbox() -> (Inbox<u32>, Reader<u32>) {
    (Inbox::new(BOUNDS.0, BOUNDS.1), Reader::new())
}

#[test]
fn room_is_what_is_left_and_a_swap_makes_it_whole() {
    let (inbox, mut reader) = inbox();
    assert_eq!(add(&inbox, &[1, 2, 3]).room, InboxRoom { messages: 1, bytes: 70 });
    assert!(add(&inbox, &[4, 5]).room.is_none(), "one batch may go over it");
    assert_eq!(next(&mut reader, &inbox), Some(Item::Message(1)));
    assert_eq!(inbox.room(Waker::noop()), inbox.bounds());
}

#[test]
fn pitfall_35_what_waits_is_detached_once_and_keeps_its_place() {
    let (inbox, mut reader) = inbox();
    add(&inbox, &[1, 2]);
    inbox.detach(|message| Some(message + 10));
    add(&inbox, &[3]);
    inbox.detach(|message| Some(message + 20));
    inbox.detach(|_| panic!("all were detached"));
    add(&inbox, &[4]);
    for expected in [11, 12, 23, 4] {
        assert_eq!(next(&mut reader, &inbox), Some(Item::Message(expected)));
    }
    assert_eq!(next(&mut reader, &inbox), None);
    add(&inbox, &[5]);
    inbox.detach(|message| Some(message + 10));
    assert_eq!(next(&mut reader, &inbox), Some(Item::Message(15)));
}

#[test]
fn a_reader_may_go_or_come_while_messages_are_detached() {
    let (inbox, mut reader) = inbox();
    add(&inbox, &[1]);
    inbox.mark(EpochChange { disconnected: None, connected: Some(1) });
    inbox.detach(|message| {
        assert_eq!(next(&mut reader, &inbox), None, "nothing is there");
        Some(message)
    });
    assert_eq!(inbox.room(Waker::noop()).bytes, 90, "a detached message counts what it did");
    let lost = inbox.detach(|_| panic!("all were detached"));
    assert_eq!(lost, 0);
    add(&inbox, &[2]);
    let lost = inbox.detach(|message| {
        inbox.reader_gone();
        Some(message)
    });
    assert_eq!(lost, 2, "nobody will read them");
}

#[test]
fn a_message_that_is_gone_moves_no_change_from_its_place() {
    let (inbox, mut reader) = inbox();
    add(&inbox, &[1, 2]);
    inbox.mark(EpochChange { disconnected: Some(1), connected: None });
    add(&inbox, &[3]);
    inbox.mark(EpochChange { disconnected: None, connected: Some(2) });
    assert_eq!(inbox.detach(|message| (message != 1).then_some(message)), 1);
    assert_eq!(next(&mut reader, &inbox), Some(Item::Message(2)));
    assert_eq!(next(&mut reader, &inbox), Some(Item::Disconnected(1)));
    assert_eq!(next(&mut reader, &inbox), Some(Item::Message(3)));
    assert_eq!(next(&mut reader, &inbox), Some(Item::Connected(2)));
}

#[test]
fn a_reader_finds_changes_in_their_place_while_a_message_goes() {
    let (inbox, mut reader) = inbox();
    add(&inbox, &[1, 2]);
    inbox.mark(EpochChange { disconnected: Some(1), connected: None });
    add(&inbox, &[3]);
    let gone = inbox.detach(|message| {
        assert_eq!(next(&mut reader, &inbox), None);
        (message != 1).then_some(message)
    });
    assert_eq!(gone, 1);
    for expected in [Item::Message(2), Item::Disconnected(1), Item::Message(3)] {
        assert_eq!(next(&mut reader, &inbox), Some(expected));
    }
}

#[test]
fn there_are_never_more_changes_than_messages() {
    let (inbox, mut reader) = inbox();
    let connected = |epoch| EpochChange { disconnected: None, connected: Some(epoch) };
    let disconnected = |epoch| EpochChange { disconnected: Some(epoch), connected: None };
    for epoch in 1..1_000 {
        inbox.mark(connected(epoch));
        inbox.mark(disconnected(epoch));
    }
    assert!(inbox.lock().marks.is_empty());
    inbox.mark(connected(1_000));
    add(&inbox, &[1]);
    for epoch in 1_000..2_000 {
        inbox.mark(disconnected(epoch));
        inbox.mark(connected(epoch + 1));
    }
    assert_eq!(inbox.lock().marks.len(), 2);
    let expected =
        [Item::Connected(1_000), Item::Message(1), Item::Disconnected(1_000), Item::Connected(2_000)];
    for expected in expected {
        assert_eq!(next(&mut reader, &inbox), Some(expected));
    }
}

#[test]
fn an_idle_inbox_keeps_no_bursts_capacity() {
    let inbox = Inbox::new(1_000, 1 << 20);
    let mut reader = Reader::new();
    let burst: Vec<u32> = (0..1_000).collect();
    add(&inbox, &burst);
    while next(&mut reader, &inbox).is_some() {}
    inbox.shrink();
    assert!(reader.batch.capacity() <= KEPT);
    let state = inbox.lock();
    assert!(state.queue.capacity() <= KEPT && state.spare.capacity() == 0);
}
