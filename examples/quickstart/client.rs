//! The application: it sends numbered messages over a longlink connection,
//! keeps account of each, and tells what happens as it happens.

use std::future::pending;
use std::time::{Duration, Instant};

use longlink::keeper::Dice;
use longlink::{
    Error, Event, Heartbeat, Message, NetworkHandle, Outcome, Reconnect, ResilientConnection, Sender, Stats,
    WebSocket,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{sleep, timeout_at};

use crate::ledger::{Fate, Ledger};
use crate::timeline::{Timeline, Who};
use crate::wire::Line;

/// The application.
#[derive(Debug)]
pub struct Client {
    connection: ResilientConnection<Message>,
    orders: UnboundedSender<Order>,
    news: UnboundedReceiver<(Instant, News)>,
    reading: Reading,
    network: NetworkHandle,
    timeline: Timeline,
    ledger: Ledger,
    beats: Beats,
}

/// A note of something that happened.
#[derive(Debug)]
pub enum News {
    /// longlink says so.
    Event(Event),
    /// The link lived through this long without a byte either way.
    Survived(Duration),
    /// A message is about to be sent.
    Offered(u64),
    /// It was accepted.
    Accepted(u64),
    /// longlink told what became of a message.
    Settled(u64, Fate),
    /// A message's echo came.
    Echoed(u64),
    /// A push came.
    Pushed(u64),
    /// Another message came.
    Other,
    /// The connection is over.
    Over(Option<Error>),
}

/// Whether the application reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As it should.
    Steady,
    /// Not at all.
    Stalled,
}

/// When to send.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// So many messages now.
    Burst(u32),
    /// One message now and then, this far apart on average.
    Steady(Duration),
    /// Nothing, until told otherwise.
    Pause,
}

impl Client {
    /// Connects to `url` in the background, with all of longlink's times
    /// multiplied by `scale`, and sends nothing yet.
    pub fn start(url: &str, scale: f64, seed: u64, timeline: Timeline) -> Result<Client, Error> {
        let (tell, news) = mpsc::unbounded_channel();
        let (orders, taken) = mpsc::unbounded_channel();
        let network = NetworkHandle::new();
        let events = tell.clone();
        let connection = ResilientConnection::builder(WebSocket::new(url)?)
            .heartbeat(Heartbeat::adaptive().scaled(scale))
            .reconnect(Reconnect::default().scaled(scale))
            .network(network.clone())
            .on_event(move |event| report(&events, News::Event(event.clone())))
            .seed(seed)
            .build()?;
        tokio::spawn(write(connection.sender(), taken, tell, Dice::new(seed)));
        Ok(Client {
            connection,
            orders,
            news,
            reading: Reading::Steady,
            network,
            timeline,
            ledger: Ledger::default(),
            beats: Beats::new(scale),
        })
    }

    /// Sends so many messages now.
    pub fn burst(&self, count: u32) {
        self.order(Order::Burst(count));
    }

    /// Sends one message now and then, `every` so often on average.
    pub fn steady(&self, every: Duration) {
        self.order(Order::Steady(every));
    }

    /// Sends nothing until told otherwise.
    pub fn pause(&self) {
        self.order(Order::Pause);
    }

    fn order(&self, order: Order) {
        // Once the connection is closed there is nobody left to send.
        let _ = self.orders.send(order);
    }

    /// Reads from now on, or does not.
    pub fn read(&mut self, reading: Reading) {
        self.reading = reading;
    }

    /// The next piece of news and when it came, entered in the ledger and
    /// told in the timeline; `None` once `until` has come.
    pub async fn next(&mut self, until: Instant) -> Option<(Instant, News)> {
        let read = async {
            match self.reading {
                Reading::Steady => self.connection.recv().await,
                Reading::Stalled => pending().await,
            }
        };
        let news = async {
            tokio::select! {
                // An offered message is told before its echo is read.
                biased;
                // The connection holds the other end as long as it lives.
                Some(news) = self.news.recv() => news,
                message = read => (Instant::now(), came_in(message)),
            }
        };
        let (at, news) = timeout_at(until.into(), news).await.ok()?;
        let news = self.beats.merge(news);
        self.enter(at, &news);
        self.tell(at, &news);
        Some((at, news))
    }

    fn enter(&mut self, at: Instant, news: &News) {
        match *news {
            News::Offered(number) => self.ledger.offer(number, at),
            News::Accepted(number) => self.ledger.accept(number),
            News::Settled(number, fate) => self.ledger.settle(number, fate, at),
            News::Echoed(number) => self.ledger.echo(number),
            News::Pushed(number) => self.ledger.push(number),
            // A stream that ended has no more to read.
            News::Over(_) => self.reading = Reading::Stalled,
            News::Event(_) | News::Survived(_) | News::Other => {}
        }
    }

