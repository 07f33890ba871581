//! Events are told in order, to listeners that can delay or break nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::support::{Connection, Log, builder, connected, secs, settle};
use futures::{FutureExt, StreamExt};
use longlink::testing::{Script, WroteWhat};
use longlink::{Event, LinkEnd, State};

/// Makes about three events each time.
async fn make_events(connection: &Connection, script: &Script<String>, rounds: usize) {
    for _ in 0..rounds {
        connection.reconnect_now();
        script.next_link().await;
        connection.connected().await.unwrap();
    }
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn events_tell_the_life_of_a_link_in_order() {
    let script = Script::new([]);
    let log = Log::default();
    let connection = builder(&script).on_event(log.keep()).connect().await.unwrap();
    script.next_link().await.end(LinkEnd::closed(Some(1012), "restart"));
    settle().await;
    assert!(matches!(connection.watch().state(), State::Waiting { .. }));
    script.next_link().await;
    settle().await;
    let names: Vec<_> = log.events().iter().map(|event| format!("{event:?}")).collect();
    let order = ["Connecting", "Connected", "Disconnected", "ReconnectScheduled", "Connecting", "Connected"];
    let mut at = 0;
    for wanted in order {
        let found = names[at..].iter().position(|name| name.starts_with(wanted));
        at += 1 + found.unwrap_or_else(|| panic!("no {wanted} after {:?}", &names[..at]));
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_16_a_callback_that_panics_is_contained_and_counted() {
    let script = Script::new([]);
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let connection = builder(&script)
        .on_event(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            panic!("a careless callback");
        })
        .connect()
        .await
        .unwrap();
    make_events(&connection, &script, 3).await;
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls >= 8, "it is called again: {calls}");
    assert_eq!(connection.stats().panics, calls as u64);
    assert!(matches!(connection.watch().state(), State::Connected { .. }));
}

#[test]
fn pitfall_16_a_callback_that_blocks_delays_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let script = Script::new([]);
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let mut connection = builder(&script)
            .on_event(move |_| {
                let _ = blocked.recv();
            })
            .connect()
            .await
            .unwrap();
        let peer = script.next_link().await;
        for n in 0..500 {
            peer.deliver(n.to_string());
            assert_eq!(connection.recv().await.unwrap().unwrap(), n.to_string());
        }
        drop(release);
    });
}

#[test]
fn pitfall_16_a_callback_may_use_the_connection_that_calls_it() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let script = Script::new([]);
        let own = Arc::new(OnceLock::<Connection>::new());
        let used = Arc::clone(&own);
        let connection = builder(&script)
            .on_event(move |event| {
                let Some(connection) = used.get() else { return };
                // Were a lock held here, this would wait for itself.
                connection.sender().try_send(format!("{event:?}")).unwrap();
                connection.probe_now();
                let _ = (connection.stats(), connection.watch().state(), connection.events());
            })
            .connect()
            .await
            .unwrap();
        assert!(own.set(connection).is_ok());
        script.next_link().await.end(LinkEnd::Eof);
        let peer = script.next_link().await;
        let said = async {
            loop {
                match peer.next_written().await.unwrap().what {
                    WroteWhat::Message(message) if message.starts_with("Disconnected") => return,
                    WroteWhat::Message(_) => {}
                    WroteWhat::Beat(_) | WroteWhat::AskAfter(_) | WroteWhat::Goodbye => {}
                }
            }
        };
        tokio::time::timeout(secs(60), said)
            .await
            .expect("the callback gets through, and so does its message");
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_17_a_slow_listener_loses_the_oldest_events_and_hears_it() {
    let (connection, script, _peer) = connected().await;
    let mut slow = connection.events();
    let mut quick = connection.events();
    let mut all = Vec::new();
    for _ in 0..100 {
        make_events(&connection, &script, 10).await;
        while let Some(Some(event)) = quick.next().now_or_never() {
            all.push(event);
        }
    }
    assert!(all.len() > 1_024);
    let lost = all.len() - 1_024;
    assert_eq!(slow.recv().await, Some(Event::EventsDropped { count: lost as u64 }));
    for event in &all[lost..] {
        assert_eq!(slow.recv().await.as_ref(), Some(event));
    }
    assert_eq!(connection.stats().events_dropped, lost as u64);
}

#[tokio::test(start_paused = true)]
async fn listeners_end_with_the_connection_and_do_not_keep_it() {
    let (connection, _script, peer) = connected().await;
    let mut events = connection.events();
    let mut watch = connection.watch();
    drop(connection);
    while let Some(event) = events.recv().await {
        assert!(!matches!(event, Event::GaveUp { .. }));
    }
    assert!(peer.dropped_at().is_some());
    assert_eq!(watch.wait_for(|state| state == State::Closed).await, Some(State::Closed));
    assert_eq!(watch.changed().await, None);
    assert_eq!(watch.wait_for(|state| matches!(state, State::Connected { .. })).await, None);
}

#[tokio::test(start_paused = true)]
async fn states_can_be_waited_for() {
    let (connection, _script, peer) = connected().await;
    let mut watch = connection.watch();
    assert_eq!(watch.state(), State::Connected { epoch: 1 });
    peer.end(LinkEnd::Eof);
    let waiting = watch.changed().await.unwrap();
    assert!(!matches!(waiting, State::Connected { .. }), "{waiting:?}");
    let back = watch.wait_for(|state| matches!(state, State::Connected { .. })).await;
    assert_eq!(back, Some(State::Connected { epoch: 2 }));
    tokio::time::sleep(secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_outlives_the_connection_still_tells_how_it_ended() {
    let script = Script::<String>::new([]);
    let connection = builder(&script).connect().await.unwrap();
    let mut watch = connection.watch();
    drop(connection);
    settle().await;
    assert_eq!(watch.changed().await, Some(State::Closed));
    assert_eq!(watch.changed().await, None);
}
