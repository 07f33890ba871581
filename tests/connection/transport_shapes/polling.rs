//! No lasting socket at all (long polling): every read is a request, and a
//! write has arrived when its request was answered.

use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use futures::SinkExt;
use longlink::transport::{ConfirmedBy, ConnectError, Frame, Link, Transport, from_fn};
use longlink::{Beat, Detection, Failure, LinkEnd, Outcome, ResilientConnection, Token};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::{Log, message, millis, secs};

type Request<T> = Pin<Box<dyn Future<Output = Result<T, LinkEnd>> + Send>>;

pub(crate) struct Poller {
    server: Arc<Server>,
    /// The first message that has not been fetched, over all links.
    fetched: Arc<AtomicUsize>,
    get: Option<Request<Vec<String>>>,
    post: Option<Request<()>>,
    arrived: VecDeque<String>,
    outgoing: Vec<String>,
}

impl Link for Poller {
    type Incoming = String;
    type Outgoing = String;

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame<String>, LinkEnd>> {
        loop {
            if let Some(message) = self.arrived.pop_front() {
                return Poll::Ready(Ok(Frame::Message(message)));
            }
            let from = self.fetched.load(Ordering::Relaxed);
            let get = self.get.get_or_insert_with(|| Box::pin(Arc::clone(&self.server).get(from)));
            let batch = ready!(get.as_mut().poll(cx));
            self.get = None;
            let batch = batch?;
            if batch.is_empty() {
                return Poll::Ready(Ok(Frame::Alive));
            }
            self.fetched.fetch_add(batch.len(), Ordering::Relaxed);
            self.arrived.extend(batch);
        }
    }

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, message: String) -> Result<(), LinkEnd> {
        self.outgoing.push(message);
        Ok(())
    }

    fn start_beat(&mut self, _: Token) -> Result<(), LinkEnd> {
        unreachable!("a link that listens is never asked to beat")
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        loop {
            if let Some(post) = &mut self.post {
                ready!(post.as_mut().poll(cx))?;
                self.post = None;
            } else if self.outgoing.is_empty() {
                return Poll::Ready(Ok(()));
            } else {
                let batch = mem::take(&mut self.outgoing);
                self.post = Some(Box::pin(Arc::clone(&self.server).post(batch)));
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkEnd>> {
        self.poll_flush(cx)
    }

    fn beat(&self) -> Beat {
        Beat::Listen { longest_silence: secs(30) }
    }

    fn confirmed_by(&self) -> ConfirmedBy {
        ConfirmedBy::Flush
    }
}

pub(crate) fn transport(server: &Arc<Server>) -> impl Transport<Link = Poller> + use<> {
    let (server, fetched) = (Arc::clone(server), Arc::new(AtomicUsize::new(0)));
    from_fn(move |attempt| {
        let (server, fetched) = (Arc::clone(&server), Arc::clone(&fetched));
        async move {
            let hello = Arc::clone(&server).post(Vec::new()).await;
            hello.map_err(|end| ConnectError::new(Failure::Ended(end)))?;
            attempt.dialled(None);
            let (arrived, outgoing) = (VecDeque::new(), Vec::new());
            Ok(Poller { server, fetched, get: None, post: None, arrived, outgoing })
        }
    })
}

/// An HTTP server, as far as a poller sees it. A request takes 20 ms.
#[derive(Default)]
pub(crate) struct Server {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    messages: Vec<String>,
    posted: Vec<String>,
    mood: Mood,
    gets: u32,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    /// Breaks every request off.
    Down,
    /// Takes requests and never answers.
    Stuck,
}

impl Server {
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().expect("nobody panics under it"))
    }

    pub(crate) fn publish(&self, message: &str) {
        self.with(|state| state.messages.push(message.to_owned()));
        self.news.notify_waiters();
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.with(|state| state.mood = mood);
        self.news.notify_waiters();
    }

    pub(crate) fn posted(&self) -> Vec<String> {
        self.with(|state| state.posted.clone())
    }

    /// Waits up to 20 s for messages from the `from`-th on.
    async fn get(self: Arc<Self>, from: usize) -> Result<Vec<String>, LinkEnd> {
        self.with(|state| state.gets += 1);
        self.answer().await?;
        let _ = timeout(secs(20), async {
            loop {
                let news = self.news.notified();
                if self.with(|state| state.messages.len() > from || state.mood != Mood::Well) {
                    return;
                }
                news.await;
            }
        })
        .await;
        self.answer().await?;
        Ok(self.with(|state| state.messages[from..].to_vec()))
    }

    async fn post(self: Arc<Self>, batch: Vec<String>) -> Result<(), LinkEnd> {
        self.answer().await?;
        self.with(|state| state.posted.extend(batch));
        self.answer().await
    }

    async fn answer(&self) -> Result<(), LinkEnd> {
        sleep(millis(10)).await;
        match self.with(|state| state.mood) {
            Mood::Well => Ok(()),
            Mood::Down => Err(LinkEnd::Reset),
            Mood::Stuck => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_flow_by_requests_and_a_finished_request_confirms() {
    let server = Arc::new(Server::default());
    let log = Log::new();
    let mut connection = ResilientConnection::builder(transport(&server))
        .on_event(log.listener())
        .seed(1)
        .connect()
        .await
        .unwrap();
    server.publish("one");
    server.publish("two");
    assert_eq!(message(&mut connection).await, "one");
    assert_eq!(message(&mut connection).await, "two");

    connection.send("up".to_owned()).await.unwrap();
    let confirmation = connection.sender().send_confirmed("and this".to_owned()).await.unwrap();
    assert_eq!(confirmation.await, Outcome::Delivered);
    assert_eq!(server.posted(), ["up", "and this"]);

    // Requests that end without news are life enough.
    let gets = server.with(|state| state.gets);
    sleep(secs(600)).await;
    assert_eq!(log.ends().await, []);
    assert!(server.with(|state| state.gets) >= gets + 29, "one request in 20 s");
    assert_eq!(connection.stats().keeper.beats_sent, 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_broke_may_have_arrived_and_the_rest_is_fetched() {
    let server = Arc::new(Server::default());
    let log = Log::new();
    let mut connection = ResilientConnection::builder(transport(&server))
        .on_event(log.listener())
        .seed(1)
        .connect()
        .await
        .unwrap();
    let confirmation = connection.sender().send_confirmed("in doubt".to_owned()).await.unwrap();
    sleep(millis(5)).await;
    server.mood(Mood::Down);
    assert_eq!(confirmation.await, Outcome::MaybeSent("in doubt".to_owned()));
    assert!(matches!(log.ends().await[..], [(_, Detection::Ended(LinkEnd::Reset))]));

    server.publish("missed");
    sleep(secs(5)).await;
    server.mood(Mood::Well);
    assert_eq!(message(&mut connection).await, "missed");
    assert_eq!(server.posted(), [""; 0], "what may have been sent is not sent again");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers_no_request_is_silent() {
    let server = Arc::new(Server::default());
    let log = Log::new();
    let _connection = ResilientConnection::builder(transport(&server))
        .on_event(log.listener())
        .seed(1)
        .connect()
        .await
        .unwrap();
    server.mood(Mood::Stuck);
    sleep(secs(31)).await;
    assert!(matches!(log.ends().await[..], [(at, Detection::Silent)] if at == millis(20) + secs(30)));
}
