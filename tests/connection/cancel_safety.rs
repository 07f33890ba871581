//! Every public future may be dropped at any point, as its documentation
//! says: each is polled n times and dropped, for every n that it takes.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::support::{Connection, Peer, builder, connected, in_time, millis, settle};
use futures::FutureExt;
use longlink::keeper::LinkEnd;
use longlink::testing::{Answers, Script, Step};
use longlink::{Outcome, Transition};

/// Polls `future` up to `times`, letting everything else go on after each,
/// and drops it. Returns its output if it came to that.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        settle().await;
        tokio::time::sleep(millis(10)).await;
    }
    None
}

/// Calls `try_with` with 0, 1, 2 ... polls until the future ends by itself.
macro_rules! for_every_poll {
    (|$times:ident| $body:expr) => {
        let mut finished = false;
        for $times in 0..64 {
            if in_time(async { $body }).await {
                finished = true;
                break;
            }
        }
        assert!(finished, "the future never ended");
    };
}

async fn small() -> (Connection, Script<String>, Peer) {
    let script = Script::new([Step::open().answers(Answers::After(millis(25)))]);
    let connection = builder(&script).outbox_messages(1).connect().await.unwrap();
    let peer = script.next_link().await;
    (connection, script, peer)
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_recv_loses_no_message() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = connected().await;
        let early = {
            let receiving = async {
                let first = connection.recv().await.unwrap().unwrap();
                let second = connection.recv().await.unwrap().unwrap();
                (first, second)
            };
            let mut receiving = Box::pin(receiving);
            let _ = receiving.as_mut().now_or_never();
            drop(receiving);
            peer.deliver("a".into());
            polled(connection.recv(), times).await
        };
        settle().await;
        let first = match early {
            Some(first) => first,
            None => connection.recv().await,
        };
        assert_eq!(first.unwrap().unwrap(), "a");
        times > 2
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_recv_with_transitions_loses_no_item() {
    for_every_poll!(|times| {
        let (connection, script, peer) = connected().await;
        let mut stream = connection.with_transitions();
        peer.deliver("a".into());
        peer.end(LinkEnd::Eof);
        let expected = [
            Transition::Connected { epoch: 1 },
            Transition::Message("a".to_owned()),
            Transition::Disconnected { epoch: 1 },
            Transition::Connected { epoch: 2 },
        ];
        for expected in expected {
            let item = match polled(stream.recv(), times).await {
                Some(item) => item,
                None => stream.recv().await,
            };
            assert_eq!(item.unwrap().unwrap(), expected);
        }
        drop(script);
        times > 3
    });
}

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
async fn pitfall_20_a_dropped_confirmed_send_has_sent_nothing_and_holds_no_room() {
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
async fn pitfall_20_a_dropped_confirmation_withdraws_nothing_and_may_be_polled_again() {
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
async fn pitfall_20_a_dropped_close_goes_on() {
    for_every_poll!(|times| {
        let script = Script::new([Step::open().goodbyes(Answers::After(millis(25)))]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        connection.sender().send("m".into()).await.unwrap();
        let finished = polled(connection.close(), times).await.is_some();
        let _ = connection.close().await;
        assert_eq!(peer.messages(), ["m"]);
        assert!(connection.recv().await.is_none());
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_connect_leaves_nothing_behind() {
    for_every_poll!(|times| {
        let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = tasks();
        let script = Script::<String>::new([Step::open().after(millis(25))]);
        let connection = polled(builder(&script).connect(), times).await;
        let finished = connection.is_some();
        drop(connection);
        settle().await;
        assert_eq!(tasks(), before);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_waits_for_states_and_events_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([Step::open().after(millis(25))]);
        let connection = builder(&script).build().unwrap();
        let mut events = connection.events();
        let mut watch = connection.watch();
        let mut finished = polled(connection.connected(), times).await.is_some();
        finished &= polled(watch.changed(), times).await.is_some();
        finished &= polled(watch.wait_for(|state| state == longlink::State::Connected { epoch: 1 }), times)
            .await
            .is_some();
        assert_eq!(connection.connected().await.unwrap(), 1);
        let mut names = Vec::new();
        for _ in 0..2 {
            let event = match polled(events.recv(), times).await {
                Some(event) => event,
                None => events.recv().await,
            };
            names.push(format!("{:?}", event.unwrap()));
        }
        assert!(names[0].starts_with("Connecting"), "{names:?}");
        assert!(names[1].starts_with("Connected"), "{names:?}");
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_logins_waits_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([]);
        let (told, mut tell) = tokio::sync::mpsc::channel(1);
        let mut connection = builder(&script)
            .on_connect(move |mut session| {
                let told = told.clone();
                async move {
                    let mut finished = polled(session.flush(), times).await.is_some();
                    finished &= polled(session.recv_where(|m| m == "wanted"), times).await.is_some();
                    finished &= polled(session.recv(), times).await.is_some();
                    told.send(finished).await?;
                    assert!(session.attempt().last_failure().is_none());
                    Ok(session)
                }
            })
            .build()
            .unwrap();
        let peer = script.next_link().await;
        for message in ["a", "b", "wanted", "mine", "last"] {
            peer.deliver(message.into());
        }
        let finished = tell.recv().await.unwrap();
        // What was skipped comes first; the rest was read by the login or
        // comes after.
        let mut rest = Vec::new();
        while rest.last().is_none_or(|last| last != "last") {
            rest.push(connection.recv().await.unwrap().unwrap());
        }
        let all: &[&str] = &["a", "b", "wanted", "mine", "last"];
        let mut at = all.iter();
        for message in &rest {
            assert!(at.any(|expected| expected == message), "{rest:?}");
        }
        if finished {
            assert_eq!(rest, ["a", "b", "last"]);
        }
        finished
    });
}
