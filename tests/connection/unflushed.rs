//! Links that hold what they were given until their path takes it, and do not
//! count their bytes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::support::{millis, secs, settle};
use longlink::transport::{Frame, Link, from_fn};
use longlink::{Beat, Heartbeat, LinkEnd, ResilientConnection, Token};
use tokio::time::{Instant, Sleep, sleep_until};

/// The nature of such links, and the fate of their beats.
#[derive(Clone)]
struct Path {
    /// One item leaves the link in this time.
    takes: Duration,
    beat: Beat,
    began: Instant,
    /// When beats were given to the link.
    beats: Arc<Mutex<Vec<Duration>>>,
}

impl Path {
    fn new(takes: Duration) -> Path {
        Path { takes, beat: Beat::Ping, began: Instant::now(), beats: Arc::default() }
    }

    async fn connect(&self) -> ResilientConnection<String> {
        let path = self.clone();
        let transport = from_fn(move |_| {
            let path = path.clone();
            async move {
                let tick = Box::pin(sleep_until(Instant::now() + path.takes));
                Ok(Holding { held: VecDeque::new(), answers: VecDeque::new(), tick, path })
            }
        });
        let heartbeat = Heartbeat::adaptive();
        ResilientConnection::builder(transport).heartbeat(heartbeat).seed(1).connect().await.unwrap()
    }
}

enum Item {
    Message,
    Beat(Token),
}

/// Holds up to 64 items; it is flushed when it holds none. A beat is answered
/// as soon as it has left.
struct Holding {
    path: Path,
    held: VecDeque<Item>,
    answers: VecDeque<Token>,
    tick: Pin<Box<Sleep>>,
}

impl Holding {
    fn go_on(&mut self, cx: &mut Context<'_>) {
        while self.tick.as_mut().poll(cx).is_ready() {
            match self.held.pop_front() {
                Some(Item::Beat(token)) => self.answers.push_back(token),
                Some(Item::Message) | None => {}
            }
            self.tick.as_mut().reset(Instant::now() + self.path.takes);
        }
    }
}

impl Link for Holding {
    type Incoming = String;
    type Outgoing = String;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        self.go_on(cx);
        match self.answers.pop_front() {
            Some(token) => Poll::Ready(Ok(Frame::Pong(Some(token)))),
            None => Poll::Pending,
        }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.go_on(cx);
        if self.held.len() < 64 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn start_send(&mut self, _: String) -> Result<(), LinkEnd> {
        self.held.push_back(Item::Message);
        Ok(())
    }

    fn start_beat(&mut self, token: Token) -> Result<(), LinkEnd> {
        self.path.beats.lock().unwrap().push(self.path.began.elapsed());
        self.held.push_back(Item::Beat(token));
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.go_on(cx);
        if self.held.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.poll_flush(cx)
    }

    fn beat(&self) -> Beat {
        self.path.beat
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_faster_than_its_path_proves_no_gap() {
    let path = Path::new(millis(10));
    let connection = path.connect().await;
    let sender = connection.sender();
    tokio::spawn(async move { while sender.send("tick".to_owned()).await.is_ok() {} });
    tokio::time::sleep(secs(900)).await;
    let stats = connection.stats();
    assert!(stats.messages_sent > 80_000, "a message every 10 ms: {}", stats.messages_sent);
    assert!(stats.keeper.beats_sent > 2, "{}", stats.keeper.beats_sent);
    assert!(
        stats.keeper.proven <= millis(10),
        "the path was never idle for longer: {:?}",
        stats.keeper.proven
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_link_only_holds_has_not_gone_out_again() {
    // Nothing leaves within the test.
    let keep_alive = Beat::KeepAlive { max_send_gap: secs(7) };
    let path = Path { beat: keep_alive, ..Path::new(secs(3_600)) };
    let connection = path.connect().await;
    tokio::time::sleep(secs(1)).await;
    connection.sender().send("stuck".to_owned()).await.unwrap();
    // Turns in which nothing is given and nothing leaves.
    for _ in 0..6 {
        tokio::time::sleep(secs(1)).await;
        connection.set_activity(longlink::Activity::Background);
        settle().await;
    }
    tokio::time::sleep(secs(2)).await;
    assert_eq!(path.beats.lock().unwrap().first(), Some(&secs(8)), "7 s after the message was given");
}
