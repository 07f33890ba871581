//! One connection from its beginning to its end, through many faults.

mod plan;
mod strikes;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::testing::{Cut, Direction, Newcomers, Proxy};
use longlink::{
    Handshake, HandshakeError, Heartbeat, NetworkHandle, Reconnect, ResilientConnection, State, StateWatch,
    Suspend,
};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::book::Book;
use crate::chance::Chance;
use crate::faults::{Faults, Round};
use crate::ledger::{Fate, Ledger, Totals};
use crate::reading::{self, Order};
use crate::sending::{Outgoing, Quota};
use crate::server::Server;
use crate::wire::Wire;
pub use plan::{Ending, Plan};

/// The heartbeat's and the backoff's times against those of the defaults: an
/// hour of faults in a dozen seconds.
const SCALE: f64 = 1.0 / 300.0;
/// No fault takes that long on any machine; a wait that does is a hang.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// An attempt that nobody answers.
const ATTEMPT: Duration = Duration::from_millis(250);
/// A close that nobody answers.
const CLOSE: Duration = Duration::from_millis(400);
/// Attempts in one round. More is a loop that runs hot.
const MOST_ATTEMPTS: u64 = 2_000;

/// The result of a session.
#[derive(Debug, Default)]
pub struct Report {
    pub totals: Totals,
    pub faults: Faults,
    pub attempts: u64,
    pub withdrawn: u64,
    /// Messages that came in when nobody was left to read them.
    pub dropped: u64,
    pub wake_ups: u64,
}

/// One connection, its server, and what stands between.
pub struct Session<W: Wire> {
    server: Server<W>,
    proxy: Proxy,
    book: Arc<Mutex<Book>>,
    state: StateWatch,
    outgoing: Outgoing,
    incoming: reading::Incoming,
    quota: Arc<Quota>,
    holder: mpsc::UnboundedSender<Order>,
    network: NetworkHandle,
    suspend: Suspend,
    sending: Option<JoinHandle<()>>,
    settling: Option<JoinHandle<()>>,
    reading: Option<JoinHandle<reading::End>>,
    /// The messages allowed so far.
    allowed: (u64, u64),
    /// The proxy may cut at any time.
    armed: bool,
    /// Up to this epoch the proxy may have cut what the server sent, without
    /// the client having read so far.
    doubtful: u64,
    /// The present activity, for the reader of a hang.
    now: String,
}

/// Runs one connection through `plan` and judges it. Panics with all that is
/// known if anything is wrong.
pub async fn run<W: Wire>(plan: Plan) -> Report {
    let mut session = Session::<W>::start(plan.chance.clone()).await;
    let mut faults = Faults::default();
    for (number, round) in plan.rounds.iter().enumerate() {
        session.now = format!("round {number}: {round:?}");
        faults.count(round);
        let attempts = session.book().attempts();
        session.round(round, &plan).await;
        let attempts = session.book().attempts() - attempts;
        assert!(attempts <= MOST_ATTEMPTS, "{attempts} attempts in a round\n{}", session.describe());
    }
    session.now = format!("ending: {:?}", plan.ending);
    session.end(&plan, faults).await
}

impl<W: Wire> Session<W> {
    async fn start(mut chance: Chance) -> Session<W> {
        let mut server = Server::<W>::new();
        let proxy = Proxy::to(server.start().await).unwrap();
        let (network, suspend) = (NetworkHandle::new(), Suspend::new());
        let book = Arc::new(Mutex::new(Book::new()));
        let noting = Arc::clone(&book);
        let connection = ResilientConnection::builder(W::transport(proxy.addr()))
            .heartbeat(heartbeat())
            .reconnect(backoff())
            .close_deadline(CLOSE)
            .network(network.clone())
            .suspend(&suspend)
            .on_connect(log_in::<W>)
            .on_event(move |event| noting.lock().unwrap().note(event))
            .outbox_messages(64)
            .inbox_messages(32)
            .seed(chance.next())
            .build()
            .unwrap();
        let state = connection.watch();
        let outgoing = Outgoing::default();
        let quota = Arc::new(Quota::new());
        let (confirmations, to_settle) = mpsc::unbounded_channel();
        let sender = connection.sender();
        let sending = outgoing.clone().send_all::<W>(sender, Arc::clone(&quota), chance, confirmations);
        let settling = outgoing.clone().wait_for_outcomes::<W>(to_settle);
        let incoming = reading::Incoming::default();
        let (holder, orders) = mpsc::unbounded_channel();
        Session {
            sending: Some(tokio::spawn(sending)),
            settling: Some(tokio::spawn(settling)),
            reading: Some(tokio::spawn(incoming.clone().read_all::<W>(connection, orders))),
            server,
            proxy,
            book,
            state,
            outgoing,
            incoming,
            quota,
            holder,
            network,
            suspend,
            allowed: (0, 0),
            armed: false,
            doubtful: 0,
            now: String::new(),
        }
    }

