//! The driver executes: it waits, reads and writes, and decides nothing.
//!
//! Each connection has one task, which holds every live link: the link in use,
//! a link that is being left, the link that is to follow, scouts. In each turn the
//! driver takes the results of attempts, news of the network, the application's
//! commands and messages, and the bytes that the links have received. It tells the
//! keeper what happened, carries out the keeper's outputs, and arms one timer.
//! Only an attempt to open a link runs in a small task of its own.
//!
//! # Layout
//!
//! * [`turn`]: one turn, from top to bottom.
//! * [`execute`]: the keeper's outputs.
//! * [`commands`] and [`news`]: input from the application and from the host.
//! * [`links`], [`link`] and [`goodbye`]: every live link, and its duty.
//! * [`opening`] and [`reports`]: the tasks that open links, and their results.
//! * [`reading`], [`delivering`] and [`sequence`]: from a link to the inbox, in
//!   the order of the stream.
//! * [`writing`]: from the outbox to a link.
//! * [`ending`]: how a link ends; [`closing`]: how the connection closes.
//! * [`send_queue`] (with [`waiters`]), [`inbox`], [`status`], [`dispatch`]: the
//!   parts that the application shares: messages out, messages in, statistics, events.
//! * [`jobs`]: work that may block; [`store`]: the interval store's jobs.
//! * [`alarm`]: the one timer.

mod alarm;
mod closing;
mod commands;
mod delivering;
mod dispatch;
mod ending;
mod execute;
mod goodbye;
mod inbox;
mod jobs;
mod link;
mod links;
mod news;
mod opening;
mod reading;
mod reports;
mod send_queue;
mod sequence;
mod status;
mod store;
mod turn;
#[cfg(test)]
mod unlocked;
mod waiters;
mod writing;

pub(crate) use dispatch::EventListener;
pub(crate) use inbox::{Inbox, Item, Reader};
pub(crate) use send_queue::{Refused, SendQueue, Ticket};
pub(crate) use status::Counters;
pub(crate) use waiters::Waiter;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::contain::{contain, drop_contained};
use crate::keeper::{Config, Input, Keeper, Moment};
use crate::network::NetworkWatch;
use crate::outbox::{Bounds, Flights};
use crate::shared::Hook;
use crate::store::IntervalStore;
use crate::transport::{ConnectError, Link, Transport};
use crate::{Event, Failure, LinkId, Token};
use alarm::Alarm;
use closing::Closing;
use inbox::InboxRoom;
use links::LiveLinks;
use opening::Openings;
use reports::Reports;
use send_queue::{Notices, SendQueueState};
use sequence::{HeldBack, Sequence};
use status::{DriverEnd, Status};
use store::StoreClient;

/// The messages of a transport's links.
type In<T> = <<T as Transport>::Link as Link>::Incoming;
type Out<T> = <<T as Transport>::Link as Link>::Outgoing;

/// The `on_event` callback.
pub(crate) type OnEvent = dyn Fn(&Event) + Send;

/// The parts of a driver, as the builder made them.
pub(crate) struct Setup<T: Transport> {
    pub(crate) transport: T,
    pub(crate) keeper: Config,
    pub(crate) seed: u64,
    pub(crate) hook: Option<Arc<Hook<T::Link>>>,
    /// Whether scouts log in too.
    pub(crate) scouts_log_in: bool,
    pub(crate) listener: Option<Box<OnEvent>>,
    pub(crate) network: Option<Box<dyn NetworkWatch>>,
    pub(crate) store: Option<Arc<dyn IntervalStore>>,
    pub(crate) outbox: Bounds,
    pub(crate) inbox_messages: usize,
    pub(crate) inbox_bytes: usize,
    pub(crate) clock: Clock,
    pub(crate) runtime: Handle,
}

/// The application's side of a driver: messages out, messages in.
type Parts<T> = (Arc<SendQueue<Out<T>>>, Arc<Inbox<In<T>>>);

