//! The login hook: what it owns, what it may refuse, and what becomes of a link
//! that breaks under it.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::forward::forward;
use crate::support::{Log, builder, in_time, secs};
use longlink::testing::{Script, ScriptedLink};
use longlink::transport::{ConnectError, Frame, Link, Transport, from_fn};
use longlink::{Beat, Error, Failure, HandshakeError, LinkEnd, ResilientConnection};

#[tokio::test(start_paused = true)]
async fn the_login_owns_the_link_and_leaves_the_rest_to_the_stream() {
    let script = Script::new([]);
    let mut connection = builder(&script)
        .on_connect(|mut handshake| async move {
            handshake.send("login".into()).await?;
            let welcome = handshake.recv_where(|message| message.starts_with("welcome")).await?;
            handshake.put_back(format!("logged in: {welcome}"));
            handshake.set_beat(Beat::Listen { longest_silence: secs(40) });
            Ok(handshake)
        })
        .build()
        .unwrap();
    let peer = script.next_link().await;
    for message in ["news 1", "news 2", "welcome you", "news 3"] {
        peer.deliver(message.into());
    }
    for expected in ["news 1", "news 2", "logged in: welcome you", "news 3"] {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), expected);
    }
    assert_eq!(peer.messages(), ["login"]);
    // Listening: no beat goes out, and silence is death.
    assert_eq!(in_time(peer.dropped()).await, secs(40));
    assert!(peer.written().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_login_that_refuses_is_tried_again_and_told_why() {
    let script = Script::<String>::new([]);
    let connection = builder(&script)
        .on_connect(|handshake| async move {
            match handshake.attempt().number() {
                1 => Err(HandshakeError::retry("bad token")),
                2 => Err("any error".into()),
                _ => {
                    assert_eq!(handshake.attempt().last_failure(), Some(&Failure::Hook { retry: true }));
                    assert!(!handshake.is_reconnect());
                    Ok(handshake)
                }
            }
        })
        .connect()
        .await
        .unwrap();
    assert_eq!(script.attempts().len(), 3);
    assert_eq!(connection.stats().panics, 0);
}

#[tokio::test(start_paused = true)]
async fn a_login_says_when_to_come_back_and_that_its_credentials_were_refused() {
    let script = Script::<String>::new([]);
    let begun = tokio::time::Instant::now();
    let connection = builder(&script)
        .on_connect(|handshake| async move {
            let last = handshake.attempt().last_failure().cloned();
            match handshake.attempt().number() {
                1 => Err(HandshakeError::after(secs(100), "busy")),
                2 => {
                    assert_eq!(last, Some(Failure::RetryAfter(secs(100))));
                    Err(HandshakeError::unauthorized("old token"))
                }
                3 => {
                    assert_eq!(last, Some(Failure::Unauthorized));
                    Err(ConnectError::new(Failure::Dns).into())
                }
                4 => {
                    assert_eq!(last, Some(Failure::Dns));
                    Ok(handshake)
                }
                number => panic!("attempt {number}"),
            }
        })
        .connect()
        .await
        .unwrap();
    assert!(begun.elapsed() >= secs(100));
    assert_eq!(connection.stats().panics, 0);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_stops_ends_the_connection_with_its_reason() {
    let script = Script::<String>::new([]);
    let error = builder(&script)
        .on_connect(|_| async { Err(HandshakeError::stop("account closed")) })
        .connect()
        .await
        .unwrap_err();
    let Error::GaveUp { source: Some(source), .. } = &error else { panic!("{error:?}") };
    let cause = std::error::Error::source(&**source).unwrap();
    assert_eq!(cause.to_string(), "account closed");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_panics_is_a_failed_attempt() {
    let script = Script::<String>::new([]);
    let connection = builder(&script)
        .on_connect(|handshake| async move {
            assert!(handshake.attempt().number() > 1, "the first login panics");
            Ok(handshake)
        })
        .connect()
        .await
        .unwrap();
    assert_eq!(connection.stats().panics, 1);
    assert_eq!(script.attempts()[1].last_failure, Some(Failure::Panicked));
}

#[tokio::test(start_paused = true)]
async fn a_link_whose_end_the_login_made_nothing_of_is_not_taken_into_use() {
    let script = Script::new([]);
    let log = Log::default();
    let connection = builder(&script)
        .on_event(log.keep())
        .on_connect(|mut handshake| async move {
            let _ = handshake.recv().await;
            Ok(handshake)
        })
        .build()
        .unwrap();
    script.next_link().await.end(LinkEnd::closed(Some(4000), "not now"));
    let second = in_time(script.next_link()).await;
    second.deliver("welcome".into());
    in_time(connection.connected()).await.unwrap();
    let wanted = Some(Failure::Ended(LinkEnd::closed(Some(4000), "not now")));
    assert_eq!(script.attempts()[1].last_failure, wanted, "{:?}", log.events());
}

/// A link whose flushes fail after the first, though it has not ended.
struct Mute {
    link: ScriptedLink<String>,
    flushes: usize,
}

impl Link for Mute {
    type Incoming = String;
    type Outgoing = String;

    forward!(poll_next poll_ready start_send start_beat poll_close);

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        match self.flushes.checked_sub(1) {
            Some(left) => {
                self.flushes = left;
                self.link.poll_flush(cx)
            }
            None => Poll::Ready(Err(LinkEnd::Reset)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_broke_under_the_login_is_not_taken_into_use() {
    let script = Script::<String>::new([]);
    let inner = Arc::new(script.transport());
    let transport = from_fn(move |attempt| {
        let inner = Arc::clone(&inner);
        async move {
            // The first link takes one message, the others all.
            let flushes = if attempt.number() == 1 { 1 } else { usize::MAX };
            Ok(Mute { link: inner.connect(&attempt).await?, flushes })
        }
    });
    let connection = ResilientConnection::builder(transport)
        .seed(1)
        .on_connect(|mut handshake| async move {
            handshake.send("name".into()).await?;
            let broken = handshake.send("token".into()).await.is_err();
            assert_eq!(handshake.flush().await.is_err(), broken, "an error is final");
            Ok(handshake)
        })
        .build()
        .unwrap();
    in_time(connection.connected()).await.unwrap();
    let failures: Vec<_> = script.attempts().into_iter().map(|attempt| attempt.last_failure).collect();
    assert_eq!(failures, [None, Some(Failure::Ended(LinkEnd::Reset))]);
}
