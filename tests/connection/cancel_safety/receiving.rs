//! Who waits for a message, a state or an event.

use super::{or_again, polled};
use crate::support::{builder, connected, millis, settle};
use futures::{FutureExt, StreamExt};
use longlink::testing::{Script, ScriptedAttempt};
use longlink::{LinkEnd, State, Transition};

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
            let item = or_again(polled(stream.recv(), times).await, stream.recv()).await;
            assert_eq!(item.unwrap().unwrap(), expected);
        }
        drop(script);
        times > 3
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_waits_for_states_and_events_lose_nothing() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([ScriptedAttempt::open().after(millis(25))]);
        let connection = builder(&script).build().unwrap();
        let mut events = connection.events();
        let (mut watch, mut waiting) = (connection.watch(), connection.watch());
        let mut finished = polled(connection.connected(), times).await.is_some();
        assert_eq!(connection.connected().await.unwrap(), 1);
        let connected = State::Connected { epoch: 1 };
        // A change that a dropped wait has not told, the next wait tells.
        let mut told = None;
        while told != Some(connected) {
            told = or_again(polled(watch.changed(), times).await, watch.changed()).await;
        }
        let early = polled(waiting.wait_for(|state| state == connected), times).await;
        finished &= early.is_some();
        assert_eq!(waiting.wait_for(|state| state == connected).await, Some(connected));
        let mut names = Vec::new();
        for _ in 0..2 {
            let event = or_again(polled(events.recv(), times).await, events.recv()).await;
            names.push(format!("{:?}", event.unwrap()));
        }
        assert!(names[0].starts_with("Connecting"), "{names:?}");
        assert!(names[1].starts_with("Connected"), "{names:?}");
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_next_of_each_stream_loses_nothing() {
    for_every_poll!(|times| {
        let (mut connection, _script, peer) = connected().await;
        let mut events = connection.events();
        peer.deliver("a".into());
        let first = or_again(polled(connection.next(), times).await, connection.next()).await;
        assert_eq!(first.unwrap().unwrap(), "a");
        let mut stream = connection.with_transitions();
        peer.deliver("b".into());
        peer.end(LinkEnd::Eof);
        let expected = [
            Transition::Connected { epoch: 1 },
            Transition::Message("b".to_owned()),
            Transition::Disconnected { epoch: 1 },
            Transition::Connected { epoch: 2 },
        ];
        for expected in expected {
            let item = or_again(polled(stream.next(), times).await, stream.next()).await;
            assert_eq!(item.unwrap().unwrap(), expected);
        }
        let event = or_again(polled(events.next(), times).await, events.next()).await;
        assert!(format!("{event:?}").starts_with("Some(Disconnected"), "{event:?}");
        times > 3
    });
}
