//! The client under test, in its namespace, and what it tells.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use longlink::transport::{Link, Transport};
use longlink::{Builder, Cause, Detection, Event, Evidence, Message, ResilientConnection, Stats};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::namespace::{Namespace, Settlement};

/// A longlink client, and the account of what it told.
#[derive(Debug)]
pub struct Client {
    name: String,
    start: Instant,
    news: Receiver<(Instant, News)>,
    orders: UnboundedSender<Order>,
    connected: bool,
    pub account: Account,
    /// Every event that was taken in, and when it was told.
    pub events: Vec<(Instant, Event)>,
    settlement: Settlement,
}

/// The events of a client since the account was last cleared.
#[derive(Debug, Default)]
pub struct Account {
    /// Links in use that were lost.
    pub lost: Vec<Loss>,
    /// Why links ended.
    pub diagnosed: Vec<(Cause, Evidence)>,
    /// Timeouts that were found: between these two.
    pub learned: Vec<(Duration, Duration)>,
    /// Gaps that used to survive and no longer did.
    pub shrank: Vec<Duration>,
    /// Scouts that were sent.
    pub scouts: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Pushes that came in.
    pub pushes: Vec<u64>,
}

/// The end of a link in use.
#[derive(Debug)]
pub struct Loss {
    pub detection: Detection,
    pub gap: Duration,
}

/// A note of something that happened.
#[derive(Debug)]
pub enum News {
    Event(Event),
    /// A push came.
    Pushed(u64),
    /// Another message came: an echo.
    Echoed,
}

#[derive(Debug)]
enum Order {
    Send(String),
    Stats(Sender<Stats>),
}

