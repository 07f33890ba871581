//! Who waits for the first link, or for the goodbye; and that nobody who does
//! not wait any more is kept in mind.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use super::polled;
use crate::support::{builder, millis, settle};
use futures::{FutureExt, SinkExt, StreamExt};
use longlink::testing::{Answers, Script, ScriptedAttempt};

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_close_goes_on() {
    for_every_poll!(|times| {
        let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::After(millis(25)))]);
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
        let script = Script::<String>::new([ScriptedAttempt::open().after(millis(25))]);
        let connection = polled(builder(&script).connect(), times).await;
        let finished = connection.is_some();
        drop(connection);
        settle().await;
        assert_eq!(tasks(), before);
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_close_through_the_sink_goes_on() {
    for_every_poll!(|times| {
        let script = Script::new([ScriptedAttempt::open().goodbyes(Answers::After(millis(25)))]);
        let mut connection = builder(&script).connect().await.unwrap();
        let peer = script.next_link().await;
        connection.send("m".into()).await.unwrap();
        assert_eq!(polled(SinkExt::<String>::flush(&mut connection), times).await.is_some(), times > 0);
        let finished = polled(SinkExt::<String>::close(&mut connection), times).await.is_some();
        if times > 0 {
            // Nobody asks again: it goes on all the same.
            peer.dropped().await;
        }
        SinkExt::<String>::close(&mut connection).await.unwrap();
        assert_eq!(peer.messages(), ["m"]);
        assert!(connection.next().await.is_none());
        finished
    });
}

/// A task that nobody runs, to see who holds its waker.
struct Idle;

impl Wake for Idle {
    fn wake(self: Arc<Self>) {}
}

/// Polls a future once, drops it, and says how many wakers it has left behind.
fn left_behind<F: Future>(future: F) -> usize {
    let task = Arc::new(Idle);
    let waker = Waker::from(Arc::clone(&task));
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending(), "it is to wait");
    drop((future, waker));
    Arc::strong_count(&task) - 1
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_a_dropped_wait_is_not_waited_for_any_more() {
    let script = Script::<String>::new([ScriptedAttempt::hang()]);
    let mut connection = builder(&script).outbox_messages(1).build().unwrap();
    let sender = connection.sender();
    let mut watch = connection.watch();
    while watch.changed().now_or_never().is_some() {}
    sender.send("first".into()).await.unwrap();
    settle().await;
    assert_eq!(left_behind(sender.send("second".into())), 0, "send");
    assert_eq!(left_behind(sender.send_confirmed("second".into())), 0, "send_confirmed");
    assert_eq!(left_behind(sender.reserve()), 0, "reserve");
    assert_eq!(left_behind(sender.drain()), 0, "drain");
    assert_eq!(left_behind(connection.drain()), 0, "drain");
    assert_eq!(left_behind(connection.connected()), 0, "connected");
    while watch.changed().now_or_never().is_some() {}
    assert_eq!(left_behind(watch.changed()), 0, "changed");
    assert_eq!(left_behind(watch.wait_for(|_| false)), 0, "wait_for");
    assert_eq!(left_behind(builder(&script).connect()), 0, "connect");
    assert_eq!(left_behind(connection.close()), 0, "close");
}
