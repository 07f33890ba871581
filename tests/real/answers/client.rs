//! A whole client, and what it tells.

use std::error::Error as _;
use std::time::Duration;

use longlink::{
    Detection, Error, Event, Failure, GiveUp, Message, NetworkHandle, Reconnect, ResilientConnection,
    RetryReason, WebSocket,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// Nothing here takes this long; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and its events in order.
#[derive(Debug)]
pub struct Client {
    connection: ResilientConnection<Message>,
    events: UnboundedReceiver<Event>,
    pub network: NetworkHandle,
}

/// The answer to an end or a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    Wait { delay: Duration, reason: RetryReason },
    GaveUp(GiveUp),
}

impl Client {
    /// Connects in the background.
    pub fn start(transport: WebSocket, reconnect: Reconnect, seed: u64) -> Client {
        Client::start_on(&Handle::current(), transport, reconnect, seed)
    }

    /// The same on another runtime.
    pub fn start_on(runtime: &Handle, transport: WebSocket, reconnect: Reconnect, seed: u64) -> Client {
        let (tell, events) = unbounded_channel();
        let network = NetworkHandle::new();
        let connection = ResilientConnection::builder(transport)
            .reconnect(reconnect)
            .network(network.clone())
            // The test may be over.
            .on_event(move |event| drop(tell.send(event.clone())))
            .runtime(runtime.clone())
            .seed(seed)
            .build()
            .expect("the settings are sound");
        Client { connection, events, network }
    }

    /// Offers a message to the link in use.
    pub async fn send(&self, text: impl Into<String>) {
        let sent = self.connection.sender().send(Message::from(text.into())).await;
        sent.expect("the connection is not over");
    }

    /// The next message.
    pub async fn message(&mut self) -> Message {
        let next = timeout(PATIENCE, self.connection.recv()).await.expect("a message in time");
        next.expect("the connection is not over").expect("the connection has not given up")
    }

    /// How the stream of messages ended.
    pub async fn error(&mut self) -> Error {
        loop {
            match timeout(PATIENCE, self.connection.recv()).await.expect("an end in time") {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error,
                None => panic!("it ended without an error"),
            }
        }
    }

    /// The next event.
    pub async fn event(&mut self) -> Event {
        let event = timeout(PATIENCE, self.events.recv()).await;
        event.unwrap_or_else(|_| panic!("no event in time: {self:?}")).expect("the connection is not over")
    }

    /// Waits for the event that `wanted` knows, and gives what it makes of it.
    pub async fn until<R>(&mut self, mut wanted: impl FnMut(&Event) -> Option<R>) -> R {
        let search = async {
            loop {
                if let Some(found) = wanted(&self.event().await) {
                    return found;
                }
            }
        };
        timeout(PATIENCE * 2, search).await.expect("the event in time")
    }

    /// Waits for a link in use. No attempt may fail before.
    pub async fn connected(&mut self) {
        self.until(|event| match event {
            Event::Connected { .. } => Some(()),
            Event::AttemptFailed { failure, .. } => panic!("{failure}"),
            _ => None,
        })
        .await;
    }

    /// Waits for the next attempt to fail, and for what follows.
    pub async fn failed(&mut self) -> (Failure, Next) {
        let failure = self
            .until(|event| match event {
                Event::AttemptFailed { failure, .. } => Some(failure.clone()),
                Event::Connected { .. } => panic!("connected"),
                _ => None,
            })
            .await;
        (failure, self.next().await)
    }

    /// Waits for the end of the link in use, and for what follows.
    pub async fn lost(&mut self) -> (Detection, Next) {
        let detection = self
            .until(|event| match event {
                Event::Disconnected { detection, .. } => Some(detection.clone()),
                _ => None,
            })
            .await;
        (detection, self.next().await)
    }

    /// The delays of so many failed attempts, none of which is the last.
    pub async fn delays(&mut self, attempts: usize) -> Vec<Duration> {
        let mut delays = Vec::new();
        for _ in 0..attempts {
            match self.failed().await.1 {
                Next::Wait { delay, .. } => delays.push(delay),
                Next::GaveUp(reason) => panic!("gave up: {reason}"),
            }
        }
        delays
    }

    async fn next(&mut self) -> Next {
        self.until(|event| match event {
            Event::ReconnectScheduled { delay, reason, .. } => {
                Some(Next::Wait { delay: *delay, reason: *reason })
            }
            Event::GaveUp { reason } => Some(Next::GaveUp(reason.clone())),
            _ => None,
        })
        .await
    }
}

impl Next {
    /// The delay, which lies between these two.
    #[track_caller]
    pub fn assert_between(&self, low: Duration, high: Duration) -> Duration {
        match self {
            Next::Wait { delay, .. } if *delay >= low && *delay <= high => *delay,
            other => panic!("{other:?} instead of {low:?} to {high:?}"),
        }
    }

    #[track_caller]
    pub fn assert_because(&self, expected: RetryReason) {
        match self {
            Next::Wait { reason, .. } => assert_eq!(*reason, expected),
            Next::GaveUp(reason) => panic!("gave up: {reason}"),
        }
    }
}

/// An error's words, and those of its sources, in both ways to print them.
pub fn words(error: &Error) -> String {
    let mut words = format!("{error:?} {error}");
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(&format!(" {error:?} {error}"));
        source = error.source();
    }
    words
}
