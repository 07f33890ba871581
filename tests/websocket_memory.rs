//! The memory of an idle link, also after a burst. In a file of its own, since
//! a process has one allocator.
#![cfg(feature = "websocket")]

#[path = "support/heap.rs"]
mod heap;
#[path = "support/websocket.rs"]
mod websocket;

use std::future::poll_fn;
use std::task::Poll;

use futures::SinkExt;
use heap::{allocations, held};
use longlink::transport::{Frame, Link};
use longlink::{Token, WebSocketLink};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Raw;
use websocket::*;

/// A link whose server lives on another thread, so that only the link's own
/// memory is counted on this one. The server sends messages of a size, as
/// many as it is told.
async fn pair_apart() -> (WebSocketLink, UnboundedSender<(usize, usize)>) {
    let (orders, mut ordered) = unbounded_channel::<(usize, usize)>();
    let (told, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let (listener, url) = listen().await;
            told.send(url).unwrap();
            let (tcp, _) = listener.accept().await.unwrap();
            let mut server: WebSocketStream<TcpStream> = tokio_tungstenite::accept_async(tcp).await.unwrap();
            loop {
                tokio::select! {
                    order = ordered.recv() => {
                        let Some((size, count)) = order else { return };
                        for _ in 0..count {
                            server.feed(Raw::Binary(vec![1; size].into())).await.unwrap();
                        }
                        server.flush().await.unwrap();
                    }
                    read = futures::StreamExt::next(&mut server) => {
                        if !matches!(read, Some(Ok(_))) {
                            return;
                        }
                        server.flush().await.unwrap();
                    }
                }
            }
        });
    });
    let transport = longlink::WebSocket::new(port.recv().unwrap()).unwrap();
    (connect(&transport).await.unwrap(), orders)
}

/// Reads `count` messages, drops each, and polls once more, as a driver does.
async fn read(link: &mut WebSocketLink, count: usize) {
    for _ in 0..count {
        drop(message(link).await);
    }
    poll_fn(|cx| {
        assert!(link.poll_next(cx).is_pending());
        Poll::Ready(())
    })
    .await;
}

async fn beat(link: &mut WebSocketLink, token: u64) {
    link.start_beat(Token(token)).unwrap();
    flush(link).await;
    assert_eq!(next(link).await, Ok(Frame::Pong(Some(Token(token)))));
}

#[tokio::test]
async fn pitfall_48_an_idle_link_holds_little_also_after_a_burst_each_way() {
    let (warm, _orders) = pair_apart().await;
    drop(warm);
    let before = held();
    let (mut link, orders) = pair_apart().await;
    beat(&mut link, 1).await;
    let idle = held() - before;
    println!("an idle link holds {idle} bytes");
    assert!(idle < 8 * 1024, "{idle} bytes when fresh");

    for (size, count) in [(1 << 20, 1), (5_000, 50), (128, 5_000), (4_000, 500), (300_000, 10)] {
        orders.send((size, count)).unwrap();
        read(&mut link, count).await;
        let after = held() - before;
        println!("after {count} messages of {size} bytes in: {after}");
        assert!(after < 12 * 1024, "{after} bytes after a burst in of {count} of {size} bytes");
    }

    for size in [1 << 20, 128] {
        for _ in 0..(1 << 20) / size {
            link.start_send(vec![7; size].into()).unwrap();
        }
        flush(&mut link).await;
        beat(&mut link, 2).await;
        let after = held() - before;
        println!("after a burst out of {size} each: {after}");
        assert!(after < 12 * 1024, "{after} bytes after a burst out of {size} each");
    }
}

#[tokio::test]
async fn neither_a_beat_nor_a_small_message_allocates() {
    let (mut link, orders) = pair_apart().await;
    for token in 0..10 {
        beat(&mut link, token).await;
    }
    // A timer for `soon` and the pool of the runtime do not count: polls only.
    let mut poll_beat = async |token| {
        let before = allocations();
        link.start_beat(Token(token)).unwrap();
        poll_fn(|cx| link.poll_flush(cx)).await.unwrap();
        assert_eq!(poll_fn(|cx| link.poll_next(cx)).await, Ok(Frame::Pong(Some(Token(token)))));
        allocations() - before
    };
    let mut made = 0;
    for token in 10..110 {
        made += poll_beat(token).await;
    }
    println!("100 beats made {made} allocations");
    assert!(made <= 2, "100 beats made {made} allocations");

    let before = allocations();
    let message = bytes::Bytes::from(vec![7; 128]);
    for _ in 0..1_000 {
        link.start_send(message.clone().into()).unwrap();
        poll_fn(|cx| link.poll_flush(cx)).await.unwrap();
    }
    let made = allocations() - before;
    println!("1,000 messages out made {made} allocations");
    assert!(made <= 4, "1,000 messages out made {made} allocations");

    orders.send((128, 1_000)).unwrap();
    let before = allocations();
    for _ in 0..1_000 {
        drop(poll_fn(|cx| link.poll_next(cx)).await.unwrap());
    }
    let made = allocations() - before;
    println!("1,000 messages in made {made} allocations");
    assert!(made <= 20, "1,000 messages in made {made} allocations");
}
