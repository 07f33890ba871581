//! Every future can be dropped after any number of polls.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::pressure::{self, fill_up};
use super::tools::{
    Connection, builder, echo, ended, hear, heard, next, open, polled, say, stands_still, talk,
};
use super::verdict::Verdict;
use super::{Bench, FromClient, Note, Peer};
use crate::testing::ByHand;
use crate::transport::{Attempt, Transport};
use crate::{Handshake, Transition, TrySendError};

/// A future that takes more polls hangs.
const MOST_POLLS: usize = 200;

fn note(number: u32) -> Note {
    Note::new(number, 500)
}

/// Large enough to fill buffers soon.
fn large(number: u32) -> Note {
    Note::new(number, 16 * 1024)
}

/// A dropped attempt leaves nothing behind: an attempt of the bare transport,
/// and an attempt of a whole connection.
pub(super) async fn a_dropped_connect_leaves_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let _server = echo(&bench);
    let transport = bench.transport();
    let attempt = Attempt::standalone(1, None);
    for times in 0.. {
        assert!(times < MOST_POLLS, "an attempt never ends");
        if polled(transport.connect(&attempt), times).await.is_some() {
            break;
        }
    }
    for times in 0.. {
        assert!(times < MOST_POLLS, "a connection never opens");
        if polled(builder(&bench).connect(), times).await.is_some() {
            break;
        }
    }
    let mut connection = builder(&bench).connect().await.expect("it connects");
    talk(&bench, &mut connection, note(1)).await;
    Ok(())
}

/// A dropped `recv` takes no message with it.
pub(super) async fn a_dropped_recv_loses_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let mut connection = connection.expect("it connects");
    for number in 0..20 {
        let times = number as usize % 5;
        // One `recv` is dropped before the message is sent, one while it comes.
        assert!(polled(connection.recv(), times).await.is_none());
        peer.send(note(number)).await.expect("the server sends");
        let got = match polled(connection.recv(), times).await {
            Some(message) => bench.incoming(&message.expect("it is open").expect("it goes on")),
            None => next(&bench, &mut connection).await,
        };
        assert_eq!(got, note(number), "nothing is lost with a dropped recv");
    }
    let mut stream = connection.with_transitions();
    assert!(matches!(stream.recv().await, Some(Ok(Transition::Connected { epoch: 1 }))));
    for number in 20..30 {
        let times = number as usize % 3;
        peer.send(note(number)).await.expect("the server sends");
        let item = match polled(stream.recv(), times).await {
            Some(item) => item,
            None => stream.recv().await,
        };
        match item {
            Some(Ok(Transition::Message(message))) => assert_eq!(bench.incoming(&message), note(number)),
            _ => panic!("a message is lost with a dropped recv"),
        }
    }
    Ok(())
}

/// A login that gives up waiting leaves the messages to the stream.
pub(super) async fn a_dropped_wait_of_a_login_loses_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    for times in 0..5 {
        let building = builder(&bench).on_connect(move |mut handshake| async move {
            polled(handshake.flush(), times).await;
            polled(handshake.recv_where(|_| false), times).await;
            if let Some(message) = polled(handshake.recv(), times).await {
                handshake.put_back(message?);
            }
            Ok(handshake)
        });
        let serving = async {
            let mut peer = bench.accept().await;
            for number in 0..3 {
                peer.send(note(number)).await.expect("the server sends");
            }
            peer
        };
        let (connection, _peer) = tokio::join!(building.connect(), serving);
        let mut connection = connection.expect("it connects");
        for number in 0..3 {
            let got = next(&bench, &mut connection).await;
            assert_eq!(got, note(number), "nothing is lost with a login's dropped wait");
        }
    }
    Ok(())
}

