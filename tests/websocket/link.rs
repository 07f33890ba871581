//! A live WebSocket: what goes over it, how it ends, what it holds.

use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::support::*;
use futures::{SinkExt, StreamExt};
use longlink::transport::{Frame, Link, Transport};
use longlink::{LinkEnd, Message, ResilientConnection, Token, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Raw;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

/// A link whose server is a bare TCP stream behind its upgrade.
async fn bare_pair(set: impl FnOnce(WebSocket) -> WebSocket) -> (longlink::WebSocketLink, TcpStream) {
    let (listener, url) = listen().await;
    let transport = set(WebSocket::new(url).unwrap());
    let server = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let head = read_head(&mut tcp).await.unwrap();
        tcp.write_all(switching(&head, "").as_bytes()).await.unwrap();
        tcp
    };
    let (link, server) = tokio::join!(connect(&transport), soon(server));
    (link.unwrap(), server)
}

fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn messages_go_both_ways_at_every_size() {
    let (mut link, mut server) = pair(|ws| ws).await;
    for size in [0, 1, 125, 126, 4_096, 65_535, 65_536, 1 << 20] {
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let (_, got) = tokio::join!(send(&mut link, bytes.clone()), soon(server.next()));
        assert_eq!(got.unwrap().unwrap(), Raw::Binary(bytes.clone().into()), "{size}");
        let (sent, got) = tokio::join!(server.send(Raw::Binary(bytes.clone().into())), message(&mut link));
        sent.unwrap();
        assert_eq!(got, Message::from(bytes), "{size}");
    }
    send(&mut link, "grüße").await;
    assert_eq!(server.next().await.unwrap().unwrap(), Raw::text("grüße"));
    server.send(Raw::text("danke")).await.unwrap();
    assert_eq!(message(&mut link).await.as_text(), Some("danke"));
}

#[tokio::test]
async fn a_beat_of_eight_bytes_comes_back_by_its_token() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    link.start_beat(Token(0x0102_0304_0506_0708)).unwrap();
    flush(&mut link).await;
    let beat = read_frame(&mut server).await.unwrap();
    assert_eq!(beat, (0x89, vec![1, 2, 3, 4, 5, 6, 7, 8]));
    server.write_all(&[0x8a, 8, 1, 2, 3, 4, 5, 6, 7, 8]).await.unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Pong(Some(Token(0x0102_0304_0506_0708)))));
    // A pong that is no answer to a beat is a sign of life all the same.
    server.write_all(&[0x8a, 2, 1, 2]).await.unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
}

#[tokio::test]
async fn pitfall_36_the_pong_goes_out_with_the_next_flush() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    server.write_all(b"\x89\x05hello").await.unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
    flush(&mut link).await;
    assert_eq!(soon(read_frame(&mut server)).await.unwrap(), (0x8a, b"hello".to_vec()));
}

#[tokio::test]
async fn pitfall_36_a_connection_answers_pings_by_itself() {
    let (listener, url) = listen().await;
    let _connection = ResilientConnection::builder(WebSocket::new(url).unwrap()).build().unwrap();
    let (mut server, _) = soon(listener.accept()).await.unwrap();
    let head = soon(read_head(&mut server)).await.unwrap();
    server.write_all(switching(&head, "").as_bytes()).await.unwrap();
    for _ in 0..3 {
        server.write_all(b"\x89\x05hello").await.unwrap();
        assert_eq!(soon(read_frame(&mut server)).await.unwrap(), (0x8a, b"hello".to_vec()));
    }
}

#[tokio::test]
async fn messages_before_the_close_are_read_and_it_keeps_code_and_reason() {
    let (mut link, mut server) = pair(|ws| ws).await;
    server.send(Raw::text("one")).await.unwrap();
    server.send(Raw::text("two")).await.unwrap();
    let restart = CloseFrame { code: CloseCode::Restart, reason: "deploy".into() };
    server.close(Some(restart)).await.unwrap();
    assert_eq!(message(&mut link).await.as_text(), Some("one"));
    assert_eq!(message(&mut link).await.as_text(), Some("two"));
    assert_eq!(next(&mut link).await, Err(LinkEnd::closed(Some(1012), "deploy")));
    // The answer was written at once: the server's side ends in good order.
    match soon(server.next()).await {
        Some(Ok(Raw::Close(Some(answer)))) => assert_eq!(answer.code, CloseCode::Restart),
        other => panic!("{other:?}"),
    }
    assert!(soon(server.next()).await.is_none());
}