/// Starts a driver and returns the application's side of it.
pub(crate) fn start<T: Transport>(setup: Setup<T>) -> Parts<T> {
    let transport = Arc::new(setup.transport);
    let status = Arc::new(Status::new(setup.clock));
    if let Some(callback) = setup.listener {
        let listener = status.bus.listen();
        setup.runtime.spawn(call_back(listener, callback, Arc::clone(&status)));
    }
    let sizing = Arc::clone(&transport);
    let size = Box::new(move |message: &Out<T>| sizing.size(message));
    let send_queue = Arc::new(SendQueue::new(Arc::clone(&status), setup.runtime.clone(), setup.outbox, size));
    let inbox = Arc::new(Inbox::new(setup.inbox_messages, setup.inbox_bytes));
    let parts = (Arc::clone(&send_queue), Arc::clone(&inbox));
    let keeper = Keeper::new(setup.keeper, setup.seed, status.clock.now());
    let room = inbox.bounds();
    let driver = Driver {
        send_queue,
        inbox,
        status,
        keeper,
        transport,
        hook: setup.hook,
        scouts_log_in: setup.scouts_log_in,
        network: setup.network,
        store: setup.store.map(|store| Box::new(StoreClient::new(store))),
        stage: DriverState::New,
        now: None,
        again: false,
        unread: None,
        deadline_waited: false,
        alarm: Alarm::default(),
        openings: Openings::default(),
        reports: Arc::default(),
        links: LiveLinks::default(),
        closing: None,
        last_failure: None,
        last_error: None,
        connected_before: false,
        arrived: HeldBack::default(),
        sequence: Sequence::default(),
        room,
        waiting_since: None,
        pongs: Vec::new(),
        flights: Flights::default(),
        notices: Notices::default(),
        maybe_sent: 0,
        dropped: 0,
        dropped_told: None,
        touched: true,
    };
    setup.runtime.spawn(driver);
    parts
}

/// Calls the `on_event` callback for each event, in order.
async fn call_back(mut listener: EventListener, callback: Box<OnEvent>, status: Arc<Status>) {
    while let Some(event) = std::future::poll_fn(|cx| listener.poll_next(cx)).await {
        if contain(|| callback(&event)).is_err() {
            Counters::add(&status.tally.panics, 1);
        }
        tokio::task::coop::consume_budget().await;
    }
    drop_contained(callback);
}

/// See the [module](self).
struct Driver<T: Transport> {
    // Shared with the application.
    send_queue: Arc<SendQueue<Out<T>>>,
    inbox: Arc<Inbox<In<T>>>,
    status: Arc<Status>,

    keeper: Keeper,
    transport: Arc<T>,
    hook: Option<Arc<Hook<T::Link>>>,
    scouts_log_in: bool,
    network: Option<Box<dyn NetworkWatch>>,
    store: Option<Box<StoreClient>>,

    stage: DriverState,
    /// The time of this turn, once read.
    now: Option<Moment>,
    /// There is more to do at once, so the task wakes itself.
    again: bool,
    /// A link that got no share of this turn's budget.
    unread: Option<LinkId>,
    /// A deadline has already waited one turn for `unread`.
    deadline_waited: bool,
    alarm: Alarm,

    // Links.
    openings: Openings,
    reports: Arc<Reports<T::Link>>,
    links: LiveLinks<T::Link>,
    closing: Option<Closing>,
    /// Why the last attempt failed, until one succeeds.
    last_failure: Option<Failure>,
    /// The error of that attempt.
    last_error: Option<Arc<ConnectError>>,
    connected_before: bool,

    // Messages that came in.
    /// The messages of one batch of reading. Empty between batches.
    arrived: HeldBack<In<T>>,
    sequence: Sequence<In<T>>,
    /// A lower bound of the inbox's room.
    room: InboxRoom,
    /// Since when the inbox has held messages that were not detached.
    waiting_since: Option<Moment>,
    /// Answers to beats in the batch.
    pongs: Vec<Option<Token>>,

