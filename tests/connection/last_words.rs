//! Bytes that came in just before a link's end: the goodbye's own, or part of a
//! message.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::forward::forward;
use crate::support::{Log, in_time, secs, settle};
use longlink::testing::{Script, ScriptedLink};
use longlink::transport::{Frame, Link, Traffic, Transport, from_fn};
use longlink::{Event, LinkEnd, ResilientConnection};

/// A link that counts what comes in: with each end four bytes, as a WebSocket
/// Close with a code is, or the beginning of a message.
struct Counting {
    link: ScriptedLink<String>,
    received: u64,
}

impl Link for Counting {
    type Incoming = String;
    type Outgoing = String;

    forward!(poll_ready start_send start_beat poll_flush poll_close);

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        let next = self.link.poll_next(cx);
        match &next {
            Poll::Ready(Ok(_)) => self.received += 10,
            Poll::Ready(Err(_)) => self.received += 4,
            Poll::Pending => {}
        }
        next
    }

    fn traffic(&self) -> Option<Traffic> {
        Some(Traffic { received: self.received, sent: 0 })
    }
}

/// How often a link that was idle for 20 s and then ends so, with bytes of its
/// own, is taken for one that was idle for too long.
async fn idle_timeouts_told_by(end: LinkEnd) -> usize {
    let script = Script::new([]);
    let inner = Arc::new(script.transport());
    let transport = from_fn(move |attempt| {
        let inner = Arc::clone(&inner);
        async move { Ok(Counting { link: inner.connect(&attempt).await?, received: 0 }) }
    });
    let log = Log::default();
    let connection =
        ResilientConnection::builder(transport).seed(1).on_event(log.keep()).connect().await.unwrap();
    let peer = script.next_link().await;
    tokio::time::sleep(secs(20)).await;
    peer.end(end);
    in_time(script.next_link()).await;
    connection.connected().await.unwrap();
    settle().await;
    let learned =
        |event: &Event| matches!(event, Event::IdleTimeoutLearned { failed, .. } if *failed == secs(20));
    log.count(learned)
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_after_a_silence_tells_the_idle_timeout() {
    // A balancer that goes away from a link which was idle.
    assert_eq!(idle_timeouts_told_by(LinkEnd::closed(Some(1001), "")).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_message_before_an_end_without_a_goodbye_ends_the_silence() {
    // A server that dies in the middle of a message.
    for end in [LinkEnd::Eof, LinkEnd::Reset] {
        assert_eq!(idle_timeouts_told_by(end).await, 0);
    }
}
