//! Messages at the limit, and messages over the limit.

use std::sync::Arc;

use super::tools::{builder, echo, hear, heard, open, talk};
use super::verdict::{NotApplicable, Verdict};
use super::{Bench, Note, Peer};
use crate::testing::ByHand;
use crate::transport::Transport;
use crate::{LinkEnd, SendError};

fn limit<B: Bench>(bench: &Arc<B>) -> Result<usize, NotApplicable> {
    bench.limit().ok_or(NotApplicable("messages have no limit here"))
}

/// A message of exactly the limit passes in both directions.
pub(super) async fn the_longest_message_passes<B: Bench>(bench: Arc<B>) -> Verdict {
    let limit = limit(&bench)?;
    let (mut link, mut peer) = open(&bench).await;
    let (ours, theirs) = (Note::new(1, limit), Note::new(2, limit));
    let size = bench.transport().size(&bench.outgoing(ours));
    assert!(size.is_ok(), "a message of just the limit is refused");
    let (sent, got) = tokio::join!(link.send(bench.outgoing(ours)), heard(&mut peer));
    assert_eq!((sent, got), (Ok(()), ours));
    let (sent, got) = tokio::join!(peer.send(theirs), hear(&bench, &mut link));
    sent.expect("the server sends");
    assert_eq!(got, Ok(theirs));
    Ok(())
}

/// A message over the limit is refused when it is offered. The connection goes
/// on.
pub(super) async fn a_longer_message_is_refused<B: Bench>(bench: Arc<B>) -> Verdict {
    let limit = limit(&bench)?;
    let _server = echo(&bench);
    let mut connection = builder(&bench).connect().await.expect("it connects");
    let longer = bench.outgoing(Note::new(1, limit + 1));
    match connection.sender().send(longer).await {
        Err(SendError::TooBig { size, limit, .. }) => assert!(size > limit),
        Err(SendError::Closed(_)) => panic!("the connection is closed"),
        Ok(()) => panic!("a message beyond the limit is accepted"),
    }
    talk(&bench, &mut connection, Note::new(2, 100)).await;
    assert_eq!(connection.stats().keeper.reconnects, 0);
    Ok(())
}

/// A message of the server over the limit ends the link, behind all earlier
/// messages.
pub(super) async fn a_longer_message_of_the_server_ends_the_link<B: Bench>(bench: Arc<B>) -> Verdict {
    let limit = limit(&bench)?;
    let (mut link, mut peer) = open(&bench).await;
    peer.send(Note::new(1, 100)).await.expect("the server sends");
    let sending = async {
        let _ = peer.send(Note::new(2, limit + 1)).await;
        std::future::pending().await
    };
    let reading = async {
        assert_eq!(hear(&bench, &mut link).await, Ok(Note::new(1, 100)));
        hear(&bench, &mut link).await
    };
    let end = tokio::select! {
        end = reading => end,
        never = sending => never,
    };
    match end {
        Err(LinkEnd::TooBig { size, limit }) => assert!(size > limit),
        Err(LinkEnd::Protocol(_)) => {}
        other => panic!("a message beyond the limit came to {other:?}"),
    }
    Ok(())
}
