use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::transport::{Frame, Link};
use crate::{LinkEnd, Token};

type Pair = (InProcessLink<u32>, InProcessPeer<u32>);

async fn pair() -> Pair {
    let place = InProcess::new();
    let mut listener = place.listen();
    let link = place.connect(&Attempt::standalone(1, None)).await.unwrap();
    (link, listener.accept().await.unwrap())
}

fn now<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
    poll(&mut Context::from_waker(Waker::noop()))
}

async fn next(link: &mut InProcessLink<u32>) -> Result<Frame<u32>, LinkEnd> {
    poll_fn(|cx| link.poll_next(cx)).await
}

async fn send(link: &mut InProcessLink<u32>, message: u32) {
    poll_fn(|cx| link.poll_ready(cx)).await.unwrap();
    link.start_send(message).unwrap();
    flush(link).await;
}

async fn flush(link: &mut InProcessLink<u32>) {
    poll_fn(|cx| link.poll_flush(cx)).await.unwrap();
}

#[tokio::test]
async fn messages_reach_the_peer_when_they_are_flushed() {
    let (mut link, peer) = pair().await;
    assert!(now(|cx| link.poll_ready(cx)).is_ready());
    link.start_send(1).unwrap();
    assert!(tokio::time::timeout(std::time::Duration::from_millis(10), peer.recv()).await.is_err());
    flush(&mut link).await;
    assert_eq!(peer.recv().await, Ok(1));
    peer.send(2).await.unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Message(2)));
}

#[tokio::test]
async fn a_full_way_makes_its_sender_wait_and_loses_nothing() {
    let (mut link, peer) = pair().await;
    let mut taken = 0;
    while now(|cx| link.poll_ready(cx)).is_ready() {
        link.start_send(taken).unwrap();
        taken += 1;
    }
    assert_eq!(taken as usize, IN_PROCESS_MESSAGES + 64);
    assert!(now(|cx| link.poll_flush(cx)).is_pending());
    let reading = async {
        for expected in 0..taken {
            assert_eq!(peer.recv().await, Ok(expected));
        }
    };
    tokio::join!(flush(&mut link), reading);

    for message in 0..IN_PROCESS_MESSAGES as u32 {
        peer.send(message).await.unwrap();
    }
    let one_more = tokio::time::timeout(std::time::Duration::from_millis(10), peer.send(999)).await;
    assert!(one_more.is_err());
    for expected in 0..IN_PROCESS_MESSAGES as u32 {
        assert_eq!(next(&mut link).await, Ok(Frame::Message(expected)));
    }
    assert!(now(|cx| link.poll_next(cx)).is_pending(), "a dropped send has sent nothing");
}

#[tokio::test]
async fn beats_pass_a_full_pipe_and_the_reader_answers_them() {
    let (mut link, peer) = pair().await;
    for message in 0..IN_PROCESS_MESSAGES as u32 {
        send(&mut link, message).await;
        peer.send(message).await.unwrap();
    }
    link.start_beat(Token(7)).unwrap();
    flush(&mut link).await;
    for expected in 0..IN_PROCESS_MESSAGES as u32 {
        assert_eq!(peer.recv().await, Ok(expected));
    }
    let reading = tokio::time::timeout(std::time::Duration::from_millis(10), peer.recv());
    assert!(reading.await.is_err());
    for expected in 0..IN_PROCESS_MESSAGES as u32 {
        assert_eq!(next(&mut link).await, Ok(Frame::Message(expected)));
    }
    assert_eq!(next(&mut link).await, Ok(Frame::Pong(Some(Token(7)))));

    link.start_beat(Token(8)).unwrap();
    flush(&mut link).await;
    assert_eq!(peer.next().await, Ok(InProcessFrame::Beat(Token(8))));
    peer.pong(None).unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Pong(None)));
}

#[tokio::test]
async fn the_peer_s_ping_is_answered_with_the_next_flush_the_latest_only() {
    let (mut link, peer) = pair().await;
    peer.ping(Token(1)).unwrap();
    peer.ping(Token(2)).unwrap();
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
    assert_eq!(next(&mut link).await, Ok(Frame::Alive));
    flush(&mut link).await;
    assert_eq!(peer.next().await, Ok(InProcessFrame::Pong(Token(2))));
}