/// A login's `send` that is dropped while it waits for the server has sent its
/// message once or not at all. Later messages arrive whole.
pub(super) async fn a_dropped_send_of_a_login_sends_once_or_not_at_all<B: Bench>(bench: Arc<B>) -> Verdict {
    for times in 0..4 {
        let (mut link, mut peer) = open(&bench).await;
        let first = if times == 0 { 0 } else { fill_up(&bench, &mut link).await };
        let mut handshake = Handshake::new(link, Attempt::standalone(1, None), false, (1, 1));
        // Nothing is read, so the send waits, unless buffers have grown.
        let _ = polled(handshake.send(bench.outgoing(pressure::note(first))), times).await;
        let last = first + 1;
        let sending = async {
            handshake.send(bench.outgoing(pressure::note(last))).await.expect("the link takes messages");
        };
        let reading = async {
            let mut expected = 0;
            loop {
                let note = heard(&mut peer).await;
                if expected == first && note == pressure::note(last) {
                    return;
                }
                assert_eq!(note, pressure::note(expected), "nothing is lost with a login's dropped send");
                if note == pressure::note(last) {
                    return;
                }
                expected += 1;
            }
        };
        tokio::join!(sending, reading);
    }
    Ok(())
}

/// A `send` that is dropped before it is ready has sent nothing. `reserve`
/// holds no room.
pub(super) async fn a_dropped_send_has_sent_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).outbox_messages(1).connect(), bench.accept());
    let connection = connection.expect("it connects");
    let sender = connection.sender();
    let mut accepted = full(&bench, &connection).await;
    for times in 0..5 {
        let sent = polled(sender.send(bench.outgoing(large(1_000))), times).await;
        assert!(sent.is_none(), "there is room where there was none");
        assert!(polled(sender.reserve(), times).await.is_none(), "there is room where there was none");
    }
    let sending = async {
        let (connection, sender) = (connection, sender);
        let mut last = accepted.last().copied().unwrap_or(0);
        for times in 0..8 {
            drop(polled(sender.reserve(), times).await);
            last += 1;
            if polled(sender.send(bench.outgoing(large(last))), times).await.is_some() {
                accepted.push(last);
            }
        }
        last += 1;
        say(&bench, &connection, large(last)).await;
        accepted.push(last);
        connection.drain().await.expect("it goes on");
        drop((connection, sender));
    };
    let reading = async {
        let mut got = Vec::new();
        while let FromClient::Message(note) = peer.recv().await {
            got.push(note.number);
        }
        got
    };
    let ((), got) = tokio::join!(sending, reading);
    assert_eq!(got, accepted, "what was sent is what was accepted");
    Ok(())
}

/// Sends until the connection takes no more. Returns the numbers that were taken.
async fn full<B: Bench>(bench: &Arc<B>, connection: &Connection<B>) -> Vec<u32> {
    const PAUSE: Duration = Duration::from_millis(1);
    let sender = connection.sender();
    let count = std::cell::Cell::new(0);
    let filling = async {
        loop {
            match sender.try_send(bench.outgoing(large(count.get() + 1))) {
                Ok(()) => count.set(count.get() + 1),
                Err(TrySendError::Full(_)) => tokio::time::sleep(PAUSE).await,
                Err(TrySendError::Closed(_) | TrySendError::TooBig { .. }) => panic!("it is refused"),
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = stands_still(|| count.get() as usize) => {}
        () = filling => {}
    }
    (1..=count.get()).collect()
}

/// A dropped `send_confirmed` has sent nothing. A dropped confirmation takes
/// nothing back.
pub(super) async fn a_dropped_confirmed_send_has_sent_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).outbox_messages(1).connect(), bench.accept());
    let connection = connection.expect("it connects");
    let sender = connection.sender();
    let sending = async {
        let (connection, sender) = (connection, sender);
        let mut accepted = Vec::new();
        for number in 1..12 {
            let times = number as usize % 4;
            if let Some(sent) = polled(sender.send_confirmed(bench.outgoing(note(number))), times).await {
                accepted.push(number);
                let _ = polled(sent.expect("it goes on"), times).await;
            }
        }
        connection.drain().await.expect("it goes on");
        drop((connection, sender));
        accepted
    };
    let reading = async {
        let mut got = Vec::new();
        while let FromClient::Message(note) = peer.recv().await {
            got.push(note.number);
        }
        got
    };
    let (accepted, got) = tokio::join!(sending, reading);
    assert_eq!(got, accepted, "what was sent is what was accepted");
    Ok(())
}

