//! The cost of a beat: two wake-ups and no allocation, unless somebody listens
//! to events. In a file of its own, since a process has one allocator.
#![cfg(feature = "runtime")]

#[path = "support/heap.rs"]
mod heap;
mod support;

use std::time::Duration;

use heap::allocations;
use longlink::testing::{Answers, Script, ScriptedAttempt};
use longlink::{Heartbeat, ResilientConnection, Stats};
use support::{Connection, builder, millis, secs};

/// The counts while this much time passed.
struct Cost {
    beats: u64,
    wake_ups: u64,
    allocations: u64,
}

async fn cost_of<In, Out>(connection: &ResilientConnection<In, Out>, time: Duration) -> Cost {
    let before = (connection.stats(), allocations());
    tokio::time::sleep(time).await;
    let after: (Stats, u64) = (connection.stats(), allocations());
    Cost {
        beats: after.0.keeper.beats_sent - before.0.keeper.beats_sent,
        wake_ups: after.0.wake_ups - before.0.wake_ups,
        allocations: after.1 - before.1,
    }
}

/// An idle connection whose server answers after `rtt`, past its first beats.
async fn beating(heartbeat: Heartbeat, rtt: Duration) -> Connection {
    let script = Script::<String>::new([]);
    script.otherwise(ScriptedAttempt::open().answers(Answers::After(rtt)));
    let connection = builder(&script).heartbeat(heartbeat).connect().await.unwrap();
    tokio::time::sleep(secs(3_600)).await;
    connection
}

#[tokio::test(start_paused = true)]
async fn a_beat_costs_two_wake_ups_whatever_its_scale_and_round_trip() {
    let scaled = Heartbeat::adaptive().scaled(1.0 / 20.0);
    for heartbeat in [Heartbeat::adaptive(), Heartbeat::fixed(secs(30)), scaled] {
        for rtt in [millis(0), millis(40)] {
            let connection = beating(heartbeat.clone(), rtt).await;
            let cost = cost_of(&connection, secs(12 * 3_600)).await;
            println!("at {rtt:?}: {} beats, {} wake-ups", cost.beats, cost.wake_ups);
            assert!(cost.beats >= 100);
            assert!(cost.wake_ups <= 2 * cost.beats + 1, "{} for {}", cost.wake_ups, cost.beats);
        }
    }
}

/// An idle connection to a real server on a thread of its own, with a beat
/// every 20 ms.
#[cfg(feature = "websocket")]
async fn over_websocket() -> ResilientConnection<longlink::Message> {
    let (told, url) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(format!("ws://{}/", listener.local_addr().unwrap())).unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            let mut server = tokio_tungstenite::accept_async(tcp).await.unwrap();
            // It answers pings until the connection goes.
            while let Some(Ok(_)) = futures::StreamExt::next(&mut server).await {
                let _ = futures::SinkExt::flush(&mut server).await;
            }
        });
    });
    let transport = longlink::WebSocket::new(url.recv().unwrap()).unwrap();
    let every = Heartbeat::fixed(millis(20)).min(millis(20));
    ResilientConnection::builder(transport).heartbeat(every).connect().await.unwrap()
}

#[cfg(feature = "websocket")]
#[tokio::test]
async fn a_beat_over_a_real_websocket_allocates_nothing_and_costs_two_wake_ups() {
    let connection = over_websocket().await;
    tokio::time::sleep(millis(600)).await;
    // All tasks of the connection run on this thread; the server does not.
    let mut cost = cost_of(&connection, millis(1)).await;
    for _ in 0..60 {
        let more = cost_of(&connection, millis(33)).await;
        cost.beats += more.beats;
        cost.wake_ups += more.wake_ups;
        cost.allocations += more.allocations;
    }
    let Cost { beats, wake_ups, allocations } = cost;
    println!("{beats} beats, {wake_ups} wake-ups, {allocations} allocations");
    assert!(beats >= 10, "{beats} beats in two seconds");
    // The last beat's answer may be on its way at either end.
    assert!(wake_ups <= 2 * beats + 2, "{wake_ups} wake-ups for {beats} beats");
    assert_eq!(allocations, 0, "for {beats} beats");
}
