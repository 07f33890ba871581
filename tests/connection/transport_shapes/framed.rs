//! A line protocol through the `Framed` adapter: no trait is implemented by
//! hand at all.

use futures::{SinkExt, StreamExt};
use longlink::transport::{ConnectError, ControlMessages, Framed, Link, Transport, from_fn};
use longlink::{Detection, Failure, ResilientConnection, Token};
use tokio::sync::mpsc;

use super::{Lines, Log, dial, in_time, line_server, message};

fn transport(
    server: mpsc::UnboundedSender<Lines>,
) -> impl Transport<Link: Link<Incoming = String, Outgoing = String>> {
    let control = ControlMessages::<String, String>::new()
        .ping(|Token(token)| format!("PING {token}"))
        .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
        .answer(|line| line.strip_prefix("PING ").map(|token| format!("PONG {token}")))
        .goodbye(|| "BYE".to_owned());
    from_fn(move |attempt| {
        let (server, control) = (server.clone(), control.clone());
        async move {
            let lines = dial(&server).ok_or(ConnectError::new(Failure::Refused))?;
            attempt.dialled(None);
            Ok(Framed::new(lines, control))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_line_protocol_beats_answers_and_parts_in_its_own_words() {
    let (dialler, mut server) = line_server();
    let log = Log::new();
    let mut connection = ResilientConnection::builder(transport(dialler))
        .on_event(log.listener())
        .seed(1)
        .connect()
        .await
        .unwrap();
    let mut lines = in_time(server.recv()).await.unwrap();
    connection.send("hello".to_owned()).await.unwrap();
    assert_eq!(in_time(lines.next()).await.unwrap().unwrap(), "hello");
    lines.send("world").await.unwrap();
    assert_eq!(message(&mut connection).await, "world");
    lines.send("PING 5").await.unwrap();
    assert_eq!(in_time(lines.next()).await.unwrap().unwrap(), "PONG 5");

    // Ten beats are answered, and then none.
    for _ in 0..10 {
        let beat = in_time(lines.next()).await.unwrap().unwrap();
        lines.send(beat.replace("PING", "PONG")).await.unwrap();
    }
    assert_eq!(log.ends().await, []);
    for _ in 0..5 {
        assert!(in_time(lines.next()).await.unwrap().unwrap().starts_with("PING "));
    }
    assert!(lines.next().await.is_none(), "the dead link is dropped without a word");
    assert!(matches!(log.ends().await[..], [(_, Detection::Unanswered { beats: 5 })]));

    let mut lines = in_time(server.recv()).await.unwrap();
    connection.send("last".to_owned()).await.unwrap();
    let peer = tokio::spawn(async move {
        let mut heard = Vec::new();
        while let Some(line) = lines.next().await {
            heard.push(line.unwrap());
        }
        heard
    });
    let closed = connection.close().await;
    assert_eq!((closed.not_sent, closed.maybe_sent), (vec![], 1), "no beat has shown that it arrived");
    assert_eq!(peer.await.unwrap(), ["last", "BYE"]);
}
