//! A connection's own Close, and what a server makes of it: over pipes in
//! memory, in virtual time.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use longlink::{ResilientConnection, WebSocket};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Raw;

type Server = WebSocketStream<DuplexStream>;

/// A connection and its server, which answers what it reads.
async fn connected() -> (ResilientConnection<longlink::Message>, Server) {
    let (far_ends, mut far) = mpsc::unbounded_channel();
    let transport = WebSocket::new("ws://memory/feed").unwrap().dial_with(move |_| {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        far_ends.send(theirs).unwrap();
        async move { Ok(ours) }
    });
    let server = async { tokio_tungstenite::accept_async(far.recv().await.unwrap()).await.unwrap() };
    let (connection, server) = tokio::join!(ResilientConnection::builder(transport).connect(), server);
    (connection.unwrap(), server)
}

/// Reads to the client's Close, which is answered on the way.
async fn read_to_close(server: &mut Server) -> usize {
    let mut messages = 0;
    while let Some(Ok(read)) = server.next().await {
        messages += usize::from(!matches!(read, Raw::Close(_)));
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_answered_is_over_though_the_server_leaves_tcp_open() {
    let (mut connection, mut server) = connected().await;
    for _ in 0..5 {
        connection.sender().send("x".into()).await.unwrap();
    }
    let serving = tokio::spawn(async move {
        // Its last words come in all the same.
        server.send(Raw::text("late")).await.unwrap();
        let messages = read_to_close(&mut server).await;
        (messages, server)
    });
    let began = Instant::now();
    let closed = connection.close().await;
    assert_eq!(began.elapsed(), Duration::from_millis(250), "the server's moment to close TCP first");
    assert_eq!((closed.not_sent.len(), closed.maybe_sent), (0, 0), "its answer shows that all arrived");
    assert_eq!(connection.recv().await.unwrap().unwrap().as_text(), Some("late"));
    assert!(connection.recv().await.is_none());
    let (messages, _server) = serving.await.unwrap();
    assert_eq!(messages, 5);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_tcp_behind_its_answer_is_not_waited_for() {
    let (mut connection, mut server) = connected().await;
    connection.sender().send("x".into()).await.unwrap();
    tokio::spawn(async move { read_to_close(&mut server).await });
    let began = Instant::now();
    let closed = connection.close().await;
    assert_eq!((began.elapsed(), closed.maybe_sent), (Duration::ZERO, 0));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_nobody_answers_has_its_deadline() {
    let (mut connection, _server) = connected().await;
    connection.sender().send("x".into()).await.unwrap();
    let began = Instant::now();
    let closed = connection.close().await;
    assert_eq!((began.elapsed(), closed.maybe_sent), (Duration::from_secs(3), 1));
}