    // Messages that go out.
    /// The messages that depart on links, and those that links took.
    flights: Flights<Out<T>, Ticket<Out<T>>>,
    notices: Notices<Out<T>>,

    // Reports that are still to be told.
    /// Messages that ended links had taken without a confirmation.
    maybe_sent: u64,
    /// Messages that nobody will read.
    dropped: u64,
    /// When dropped messages were last told.
    dropped_told: Option<Moment>,
    /// The statistics have changed.
    touched: bool,
}

/// No field is pinned.
impl<T: Transport> Unpin for Driver<T> {}

/// The driver's own life, beside the connection's state.
enum DriverState {
    New,
    Running,
    Finished,
}

impl<T: Transport> Future for Driver<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let driver = &mut *self;
        match driver.stage {
            DriverState::New => {
                driver.stage = DriverState::Running;
                driver.name_network();
                let now = driver.now();
                driver.keeper.handle(Input::Start, now);
                driver.execute();
                driver.turn(cx)
            }
            DriverState::Running => driver.turn(cx),
            DriverState::Finished => Poll::Ready(()),
        }
    }
}

impl<T: Transport> Driver<T> {
    /// The time of this turn.
    fn now(&mut self) -> Moment {
        *self.now.get_or_insert_with(|| self.status.clock.now())
    }

    /// Reports to the outbox what the flights have settled, and runs `more`
    /// under the same lock. Waiting senders are told after the lock is released.
    fn with_outbox<R>(
        &mut self,
        more: impl FnOnce(&mut SendQueueState<Out<T>>, &mut Flights<Out<T>, Ticket<Out<T>>>) -> R,
    ) -> R {
        let mut state = self.send_queue.lock();
        self.flights.report(&mut state.outbox);
        let result = more(&mut state, &mut self.flights);
        state.collect(&mut self.notices);
        drop(state);
        self.notices.take_from(&mut self.flights);
        self.notices.tell();
        result
    }

    /// Tells an event to the listeners and to the log.
    fn tell(&mut self, event: &Event) {
        tracing::debug!(target: "longlink", "{event}");
        if self.status.bus.has_listeners() {
            self.status.bus.tell(event);
        }
    }

    fn is_finished(&self) -> bool {
        matches!(self.stage, DriverState::Finished)
    }

    /// Ends the driver. Messages that no link took are handed back, and everybody
    /// who waits is told.
    fn finish(&mut self, finish: DriverEnd) {
        if self.is_finished() {
            return;
        }
        self.stage = DriverState::Finished;
        self.openings = Openings::default();
        while let Some(link) = self.links.first() {
            self.drop_link(link);
        }
        self.tell_maybe_sent();
        self.tell_dropped(true);
        let at = self.status.clock.now();
        self.status.show_stats(self.keeper.stats(at), false, at);
        self.status.finish(finish);
        let maybe_sent = self.closing.as_ref().map_or(0, |closing| closing.maybe_sent);
        let mut state = self.send_queue.lock();
        let unwanted = state.finish(maybe_sent, &mut self.notices);
        drop(state);
        drop(unwanted);
        self.inbox.finish();
        self.status.bus.close();
        self.notices.tell();
    }
}

/// However the task ends, nobody waits for ever.
impl<T: Transport> Drop for Driver<T> {
    fn drop(&mut self) {
        self.finish(DriverEnd::Stopped);
    }
}

#[cfg(all(test, feature = "test-util"))]
mod tests {
    use super::link::LiveLink;
    use super::*;
    use crate::testing::ScriptedTransport;

    #[test]
    fn a_driver_beside_its_link_is_small() {
        type L = <ScriptedTransport<String> as Transport>::Link;
        let boxed = size_of::<LiveLink<L>>() + size_of::<Box<LiveLink<L>>>();
        let size = size_of::<Driver<ScriptedTransport<String>>>() + boxed;
        let link = size_of::<L>();
        assert!(size - link <= 2_576, "{size} bytes, of which the link is {link}");
    }
}
