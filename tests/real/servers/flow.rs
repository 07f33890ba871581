//! A client that sends numbered messages, and what became of each.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use longlink::{
    Detection, Error, Event, Failure, Heartbeat, Message, Outcome, Reconnect, ResilientConnection, SendError,
    WebSocket,
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::backend::Backend;

/// Nothing here takes this long; a test that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// So that a backoff of 60 s takes 3 s.
pub const SCALE: f64 = 1.0 / 20.0;
/// Between two messages of a steady flow.
const PACE: Duration = Duration::from_millis(10);

type Fate = Pin<Box<dyn Future<Output = (u64, Outcome<Message>)> + Send>>;

/// A connection, what it told, and what became of its messages.
pub struct Flow {
    connection: ResilientConnection<Message>,
    events: UnboundedReceiver<Event>,
    steady: bool,
    sent: u64,
    fates: FuturesUnordered<Fate>,
    account: Account,
}

/// The totals.
#[derive(Debug, Default)]
pub struct Account {
    pub delivered: BTreeSet<u64>,
    pub maybe: BTreeSet<u64>,
    /// Links taken into use.
    pub links: u64,
    /// How each link was lost.
    pub lost: Vec<Detection>,
    /// Attempts that failed.
    pub failures: Vec<Failure>,
    /// The delay before each further attempt.
    pub delays: Vec<Duration>,
    /// The numbers that came back.
    pub echoes: Vec<u64>,
}

/// One thing that happened.
#[derive(Debug)]
pub enum News {
    Event(Event),
    /// A message came back.
    Echo(u64),
    /// Another message came.
    Message(Message),
    /// One was sent, or its fate is known.
    Own,
}

impl Flow {
    /// Connects in the background and sends nothing yet. Heartbeats are as
    /// they are by default, so that no stall of the machine is taken for a
    /// death; delays are scaled.
    pub fn start(transport: WebSocket) -> Flow {
        Flow::start_with(transport, Heartbeat::default())
    }

    /// The same with another heartbeat.
    pub fn start_with(transport: WebSocket, heartbeat: Heartbeat) -> Flow {
        let reconnect = Reconnect::default().scaled(SCALE).attempt_deadline(Duration::from_secs(2));
        Flow::start_as(transport, heartbeat, reconnect)
    }

    /// The same with other delays too.
    pub fn start_as(transport: WebSocket, heartbeat: Heartbeat, reconnect: Reconnect) -> Flow {
        let (tell, events) = unbounded_channel();
        let connection = ResilientConnection::builder(transport)
            .heartbeat(heartbeat)
            .reconnect(reconnect)
            // The test may be over.
            .on_event(move |event| drop(tell.send(event.clone())))
            .seed(1)
            .build()
            .expect("the settings are sound");
        let account = Account::default();
        Flow { connection, events, steady: false, sent: 0, fates: FuturesUnordered::new(), account }
    }

    /// The connection itself.
    pub fn connection(&self) -> &ResilientConnection<Message> {
        &self.connection
    }

    /// The totals so far.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Sends from now on, or does not.
    pub fn steady(&mut self, steady: bool) {
        self.steady = steady;
    }

    /// Sends the next number.
    pub async fn send_next(&mut self) {
        let number = self.sent + 1;
        self.send_any(Message::from(number.to_string())).await.expect("short, and not closed");
    }

    /// Sends another message in the next number's place.
    pub async fn send_any(&mut self, message: Message) -> Result<(), SendError<Message>> {
        let confirmation = self.connection.sender().send_confirmed(message).await?;
        self.sent += 1;
        let number = self.sent;
        self.fates.push(Box::pin(async move { (number, confirmation.await) }));
        Ok(())
    }

    /// The next thing that happens, entered in the account.
    pub async fn next(&mut self) -> News {
        let pause = async {
            match self.steady {
                true => sleep(PACE).await,
                false => std::future::pending().await,
            }
        };
        let news = tokio::select! {
            biased;
            event = self.events.recv() => News::Event(event.expect("the connection is there")),
            Some((number, outcome)) = self.fates.next() => {
                self.account.settle(number, &outcome);
                return News::Own;
            }
            message = self.connection.recv() => match message {
                Some(Ok(message)) => read(message),
                Some(Err(error)) => panic!("it is over: {error}"),
                None => panic!("it was closed"),
            },
            () = pause => {
                self.send_next().await;
                return News::Own;
            }
        };
        self.account.enter(&news);
        news
    }