/// The futures that wait for a state, for an event, or until everything is
/// written can be dropped at any time.
pub(super) async fn a_dropped_wait_changes_nothing<B: Bench>(bench: Arc<B>) -> Verdict {
    let _server = echo(&bench);
    let mut connection = builder(&bench).connect().await.expect("it connects");
    let (mut watch, mut events) = (connection.watch(), connection.events());
    for times in 0..6 {
        say(&bench, &connection, note(times as u32)).await;
        polled(connection.drain(), times).await;
        polled(connection.connected(), times).await;
        polled(watch.changed(), times).await;
        polled(watch.wait_for(|_| false), times).await;
        polled(events.recv(), times).await;
        while next(&bench, &mut connection).await != note(times as u32) {}
    }
    assert_eq!(connection.stats().keeper.reconnects, 0);
    Ok(())
}

/// A goodbye of the link that was dropped while it waited goes on when it is
/// polled again, behind all messages that were sent.
pub(super) async fn a_dropped_goodbye_goes_on<B: Bench>(bench: Arc<B>) -> Verdict {
    for times in 0..4 {
        let (mut link, mut peer) = open(&bench).await;
        let taken = fill_up(&bench, &mut link).await;
        // Nothing is read, so the goodbye waits, unless buffers have grown.
        let said = polled(link.say_goodbye(), times).await;
        let leaving = async {
            if said.is_none() {
                link.say_goodbye().await.expect("the link says goodbye");
            }
            hear(&bench, &mut link).await.expect_err("the server's answer ends the link")
        };
        let serving = async {
            for number in 0..taken {
                let note = heard(&mut peer).await;
                assert_eq!(note, pressure::note(number), "nothing is lost with a dropped goodbye");
            }
            assert_eq!(peer.recv().await, FromClient::End);
            let _ = peer.close().await;
            peer
        };
        let (_, _peer) = tokio::join!(leaving, serving);
    }
    Ok(())
}

/// A dropped `close` goes on: the messages are written, the goodbye is said,
/// the stream ends.
pub(super) async fn a_dropped_close_goes_on<B: Bench>(bench: Arc<B>) -> Verdict {
    for times in 0.. {
        assert!(times < MOST_POLLS, "a close never ends");
        let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
        let mut connection = connection.expect("it connects");
        say(&bench, &connection, note(1)).await;
        let closing = async {
            let finished = polled(connection.close(), times).await.is_some();
            let _ = connection.close().await;
            assert!(connection.recv().await.is_none());
            finished
        };
        let serving = async {
            assert_eq!(heard(&mut peer).await, note(1));
            ended(&mut peer).await;
            let _ = peer.close().await;
        };
        let (finished, ()) = tokio::join!(closing, serving);
        if finished {
            break;
        }
    }
    Ok(())
}

/// Dropping the last handle ends the link and the tasks of the connection.
pub(super) async fn a_dropped_connection_ends_everything<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let connection = connection.expect("it connects");
    let sender = connection.sender();
    peer.send(note(1)).await.expect("the server sends");
    drop(connection);
    // A sender keeps the connection.
    assert!(sender.send(bench.outgoing(note(2))).await.is_ok());
    assert_eq!(heard(&mut peer).await, note(2));
    drop(sender);
    ended(&mut peer).await;
    // A connection that never got a link ends too.
    let unconnected = builder(&bench).build().expect("the settings work");
    let mut polls = 0;
    poll_fn(|cx| {
        polls += 1;
        cx.waker().wake_by_ref();
        if polls < 3 { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    drop(unconnected);
    Ok(())
}