#[tokio::test]
async fn beats_that_nobody_reads_do_not_pile_up() {
    let (mut link, peer) = pair().await;
    for token in 0..100 {
        link.start_beat(Token(token)).unwrap();
        flush(&mut link).await;
    }
    drop(link);
    let mut kept = Vec::new();
    while let Ok(InProcessFrame::Beat(Token(token))) = peer.next().await {
        kept.push(token);
    }
    assert_eq!(kept, (68..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn every_end_comes_behind_what_was_sent() {
    for (end, way) in [(LinkEnd::closed(Some(4001), "away"), 0), (LinkEnd::Eof, 1), (LinkEnd::Reset, 2)] {
        let (mut link, peer) = pair().await;
        peer.send(1).await.unwrap();
        match way {
            0 => peer.close(4001, "away"),
            1 => peer.half_close(),
            _ => drop(peer),
        }
        assert_eq!(next(&mut link).await, Ok(Frame::Message(1)));
        assert_eq!(next(&mut link).await, Err(end.clone()));
        assert_eq!(next(&mut link).await, Err(end));
    }
}

#[tokio::test]
async fn an_end_that_has_closed_sends_no_more_and_reads_on() {
    let (mut link, peer) = pair().await;
    peer.half_close();
    assert_eq!(peer.send(1).await, Err(LinkEnd::Eof));
    send(&mut link, 2).await;
    assert_eq!(peer.recv().await, Ok(2));
    drop(link);
    assert_eq!(peer.recv().await, Err(LinkEnd::Eof));
}

#[tokio::test]
async fn a_goodbye_is_answered_when_it_is_read() {
    let (mut link, peer) = pair().await;
    link.start_send(1).unwrap();
    poll_fn(|cx| link.poll_close(cx)).await.unwrap();
    assert!(now(|cx| link.poll_next(cx)).is_pending());
    assert_eq!(peer.recv().await, Ok(1));
    let goodbye = LinkEnd::closed(Some(1000), "");
    assert_eq!(peer.recv().await, Err(goodbye.clone()));
    assert_eq!(next(&mut link).await, Err(goodbye));
}

#[tokio::test]
async fn writing_to_a_peer_that_is_gone_is_a_reset() {
    let (mut link, peer) = pair().await;
    link.start_send(1).unwrap();
    drop(peer);
    assert_eq!(now(|cx| link.poll_flush(cx)), Poll::Ready(Err(LinkEnd::Reset)));
    assert_eq!(now(|cx| link.poll_ready(cx)), Poll::Ready(Err(LinkEnd::Reset)));
    assert_eq!(link.start_send(1), Err(LinkEnd::Reset));
    assert_eq!(link.start_beat(Token(1)), Err(LinkEnd::Reset));

    let (link, peer) = pair().await;
    drop(link);
    assert_eq!(peer.send(1).await, Err(LinkEnd::Reset));
    assert_eq!(peer.recv().await, Err(LinkEnd::Eof));
}

#[tokio::test]
async fn a_writer_that_waits_hears_that_the_peer_is_gone() {
    let (mut link, peer) = pair().await;
    while now(|cx| link.poll_ready(cx)).is_ready() {
        link.start_send(0).unwrap();
    }
    let writing = tokio::spawn(async move { poll_fn(|cx| link.poll_flush(cx)).await });
    tokio::task::yield_now().await;
    drop(peer);
    assert_eq!(writing.await.unwrap(), Err(LinkEnd::Reset));
}

#[tokio::test]
async fn attempts_are_refused_while_nobody_listens() {
    let place = InProcess::<u32>::new();
    let attempt = Attempt::standalone(1, None);
    let refused = |error: ConnectError| *error.failure() == Failure::Refused;
    assert!(place.connect(&attempt).await.is_err_and(refused));
    let listener = place.listen();
    let mut link = place.connect(&attempt).await.unwrap();
    drop(listener);
    assert_eq!(next(&mut link).await, Err(LinkEnd::Reset));
    assert!(place.connect(&attempt).await.is_err_and(refused));
    // Another server takes the place.
    let mut first = place.listen();
    let mut second = place.listen();
    let _link = place.connect(&attempt).await.unwrap();
    assert!(first.accept().await.is_none());
    assert!(second.accept().await.is_some());
    drop(place);
    assert!(second.accept().await.is_none());
}

#[tokio::test]
async fn an_attempt_waits_where_too_many_wait_to_be_accepted() {
    let place = InProcess::<u32>::new();
    let mut listener = place.listen();
    let attempt = Attempt::standalone(1, None);
    let mut links = Vec::new();
    for _ in 0..BACKLOG {
        links.push(place.connect(&attempt).await.unwrap());
    }
    let mut waiting = Box::pin(place.connect(&attempt));
    assert!(now(|cx| waiting.as_mut().poll(cx)).is_pending());
    listener.accept().await.unwrap();
    waiting.await.unwrap();
}

#[tokio::test]
async fn the_peers_own_goodbye_is_no_answer_before_it_has_read_ours() {
    for reads in [false, true] {
        let (mut link, peer) = pair().await;
        send(&mut link, 1).await;
        assert!(now(|cx| link.poll_close(cx)).is_ready());
        peer.close(1000, "");
        if reads {
            assert_eq!(peer.recv().await, Ok(1));
            assert_eq!(peer.recv().await, Err(LinkEnd::closed(Some(1000), "")));
        }
        let expected = if reads { LinkEnd::closed(Some(1000), "") } else { LinkEnd::Eof };
        drop(peer);
        assert_eq!(next(&mut link).await, Err(expected));
    }
}