    /// One round: it begins and ends with a link in use.
    async fn round(&mut self, round: &Round, plan: &Plan) {
        let before = self.connected(0).await;
        let armed = self.armed;
        self.allow((round.from_client, round.from_server), plan.but_the_last());
        sleep(round.before).await;
        if let Some(companion) = round.companion {
            self.accompany(companion);
        }
        let breaks = self.strike(round.fault, before).await;
        self.proxy.latency(Direction::Both, Duration::ZERO);
        let after = self.connected(if breaks { before } else { 0 }).await;
        if armed || self.armed {
            self.doubtful = after;
        }
        sleep(round.calm).await;
    }

    /// Takes back a cut that has not come yet. Whether nothing can have been
    /// in the way of what the server sent on the link of `epoch` and will send.
    fn clear_way(&mut self, epoch: u64) -> bool {
        let was_armed = std::mem::take(&mut self.armed);
        if was_armed {
            self.proxy.cut_after(Direction::Both, u64::MAX, Cut::Fin);
        }
        !was_armed && epoch > self.doubtful
    }

    fn tell(&self, order: Order) {
        self.holder.send(order).expect("the connection is held to the end");
    }

    /// Lets both sides say more, up to `most` in all.
    fn allow(&mut self, more: (u64, u64), most: (u64, u64)) {
        let (client, server) = self.allowed;
        let (client, server) =
            ((client + more.0).min(most.0).max(client), (server + more.1).min(most.1).max(server));
        self.quota.messages.add_permits((client - self.allowed.0) as usize);
        self.server.allow((server - self.allowed.1) as usize);
        self.allowed = (client, server);
    }

    /// Waits until all that was allowed is said.
    async fn all_said(&self) {
        let (client, server) = self.allowed;
        self.until("all to be accepted", || self.outgoing.accepted() == client).await;
        self.until("all to be sent", || self.server.counts().1 == server).await;
    }

    // Waits.

    /// Waits for a link in use later than `epoch`, and gives its own.
    async fn connected(&self, epoch: u64) -> u64 {
        let mut state = self.state.clone();
        let later = |state| matches!(state, State::Connected { epoch: found } if found > epoch);
        match self.soon("a link", state.wait_for(later)).await {
            Some(State::Connected { epoch }) => epoch,
            other => panic!("{other:?}\n{}", self.describe()),
        }
    }

    /// Waits until the link of `epoch` is not in use any more.
    async fn left(&self, epoch: u64) {
        let mut state = self.state.clone();
        self.soon("the link's end", state.wait_for(|state| state != State::Connected { epoch })).await;
    }

