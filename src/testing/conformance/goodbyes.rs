//! Goodbyes of either side.

use std::future::poll_fn;
use std::sync::Arc;

use super::tools::{builder, disconnected, ended, hear, heard, next, open, say};
use super::verdict::Verdict;
use super::{Bench, FromClient, Note, Peer};
use crate::testing::ByHand;
use crate::transport::Link;
use crate::{Detection, LinkEnd};

const MANY: u32 = 50;

fn note(number: u32) -> Note {
    Note::new(number, 1_000)
}

/// The link says goodbye behind all messages that it took, flushed or not. The
/// server's answer ends the link.
pub(super) async fn our_goodbye_comes_behind_all_messages<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    let leaving = async {
        for number in 0..MANY {
            poll_fn(|cx| link.poll_ready(cx)).await.expect("the link takes messages");
            link.start_send(bench.outgoing(note(number))).expect("the link takes messages");
        }
        link.say_goodbye().await.expect("the link says goodbye");
        hear(&bench, &mut link).await.expect_err("the server's answer ends the link")
    };
    let serving = async {
        for number in 0..MANY {
            assert_eq!(heard(&mut peer).await, note(number), "the goodbye comes last");
        }
        assert_eq!(peer.recv().await, FromClient::End);
        let _ = peer.close().await;
        peer
    };
    let (end, _peer) = tokio::join!(leaving, serving);
    assert!(matches!(end, LinkEnd::Closed { .. } | LinkEnd::Eof), "the answer to our goodbye is no {end}");
    Ok(())
}

/// Messages before the server's goodbye are read first. The link reports the
/// goodbye as the server said it.
pub(super) async fn the_server_s_goodbye_comes_behind_all_messages<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    let leaving = async {
        for number in 0..MANY {
            peer.send(note(number)).await.expect("the server sends");
        }
        peer.close().await.expect("the server says goodbye");
        peer
    };
    let reading = async {
        for number in 0..MANY {
            let got = hear(&bench, &mut link).await;
            assert_eq!(got, Ok(note(number)), "the goodbye comes last");
        }
        hear(&bench, &mut link).await.expect_err("the goodbye ends the link")
    };
    let (_peer, end) = tokio::join!(leaving, reading);
    assert_eq!(end, bench.closing());
    Ok(())
}

/// `close` writes all messages that were accepted before.
pub(super) async fn a_connection_says_goodbye_behind_all_messages<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let mut connection = connection.expect("it connects");
    for number in 0..MANY {
        say(&bench, &connection, note(number)).await;
    }
    let serving = async {
        for number in 0..MANY {
            assert_eq!(heard(&mut peer).await, note(number), "the goodbye comes last");
        }
        ended(&mut peer).await;
        let _ = peer.close().await;
    };
    let (closed, ()) = tokio::join!(connection.close(), serving);
    assert_eq!(closed.not_sent.len(), 0, "messages were accepted and not sent");
    assert!(connection.recv().await.is_none());
    Ok(())
}

/// A connection reports the server's goodbye behind all earlier messages, and
/// comes back.
pub(super) async fn a_connection_comes_back_after_the_server_s_goodbye<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let mut connection = connection.expect("it connects");
    let mut events = connection.events();
    for number in 0..MANY {
        peer.send(note(number)).await.expect("the server sends");
    }
    peer.close().await.expect("the server says goodbye");
    for number in 0..MANY {
        assert_eq!(next(&bench, &mut connection).await, note(number), "the goodbye comes last");
    }
    assert_eq!(disconnected(&mut events).await, Detection::Ended(bench.closing()));
    drop(peer);
    let mut peer = bench.accept().await;
    peer.send(note(MANY)).await.expect("the server sends");
    assert_eq!(next(&bench, &mut connection).await, note(MANY));
    assert_eq!(connection.connected().await.expect("it is connected"), 2);
    Ok(())
}

/// A dropped link ends for the server at once, without a goodbye.
pub(super) async fn a_dropped_link_ends_at_once<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    link.send(bench.outgoing(note(1))).await.expect("the link takes messages");
    assert_eq!(heard(&mut peer).await, note(1));
    drop(link);
    ended(&mut peer).await;
    Ok(())
}
