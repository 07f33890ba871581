//! Pausing keeps what was accepted and opens nothing until it is resumed.

use std::time::Duration;

use crate::support::{Log, builder, close, in_time, millis, secs, settle};
use longlink::testing::{Answers, Script, ScriptedAttempt, WroteWhat};
use longlink::{Detection, Event, LinkEnd, Outcome, State};

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
    let detection = told.iter().find_map(|event| match event {
        Event::Disconnected { detection, .. } => Some(detection.clone()),
        _ => None,
    });
    assert_eq!(detection, Some(Detection::Paused));
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
    let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::Never)]);
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
    let script = Script::new([ScriptedAttempt::refuse(), ScriptedAttempt::hang()]);
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

#[tokio::test(start_paused = true)]
async fn a_pause_settles_confirmations_by_the_peers_goodbye() {
    for (code, expected) in [
        (Some(1000), Outcome::Delivered),
        (None, Outcome::Delivered),
        (Some(1012), Outcome::MaybeSent("m".to_owned())),
    ] {
        let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
        let connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        let mut confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        settle().await;
        connection.pause();
        settle().await;
        let after = connection.sender().send_confirmed("after".into()).await.unwrap();
        tokio::time::sleep(millis(500)).await;
        assert!(poll_now(&mut confirmation).await.is_none(), "the goodbye is under way");
        peer.end(LinkEnd::closed(code, ""));
        assert_eq!(in_time(confirmation).await, expected, "{code:?}");
        connection.resume();
        assert_eq!(in_time(after).await, Outcome::Delivered);
        let second = script.next_link().await;
        let first = second.written().into_iter().next().map(|wrote| wrote.what);
        assert_eq!(first, Some(WroteWhat::Message("after".to_owned())), "nothing goes out twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_beat_answered_behind_our_goodbye_confirms_earlier_messages() {
    for closes in [false, true] {
        let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
        settle().await;
        if closes {
            // The beat's answer comes when no more time is left for it.
            let (closed, ()) = tokio::join!(in_time(connection.close()), async {
                tokio::time::sleep(millis(2_500)).await;
                peer.pong(None);
                peer.end(LinkEnd::closed(Some(1012), ""));
            });
            assert_eq!(closed.maybe_sent, 0);
        } else {
            connection.pause();
            settle().await;
            peer.pong(None);
            peer.end(LinkEnd::closed(Some(1012), ""));
        }
        assert_eq!(in_time(confirmation).await, Outcome::Delivered, "closes: {closes}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resume_during_the_goodbye_leaves_what_was_not_confirmed_in_doubt() {
    let script = Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::Never)]);
    let connection = builder(&script).connect().await.unwrap();
    script.next_link().await;
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    settle().await;
    connection.pause();
    settle().await;
    connection.resume();
    assert_eq!(in_time(confirmation).await, Outcome::MaybeSent("m".to_owned()));
    assert_eq!(in_time(connection.connected()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn closing_during_a_pauses_goodbye_waits_for_the_peers() {
    let script =
        Script::new([ScriptedAttempt::open().answers(Answers::Never).goodbyes(Answers::After(millis(200)))]);
    let mut connection = builder(&script).connect().await.unwrap();
    script.next_link().await;
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    settle().await;
    connection.pause();
    settle().await;
    let closed = close(&mut connection).await;
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert_eq!((closed.maybe_sent, script.elapsed()), (0, millis(200)));
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_a_login_that_is_under_way() {
    let script = Script::new([]);
    let held = std::sync::Arc::new(());
    let holds = std::sync::Arc::downgrade(&held);
    let connection = builder(&script)
        .on_connect(move |handshake| {
            let held = std::sync::Arc::clone(&held);
            async move {
                std::future::pending::<()>().await;
                drop(held);
                Ok(handshake)
            }
        })
        .build()
        .unwrap();
    let link = script.next_link().await;
    settle().await;
    assert_eq!(holds.strong_count(), 2, "it logs in");
    connection.pause();
    link.dropped().await;
    assert_eq!(holds.strong_count(), 1, "the login is gone with its link");
    assert_eq!(connection.watch().state(), State::Paused);
}

/// The result of the future, if it is there.
async fn poll_now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::time::timeout(Duration::ZERO, future).await.ok()
}