    async fn until(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let waiting = async {
            while !condition() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        self.soon(what, waiting).await;
    }

    /// A future that is never ready is a failure, told with the present activity.
    async fn soon<F: Future>(&self, what: &str, future: F) -> F::Output {
        match tokio::time::timeout(PATIENCE, pin!(future)).await {
            Ok(output) => output,
            Err(_) => panic!("waited in vain for {what}\n{}", self.describe()),
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    fn describe(&self) -> String {
        let (accepted, outcomes) =
            self.outgoing.look(|accounts| (accounts.accepted.len(), accounts.outcomes.len()));
        format!(
            "{}\nstate: {:?}\nclient: {accepted} accepted, {outcomes} outcomes, {} read, of {:?} allowed\n{}\n{:?}\n{}",
            self.now,
            self.state.state(),
            self.incoming.count(),
            self.allowed,
            self.server.describe(),
            self.proxy,
            self.book().describe(),
        )
    }

    // The end.

    async fn end(mut self, plan: &Plan, faults: Faults) -> Report {
        self.clear_way(0);
        let most = (plan.from_client, plan.from_server);
        self.allow(most, plan.but_the_last());
        self.all_said().await;
        let epoch = self.connected(0).await;
        match plan.ending {
            Ending::Calm => {
                self.allow(most, most);
                self.all_said().await;
            }
            Ending::Busy => self.allow(most, most),
            Ending::Outage => {
                self.proxy.newcomers(Newcomers::Refused).unwrap();
                self.proxy.reset(Direction::Both);
                self.left(epoch).await;
                self.allow(most, most);
            }
            Ending::BlackHole => {
                self.proxy.black_hole(Direction::Both);
                self.allow(most, most);
            }
            Ending::Paused => {
                self.tell(Order::Pause);
                self.left(epoch).await;
                self.allow(most, most);
            }
            Ending::Dropped => {
                // A new link, so that doubts cannot be those of one that was
                // left in a pause.
                self.tell(Order::Reconnect);
                self.connected(epoch).await;
                self.until("the events", || self.book().epoch() > epoch).await;
                self.quota.confirm_all();
                self.allow(most, most);
            }
        }
        if plan.ending != Ending::Calm {
            sleep(Duration::from_millis(4)).await;
        }
        let dropped = plan.ending == Ending::Dropped;
        self.tell(if dropped { Order::Drop } else { Order::Close });
        let reading = self.reading.take().expect("it is ended once");
        let end = self.soon("the end of the stream", reading).await.expect("the reader does not panic");
        let sending = self.sending.take().expect("it is ended once");
        if dropped {
            // The connection lives for as long as there is a sender.
            sending.abort();
        }
        // One that waits for what it may send finds the connection closed.
        self.quota.messages.add_permits(1);
        let sent = self.soon("the sender", sending).await;
        assert!(sent.is_ok() || dropped, "the sender does not panic");
        let settling = self.settling.take().expect("it is ended once");
        self.soon("all outcomes", settling).await.expect("whoever waits for outcomes does not panic");
        self.until("the last event", || Arc::strong_count(&self.book) == 1).await;
        self.server.stop().await;
        self.judge(end, faults)
    }

    fn judge(self, end: reading::End, faults: Faults) -> Report {
        let stats = end.stats;
        let closed = end.closed.is_some();
        let mut wrong = self.book().judge(closed.then_some(&stats));
        let described = self.describe();
        let accounts = self.outgoing.look(std::mem::take);
        let (arrived, sent) = self.server.into_records();
        let not_sent = accounts.outcomes.iter().filter(|(_, fate)| *fate == Fate::NotSent).count() as u64;
        let (handed_back, maybe_at_close) = end.closed.unwrap_or_default();
        let book = self.book.lock().unwrap();
        let ledger = Ledger {
            // Where it was dropped nobody can ask for the figures: but then
            // all that was still to be sent was confirmed.
            taken: if closed { stats.messages_sent } else { accounts.accepted.len() as u64 - not_sent },
            accepted: accounts.accepted,
            outcomes: accounts.outcomes,
            handed_back,
            links: book.links.clone(),
            arrived,
            sent,
            read: self.incoming.take(),
        };
        if closed {
            let read = ledger.read.len() as u64 + book.dropped();
            if read != stats.messages_received {
                wrong.push(format!("{read} messages read or dropped of {}", stats.messages_received));
            }
            let last = ledger.links.last().map_or(0, |link| link.maybe);
            if maybe_at_close != 0 && maybe_at_close != last {
                wrong.push(format!("close says that {maybe_at_close} are in doubt, of {last}"));
            }
        }
        let totals = ledger.judge().unwrap_or_else(|wrongs| {
            wrong.push(format!("{} things, the first: {:#?}", wrongs.len(), &wrongs[..wrongs.len().min(8)]));
            Totals::default()
        });
        assert!(wrong.is_empty(), "{}\n{described}", wrong.join("\n"));
        Report {
            totals,
            faults,
            attempts: book.attempts(),
            withdrawn: accounts.withdrawn,
            dropped: book.dropped(),
            wake_ups: stats.wake_ups,
        }
    }
}

fn heartbeat() -> Heartbeat {
    Heartbeat::adaptive().scaled(SCALE).max(Duration::from_millis(120))
}

/// No wait is longer than 20 ms, in the background too.
fn backoff() -> Reconnect {
    let cap = Duration::from_millis(20);
    Reconnect::default().scaled(SCALE).cap(cap).background_cap(cap).attempt_deadline(ATTEMPT)
}

/// The login: a word each way, with the number that both sides know the link
/// by.
async fn log_in<W: Wire>(mut handshake: Handshake<W::Link>) -> Result<Handshake<W::Link>, HandshakeError> {
    let link = handshake.attempt().link_id().get();
    handshake.send(W::message(format!("HELLO {link}"))).await?;
    let answer = handshake.recv_where(|message| matches!(W::text(message), "WELCOME" | "BUSY")).await?;
    if W::text(&answer) == "BUSY" {
        return Err(HandshakeError::retry("the server is busy"));
    }
    Ok(handshake)
}
