//! Links that are said goodbye to while nobody reads what they bring.

use crate::support::{builder, in_time, secs, settle};

use longlink::testing::{Answers, Script, ScriptedAttempt};
use longlink::{Event, LinkEnd, Outcome, Transition};

#[tokio::test(start_paused = true)]
async fn pitfall_18_a_close_unread_before_our_goodbye_is_no_answer() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let mut connection = builder(&script).inbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..3 {
        peer.deliver(n.to_string());
    }
    settle().await;
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    peer.end(LinkEnd::closed(Some(1000), ""));
    settle().await;
    connection.pause();
    settle().await;
    for n in 0..3 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), n.to_string());
    }
    assert_eq!(in_time(confirmation).await, Outcome::MaybeSent("m".into()));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_does_not_keep_back_the_link_after_a_resume() {
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::Never)]);
    let connection = builder(&script).inbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..5 {
        peer.deliver(n.to_string());
    }
    settle().await;
    connection.pause();
    settle().await;
    connection.resume();
    let again = tokio::time::timeout(secs(60), connection.connected()).await;
    assert_eq!(again.expect("a link within a minute").unwrap(), 2);
    let second = script.next_link().await;
    second.deliver("new".into());
    settle().await;
    let mut connection = connection.with_transitions();
    let mut told = Vec::new();
    while told.len() < 9 {
        told.push(in_time(connection.recv()).await.unwrap().unwrap());
    }
    let said = |n: i32| Transition::Message(n.to_string());
    let mut wanted = vec![Transition::Connected { epoch: 1 }];
    wanted.extend((0..5).map(said));
    wanted.push(Transition::Disconnected { epoch: 1 });
    wanted.push(Transition::Connected { epoch: 2 });
    wanted.push(Transition::Message("new".into()));
    assert_eq!(told, wanted);
}

#[tokio::test(start_paused = true)]
async fn pitfall_17_a_draining_link_fills_the_inbox_no_further() {
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::Never)]);
    // Room for four of the messages, which count 24 bytes each.
    let connection = builder(&script).inbox_bytes(4 * size_of::<String>()).connect().await.unwrap();
    let peer = script.next_link().await;
    settle().await;
    connection.pause();
    settle().await;
    for n in 0..200 {
        peer.deliver(n.to_string());
    }
    settle().await;
    let read = connection.stats().messages_received;
    assert!(read <= 4, "{read} messages were put into an inbox for 4");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_has_read_when_the_reader_goes_is_counted_to_the_last() {
    let script = Script::new([]);
    let mut connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    for n in 0..10 {
        peer.deliver(n.to_string());
    }
    settle().await;
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "0");
    let mut events = connection.events();
    let sender = connection.sender();
    drop(connection);
    let told = in_time(events.recv()).await;
    assert_eq!(told, Some(Event::MessagesDropped { count: 9 }));
    drop(sender);
}
