//! Each way to cut a link is reported by its name.

use std::future::Future;
use std::sync::Arc;

use super::tools::{builder, disconnected, ended, hear, heard, needs, next, open, say};
use super::verdict::Verdict;
use super::{Bench, Fault, Note, Peer};
use crate::testing::{ByHand, Cut};
use crate::{Detection, Event, LinkEnd};

/// Long enough to be cut in its middle.
fn long(number: u32) -> Note {
    Note::new(number, 4_000)
}

/// The stream ends in both directions.
pub(super) async fn a_fin_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::Fin).await
}

/// The link is reset.
pub(super) async fn a_reset_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::Reset).await
}

/// The stream from the server ends; the stream to the server stays open.
pub(super) async fn a_half_close_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::HalfClose).await
}

/// The stream ends in the middle of a message.
pub(super) async fn a_message_cut_by_a_fin_is_dropped<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::MidFrame(Cut::Fin)).await
}

/// The link is reset in the middle of a message.
pub(super) async fn a_message_cut_by_a_reset_is_dropped<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::MidFrame(Cut::Reset)).await
}

/// The client's encryption refuses the bytes that came.
pub(super) async fn an_alert_of_ours_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::SpoiltToClient).await
}

/// The server's encryption refuses the client's bytes.
pub(super) async fn an_alert_of_the_server_s_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    cut(bench, Fault::SpoiltToServer).await
}

/// The bare link ends as the fault says, behind all earlier messages. The link
/// of a connection does the same, and the connection comes back.
async fn cut<B: Bench>(bench: Arc<B>, fault: Fault) -> Verdict {
    let (mut link, mut peer) = open(&bench).await;
    peer.send(long(1)).await.expect("the server sends");
    assert_eq!(hear(&bench, &mut link).await, Ok(long(1)));
    needs(bench.make(fault), "the fault has no counterpart here")?;
    if fault == Fault::SpoiltToServer {
        let _ = link.send(bench.outgoing(long(2))).await;
    }
    let end = beside(hear(&bench, &mut link), provoke(fault, &mut peer)).await;
    check(&bench, fault, end.expect_err("nothing comes behind a cut"));
    drop((link, peer));

    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let mut connection = connection.expect("it connects");
    let mut events = connection.events();
    peer.send(long(3)).await.expect("the server sends");
    assert_eq!(next(&bench, &mut connection).await, long(3));
    bench.make(fault);
    if fault == Fault::SpoiltToServer {
        say(&bench, &connection, long(4)).await;
    }
    let detection = beside(disconnected(&mut events), provoke(fault, &mut peer)).await;
    let Detection::Ended(end) = detection else { panic!("{fault:?} was seen as {detection:?}") };
    check(&bench, fault, end);
    drop(peer);
    let mut peer = bench.accept().await;
    peer.send(long(5)).await.expect("the server sends");
    assert_eq!(next(&bench, &mut connection).await, long(5), "nothing of what was cut comes later");
    say(&bench, &connection, long(6)).await;
    while heard(&mut peer).await != long(6) {}
    assert_eq!(connection.connected().await.expect("it is connected"), 2);
    Ok(())
}

/// Sends the message that the fault hits, if it hits one, and goes on reading.
async fn provoke(fault: Fault, peer: &mut impl Peer) {
    if matches!(fault, Fault::MidFrame(_) | Fault::SpoiltToClient) {
        let _ = peer.send(long(9)).await;
    }
    ended(peer).await;
}

/// Returns the output of `main`. Meanwhile `other` goes on beside it.
async fn beside<T>(main: impl Future<Output = T>, other: impl Future<Output = ()>) -> T {
    tokio::select! {
        result = main => result,
        never = async { other.await; std::future::pending().await } => never,
    }
}

fn check<B: Bench>(bench: &Arc<B>, fault: Fault, end: LinkEnd) {
    assert!(bench.allows(fault, &end), "{fault:?} ended the link with {end:?}");
}

/// A server stops: its links end and its port is closed. Attempts are refused
/// until another server is there.
pub(super) async fn a_server_that_stops_is_reconnected_to<B: Bench>(bench: Arc<B>) -> Verdict {
    let (connection, mut peer) = tokio::join!(builder(&bench).connect(), bench.accept());
    let mut connection = connection.expect("it connects");
    let mut events = connection.events();
    peer.send(long(1)).await.expect("the server sends");
    assert_eq!(next(&bench, &mut connection).await, long(1));
    needs(bench.make(Fault::Refused), "attempts cannot be refused here")?;
    drop(peer);
    let detection = disconnected(&mut events).await;
    let ends = matches!(
        &detection,
        Detection::Ended(LinkEnd::Eof | LinkEnd::Reset | LinkEnd::Closed { .. } | LinkEnd::Io { .. })
    );
    assert!(ends, "a server that stops was seen as {detection:?}");
    let mut failed = 0;
    while failed < 2 {
        let event = events.recv().await.expect("the connection goes on");
        assert!(!matches!(event, Event::Connected { .. }), "nobody listens");
        failed += usize::from(matches!(event, Event::AttemptFailed { .. }));
    }
    bench.restore();
    let mut peer = bench.accept().await;
    peer.send(long(2)).await.expect("the server sends");
    assert_eq!(next(&bench, &mut connection).await, long(2));
    assert_eq!(connection.connected().await.expect("it is connected"), 2);
    Ok(())
}
