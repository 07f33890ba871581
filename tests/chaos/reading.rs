//! The client's side of what comes in, by the one who holds the connection
//! and does with it what he is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::{Activity, Closed, Error, ResilientConnection, Stats, Transition, Update, WithTransitions};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::ledger::Read;
use crate::message::{FromServer, read_client};
use crate::wire::Wire;

/// The news for the holder of the connection.
#[derive(Clone, Debug)]
pub enum Order {
    /// Read nothing for this long.
    Stall(Duration),
    Reconnect,
    Probe,
    Pause,
    Resume,
    Activity(Activity),
    Update(Box<Update>),
    /// Close gracefully, and read what is left.
    Close,
    /// Just drop it.
    Drop,
}

/// The messages read so far, for those who look on.
#[derive(Clone, Default)]
pub struct Incoming {
    read: Arc<Mutex<Vec<Read>>>,
}

/// How it ended.
pub struct End {
    /// The result of `close`: the numbers that came back, and how many messages
    /// are in doubt since the call.
    pub closed: Option<(Vec<u64>, u64)>,
    pub stats: Stats,
}

impl Incoming {
    pub fn count(&self) -> u64 {
        self.read.lock().unwrap().len() as u64
    }

    pub fn take(&self) -> Vec<Read> {
        std::mem::take(&mut self.read.lock().unwrap())
    }

    /// Reads to the end.
    pub async fn read_all<W: Wire>(
        self,
        connection: ResilientConnection<W::Message>,
        mut orders: mpsc::UnboundedReceiver<Order>,
    ) -> End {
        let mut connection = connection.with_transitions();
        let mut place = Place::default();
        let mut stalled: Option<Instant> = None;
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let handle = connection.connection();
                    match order.expect("it is told how to end") {
                        Order::Stall(pause) => stalled = Some(Instant::now() + pause),
                        Order::Reconnect => handle.reconnect_now(),
                        Order::Probe => handle.probe_now(),
                        Order::Pause => handle.pause(),
                        Order::Resume => handle.resume(),
                        Order::Activity(activity) => handle.set_activity(activity),
                        Order::Update(update) => handle.update(*update).unwrap(),
                        Order::Close => return self.close::<W>(connection, place).await,
                        Order::Drop => return End { closed: None, stats: handle.stats() },
                    }
                }
                () = wait(stalled), if stalled.is_some() => stalled = None,
                item = connection.recv(), if stalled.is_none() => self.take_in::<W>(&mut place, item.unwrap()),
            }
        }
    }

    async fn close<W: Wire>(
        &self,
        mut connection: WithTransitions<W::Message, W::Message>,
        mut place: Place,
    ) -> End {
        let Closed { not_sent, maybe_sent, .. } = connection.connection_mut().close().await;
        while let Some(item) = connection.recv().await {
            self.take_in::<W>(&mut place, item);
        }
        let number = |message| read_client(W::text(message)).expect("what comes back is a message of ours");
        let not_sent = not_sent.iter().map(number).collect();
        End { closed: Some((not_sent, maybe_sent)), stats: connection.connection().stats() }
    }

    fn take_in<W: Wire>(&self, place: &mut Place, item: Result<Transition<W::Message>, Error>) {
        match item.expect("it never gives up") {
            Transition::Connected { epoch } => place.enter(epoch),
            Transition::Disconnected { epoch } => place.leave(epoch),
            Transition::Message(message) => {
                let text = W::text(&message);
                let FromServer { link, index, number } =
                    FromServer::read(text).unwrap_or_else(|| panic!("not a message of the server's: {text}"));
                let epoch = place.epoch();
                self.read.lock().unwrap().push(Read { epoch, link, index, number });
            }
            _ => panic!("a transition that is not known"),
        }
    }
}

async fn wait(until: Option<Instant>) {
    if let Some(until) = until {
        sleep_until(until).await;
    }
}

/// Where the stream stands, by its transitions.
#[derive(Debug, Default)]
struct Place {
    in_use: bool,
    epoch: u64,
}

impl Place {
    fn enter(&mut self, epoch: u64) {
        assert!(!self.in_use && epoch > self.epoch, "epoch {epoch} begins in {self:?}");
        *self = Place { in_use: true, epoch };
    }

    fn leave(&mut self, epoch: u64) {
        assert!(self.in_use && epoch == self.epoch, "epoch {epoch} ends in {self:?}");
        self.in_use = false;
    }

    fn epoch(&self) -> u64 {
        assert!(self.in_use, "a message without a link in {self:?}");
        self.epoch
    }
}
