//! A connection, and all that it told.

use std::time::Duration;

use longlink::transport::{Link, Transport};
use longlink::{Builder, Detection, Error, Event, Failure, Reconnect, ResilientConnection};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// Nothing here takes this long; a test that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// So that a backoff of 60 s takes 3 s, and an idle limit of 2 s is one of 40 s.
pub const SCALE: f64 = 1.0 / 20.0;
/// Of heartbeats where a death is waited for: it takes 1.3 s, which no machine
/// sleeps through by itself.
pub const MORTAL: f64 = 1.0 / 8.0;

/// A connection with its events.
pub struct Client<In, Out = In> {
    pub connection: ResilientConnection<In, Out>,
    events: UnboundedReceiver<Event>,
    /// All of them so far.
    told: Vec<Event>,
}

impl<In, Out> Client<In, Out> {
    /// Connects in the background, and comes back with short delays.
    pub fn start<T>(builder: Builder<T>) -> Client<In, Out>
    where
        T: Transport,
        T::Link: Link<Incoming = In, Outgoing = Out>,
    {
        Client::start_with(
            builder,
            Reconnect::default().scaled(SCALE).attempt_deadline(Duration::from_secs(2)),
        )
    }

    /// Connects in the background.
    pub fn start_with<T>(builder: Builder<T>, reconnect: Reconnect) -> Client<In, Out>
    where
        T: Transport,
        T::Link: Link<Incoming = In, Outgoing = Out>,
    {
        let (tell, events) = unbounded_channel();
        let connection = builder
            .reconnect(reconnect)
            // The test may be over.
            .on_event(move |event| drop(tell.send(event.clone())))
            .seed(1)
            .build()
            .expect("the settings are sound");
        Client { connection, events, told: Vec::new() }
    }

    /// The next event that this is made of.
    pub async fn until<T>(&mut self, mut made_of: impl FnMut(&Event) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            loop {
                let event = self.events.recv().await.expect("the connection is not over");
                let found = made_of(&event);
                self.told.push(event);
                if let Some(found) = found {
                    return found;
                }
            }
        });
        match found.await {
            Ok(found) => found,
            Err(_) => panic!("what is waited for does not happen:\n{}", self.story()),
        }
    }

    pub async fn until_connected(&mut self) {
        self.until(|event| matches!(event, Event::Connected { .. }).then_some(())).await;
    }

    /// How the link was lost.
    pub async fn until_lost(&mut self) -> Detection {
        self.until(|event| match event {
            Event::Disconnected { detection, .. } => Some(detection.clone()),
            _ => None,
        })
        .await
    }

    pub async fn until_failed(&mut self) -> Failure {
        self.until(|event| match event {
            Event::AttemptFailed { failure, .. } => Some(failure.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for so many beats to be answered.
    pub async fn until_answered(&mut self, beats: usize) {
        let mut answered = 0;
        self.until(|event| {
            answered += usize::from(matches!(event, Event::BeatAnswered { .. }));
            (answered == beats).then_some(())
        })
        .await;
    }

    /// All that was told so far.
    pub fn told(&mut self) -> &[Event] {
        while let Ok(event) = self.events.try_recv() {
            self.told.push(event);
        }
        &self.told
    }

    /// How many links were lost so far.
    pub fn losses(&mut self) -> usize {
        self.told().iter().filter(|event| matches!(event, Event::Disconnected { .. })).count()
    }

    /// The next message.
    pub async fn receive(&mut self) -> In {
        match timeout(PATIENCE, self.connection.recv()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => panic!("{error}:\n{}", self.story()),
            Ok(None) => panic!("closed:\n{}", self.story()),
            Err(_) => panic!("no message comes:\n{}", self.story()),
        }
    }

    /// How the connection ends by itself.
    pub async fn until_over(&mut self) -> Error {
        let over = async {
            loop {
                match self.connection.recv().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return error,
                    None => panic!("nobody closes it"),
                }
            }
        };
        timeout(PATIENCE, over).await.expect("it gives up in time")
    }

    fn story(&mut self) -> String {
        self.told().iter().map(|event| format!("{event}\n")).collect()
    }
}
