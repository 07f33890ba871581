//! Who waits for room, for an outcome, or for all to be written.

use std::future::poll_fn;

use super::{polled, small};
use crate::support::{in_time, settle};
use futures::SinkExt;
use longlink::Outcome;

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_send_has_sent_nothing_and_holds_no_room() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let sent = polled(sender.send("second".into()), times).await.is_some();
        peer.take_writes();
        sender.send("third".into()).await.unwrap();
        sender.drain().await.unwrap();
        let expected: &[&str] = if sent { &["first", "second", "third"] } else { &["first", "third"] };
        assert_eq!(peer.messages(), expected);
        sent
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_confirmed_send_sends_and_holds_nothing() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        let sent = polled(sender.send_confirmed("second".into()), times).await;
        let accepted = sent.is_some();
        drop(sent);
        sender.send("third".into()).await.unwrap();
        sender.drain().await.unwrap();
        let expected: &[&str] = if accepted { &["first", "second", "third"] } else { &["first", "third"] };
        assert_eq!(peer.messages(), expected);
        accepted
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_confirmation_withdraws_nothing() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        let mut confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        let early = polled(&mut confirmation, times).await;
        let finished = early.is_some();
        let outcome = match early {
            Some(outcome) => outcome,
            None => confirmation.await,
        };
        assert_eq!(outcome, Outcome::Delivered);
        assert_eq!(peer.messages(), ["m"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_reserve_holds_no_room() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        sender.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let finished = {
            let permit = polled(sender.reserve(), times).await;
            permit.is_some()
        };
        peer.take_writes();
        sender.send("second".into()).await.unwrap();
        sender.drain().await.unwrap();
        assert_eq!(peer.messages(), ["first", "second"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_drain_changes_nothing() {
    for_every_poll!(|times| {
        let (connection, _script, peer) = small().await;
        peer.block_writes();
        connection.sender().send("m".into()).await.unwrap();
        if times > 1 {
            peer.take_writes();
        }
        let finished = polled(connection.drain(), times).await.is_some();
        peer.take_writes();
        connection.drain().await.unwrap();
        assert_eq!(peer.messages(), ["m"]);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_sink_send_sends_nothing_and_keeps_its_turn() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = small().await;
        peer.block_writes();
        let sender = connection.sender();
        connection.send("first".into()).await.unwrap();
        if times > 0 {
            peer.take_writes();
        }
        let sent = polled(connection.send("second".into()), times).await.is_some();
        peer.take_writes();
        settle().await;
        connection.send("third".into()).await.unwrap();
        // The same with transitions; then the place goes with the connection.
        let mut stream = connection.with_transitions();
        let fourth = polled(stream.send("fourth".into()), times).await.is_some();
        drop(stream);
        sender.send("fifth".into()).await.unwrap();
        sender.drain().await.unwrap();
        let all = [("first", true), ("second", sent), ("third", true), ("fourth", fourth), ("fifth", true)];
        let expected: Vec<&str> = all.iter().filter(|(_, sent)| *sent).map(|(message, _)| *message).collect();
        assert_eq!(peer.messages(), expected);
        sent && fourth
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_an_unused_place_of_the_sink_goes_with_the_connection() {
    let (mut connection, _script, peer) = small().await;
    let sender = connection.sender();
    poll_fn(|cx| connection.poll_ready_unpin(cx)).await.unwrap();
    assert!(sender.try_send("too early".into()).is_err(), "it is kept for whoever uses the sink next");
    drop(connection);
    in_time(sender.send("in its place".into())).await.unwrap();
    in_time(sender.drain()).await.unwrap();
    assert_eq!(peer.messages(), ["in its place"]);
}
