//! Helpers of the cases.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::bench::{BenchLink, InOf, OutOf};
use super::verdict::NotApplicable;
use super::{Bench, FromClient, Note, Peer};
use crate::testing::ByHand;
use crate::transport::{Attempt, Frame, Transport};
use crate::{Builder, Detection, Event, Events, Heartbeat, LinkEnd, Reconnect, ResilientConnection};

pub(super) type Connection<B> = ResilientConnection<InOf<B>, OutOf<B>>;

/// The case does not apply unless `holds`.
pub(super) fn needs(holds: bool, why: &'static str) -> Result<(), NotApplicable> {
    if holds { Ok(()) } else { Err(NotApplicable(why)) }
}

/// Opens one link without a connection. Returns the link and its server's end.
pub(super) async fn open<B: Bench>(bench: &Arc<B>) -> (BenchLink<B>, B::Peer) {
    let transport = bench.transport();
    let attempt = Attempt::standalone(1, None);
    let (link, peer) = tokio::join!(transport.connect(&attempt), bench.accept());
    (link.expect("the link opens"), peer)
}

/// Waits for the next message of a link.
pub(super) async fn hear<B: Bench>(bench: &Arc<B>, link: &mut BenchLink<B>) -> Result<Note, LinkEnd> {
    loop {
        match link.next().await? {
            Frame::Message(message) => return Ok(bench.incoming(&message)),
            Frame::Pong(_) => {}
            Frame::Alive => link.flush().await?,
        }
    }
}

/// Waits for the next message at the server's end.
pub(super) async fn heard(peer: &mut impl Peer) -> Note {
    loop {
        match peer.recv().await {
            FromClient::Message(note) => return note,
            FromClient::Pong => {}
            FromClient::End => panic!("the link ended where a message was to come"),
        }
    }
}

/// Reads a server's end until its client has ended the link.
pub(super) async fn ended(peer: &mut impl Peer) {
    while peer.recv().await != FromClient::End {}
}

/// A builder with the delays and deadlines of a test: attempts follow at once,
/// and have enough time on any machine.
pub(super) fn builder<B: Bench>(bench: &Arc<B>) -> Builder<B::Transport> {
    ResilientConnection::builder(bench.transport())
        .reconnect(Reconnect::default().scaled(0.01).attempt_deadline(Duration::from_secs(5)))
        .close_deadline(Duration::from_secs(20))
        .seed(1)
}

/// Three hundredths of the usual times: a beat after 60 ms of silence, and death
/// 300 ms after the first beat that is not answered.
pub(super) fn quick() -> Heartbeat {
    Heartbeat::fixed(Duration::from_secs(2)).scaled(0.03)
}

/// A server that accepts every link, sends every message back, and answers
/// goodbyes. Dropping it ends the server.
pub(super) struct Echo {
    _tasks: JoinSet<()>,
}

pub(super) fn echo<B: Bench>(bench: &Arc<B>) -> Echo {
    let bench = Arc::clone(bench);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut peers = JoinSet::new();
        loop {
            let peer = bench.accept().await;
            while peers.try_join_next().is_some() {}
            peers.spawn(answer(peer));
        }
    });
    Echo { _tasks: tasks }
}

async fn answer(mut peer: impl Peer) {
    loop {
        match peer.recv().await {
            FromClient::Message(note) => {
                if peer.send(note).await.is_err() {
                    return;
                }
            }
            FromClient::Pong => {}
            FromClient::End => {
                let _ = peer.close().await;
                return;
            }
        }
    }
}

/// Sends a message and waits until it comes back.
pub(super) async fn talk<B: Bench>(bench: &Arc<B>, connection: &mut Connection<B>, note: Note) {
    say(bench, connection, note).await;
    while next(bench, connection).await != note {}
}

pub(super) async fn say<B: Bench>(bench: &Arc<B>, connection: &Connection<B>, note: Note) {
    let sent = connection.sender().send(bench.outgoing(note)).await;
    assert!(sent.is_ok(), "message {} is not accepted", note.number);
}

/// Waits for the next message of a connection.
pub(super) async fn next<B: Bench>(bench: &Arc<B>, connection: &mut Connection<B>) -> Note {
    let message = connection.recv().await.expect("the connection is open");
    bench.incoming(&message.expect("the connection goes on"))
}

/// Waits until the connection reports the loss of its link. Returns how it saw
/// the loss.
pub(super) async fn disconnected(events: &mut Events) -> Detection {
    loop {
        match events.recv().await {
            Some(Event::Disconnected { detection, .. }) => return detection,
            Some(_) => {}
            None => panic!("the connection has ended"),
        }
    }
}

/// Polls `future` up to `times` times, each time after a wake-up, and drops it.
/// Returns its output if it was ready.
pub(super) async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    /// A future that is not woken after this time is polled all the same.
    const MOMENT: Duration = Duration::from_millis(5);
    let mut future = pin!(future);
    let woken = Arc::new(Woken(Notify::new()));
    let waker = Waker::from(Arc::clone(&woken));
    for poll in 0..times {
        if poll > 0 {
            let _ = timeout(MOMENT, woken.0.notified()).await;
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
    }
    None
}

struct Woken(Notify);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.notify_one();
    }
}

/// Waits until `count` has not changed for a while. On a slow machine the count
/// may only have paused.
pub(super) async fn stands_still(count: impl Fn() -> usize) {
    const WHILE: Duration = Duration::from_millis(50);
    loop {
        let before = count();
        sleep(WHILE).await;
        if count() == before {
            return;
        }
    }
}
