//! Incoming messages are one ordered stream, with the changes of links in their
//! true place.

use crate::support::{Log, builder, connected, millis, secs, settle};
use futures::{FutureExt, StreamExt};
use longlink::testing::{Script, ScriptedAttempt};
use longlink::{Event, LinkEnd, Transition};

fn message(text: &str) -> Transition<String> {
    Transition::Message(text.into())
}

#[tokio::test(start_paused = true)]
async fn transitions_stand_in_their_true_place() {
    let (connection, script, first) = connected().await;
    let mut stream = connection.with_transitions();
    first.deliver("a".into());
    first.deliver("b".into());
    first.end(LinkEnd::Reset);
    let second = script.next_link().await;
    second.deliver("c".into());
    settle().await;
    let expected = [
        Transition::Connected { epoch: 1 },
        message("a"),
        message("b"),
        Transition::Disconnected { epoch: 1 },
        Transition::Connected { epoch: 2 },
        message("c"),
    ];
    for expected in expected {
        assert_eq!(stream.next().await.unwrap().unwrap(), expected);
    }
    assert!(stream.next().now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn transitions_without_a_message_between_them_merge() {
    let (connection, script, mut peer) = connected().await;
    peer.deliver("a".into());
    settle().await;
    for _ in 0..50 {
        peer.end(LinkEnd::Reset);
        peer = script.next_link().await;
    }
    peer.deliver("b".into());
    settle().await;
    let mut stream = connection.with_transitions();
    let mut seen = Vec::new();
    while let Some(item) = stream.next().now_or_never() {
        seen.push(item.unwrap().unwrap());
    }
    assert_eq!(
        seen,
        [
            Transition::Connected { epoch: 1 },
            message("a"),
            Transition::Disconnected { epoch: 1 },
            Transition::Connected { epoch: 51 },
            message("b"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn transitions_that_were_passed_over_are_not_told_late() {
    let (mut connection, script, first) = connected().await;
    first.deliver("a".into());
    first.end(LinkEnd::Reset);
    let second = script.next_link().await;
    second.deliver("b".into());
    assert_eq!(connection.recv().await.unwrap().unwrap(), "a");
    assert_eq!(connection.recv().await.unwrap().unwrap(), "b");
    let mut stream = connection.with_transitions();
    assert_eq!(stream.next().await.unwrap().unwrap(), Transition::Connected { epoch: 2 });
    second.deliver("c".into());
    assert_eq!(stream.next().await.unwrap().unwrap(), message("c"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_loses_nothing() {
    let script = Script::new([]);
    let mut connection = builder(&script).inbox_messages(3).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..50 {
        peer.deliver(n.to_string());
    }
    for n in 0..50 {
        tokio::time::sleep(secs(1)).await;
        assert_eq!(connection.recv().await.unwrap().unwrap(), n.to_string());
    }
    let stats = connection.stats();
    assert_eq!((stats.messages_received, stats.messages_dropped), (50, 0));
}

#[tokio::test(start_paused = true)]
async fn the_inbox_is_bounded_in_bytes_with_one_message_over() {
    let script = Script::new([]);
    // A `String` counts 24 bytes by default, its size in memory.
    let connection = builder(&script).inbox_bytes(100).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..50 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(connection.stats().messages_received, 5);
}

#[tokio::test(start_paused = true)]
async fn with_only_senders_left_what_comes_in_is_counted_and_dropped() {
    let script = Script::new([]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    let sender = connection.sender();
    let mut events = connection.events();
    drop(connection);
    for n in 0..2_000 {
        peer.deliver(n.to_string());
    }
    settle().await;
    tokio::time::sleep(secs(2)).await;
    peer.deliver("one more".into());
    settle().await;
    let mut dropped = 0;
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Event::MessagesDropped { count } = event {
            dropped += count;
        }
    }
    assert_eq!(dropped, 2_001);
    sender.send("still here".into()).await.unwrap();
    sender.drain().await.unwrap();
    assert_eq!(peer.messages(), ["still here"]);
}

#[tokio::test(start_paused = true)]
async fn what_waited_unread_when_the_reader_went_is_counted() {
    let (connection, _script, peer) = connected().await;
    let _sender = connection.sender();
    let mut events = connection.events();
    peer.deliver("unread".into());
    settle().await;
    drop(connection);
    settle().await;
    let mut dropped = 0;
    while let Some(Some(event)) = events.next().now_or_never() {
        if let Event::MessagesDropped { count } = event {
            dropped += count;
        }
    }
    assert_eq!(dropped, 1);
}

#[tokio::test(start_paused = true)]
async fn figures_are_told() {
    let script = Script::new([ScriptedAttempt::open(), ScriptedAttempt::open().after(secs(1))]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(100)).await;
    peer.deliver("in".into());
    connection.sender().send("out".into()).await.unwrap();
    connection.recv().await.unwrap().unwrap();
    let stats = connection.stats();
    assert_eq!(stats.keeper.uptime, secs(100));
    assert_eq!((stats.messages_received, stats.messages_sent), (1, 1));
    assert!(stats.bytes_received > 0 && stats.bytes_sent > 0 && stats.keeper.beats_sent > 0);
    assert_eq!(stats.keeper.rtt, Some(millis(0)));
    assert!(stats.keeper.interval >= secs(27));
    peer.end(LinkEnd::Reset);
    script.next_link().await;
    connection.connected().await.unwrap();
    let stats = connection.stats();
    assert_eq!(stats.keeper.reconnects, 1);
    assert!(
        stats.keeper.downtime >= secs(1) && stats.keeper.downtime <= secs(2),
        "{:?}",
        stats.keeper.downtime
    );
}

#[tokio::test(start_paused = true)]
async fn an_inbox_without_bounds_takes_all_there_is() {
    let script = Script::new([]);
    let builder = builder(&script).inbox_messages(usize::MAX).inbox_bytes(usize::MAX);
    let mut connection = builder.connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..2_000 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(connection.stats().messages_received, 2_000);
    for n in 0..2_000 {
        assert_eq!(connection.recv().await.unwrap().unwrap(), n.to_string());
    }
}
