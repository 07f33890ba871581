//! Pausing keeps what was accepted and opens nothing until it is resumed.

mod support;

use longlink::keeper::{LinkEnd, Seen};
use longlink::testing::{Answers, Script, Step, WroteWhat};
use longlink::{Event, State};
use support::{Log, builder, close, in_time, millis, secs, settle};

#[tokio::test(start_paused = true)]
async fn a_pause_says_goodbye_and_a_resume_opens_the_next_link_at_once() {
    let script = Script::new([]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    let first = script.next_link().await;
    connection.pause();
    settle().await;
    assert_eq!(connection.watch().state(), State::Paused);
    assert!(first.written().iter().any(|wrote| wrote.what == WroteWhat::Goodbye));
    first.dropped().await;
    tokio::time::sleep(secs(10_000)).await;
    assert_eq!(script.attempts().len(), 1);

    let resumed = script.elapsed();
    connection.resume();
    assert_eq!(in_time(connection.connected()).await.unwrap(), 2);
    assert_eq!(script.elapsed(), resumed);
    let told = log.events();
    let seen = told.iter().find_map(|event| match event {
        Event::Disconnected { seen, .. } => Some(seen.clone()),
        _ => None,
    });
    assert_eq!(seen, Some(Seen::Paused));
    assert!(told.contains(&Event::Paused) && told.contains(&Event::Resumed));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_in_a_pause_goes_out_on_the_next_link_in_order() {
    let script = Script::new([]);
    let connection = builder(&script).connect().await.unwrap();
    script.next_link().await;
    let sender = connection.sender();
    connection.pause();
    settle().await;
    for n in 0..5 {
        sender.send(n.to_string()).await.unwrap();
    }
    tokio::time::sleep(secs(60)).await;
    connection.resume();
    connection.connected().await.unwrap();
    connection.drain().await.unwrap();
    let second = script.next_link().await;
    let wrote: Vec<WroteWhat<String>> = second.written().into_iter().map(|wrote| wrote.what).collect();
    let wanted: Vec<WroteWhat<String>> = (0..5).map(|n| WroteWhat::Message(n.to_string())).collect();
    assert_eq!(wrote, wanted);
}

#[tokio::test(start_paused = true)]
async fn what_the_peer_says_before_its_goodbye_is_read() {
    let script = Script::new([Step::open().goodbyes(Answers::Never)]);
    let mut connection = builder(&script).connect().await.unwrap();
    let first = script.next_link().await;
    connection.pause();
    settle().await;
    first.deliver("last words".to_owned());
    first.end(LinkEnd::closed(Some(1000), ""));
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "last words");
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_the_wait_for_an_attempt_and_an_attempt() {
    let script = Script::new([Step::refuse(), Step::hang()]);
    let connection = builder(&script).build().unwrap();
    let mut watch = connection.watch();
    watch.wait_for(|state| matches!(state, State::Waiting { .. })).await.unwrap();
    connection.pause();
    tokio::time::sleep(secs(1_000)).await;
    assert_eq!(script.attempts().len(), 1);
    connection.resume();
    settle().await;
    assert_eq!(script.attempts().len(), 2);
    connection.pause();
    settle().await;
    assert_eq!(connection.watch().state(), State::Paused);
    tokio::time::sleep(secs(1_000)).await;
    assert_eq!(script.attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_paused_connection_closes_and_hands_back_what_was_not_sent() {
    let script = Script::new([]);
    let mut connection = builder(&script).connect().await.unwrap();
    connection.pause();
    tokio::time::sleep(millis(100)).await;
    connection.sender().send("kept".to_owned()).await.unwrap();
    let closed = close(&mut connection).await;
    assert_eq!(closed.not_sent, ["kept"]);
}