impl Client {
    /// Connects in the background, from `place`. Its settings are chosen
    /// there, too: what they start lives in the namespace.
    pub fn start<T>(
        place: &Namespace,
        transport: T,
        name: &str,
        settings: impl FnOnce(Builder<T>) -> Builder<T> + Send + 'static,
    ) -> Client
    where
        T: Transport,
        T::Link: Link<Incoming = Message, Outgoing = Message>,
    {
        let settlement = place.settle();
        let (tell, news) = mpsc::channel();
        let (orders, taken) = unbounded_channel();
        let events = tell.clone();
        let builder = ResilientConnection::builder(transport)
            // The test may be over.
            .on_event(move |event| drop(events.send((Instant::now(), News::Event(event.clone())))))
            .on_connect(|mut handshake| async move {
                handshake.send(Message::from("login")).await?;
                handshake.recv().await?;
                Ok(handshake)
            })
            .seed(1);
        let built = settlement.wait_for(async move { settings(builder).build() });
        let connection = built.expect("the settings are sound");
        settlement.handle().spawn(application(connection, taken, tell));
        Client {
            name: name.to_owned(),
            start: Instant::now(),
            news,
            orders,
            connected: false,
            account: Account::default(),
            events: Vec::new(),
            settlement,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The statistics of longlink.
    pub fn stats(&self) -> Stats {
        let (tell, told) = mpsc::channel();
        self.order(Order::Stats(tell));
        told.recv().expect("the application answers")
    }

    /// Sends a message and waits for its echo.
    pub fn round_trip(&mut self) {
        self.order(Order::Send("hello".to_owned()));
        self.until("the echo", Duration::from_secs(10), |news, _| matches!(news, News::Echoed));
    }

    /// Does something while the client's thread stands still, as on a machine
    /// that has no time for it.
    pub fn freeze<R>(&self, act: impl FnOnce() -> R) -> R {
        let (tell, told) = mpsc::channel();
        let (thaw, thawed) = mpsc::channel::<()>();
        self.settlement.handle().spawn(async move {
            let _ = tell.send(());
            // An error, too, is an end.
            let _ = thawed.recv();
        });
        told.recv().expect("the client's thread runs");
        let done = act();
        drop(thaw);
        done
    }

    fn order(&self, order: Order) {
        self.orders.send(order).expect("the application runs as long as its client");
    }

    /// Takes in news until `find` finds something among the events, those
    /// that were told before included; panics after `limit`.
    pub fn find<R>(
        &mut self,
        what: &str,
        limit: Duration,
        find: impl Fn(&[(Instant, Event)]) -> Option<R>,
    ) -> R {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = find(&self.events) {
                return found;
            }
            if self.next(deadline).is_none() {
                panic!("{}: waited {limit:.1?} in vain: {what}; {:#?}", self.name, self.account);
            }
        }
    }

    /// Takes in news until `done` says so; panics after `limit`.
    pub fn until(&mut self, what: &str, limit: Duration, mut done: impl FnMut(&News, &Account) -> bool) {
        let deadline = Instant::now() + limit;
        while let Some(news) = self.next(deadline) {
            if done(&news, &self.account) {
                return;
            }
        }
        panic!("{}: waited {limit:.1?} in vain: {what}; {:#?}", self.name, self.account);
    }

    /// Takes in news until a link is in use.
    pub fn until_connected(&mut self, limit: Duration) {
        if !self.connected {
            self.until("a link is in use", limit, |news, _| {
                matches!(news, News::Event(Event::Connected { .. }))
            });
        }
    }

    /// Takes in news until the interval is this again.
    pub fn until_interval(&mut self, interval: Duration, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.stats().keeper.interval != interval {
            assert!(self.next(deadline).is_some(), "{}: not at {interval:.1?} again", self.name);
        }
    }

    /// Takes in news until a silence at least this long is proven.
    pub fn until_proven(&mut self, least: Duration, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.stats().keeper.proven < least {
            assert!(self.next(deadline).is_some(), "{}: {least:.1?} not proven", self.name);
        }
    }

    /// Takes in news until a beat was answered after a silence at least this
    /// long.
    pub fn until_survived(&mut self, least: Duration, limit: Duration) {
        let mut silence = Duration::ZERO;
        self.until("a silence survived", limit, |news, _| match news {
            News::Event(Event::BeatSent { gap, .. }) => {
                silence = *gap;
                false
            }
            News::Event(Event::BeatAnswered { .. }) => silence >= least,
            News::Event(_) | News::Pushed(_) | News::Echoed => false,
        });
    }

    /// Takes in news for so long.
    pub fn pass(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while self.next(deadline).is_some() {}
    }

    /// The next piece of news, entered in the account; `None` once `deadline`
    /// has come.
    fn next(&mut self, deadline: Instant) -> Option<News> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.news.recv_timeout(left) {
            Ok((at, news)) => {
                self.tell(at, &news);
                self.account.enter(&news);
                if let News::Event(event) = &news {
                    self.events.push((at, event.clone()));
                }
                match news {
                    News::Event(Event::Connected { .. }) => self.connected = true,
                    News::Event(Event::Disconnected { .. }) => self.connected = false,
                    News::Event(_) | News::Pushed(_) | News::Echoed => {}
                }
                Some(news)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("{}: the application is gone", self.name),
        }
    }

    fn tell(&self, at: Instant, news: &News) {
        match news {
            News::Event(Event::Connecting { .. } | Event::BeatAnswered { .. }) | News::Echoed => {}
            News::Event(event) => self.line(at, event),
            News::Pushed(number) => self.line(at, &format_args!("push {number} came in")),
        }
    }

    /// Tells a line of the test's own in the client's timeline.
    pub fn say(&self, what: impl std::fmt::Display) {
        self.line(Instant::now(), &what);
    }

    fn line(&self, at: Instant, what: &dyn std::fmt::Display) {
        let seconds = at.saturating_duration_since(self.start).as_secs_f64();
        println!("{seconds:8.3}  {:<16} {what}", self.name);
    }
}

impl Account {
    pub fn clear(&mut self) {
        *self = Account::default();
    }

    fn enter(&mut self, news: &News) {
        match news {
            News::Event(Event::Disconnected { detection, gap, .. }) => {
                self.lost.push(Loss { detection: detection.clone(), gap: *gap });
            }
            News::Event(Event::Diagnosed { cause, evidence, .. }) => self.diagnosed.push((*cause, *evidence)),
            News::Event(Event::IdleTimeoutLearned { proven, failed }) => {
                self.learned.push((*proven, *failed))
            }
            News::Event(Event::IdleTimeoutShrank { failed }) => self.shrank.push(*failed),
            News::Event(Event::ScoutSent { .. }) => self.scouts += 1,
            News::Event(Event::AttemptFailed { .. }) => self.failures += 1,
            News::Pushed(number) => self.pushes.push(*number),
            News::Event(_) | News::Echoed => {}
        }
    }
}

/// Reads what comes in, and does what it is told.
async fn application(
    mut connection: ResilientConnection<Message>,
    mut orders: UnboundedReceiver<Order>,
    tell: Sender<(Instant, News)>,
) {
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Send(text)) => drop(connection.sender().send(Message::from(text)).await),
                Some(Order::Stats(asked)) => drop(asked.send(connection.stats())),
                None => return,
            },
            message = connection.recv() => {
                let Some(Ok(message)) = message else { return };
                let text = message.as_text().unwrap_or_default();
                let news = match text.strip_prefix("push ").and_then(|number| number.parse().ok()) {
                    Some(number) => News::Pushed(number),
                    None => News::Echoed,
                };
                drop(tell.send((Instant::now(), news)));
            }
        }
    }
}