    /// Tells what is news to a reader; the traffic itself is not.
    fn tell(&self, at: Instant, news: &News) {
        match news {
            News::Event(Event::BeatSent { .. } | Event::BeatAnswered { .. } | Event::Connecting { .. }) => {}
            News::Event(event) => self.timeline.tell_of(at, Who::Longlink, event),
            News::Survived(gap) => {
                self.timeline.tell_of(
                    at,
                    Who::Longlink,
                    format_args!("beat answered after {gap:.2?} of silence"),
                );
            }
            News::Over(Some(error)) => {
                self.timeline.tell_of(at, Who::App, format_args!("it is over: {error}"))
            }
            News::Offered(_) | News::Accepted(_) | News::Settled(..) | News::Echoed(_) => {}
            News::Pushed(_) | News::Other | News::Over(None) => {}
        }
    }

    /// Says goodbye, and waits for the last news.
    pub async fn close(&mut self) {
        // Each message's confirmation tells what became of it.
        let _ = self.connection.close().await;
        while let Some((_, news)) = self.next(Instant::now() + Duration::from_secs(1)).await {
            if matches!(news, News::Event(Event::Closed)) {
                break;
            }
        }
    }

    /// The statistics of longlink.
    pub fn stats(&self) -> Stats {
        self.connection.stats()
    }

    /// Passes on what the host says of the network.
    pub fn network(&self) -> &NetworkHandle {
        &self.network
    }

    /// The outcomes of the messages.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Beats that went out at once, to confirm messages.
    pub fn confirming(&self) -> u64 {
        self.beats.confirming
    }
}

/// Tells beats that follow a silence from those that confirm messages.
#[derive(Debug)]
struct Beats {
    /// A gap from here on is a silence: half of the shortest interval.
    silence: Duration,
    /// The silence before the beat that is under way.
    gap: Option<Duration>,
    confirming: u64,
}

impl Beats {
    fn new(scale: f64) -> Beats {
        Beats { silence: Duration::from_secs(5).mul_f64(scale), gap: None, confirming: 0 }
    }

    /// Makes one piece of news of a beat and its answer.
    fn merge(&mut self, news: News) -> News {
        match news {
            News::Event(Event::BeatSent { gap, .. }) => {
                self.gap = (gap >= self.silence).then_some(gap);
                self.confirming += u64::from(self.gap.is_none());
                news
            }
            News::Event(Event::BeatAnswered { .. }) => self.gap.take().map_or(news, News::Survived),
            news => news,
        }
    }
}

/// Sends as ordered, and follows each message to its fate.
async fn write(
    sender: Sender<Message>,
    mut orders: UnboundedReceiver<Order>,
    tell: UnboundedSender<(Instant, News)>,
    mut dice: Dice,
) {
    let mut next = 1;
    let mut pace = None;
    loop {
        let pause = pace.map(|every| dice.between(Duration::ZERO, every * 2));
        let pause = async {
            match pause {
                Some(pause) => sleep(pause).await,
                None => pending().await,
            }
        };
        let count = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Burst(count)) => count,
                Some(Order::Steady(every)) => {
                    pace = Some(every);
                    0
                }
                Some(Order::Pause) => {
                    pace = None;
                    0
                }
                None => return,
            },
            () = pause => 1,
        };
        for number in next..next + u64::from(count) {
            // Told before, so that its echo cannot be seen sooner.
            report(&tell, News::Offered(number));
            let Ok(confirmation) =
                sender.send_confirmed(Message::from(Line::Message(number).to_text(0))).await
            else {
                return;
            };
            report(&tell, News::Accepted(number));
            let tell = tell.clone();
            tokio::spawn(async move {
                let fate = match confirmation.await {
                    Outcome::Delivered => Fate::Delivered,
                    Outcome::MaybeSent(_) => Fate::MaybeSent,
                    Outcome::NotSent(_) => Fate::NotSent,
                };
                report(&tell, News::Settled(number, fate));
            });
        }
        next += u64::from(count);
    }
}

fn report(tell: &UnboundedSender<(Instant, News)>, news: News) {
    // The application may be gone already; then nobody needs to know.
    let _ = tell.send((Instant::now(), news));
}

fn came_in(message: Option<Result<Message, Error>>) -> News {
    let message = match message {
        Some(Ok(message)) => message,
        Some(Err(error)) => return News::Over(Some(error)),
        None => return News::Over(None),
    };
    match message.as_text().map_or(Line::Other, Line::parse) {
        Line::Message(number) => News::Echoed(number),
        Line::Push(number) => News::Pushed(number),
        Line::Other => News::Other,
    }
}
