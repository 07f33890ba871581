//! Closing is graceful, has a deadline, and never hangs.

use std::time::Duration;

use crate::support::{Log, builder, close, connected, in_time, millis, secs, settle};
use futures::{SinkExt, StreamExt};
use longlink::testing::{Answers, Script, ScriptedAttempt, WroteWhat};
use longlink::{Event, Heartbeat, LinkEnd, Outcome, State};

#[tokio::test(start_paused = true)]
async fn closing_writes_what_was_accepted_and_then_says_goodbye() {
    let (mut connection, _script, peer) = connected().await;
    let sender = connection.sender();
    for n in 0..600 {
        sender.send(n.to_string()).await.unwrap();
    }
    let closed = close(&mut connection).await;
    assert!(closed.not_sent.is_empty());
    assert_eq!(closed.maybe_sent, 0, "the peer answered our goodbye");
    let written = peer.written();
    assert_eq!(written.len(), 601);
    assert_eq!(written[600].what, WroteWhat::Goodbye);
    assert!(connection.next().await.is_none());
    assert_eq!(connection.watch().state(), State::Closed);
    peer.dropped().await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_what_was_to_be_confirmed() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::After(millis(300)))]);
    let mut connection = builder(&script).connect().await.unwrap();
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    let _ = close(&mut connection).await;
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert_eq!(script.elapsed(), millis(300));
}

#[tokio::test(start_paused = true)]
async fn pitfall_06_closing_on_a_dead_peer_has_a_deadline() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    let began = script.elapsed();
    let _ = close(&mut connection).await;
    assert_eq!(script.elapsed() - began, secs(3));
    assert_eq!(peer.dropped().await - began, secs(3));
}

#[tokio::test(start_paused = true)]
async fn pitfall_06_a_peer_that_takes_nothing_cannot_hold_a_close_either() {
    let script = Script::new([]);
    let mut connection = builder(&script).close_deadline(secs(2)).connect().await.unwrap();
    let peer = script.next_link().await;
    peer.block_writes();
    connection.sender().send("never taken".into()).await.unwrap();
    connection.sender().send("nor this".into()).await.unwrap();
    settle().await;
    let began = script.elapsed();
    let closed = close(&mut connection).await;
    assert_eq!(script.elapsed() - began, secs(2));
    assert_eq!(closed.not_sent.len() as u64 + closed.maybe_sent, 2);
    assert!(peer.dropped_at().is_some());
}

#[tokio::test(start_paused = true)]
async fn pitfall_06_a_stuck_write_ends_by_the_deadlines_of_its_beat() {
    let script = Script::new([]);
    let connection = builder(&script).heartbeat(Heartbeat::fixed(secs(30))).connect().await.unwrap();
    let peer = script.next_link().await;
    peer.block_writes();
    connection.sender().send("never taken".into()).await.unwrap();
    // A beat after 30 s, which has five deadlines of a second: 10 s.
    assert_eq!(in_time(peer.dropped()).await, secs(40));
    assert_eq!(in_time(script.next_link()).await.messages(), ["never taken"], "it was never given to a link");
}

