//! A link whose reads cost the task's share of the runtime, as those of each of
//! its sockets do: where the share is spent, `Pending` does not say that nothing
//! waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use crate::support::{in_time, secs, settle};
use longlink::transport::{Frame, Link, from_fn};
use longlink::{LinkEnd, Outcome, ResilientConnection, Token};
use tokio::sync::mpsc;

type Item = Result<Frame<String>, LinkEnd>;

#[derive(Clone)]
struct Far {
    say: mpsc::UnboundedSender<Item>,
    resets: Arc<AtomicBool>,
    goodbye: Arc<AtomicBool>,
    dropped: Arc<AtomicBool>,
    endless: Arc<AtomicBool>,
}

struct Near {
    hear: mpsc::UnboundedReceiver<Item>,
    far: Far,
}

impl Drop for Near {
    fn drop(&mut self) {
        self.far.dropped.store(true, Ordering::Relaxed);
    }
}

impl Link for Near {
    type Incoming = String;
    type Outgoing = String;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Item> {
        if self.far.endless.load(Ordering::Relaxed) {
            // Parts of one message without an end: every read brings some.
            loop {
                let spent = std::pin::pin!(tokio::task::coop::consume_budget()).poll(cx);
                if spent.is_pending() {
                    return Poll::Pending;
                }
            }
        }
        self.hear.poll_recv(cx).map(|item| item.unwrap_or(Err(LinkEnd::Eof)))
    }
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }
    fn start_send(&mut self, _: String) -> Result<(), LinkEnd> {
        Ok(())
    }
    fn start_beat(&mut self, _: Token) -> Result<(), LinkEnd> {
        Ok(())
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        let resets = self.far.resets.load(Ordering::Relaxed);
        Poll::Ready(if resets { Err(LinkEnd::Reset) } else { Ok(()) })
    }
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.far.goodbye.store(true, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

type Fars = Arc<Mutex<Vec<Far>>>;

async fn connected() -> (ResilientConnection<String>, Far, Fars) {
    let fars = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&fars);
    let transport = from_fn(move |attempt| {
        let (say, hear) = mpsc::unbounded_channel();
        let far = Far {
            say,
            resets: Arc::default(),
            goodbye: Arc::default(),
            dropped: Arc::default(),
            endless: Arc::default(),
        };
        kept.lock().unwrap().push(far.clone());
        async move {
            attempt.dialled(None);
            Ok(Near { hear, far })
        }
    });
    let connection =
        ResilientConnection::builder(transport).inbox_messages(4096).seed(1).connect().await.unwrap();
    let far = fars.lock().unwrap()[0].clone();
    (connection, far, fars)
}

/// The share is spent before all is read: `Pending` does not say then that our
/// goodbye would be the last word.
#[tokio::test(start_paused = true)]
async fn a_close_unread_behind_much_before_our_goodbye_is_no_answer() {
    let (connection, far, _) = connected().await;
    let confirmation = connection.sender().send_confirmed("m".into()).await.unwrap();
    settle().await;
    // All of this lies there before goodbye is even wanted.
    for n in 0..600 {
        far.say.send(Ok(Frame::Message(n.to_string()))).unwrap();
    }
    far.say.send(Err(LinkEnd::closed(Some(1000), ""))).unwrap();
    connection.pause();
    settle().await;
    assert_eq!(in_time(confirmation).await, Outcome::MaybeSent("m".into()));
    assert_eq!(connection.stats().messages_received, 600);
}

/// Reading spends the share in each turn, and the deadline is seen all the same.
#[tokio::test(start_paused = true)]
async fn a_left_link_that_is_never_silent_is_dropped_at_its_deadline() {
    let (connection, far, _) = connected().await;
    settle().await;
    connection.pause();
    far.endless.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    tokio::time::advance(secs(10)).await;
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
    assert!(far.dropped.load(Ordering::Relaxed), "its deadline was 3 s");
    assert!(far.goodbye.load(Ordering::Relaxed));
}

/// The old link's last words are read, however busy the new one is.
#[tokio::test(start_paused = true)]
async fn a_busy_link_in_use_does_not_keep_the_old_one_from_being_read() {
    let (connection, old, fars) = connected().await;
    settle().await;
    connection.replace_link();
    settle().await;
    let new = fars.lock().unwrap()[1].clone();
    for n in 0..3 {
        old.say.send(Ok(Frame::Message(n.to_string()))).unwrap();
    }
    old.say.send(Err(LinkEnd::Eof)).unwrap();
    new.endless.store(true, Ordering::Relaxed);
    // Something wakes the driver, which goes on by itself from here on.
    connection.sender().send("m".into()).await.unwrap();
    for _ in 0..500 {
        tokio::task::yield_now().await;
    }
    assert!(connection.stats().wake_ups > 100, "it has many turns");
    assert_eq!(connection.stats().messages_received, 3);
    assert!(old.dropped.load(Ordering::Relaxed));
}
