//! The server: it lets one session live at a time, counts what comes in, sends
//! numbered messages, and misbehaves on demand.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::ledger::{Arrived, Sent};
use crate::message::{FromServer, read_client};
use crate::wire::{Incoming, Outgoing, Peer, Plug, QUIT, Say, Wire};

/// A server on loopback.
pub struct Server<W> {
    shared: Arc<Shared>,
    running: Option<JoinHandle<()>>,
    _wire: std::marker::PhantomData<W>,
}

struct Shared {
    state: Mutex<State>,
    /// How many messages it may still send.
    quota: Semaphore,
}

#[derive(Default)]
struct State {
    session: Option<Session>,
    /// The highest link that has logged in.
    latest: u64,
    next_number: u64,
    /// Logins to refuse, and to leave without an answer.
    busy: u32,
    mute: u32,
    arrived: Vec<Arrived>,
    sent: Vec<Sent>,
    /// Lines that no client of ours would send.
    strange: Vec<String>,
}

/// The one session that lives.
struct Session {
    link: u64,
    task: AbortHandle,
    orders: mpsc::UnboundedSender<Order>,
}

/// An order to a session.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Send what was begun, and a FIN. `clear`: nothing is in its way.
    Finish { clear: bool },
    /// Send what was begun, and a goodbye.
    Goodbye { code: u16, clear: bool },
    /// Neither read nor write any more.
    Freeze,
    /// Read nothing for this long.
    Read { after: Duration },
}

impl<W: Wire> Server<W> {
    pub fn new() -> Server<W> {
        let shared = Shared { state: Mutex::default(), quota: Semaphore::new(0) };
        Server { shared: Arc::new(shared), running: None, _wire: std::marker::PhantomData }
    }

    /// Listens, at a place of the system's choice.
    pub async fn start(&mut self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        self.running = Some(tokio::spawn(listen::<W>(listener, Arc::clone(&self.shared))));
        address
    }

    /// Ends everything at once, as a crash would.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
        self.shared.state().session = None;
    }

    /// Lets it send so many messages more.
    pub fn allow(&self, messages: usize) {
        self.shared.quota.add_permits(messages);
    }

    /// Tells the session that lives, if one does.
    pub fn order(&self, order: Order) {
        if let Some(session) = &self.shared.state().session {
            // One that has ended hears nothing.
            let _ = session.orders.send(order);
        }
    }

    pub fn refuse_logins(&self, count: u32) {
        self.shared.state().busy = count;
    }

    pub fn ignore_logins(&self, count: u32) {
        self.shared.state().mute = count;
    }

    /// How many messages it has received and sent.
    pub fn counts(&self) -> (u64, u64) {
        let state = self.shared.state();
        (state.arrived.len() as u64, state.next_number)
    }

    pub fn describe(&self) -> String {
        let state = self.shared.state();
        format!(
            "server: session on link {:?} of {}, {} arrived, {} sent, {} more allowed, {} busy, {} mute",
            state.session.as_ref().map(|session| session.link),
            state.latest,
            state.arrived.len(),
            state.next_number,
            self.shared.quota.available_permits(),
            state.busy,
            state.mute,
        )
    }

    /// The server's records.
    pub fn into_records(self) -> (Vec<Arrived>, Vec<Sent>) {
        let mut state = self.shared.state();
        assert_eq!(state.strange, Vec::<String>::new(), "the server was told what nobody said");
        (std::mem::take(&mut state.arrived), std::mem::take(&mut state.sent))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The text of the next message, if `link` is the one to send it.
    fn next_text(&self, link: u64) -> Option<String> {
        let mut state = self.state();
        if !state.is_live(link) {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        let sent = state.sent.last_mut().filter(|sent| sent.link == link)?;
        let index = sent.count;
        sent.count += 1;
        Some(FromServer { link, index, number }.text())
    }

    /// Takes what came in. False if the session is over.
    fn take_in(&self, link: u64, text: &str) -> bool {
        let mut state = self.state();
        if !state.is_live(link) {
            return false;
        }
        match read_client(text) {
            Some(number) => state.arrived.push(Arrived { link, number }),
            None => state.strange.push(format!("link {link}: {text}")),
        }
        true
    }

    fn finished(&self, link: u64) {
        let mut state = self.state();
        if let Some(sent) = state.sent.iter_mut().rev().find(|sent| sent.link == link) {
            sent.finished = true;
        }
    }
}

impl State {
    fn is_live(&self, link: u64) -> bool {
        self.session.as_ref().is_some_and(|session| session.link == link)
    }

    fn admit(&mut self, link: u64, task: AbortHandle, orders: mpsc::UnboundedSender<Order>) -> Admission {
        if link <= self.latest {
            return Admission::Late;
        }
        self.latest = link;
        if let Some(before) = self.session.take() {
            before.task.abort();
        }
        if self.mute > 0 {
            self.mute -= 1;
            return Admission::Ignored;
        }
        if self.busy > 0 {
            self.busy -= 1;
            return Admission::Refused;
        }
        self.sent.push(Sent { link, first: self.next_number, count: 0, finished: false });
        self.session = Some(Session { link, task, orders });
        Admission::Granted
    }
}

/// The answer to a login.
enum Admission {
    Granted,
    /// It was held up on its way, and a later one has come.
    Late,
    Refused,
    Ignored,
}

async fn listen<W: Wire>(listener: TcpListener, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, _)) = accepted else { continue };
                // The session's task must know itself.
                let (myself, me) = tokio::sync::oneshot::channel();
                let task = tasks.spawn(serve::<W>(tcp, Arc::clone(&shared), me));
                let _ = myself.send(task);
            }
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended && error.is_panic() {
                    std::panic::resume_unwind(error.into_panic());
                }
            }
        }
    }
}