#[tokio::test]
async fn a_close_says_what_came_over_the_wire() {
    // 1014 is registered, and unknown to the protocol library.
    for (payload, end) in [
        (&b""[..], LinkEnd::closed(None, "")),
        (b"\x03\xf6bad gateway", LinkEnd::closed(Some(1014), "bad gateway")),
        (b"\x0f\xa0", LinkEnd::closed(Some(4000), "")),
    ] {
        let (mut link, mut server) = bare_pair(|ws| ws).await;
        server.write_all(&[0x88, payload.len() as u8]).await.unwrap();
        server.write_all(payload).await.unwrap();
        assert_eq!(next(&mut link).await, Err(end));
        assert_eq!(soon(read_frame(&mut server)).await.unwrap().0, 0x88);
    }
}

#[tokio::test]
async fn a_close_is_not_waited_for_when_the_peer_reads_nothing() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    // Fill the way out until nothing moves.
    let mut filled = 0;
    while now(|cx| link.poll_ready(cx)).is_ready() {
        link.start_send(vec![0; 1 << 20].into()).unwrap();
        let _ = now(|cx| link.poll_flush(cx));
        filled += 1;
        assert!(filled < 1_000, "the way out never fills");
    }
    server.write_all(b"\x88\x02\x03\xe8").await.unwrap();
    assert_eq!(next(&mut link).await, Err(LinkEnd::closed(Some(1000), "")));
}

#[tokio::test]
async fn our_close_is_answered_and_the_server_may_close_the_stream_first() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    soon(poll_fn(|cx| link.poll_close(cx))).await.unwrap();
    assert_eq!(read_frame(&mut server).await.unwrap(), (0x88, vec![0x03, 0xe8]));
    // Messages that the server had sent before it saw our Close still come in.
    server.write_all(b"\x81\x04late").await.unwrap();
    assert_eq!(message(&mut link).await.as_text(), Some("late"));
    server.write_all(b"\x88\x05\x03\xe8bye").await.unwrap();
    for _ in 0..10 {
        tokio::task::yield_now().await;
        assert!(now(|cx| link.poll_next(cx)).is_pending(), "the server closes first");
    }
    // One that leaves it to us is not waited for much longer.
    assert_eq!(next(&mut link).await, Err(LinkEnd::closed(Some(1000), "bye")));
    assert_eq!(soon(server.read(&mut [0])).await.unwrap(), 0, "then we do");
}

#[tokio::test]
async fn a_stream_that_ends_without_a_close_is_an_end_of_stream_or_a_reset() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    server.write_all(b"\x81\x04last").await.unwrap();
    drop(server);
    assert_eq!(message(&mut link).await.as_text(), Some("last"));
    assert_eq!(next(&mut link).await, Err(LinkEnd::Eof));

    let (mut link, mut server) = bare_pair(|ws| ws).await;
    server.write_all(b"\x81\x7e\x10\x00half").await.unwrap();
    drop(server);
    assert_eq!(next(&mut link).await, Err(LinkEnd::Eof), "in the middle of a frame too");

    let (mut link, mut server) = bare_pair(|ws| ws).await;
    send(&mut link, "unread").await;
    server.readable().await.unwrap();
    server.write_all(b"\x81\x04last").await.unwrap();
    // Unread data makes the system answer with RST.
    drop(server);
    let mut ended = next(&mut link).await;
    if let Ok(Frame::Message(last)) = &ended {
        assert_eq!(last.as_text(), Some("last"));
        ended = next(&mut link).await;
    }
    assert_eq!(ended, Err(LinkEnd::Reset));
}