#[tokio::test(start_paused = true)]
async fn pitfall_06_the_goodbye_of_a_pause_has_a_deadline_on_a_dead_peer() {
    for takes in [true, false] {
        let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
        let connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        if !takes {
            peer.block_writes();
            connection.sender().send("never taken".into()).await.unwrap();
        }
        connection.pause();
        assert_eq!(in_time(peer.dropped()).await, secs(3), "takes: {takes}");
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_25_closing_during_backoff_returns_at_once() {
    let script = Script::new([]);
    script.otherwise(ScriptedAttempt::refuse());
    let mut connection = builder(&script).build().unwrap();
    let mut watch = connection.watch();
    watch.wait_for(|state| matches!(state, State::Waiting { attempt: 4 })).await.unwrap();
    let began = script.elapsed();
    let _ = close(&mut connection).await;
    assert_eq!(script.elapsed(), began);
    assert!(connection.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn pitfall_25_closing_during_an_attempt_returns_at_once_and_drops_it() {
    let script = Script::new([ScriptedAttempt::hang()]);
    let mut connection = builder(&script).build().unwrap();
    tokio::time::sleep(secs(1)).await;
    let _ = close(&mut connection).await;
    settle().await;
    assert_eq!(script.elapsed(), secs(1));
    assert_eq!(script.attempts()[0].abandoned, Some(secs(1)));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_ends_while_closing_is_not_replaced() {
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    peer.block_writes();
    connection.sender().send("m".into()).await.unwrap();
    settle().await;
    let ending = tokio::spawn(async move {
        let closed = close(&mut connection).await;
        (connection, closed)
    });
    tokio::time::sleep(millis(500)).await;
    peer.end(LinkEnd::Reset);
    let (_connection, closed) = ending.await.unwrap();
    assert_eq!(closed.not_sent.len() as u64 + closed.maybe_sent, 1);
    assert_eq!(script.elapsed(), millis(500));
    assert_eq!(script.attempts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_says_before_its_goodbye_is_still_read() {
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::After(millis(200)))]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    let (mut sink, mut stream) = connection.split();
    let closing = tokio::spawn(async move { in_time(sink.close()).await });
    tokio::time::sleep(millis(100)).await;
    for n in 0..400 {
        peer.deliver(n.to_string());
    }
    let mut read = Vec::new();
    while let Some(message) = stream.next().await {
        read.push(message.unwrap());
    }
    let expected: Vec<String> = (0..400).map(|n| n.to_string()).collect();
    assert_eq!(read, expected);
    closing.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_does_not_read_does_not_hold_the_close() {
    let (mut connection, script, peer) = connected().await;
    for n in 0..2_000 {
        peer.deliver(n.to_string());
    }
    settle().await;
    let began = script.elapsed();
    let _ = close(&mut connection).await;
    assert_eq!(script.elapsed(), began);
    let mut read = 0;
    while connection.recv().await.is_some() {
        read += 1;
    }
    assert!((256..600).contains(&read), "what the inbox held can be read: {read}");
    let stats = connection.stats();
    assert_eq!(stats.messages_dropped + read, stats.messages_received);
}

#[tokio::test(start_paused = true)]
async fn closing_is_the_last_event() {
    let script = Script::new([]);
    let log = Log::default();
    let mut connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let _ = close(&mut connection).await;
    settle().await;
    assert_eq!(log.events().last(), Some(&Event::Closed));
}

#[tokio::test(start_paused = true)]
async fn closing_twice_is_closing_once() {
    let (mut connection, _script, _peer) = connected().await;
    let _ = close(&mut connection).await;
    let again = close(&mut connection).await;
    assert_eq!((again.not_sent.len(), again.maybe_sent), (0, 0));
    assert!(connection.recv().await.is_none());
    assert!(connection.recv().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn pitfall_30_a_deadline_beyond_all_time_closes_too() {
    let script = Script::new([]);
    let mut connection = builder(&script).close_deadline(Duration::MAX).connect().await.unwrap();
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    let _ = connection.close().await;
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert!(connection.recv().await.is_none(), "closed by us, not stopped");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_away_by_itself_has_not_answered_our_goodbye() {
    for (code, expected) in [
        (Some(1000), Outcome::Delivered),
        (None, Outcome::Delivered),
        (Some(1001), Outcome::MaybeSent("m".to_owned())),
        (Some(1012), Outcome::MaybeSent("m".to_owned())),
    ] {
        let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        let closing = tokio::spawn(async move { connection.close().await });
        // Two thirds of the deadline were for the answer to a beat.
        tokio::time::sleep(millis(2_100)).await;
        peer.end(LinkEnd::closed(code, ""));
        let closed = closing.await.unwrap();
        assert_eq!(confirmation.await, expected, "{code:?}");
        assert_eq!(closed.maybe_sent, u64::from(expected != Outcome::Delivered), "{code:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn unsent_messages_come_back_in_order_without_a_confirmation() {
    let script = Script::new([ScriptedAttempt::hang()]);
    let mut connection = builder(&script).build().unwrap();
    let sender = connection.sender();
    sender.send("1".into()).await.unwrap();
    drop(sender.send_confirmed("2".into()).await.unwrap());
    sender.send("3".into()).await.unwrap();
    let kept = sender.send_confirmed("4".into()).await.unwrap();
    drop(sender.send_confirmed("5".into()).await.unwrap());
    sender.send("6".into()).await.unwrap();
    assert_eq!(connection.close().await.not_sent, ["1", "2", "3", "5", "6"]);
    assert_eq!(kept.await, Outcome::NotSent("4".into()));
}

#[tokio::test(start_paused = true)]
async fn what_a_link_had_taken_that_ended_as_closing_began_is_counted() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    connection.sender().send("m".into()).await.unwrap();
    settle().await;
    peer.end(LinkEnd::Reset);
    let closed = in_time(connection.close()).await;
    assert_eq!((closed.not_sent, closed.maybe_sent), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn a_link_in_use_counts_as_such_while_the_connection_closes() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    script.next_link().await;
    let _confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    settle().await;
    let before = connection.stats();
    let closing = tokio::time::timeout(millis(1_000), connection.close()).await;
    assert!(closing.is_err(), "it waits for the answer");
    let after = connection.stats();
    assert_eq!(after.keeper.downtime, before.keeper.downtime);
    assert!(after.keeper.uptime >= before.keeper.uptime + millis(1_000));
}
