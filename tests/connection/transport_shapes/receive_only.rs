//! A feed that only sends (server-sent events): nothing can go out, and
//! comments are its beats.

use std::convert::Infallible;
use std::task::{Context, Poll, ready};

use longlink::transport::{ConnectError, Frame, Link, Transport, from_fn};
use longlink::{Beat, Detection, Failure, LinkEnd, ResilientConnection, Token};
use tokio::sync::mpsc;

use super::{Log, in_time, message, secs};

struct Feed(mpsc::Receiver<String>);

impl Link for Feed {
    type Incoming = String;
    type Outgoing = Infallible;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        Poll::Ready(match ready!(self.0.poll_recv(cx)) {
            Some(line) if line.starts_with(':') => Ok(Frame::Alive),
            Some(line) => Ok(Frame::Message(line)),
            None => Err(LinkEnd::Eof),
        })
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, message: Infallible) -> Result<(), LinkEnd> {
        match message {}
    }

    fn start_beat(&mut self, _: Token) -> Result<(), LinkEnd> {
        unreachable!("a link that listens is never asked to beat")
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.0.close();
        Poll::Ready(Ok(()))
    }

    fn beat(&self) -> Beat {
        Beat::Listen { longest_silence: secs(25) }
    }
}

/// The server's ends of the feeds that are open.
type Readers = mpsc::UnboundedReceiver<mpsc::Sender<String>>;

fn server() -> (impl Transport<Link = Feed>, Readers) {
    let (subscribe, readers) = mpsc::unbounded_channel();
    let transport = from_fn(move |attempt| {
        let subscribe = subscribe.clone();
        async move {
            let (feed, lines) = mpsc::channel(16);
            subscribe.send(feed).map_err(|_| ConnectError::new(Failure::Refused))?;
            attempt.dialled(None);
            Ok(Feed(lines))
        }
    });
    (transport, readers)
}

#[tokio::test(start_paused = true)]
async fn a_feed_is_read_in_order_and_its_silence_is_its_death() {
    let (transport, mut readers) = server();
    let log = Log::new();
    let mut connection =
        ResilientConnection::builder(transport).on_event(log.listener()).seed(1).connect().await.unwrap();
    let feed = in_time(readers.recv()).await.unwrap();
    for line in ["one", ":", "two"] {
        feed.send(line.to_owned()).await.unwrap();
    }
    assert_eq!(message(&mut connection).await, "one");
    assert_eq!(message(&mut connection).await, "two");

    // Comments alone keep it alive.
    for _ in 0..10 {
        tokio::time::sleep(secs(24)).await;
        feed.send(":".to_owned()).await.unwrap();
    }
    assert_eq!(log.ends().await, []);

    let next = in_time(readers.recv()).await.unwrap();
    assert_eq!(log.ends().await, [(secs(240 + 25), Detection::Silent)]);
    assert!(feed.is_closed(), "a dead link is dropped");
    next.send("three".to_owned()).await.unwrap();
    assert_eq!(message(&mut connection).await, "three");
    assert_eq!(connection.stats().keeper.beats_sent, 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_feed_sent_before_its_end_is_read() {
    let (transport, mut readers) = server();
    let mut connection = ResilientConnection::builder(transport).seed(1).connect().await.unwrap();
    for round in 0..3 {
        let feed = in_time(readers.recv()).await.unwrap();
        feed.send(format!("{round}a")).await.unwrap();
        feed.send(format!("{round}b")).await.unwrap();
        drop(feed);
    }
    for line in ["0a", "0b", "1a", "1b", "2a", "2b"] {
        assert_eq!(message(&mut connection).await, line);
    }
}