    /// Waits for the news that `wanted` knows, and gives what it makes of it.
    pub async fn until<R>(&mut self, mut wanted: impl FnMut(&News) -> Option<R>) -> R {
        let search = async {
            loop {
                if let Some(found) = wanted(&self.next().await) {
                    return found;
                }
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("not in time: {:?}", self.account),
        }
    }

    /// Waits for the event that `wanted` knows.
    pub async fn event<R>(&mut self, mut wanted: impl FnMut(&Event) -> Option<R>) -> R {
        self.until(|news| match news {
            News::Event(event) => wanted(event),
            News::Echo(_) | News::Message(_) | News::Own => None,
        })
        .await
    }

    /// Waits for a link in use.
    pub async fn connected(&mut self) {
        self.event(|event| matches!(event, Event::Connected { .. }).then_some(())).await;
    }

    /// Waits for the end of the link in use.
    pub async fn lost(&mut self) -> Detection {
        self.event(|event| match event {
            Event::Disconnected { detection, .. } => Some(detection.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for the next attempt to fail.
    pub async fn failed(&mut self) -> Failure {
        self.event(|event| match event {
            Event::AttemptFailed { failure, .. } => Some(failure.clone()),
            _ => None,
        })
        .await
    }

    /// Waits until a message that is sent from now on has come back; of a
    /// steady flow until some have.
    pub async fn echoed(&mut self) {
        let from = match self.steady {
            true => self.sent + 20,
            false => {
                self.send_next().await;
                self.sent
            }
        };
        self.until(|news| matches!(news, News::Echo(number) if *number >= from).then_some(())).await;
    }

    /// Waits for a message that is no echo of a number.
    pub async fn message(&mut self) -> Message {
        self.until(|news| match news {
            News::Message(message) => Some(message.clone()),
            News::Echo(number) => Some(Message::from(number.to_string())),
            News::Event(_) | News::Own => None,
        })
        .await
    }

    /// How the stream of messages ends.
    pub async fn error(&mut self) -> Error {
        let search = async {
            loop {
                match self.connection.recv().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return error,
                    None => panic!("it was closed"),
                }
            }
        };
        timeout(PATIENCE, search).await.expect("an end in time")
    }

    /// Waits until the fate of every message is known, says goodbye, and
    /// holds the account against what the servers have received, one server
    /// after the other: nothing delivered is missing, nothing came twice or
    /// out of order, and nothing is unaccounted for.
    pub async fn finish(mut self, servers: &[&Backend]) -> Account {
        self.steady = false;
        while !self.fates.is_empty() {
            self.until(|_| Some(())).await;
        }
        let rest = self.connection.close().await;
        assert!(rest.not_sent.is_empty(), "{rest:?}");
        let account = self.account;

        let received = || -> Vec<u64> { servers.iter().flat_map(|server| server.received()).collect() };
        let missing = |received: &[u64]| -> Vec<u64> {
            let received: BTreeSet<u64> = received.iter().copied().collect();
            account.delivered.difference(&received).copied().collect()
        };
        // A server that has answered a Ping may still have to look at what
        // came before it.
        let deadline = Instant::now() + PATIENCE;
        while !missing(&received()).is_empty() && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        let received = received();
        assert_eq!(missing(&received), Vec::<u64>::new(), "said to be delivered, and never received");
        let once: BTreeSet<u64> = received.iter().copied().collect();
        assert_eq!(once.len(), received.len(), "received twice: {received:?}");
        // Of what was maybe sent the server may read the last behind what came
        // over the next link.
        let delivered = received.iter().filter(|number| account.delivered.contains(number));
        assert!(delivered.is_sorted(), "out of order: {received:?}");
        assert!(account.echoes.is_sorted_by(|a, b| a < b), "repeated or out of order: {:?}", account.echoes);
        let known: BTreeSet<u64> = account.delivered.union(&account.maybe).copied().collect();
        assert!(known.into_iter().eq(1..=self.sent), "{} sent: {account:?}", self.sent);
        account
    }
}

impl Account {
    fn settle(&mut self, number: u64, outcome: &Outcome<Message>) {
        let new = match outcome {
            Outcome::Delivered => self.delivered.insert(number),
            Outcome::MaybeSent(_) => self.maybe.insert(number),
            Outcome::NotSent(_) => panic!("message {number} was not sent before the close"),
        };
        assert!(new, "message {number} was settled twice");
    }

    fn enter(&mut self, news: &News) {
        match news {
            News::Echo(number) => self.echoes.push(*number),
            News::Event(Event::Connected { .. }) => self.links += 1,
            News::Event(Event::Disconnected { detection, .. }) => self.lost.push(detection.clone()),
            News::Event(Event::AttemptFailed { failure, .. }) => self.failures.push(failure.clone()),
            News::Event(Event::ReconnectScheduled { delay, .. }) => self.delays.push(*delay),
            News::Event(_) | News::Message(_) | News::Own => {}
        }
    }
}

fn read(message: Message) -> News {
    match message.as_text().and_then(|text| text.parse().ok()) {
        Some(number) => News::Echo(number),
        None => News::Message(message),
    }
}
