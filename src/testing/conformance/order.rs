//! Messages arrive whole, once, and in order.

use std::future::poll_fn;
use std::sync::Arc;

use super::tools::{builder, echo, hear, heard, next, open, say};
use super::verdict::Verdict;
use super::{Bench, Note, Peer};
use crate::testing::ByHand;
use crate::transport::Link;

const MANY: u32 = 300;

/// Sizes go up to 5 KB; neighbours differ.
fn note(number: u32) -> Note {
    Note::new(number, (number as usize * 37) % 5_000)
}

/// Messages of the link reach the server whole and in order, with a flush for
/// several at once.
pub(super) async fn messages_keep_their_order_to_the_server<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    let writing = async {
        for number in 0..MANY {
            poll_fn(|cx| link.poll_ready(cx)).await.expect("the link takes messages");
            link.start_send(bench.outgoing(note(number))).expect("the link takes messages");
            if number % 7 == 0 {
                link.flush().await.expect("the link flushes");
            }
        }
        link.flush().await.expect("the link flushes");
    };
    let reading = async {
        for number in 0..MANY {
            assert_eq!(heard(&mut peer).await, note(number), "order, on the way to the server");
        }
    };
    tokio::join!(writing, reading);
    Ok(())
}

/// Messages of the server reach the link whole and in order.
pub(super) async fn messages_keep_their_order_from_the_server<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    let writing = async {
        for number in 0..MANY {
            peer.send(note(number)).await.expect("the server sends");
        }
    };
    let reading = async {
        for number in 0..MANY {
            let got = hear(&bench, &mut link).await.expect("the link goes on");
            assert_eq!(got, note(number), "order, on the way to the client");
        }
    };
    tokio::join!(writing, reading);
    Ok(())
}

/// Messages of a connection go out and come back in order, while both
/// directions are busy.
pub(super) async fn messages_cross_in_both_directions_at_once<B: Bench>(bench: Arc<B>) -> Verdict {
    let _server = echo(&bench);
    let mut connection = builder(&bench).connect().await.expect("it connects");
    for batch in 0..3 {
        let numbers = || batch * MANY..(batch + 1) * MANY;
        for number in numbers() {
            say(&bench, &connection, note(number)).await;
        }
        for number in numbers() {
            assert_eq!(next(&bench, &mut connection).await, note(number), "order, there and back");
        }
    }
    assert_eq!(connection.stats().keeper.reconnects, 0);
    Ok(())
}
