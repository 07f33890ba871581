//! Beats both ways where several come at once, or none can go out.

use std::future::poll_fn;

use longlink::Token;
use longlink::testing::ByHand;
use longlink::transport::{Attempt, ControlMessages, Frame, Link, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{in_memory, lines, lines_with, open, soon};

#[tokio::test]
async fn each_of_the_peers_beats_is_answered_though_they_come_at_once() {
    let (mut link, mut far) = open(lines()).await;
    far.write_all(b"PING 1\nPING 2\nPING 3\n").await.unwrap();
    for _ in 0..3 {
        assert_eq!(soon(link.next()).await, Ok(Frame::Alive));
    }
    link.flush().await.unwrap();
    drop(link);
    let mut said = String::new();
    soon(far.read_to_string(&mut said)).await.unwrap();
    assert_eq!(said, "PONG 1\nPONG 2\nPONG 3\n");
}

/// Whoever counts answers, since they have no names, misses none.
#[tokio::test]
async fn each_beat_goes_out_though_they_had_to_wait_for_room() {
    let nameless =
        ControlMessages::<String, String>::new().ping(|_| "PING".into()).pong(|line| line == "PONG");
    let (transport, mut far) = in_memory(lines_with(nameless), 1024);
    let mut link = transport.connect(&Attempt::standalone(1, None)).await.unwrap();
    let mut full = 0;
    while full < 2 {
        if futures::poll!(poll_fn(|cx| link.poll_ready(cx))).is_ready() {
            link.start_send("x".repeat(1000)).unwrap();
        } else {
            full += 1;
        }
    }
    for token in 1..=3 {
        link.start_beat(Token(token)).unwrap();
        assert!(futures::poll!(poll_fn(|cx| link.poll_flush(cx))).is_pending());
    }
    let mut said = String::new();
    let (flushed, read) = soon(async {
        tokio::join!(
            async {
                let flushed = link.flush().await;
                drop(link);
                flushed
            },
            far.read_to_string(&mut said)
        )
    })
    .await;
    flushed.unwrap();
    read.unwrap();
    assert_eq!(said.lines().filter(|line| *line == "PING").count(), 3);
}