async fn serve<W: Wire>(
    tcp: TcpStream,
    shared: Arc<Shared>,
    me: tokio::sync::oneshot::Receiver<AbortHandle>,
) {
    let Ok(me) = me.await else { return };
    let Some(mut peer) = W::accept(tcp).await else { return };
    let Some((link, orders)) = log_in(&mut peer, &shared, me).await else { return };
    talk(peer, &shared, link, orders).await;
    let mut state = shared.state();
    if state.is_live(link) {
        state.session = None;
    }
}

/// The login: `HELLO` with the link's number, which the server has never
/// heard of before. The session before ends there and then, so that nothing
/// that is still on its way comes behind what the new one says.
async fn log_in(
    peer: &mut Peer,
    shared: &Shared,
    me: AbortHandle,
) -> Option<(u64, mpsc::UnboundedReceiver<Order>)> {
    let hello = peer.incoming.next().await?;
    let Some(link) = hello.strip_prefix("HELLO ").and_then(|link| link.parse::<u64>().ok()) else {
        shared.state().strange.push(hello);
        return None;
    };
    let (orders, heard) = mpsc::unbounded_channel();
    let admission = shared.state().admit(link, me, orders);
    match admission {
        Admission::Granted => {}
        Admission::Late => return None,
        Admission::Ignored => return std::future::pending().await,
        Admission::Refused => {
            let _ = peer.outgoing.send(Say::Text("BUSY".to_owned())).await;
            return None;
        }
    }
    // Now and then it speaks before it answers.
    let early = if link % 5 == 0 { 3 } else { 0 };
    for _ in 0..early {
        let Ok(permit) = shared.quota.try_acquire() else { break };
        let text = shared.next_text(link)?;
        permit.forget();
        peer.outgoing.feed(Say::Text(text)).await.ok()?;
    }
    peer.outgoing.send(Say::Text("WELCOME".to_owned())).await.ok()?;
    Some((link, heard))
}

/// The session, to its end.
async fn talk(peer: Peer, shared: &Shared, link: u64, orders: mpsc::UnboundedReceiver<Order>) {
    let Peer { mut incoming, mut outgoing, plug } = peer;
    let (answers, to_answer) = mpsc::unbounded_channel();
    let (pauses, slowed) = mpsc::unbounded_channel();
    let freezes = tokio::select! {
        () = listen_to(&mut incoming, shared, link, answers, slowed) => false,
        freezes = speak(&mut outgoing, &plug, shared, link, orders, to_answer, pauses) => freezes,
    };
    if freezes {
        // With both ends of the socket in hand, until the next session comes.
        std::future::pending().await
    }
}

/// Reads until the client's end of the stream.
async fn listen_to(
    incoming: &mut Incoming,
    shared: &Shared,
    link: u64,
    answers: mpsc::UnboundedSender<Say>,
    mut slowed: mpsc::UnboundedReceiver<Duration>,
) {
    loop {
        let text = tokio::select! {
            biased;
            Some(pause) = slowed.recv() => {
                tokio::time::sleep(pause).await;
                continue;
            }
            text = incoming.next() => text,
        };
        let Some(text) = text else { return };
        if text == QUIT {
            let _ = answers.send(Say::Farewell);
        } else if let Some(token) = text.strip_prefix("PING ") {
            let _ = answers.send(Say::Text(format!("PONG {token}")));
        } else if !shared.take_in(link, &text) {
            return;
        }
    }
}

/// Writes and does what it is told; true when it is told to freeze. What
/// cannot be written is for the other half to notice.
async fn speak(
    outgoing: &mut Outgoing,
    plug: &Plug,
    shared: &Shared,
    link: u64,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut to_answer: mpsc::UnboundedReceiver<Say>,
    pauses: mpsc::UnboundedSender<Duration>,
) -> bool {
    let end = loop {
        tokio::select! {
            biased;
            Some(order) = orders.recv() => match order {
                Order::Read { after } => drop(pauses.send(after)),
                Order::Freeze => return true,
                end @ (Order::Finish { .. } | Order::Goodbye { .. }) => break end,
            },
            Some(answer) = to_answer.recv() => {
                let farewell = matches!(answer, Say::Farewell);
                if outgoing.send(answer).await.is_err() {
                    return std::future::pending().await;
                }
                if farewell {
                    plug.finish();
                }
            }
            permit = shared.quota.acquire() => {
                let permit = permit.expect("it is never closed");
                let Some(text) = shared.next_text(link) else { return false };
                permit.forget();
                let text = Say::Text(text);
                let more = shared.quota.available_permits() > 0;
                let sent = if more { outgoing.feed(text).await } else { outgoing.send(text).await };
                if sent.is_err() {
                    return std::future::pending().await;
                }
            }
        }
    };
    let (sent, clear) = match end {
        Order::Finish { clear } => (outgoing.flush().await.inspect(|()| plug.finish()), clear),
        Order::Goodbye { code, clear } => (outgoing.send(Say::Goodbye(code)).await, clear),
        Order::Read { .. } | Order::Freeze => unreachable!("these are no ends"),
    };
    if sent.is_ok() && clear {
        shared.finished(link);
    }
    std::future::pending().await
}
