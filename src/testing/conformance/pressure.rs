//! A side that does not read stops the side that writes.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Waker};

use tokio::task::yield_now;

use super::bench::BenchLink;
use super::tools::{builder, heard, needs, next, open, polled, stands_still};
use super::verdict::Verdict;
use super::{Bench, FromClient, Note, Peer};
use crate::testing::ByHand;
use crate::transport::{Frame, Link};
use crate::{Beat, Token};

/// The size of one message, in bytes. Such messages soon fill the buffers.
const SIZE: usize = 16 * 1024;
/// The buffers on the way hold fewer messages than this: 64 MiB.
const TOO_MANY: usize = 64 * 1024 * 1024 / SIZE;

pub(super) fn note(number: usize) -> Note {
    Note::new(number as u32, SIZE)
}

/// A server that does not read soon stops the link's writer. When the server
/// reads again, it gets all messages.
pub(super) async fn a_server_that_does_not_read_stops_the_writer<B: Bench>(bench: Arc<B>) -> Verdict {
    let (link, peer) = open(&bench).await;
    // A connection does the same: it polls a flush once, ready or not.
    fill(&bench, link, peer, |_| 1).await;
    Ok(())
}

/// A flush that is dropped after any number of polls loses no message.
pub(super) async fn a_dropped_flush_loses_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let (link, peer) = open(&bench).await;
    fill(&bench, link, peer, |number| number % 4).await;
    Ok(())
}

/// Writes until the link takes no more, and polls each flush as often as
/// `polls` says. Then reads all messages.
async fn fill<B: Bench>(
    bench: &Arc<B>,
    mut link: BenchLink<B>,
    mut peer: B::Peer,
    polls: impl Fn(usize) -> usize,
) {
    let (taken, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let writing = async {
        while !enough.load(SeqCst) {
            poll_fn(|cx| link.poll_ready(cx)).await.expect("the link takes messages");
            let number = taken.fetch_add(1, SeqCst);
            assert!(number < TOO_MANY, "backpressure: the link takes more than anybody holds");
            link.start_send(bench.outgoing(note(number))).expect("the link takes messages");
            polled(poll_fn(|cx| link.poll_flush(cx)), polls(number)).await;
            yield_now().await;
        }
        link.flush().await.expect("the link flushes");
    };
    let reading = async {
        stands_still(|| taken.load(SeqCst)).await;
        enough.store(true, SeqCst);
        let mut number = 0;
        while number < taken.load(SeqCst) {
            assert_eq!(heard(&mut peer).await, note(number), "nothing is lost under pressure");
            number += 1;
        }
    };
    tokio::join!(writing, reading);
}

/// An application that does not read soon stops the server. When the
/// application reads again, it gets all messages.
pub(super) async fn a_reader_that_does_not_read_stops_the_server<B: Bench>(bench: Arc<B>) -> Verdict {
    let building = builder(&bench).inbox_messages(8).inbox_bytes(8 * SIZE).connect();
    let (connection, mut peer) = tokio::join!(building, bench.accept());
    let mut connection = connection.expect("it connects");
    let (sent, enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let writing = async {
        while !enough.load(SeqCst) {
            let number = sent.load(SeqCst);
            assert!(number < TOO_MANY, "backpressure: the server sends more than anybody holds");
            peer.send(note(number)).await.expect("the server sends");
            sent.fetch_add(1, SeqCst);
            yield_now().await;
        }
        peer
    };
    let reading = async {
        stands_still(|| sent.load(SeqCst)).await;
        let received = connection.stats().messages_received;
        assert!(received <= 9, "{received} messages were read for an inbox of 8");
        enough.store(true, SeqCst);
        let mut number = 0;
        // The server may still send one message when it is told to stop.
        while number < sent.load(SeqCst) {
            assert_eq!(next(&bench, &mut connection).await, note(number), "nothing is lost under pressure");
            number += 1;
        }
    };
    let (_peer, ()) = tokio::join!(writing, reading);
    assert_eq!(connection.stats().keeper.reconnects, 0);
    Ok(())
}

/// The link takes a beat while messages wait. The answer comes behind them.
pub(super) async fn beats_are_taken_while_messages_wait<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    needs(!matches!(link.beat(), Beat::Listen { .. }), "this link does not beat")?;
    let taken = fill_up(&bench, &mut link).await;
    link.start_beat(Token(7)).expect("a link has room for a beat");
    let reading = async {
        for number in 0..taken {
            assert_eq!(heard(&mut peer).await, note(number), "nothing is lost under pressure");
        }
        // The peer answers beats while it reads.
        assert_eq!(peer.recv().await, FromClient::End);
    };
    let beating = async {
        link.flush().await.expect("the link flushes");
        loop {
            match link.next().await.expect("the link goes on") {
                Frame::Pong(_) => break,
                Frame::Alive => link.flush().await.expect("the link flushes"),
                Frame::Message(_) => panic!("nobody sent a message"),
            }
        }
        drop(link);
    };
    tokio::join!(reading, beating);
    Ok(())
}

/// Writes notes from 0 on to a server that reads nothing, until all buffers are
/// full. Returns how many notes the link took.
pub(super) async fn fill_up<B: Bench>(bench: &Arc<B>, link: &mut BenchLink<B>) -> usize {
    let mut taken = 0;
    let mut stuck = 0;
    while stuck < 20 {
        let mut cx = Context::from_waker(Waker::noop());
        match link.poll_ready(&mut cx) {
            Poll::Ready(ready) => {
                ready.expect("the link takes messages");
                link.start_send(bench.outgoing(note(taken))).expect("the link takes messages");
                taken += 1;
                stuck = 0;
                assert!(taken < TOO_MANY, "backpressure: the link takes more than anybody holds");
            }
            Poll::Pending => {
                stuck += 1;
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        let _ = link.poll_flush(&mut Context::from_waker(Waker::noop()));
    }
    taken
}
