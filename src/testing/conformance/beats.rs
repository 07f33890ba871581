//! Beats, and links whose beats are not answered.

use std::sync::Arc;
use std::time::Duration;

use super::bench::BenchLink;
use super::tools::{Connection, builder, disconnected, echo, needs, next, open, quick, say, talk};
use super::verdict::{NotApplicable, Verdict};
use super::{Bench, Fault, FromClient, Note, Peer};
use crate::testing::{ByHand, Direction};
use crate::transport::{Attempt, Frame, Link, Transport};
use crate::{Beat, Detection, Event, Events, Token};

/// A beat of the client takes at most 10 bytes beside the protocol's framing.
/// Its answer carries its token, or no token.
pub(super) async fn a_beat_is_small_and_is_answered<B: Bench>(bench: Arc<B>) -> Verdict {
    const MOST: usize = 10;
    let (mut link, mut peer) = open(&bench).await;
    needs(asks::<B>(&link), "this link does not beat")?;
    for token in [Token(1), Token(2)] {
        let before = link.traffic();
        link.send_beat(token).await.expect("the link takes a beat");
        if let (Some(before), Some(after)) = (before, link.traffic()) {
            let size = (after.sent - before.sent) as usize;
            assert!(size > 0, "a flushed beat was sent");
            assert!(size <= MOST + bench.framing(), "a beat takes {size} bytes");
        }
        let answer = tokio::select! {
            frame = link.next() => frame.expect("the link goes on"),
            heard = peer.recv() => panic!("the server heard {heard:?} in a beat"),
        };
        match answer {
            Frame::Pong(Some(answered)) => assert_eq!(answered, token, "the answer names another beat"),
            Frame::Pong(None) => {}
            Frame::Alive | Frame::Message(_) => panic!("the answer to a beat is a Pong"),
        }
    }
    Ok(())
}

/// A beat of the server is a sign of life and no message. The next flush
/// answers it.
pub(super) async fn a_ping_of_the_server_is_answered_with_the_next_flush<B: Bench>(bench: Arc<B>) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    needs(peer.ping().await.expect("the server sends"), "the server does not beat")?;
    assert!(matches!(link.next().await, Ok(Frame::Alive)), "a ping is a sign of life");
    link.flush().await.expect("the link flushes");
    assert_eq!(peer.recv().await, FromClient::Pong);
    Ok(())
}

/// A connection answers the server's beats though the application neither
/// reads nor writes.
pub(super) async fn a_connection_answers_the_server_s_pings_by_itself<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let connection = connection.expect("it connects");
    for _ in 0..3 {
        needs(peer.ping().await.expect("the server sends"), "the server does not beat")?;
        assert_eq!(peer.recv().await, FromClient::Pong);
    }
    drop(connection);
    Ok(())
}

/// Five beats are lost: the link ends, and the connection comes back.
pub(super) async fn a_black_hole_to_the_server_is_noticed<B: Bench>(bench: Arc<B>) -> Verdict {
    hole(bench, Direction::ToServer).await
}

/// Five answers to beats are lost: the link ends, and the connection comes back.
pub(super) async fn a_black_hole_from_the_server_is_noticed<B: Bench>(bench: Arc<B>) -> Verdict {
    hole(bench, Direction::ToClient).await
}

async fn hole<B: Bench>(bench: Arc<B>, way: Direction) -> Verdict {
    let _server = echo(&bench);
    let (mut connection, mut events) = beating(&bench).await?;
    needs(bench.make(Fault::BlackHole(way)), "nothing can be lost here")?;
    assert_eq!(disconnected(&mut events).await, Detection::Unanswered { beats: 5 });
    bench.restore();
    talk_again(&bench, &mut connection, &mut events).await;
    Ok(())
}

/// Messages that go out are no sign of life: a writer that is never idle is
/// told as well that its link is dead.
pub(super) async fn a_busy_writer_into_a_black_hole_is_declared_dead<B: Bench>(bench: Arc<B>) -> Verdict {
    const PACE: Duration = Duration::from_millis(5);
    let _server = echo(&bench);
    let (mut connection, mut events) = beating(&bench).await?;
    needs(bench.make(Fault::BlackHole(Direction::ToServer)), "nothing can be lost here")?;
    let sender = connection.sender();
    let writing = async {
        for number in 100.. {
            let _ = sender.try_send(bench.outgoing(Note::new(number, 100)));
            tokio::time::sleep(PACE).await;
        }
    };
    tokio::select! {
        detection = disconnected(&mut events) => assert_eq!(detection, Detection::Unanswered { beats: 5 }),
        () = writing => {}
    }
    bench.restore();
    talk_again(&bench, &mut connection, &mut events).await;
    Ok(())
}

/// An idle connection beats again and again, and gets the answers.
pub(super) async fn beats_of_an_idle_connection_are_answered<B: Bench>(bench: Arc<B>) -> Verdict {
    let _server = echo(&bench);
    let (_connection, mut events) = beating(&bench).await?;
    let mut answered = 0;
    while answered < 4 {
        let event = events.recv().await.expect("the connection goes on");
        if let Event::BeatAnswered { .. } = event {
            answered += 1;
        }
    }
    Ok(())
}

/// A connection with a short heartbeat that has exchanged a message, and its
/// events.
async fn beating<B: Bench>(bench: &Arc<B>) -> Result<(Connection<B>, Events), NotApplicable> {
    let link = bench.transport().connect(&Attempt::standalone(1, None)).await.expect("the link opens");
    needs(asks::<B>(&link), "this link does not beat")?;
    drop(link);
    let mut connection = builder(bench).heartbeat(quick()).connect().await.expect("it connects");
    let events = connection.events();
    talk(bench, &mut connection, Note::new(1, 100)).await;
    Ok((connection, events))
}

/// Whether the client's beats show that the link is alive.
fn asks<B: Bench>(link: &BenchLink<B>) -> bool {
    matches!(link.beat(), Beat::Ping)
}

/// Exchanges a message, though the link may be cut once more.
pub(super) async fn talk_again<B: Bench>(
    bench: &Arc<B>,
    connection: &mut Connection<B>,
    events: &mut Events,
) {
    for number in 10_000_000.. {
        connection.connected().await.expect("it connects again");
        let note = Note::new(number, 100);
        say(bench, connection, note).await;
        tokio::select! {
            () = async { while next(bench, connection).await != note {} } => return,
            _ = disconnected(events) => {}
        }
    }
}