#[tokio::test]
async fn a_peer_that_breaks_the_rules_is_told_so_and_the_end_names_the_rule() {
    let text = |end: &LinkEnd| end.to_string();
    for (bytes, said, code) in [
        (&b"\x83\x00"[..], "opcode", 1002_u16),
        (b"\xc1\x00", "Reserved bits", 1002),
        (b"\x81\x80\x00\x00\x00\x00", "masked", 1002),
        (b"\x80\x00", "nothing to continue", 1002),
        (b"\x09\x00", "ragmented control", 1002),
        (b"\x81\x02\xff\xfe", "UTF-8", 1007),
    ] {
        let (mut link, mut server) = bare_pair(|ws| ws).await;
        server.write_all(bytes).await.unwrap();
        let end = next(&mut link).await.unwrap_err();
        assert!(matches!(&end, LinkEnd::Protocol(_)) && text(&end).contains(said), "{said}: {end}");
        let close = soon(read_frame(&mut server)).await.unwrap();
        assert_eq!(close, (0x88, code.to_be_bytes().to_vec()), "{said}");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_out_and_ends_the_link_in() {
    let small = |ws: WebSocket| ws.max_message(100).unwrap();
    let transport = small(WebSocket::new("ws://localhost").unwrap());
    assert_eq!(transport.size(&Message::from(vec![0; 100])), Ok(100));
    let refused = transport.size(&Message::from(vec![0; 101])).unwrap_err();
    assert_eq!((refused.size, refused.limit), (101, 100));

    // In one frame, and in fragments that only together are too long.
    for bytes in [[vec![0x82, 101], vec![0; 101]].concat(), {
        [vec![0x02, 60], vec![0; 60], vec![0x80, 60], vec![0; 60]].concat()
    }] {
        let (mut link, mut server) = bare_pair(small).await;
        server.write_all(b"\x82\x02ok").await.unwrap();
        server.write_all(&bytes).await.unwrap();
        assert_eq!(message(&mut link).await.as_bytes(), b"ok");
        match next(&mut link).await {
            Err(LinkEnd::TooBig { size, limit: 100 }) => assert!(size > 100),
            other => panic!("{other:?}"),
        }
        assert_eq!(soon(read_frame(&mut server)).await.unwrap(), (0x88, 1009_u16.to_be_bytes().to_vec()));
    }
}

#[tokio::test]
async fn pitfall_35_a_detached_message_lets_go_of_the_buffer_it_came_in() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    server.write_all(b"\x82\x03abc\x81\x03def\x82\x03ghi").await.unwrap();
    let (first, second) = (message(&mut link).await, message(&mut link).await);
    let at = |message: &Message| message.as_bytes().as_ptr() as usize;
    assert_eq!(at(&second), at(&first) + 5, "small messages share the read buffer");
    let (first_detached, second_detached) = (link.detach(first.clone()), link.detach(second.clone()));
    assert_eq!((&first_detached, &second_detached), (&first, &second));
    assert_ne!(at(&first_detached), at(&first));
    assert_ne!(at(&second_detached), at(&second));
}

#[tokio::test]
async fn traffic_counts_every_byte_and_a_long_message_shows_while_it_comes() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    let before = link.traffic().unwrap();
    assert_eq!((before.received, before.sent), (0, 0));
    server.write_all(b"\x82\x7e\x10\x00").await.unwrap();
    server.write_all(&[0; 1_000]).await.unwrap();
    while link.traffic().unwrap().received < 1_004 {
        assert!(now(|cx| link.poll_next(cx)).is_pending());
        tokio::task::yield_now().await;
    }
    send(&mut link, vec![0; 10]).await;
    assert_eq!(link.traffic().unwrap().sent, 16);
    let mut frame = [0; 16];
    server.read_exact(&mut frame).await.unwrap();
    assert_eq!(link.size(&Message::from("1234")), 4);
    assert_eq!(link.local_addr(), Some(server.peer_addr().unwrap()));
}

#[tokio::test]
async fn fragments_make_one_message_though_control_frames_stand_between() {
    let (mut link, mut server) = bare_pair(|ws| ws).await;
    server.write_all(b"\x01\x02ab\x8a\x00\x00\x02cd\x89\x00\x80\x02ef").await.unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
    assert_eq!(message(&mut link).await.as_text(), Some("abcdef"));
}
