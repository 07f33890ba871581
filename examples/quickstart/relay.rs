//! A TCP relay that plays the network: all between the client and the server.
//!
//! It is a NAT all the time: a flow that was idle, both ways, for the NAT's
//! timeout is forgotten without a word to either end. On order it does worse.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep_until, timeout};

use crate::timeline::{Timeline, Who};

/// The relay. Dropping it ends it and all its flows.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// How a flow can be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Idle for the NAT's timeout, and forgotten: swallowed from here on.
    Forgotten,
    /// Bytes are accepted and none answered; both ends stay open.
    Swallowed,
    /// Both ends get a TCP reset.
    Reset,
    /// Both ends get a TCP FIN, without a goodbye in the protocol above.
    Ended,
}

/// One flow that was cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// When.
    pub at: Instant,
    /// How.
    pub how: How,
}

/// The relay's log.
#[derive(Clone, Debug, Default)]
pub struct RelayLog {
    /// Flows that were carried.
    pub flows: u64,
    /// Flows that were cut, in order.
    pub cuts: Vec<Cut>,
    /// Bytes of the client that went nowhere.
    pub swallowed: u64,
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    nat_timeout: Duration,
    timeline: Timeline,
    log: Mutex<RelayLog>,
    /// Whether dials shall be answered or refused.
    wish: watch::Sender<Dials>,
    /// Whether they are.
    dials: watch::Sender<Dials>,
    /// Reaches every flow that is carried.
    cuts: broadcast::Sender<How>,
    /// So many of the next flows end right after their upgrade.
    doomed: Mutex<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dials {
    Answered,
    Refused,
}

impl Relay {
    /// Starts on a free port of loopback, in front of `server`.
    pub async fn start(server: SocketAddr, nat_timeout: Duration, timeline: Timeline) -> io::Result<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            server,
            nat_timeout,
            timeline,
            log: Mutex::default(),
            wish: watch::Sender::new(Dials::Answered),
            dials: watch::Sender::new(Dials::Answered),
            cuts: broadcast::Sender::new(16),
            doomed: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let task = accept(listener, shared.clone());
        tasks.spawn(async move { task.await.expect("the relay's own port stays its own") });
        Ok(Relay { address, shared, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every flow; new ones are carried as ever.
    pub fn cut(&self, how: How) {
        // Without a flow there is nobody to tell.
        let _ = self.shared.cuts.send(how);
    }

    /// Refuses dials; returns when it is so.
    pub async fn refuse(&self) {
        self.shared.turn(Dials::Refused).await;
    }

    /// Answers dials again; returns when it is so.
    pub async fn answer(&self) {
        self.shared.turn(Dials::Answered).await;
    }

    /// Lets each of the next `count` flows get through its upgrade, and ends
    /// it there.
    pub fn doom(&self, count: u32) {
        *lock(&self.shared.doomed) = count;
    }

    /// The log so far.
    pub fn log(&self) -> RelayLog {
        lock(&self.shared.log).clone()
    }
}

async fn accept(mut listener: TcpListener, shared: Arc<Shared>) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut flows = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = shared.wished(Dials::Refused) => {
                drop(listener);
                // A port that is bound but not listened on refuses dials, and
                // nobody else can take it meanwhile.
                let bound = TcpSocket::new_v4()?;
                bound.set_reuseaddr(true)?;
                bound.bind(address)?;
                shared.dials.send_replace(Dials::Refused);
                shared.wished(Dials::Answered).await;
                listener = bound.listen(128)?;
                shared.dials.send_replace(Dials::Answered);
            }
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                let cuts = shared.cuts.subscribe();
                let shared = shared.clone();
                flows.spawn(async move {
                    // A flow that fails is a flow that ended: both ends see it.
                    let _ = carry(client, cuts, &shared).await;
                });
                while flows.try_join_next().is_some() {}
            }
        }
    }
}

/// Carries one flow to its end.
async fn carry(mut client: TcpStream, cuts: broadcast::Receiver<How>, shared: &Shared) -> io::Result<()> {
    let mut server = TcpStream::connect(shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    lock(&shared.log).flows += 1;
    let carried = if shared.take_doom() {
        carry_upgrade(&mut client, &mut server).await?
    } else {
        carry_until_cut(&mut client, &mut server, cuts, shared.nat_timeout).await?
    };
    let Some(how) = carried else { return Ok(()) };
    lock(&shared.log).cuts.push(Cut { at: Instant::now(), how });
    if how == How::Forgotten {
        // Nobody ordered it: it is told here.
        shared.timeline.tell(Who::Relay, "the NAT forgets the idle flow, without a word");
    }
    match how {
        How::Reset => {
            client.set_zero_linger()?;
            server.set_zero_linger()?;
        }
        How::Ended => {
            client.shutdown().await?;
            server.shutdown().await?;
            // The client's later bytes are read, or its kernel would get a
            // reset instead of the FIN.
            let _ = timeout(Duration::from_secs(1), swallow(&mut client, shared)).await;
        }
        How::Forgotten | How::Swallowed => {
            // Even when the client gives up, nobody tells the server: its end
            // stays open until the relay goes.
            let _ = swallow(&mut client, shared).await;
            drop(client);
            std::future::pending::<()>().await;
        }
    }
    Ok(())
}

/// Carries both ways until the flow is cut; `None` if it ended by itself.
async fn carry_until_cut(
    client: &mut TcpStream,
    server: &mut TcpStream,
    mut cuts: broadcast::Receiver<How>,
    nat_timeout: Duration,
) -> io::Result<Option<How>> {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let seen = LastByte::now();
    let both =
        async { tokio::try_join!(pump(from_client, to_server, &seen), pump(from_server, to_client, &seen)) };
    tokio::select! {
        biased;
        ended = both => ended.map(|_| None),
        // A channel that closed means that the relay goes.
        how = cuts.recv() => Ok(Some(how.unwrap_or(How::Reset))),
        () = seen.idle_for(nat_timeout) => Ok(Some(How::Forgotten)),
    }
}

/// Carries the upgrade and nothing more: its two heads are far smaller than
/// a segment, so each is one read.
async fn carry_upgrade(client: &mut TcpStream, server: &mut TcpStream) -> io::Result<Option<How>> {
    pass_once(client, server).await?;
    pass_once(server, client).await?;
    Ok(Some(How::Ended))
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, seen: &LastByte) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        seen.touch();
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

async fn pass_once(from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    let read = from.read(&mut buffer).await?;
    to.write_all(&buffer[..read]).await
}

async fn swallow(client: &mut TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match client.read(&mut buffer).await? {
            0 => return Ok(()),
            read => lock(&shared.log).swallowed += read as u64,
        }
    }
}

impl Shared {
    async fn turn(&self, dials: Dials) {
        self.wish.send_replace(dials);
        // The sender lives in `self`: the wait ends only when it is so.
        let _ = self.dials.subscribe().wait_for(|now| *now == dials).await;
    }

    async fn wished(&self, dials: Dials) {
        // As above.
        let _ = self.wish.subscribe().wait_for(|wish| *wish == dials).await;
    }

    fn take_doom(&self) -> bool {
        let mut doomed = lock(&self.doomed);
        let taken = *doomed > 0;
        *doomed = doomed.saturating_sub(1);
        taken
    }
}

/// When a flow last carried a byte, either way.
#[derive(Debug)]
struct LastByte(Mutex<Instant>);

impl LastByte {
    fn now() -> LastByte {
        LastByte(Mutex::new(Instant::now()))
    }

    fn touch(&self) {
        *lock(&self.0) = Instant::now();
    }

    /// Waits until nothing was seen for `timeout`.
    async fn idle_for(&self, timeout: Duration) {
        loop {
            let due = *lock(&self.0) + timeout;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due.into()).await;
        }
    }
}

/// Nothing here panics while it holds the lock, so a poisoned one is as good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than anything here takes; no test waits for it to pass.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A relay in front of a plain TCP echo.
    async fn stage(nat_timeout: Duration) -> (Relay, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay =
            Relay::start(listener.local_addr().unwrap(), nat_timeout, Timeline::start()).await.unwrap();
        let mut echo = JoinSet::new();
        echo.spawn(async move {
            let mut flows = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                flows.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    drop(tokio::io::copy(&mut from, &mut to).await);
                });
            }
        });
        (relay, echo)
    }

    async fn dial(relay: &Relay) -> TcpStream {
        let mut client = TcpStream::connect(relay.address()).await.unwrap();
        assert_eq!(ask(&mut client).await.unwrap(), 5);
        client
    }

    async fn ask(client: &mut TcpStream) -> io::Result<usize> {
        client.write_all(b"hello").await?;
        timeout(PATIENCE, client.read(&mut [0; 16])).await.expect("an answer or an end in time")
    }

    async fn until(relay: &Relay, holds: impl Fn(&RelayLog) -> bool) {
        let wait = async {
            while !holds(&relay.log()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("the relay logs it in time");
    }

    #[tokio::test]
    async fn an_idle_flow_is_forgotten_without_a_word() {
        let (relay, _echo) = stage(Duration::from_millis(50)).await;
        let mut client = dial(&relay).await;
        until(&relay, |log| log.cuts.iter().any(|cut| cut.how == How::Forgotten)).await;
        client.write_all(b"hello").await.unwrap();
        until(&relay, |log| log.swallowed == 5).await;
        let refusal = client.try_read(&mut [0; 16]).unwrap_err();
        assert_eq!(refusal.kind(), io::ErrorKind::WouldBlock, "neither an answer nor an end");
    }

    #[tokio::test]
    async fn a_flow_is_cut_as_ordered_and_the_next_is_carried() {
        let (relay, _echo) = stage(PATIENCE).await;
        let mut client = dial(&relay).await;
        relay.cut(How::Reset);
        let error = timeout(PATIENCE, client.read(&mut [0; 16])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);

        let mut client = dial(&relay).await;
        relay.cut(How::Ended);
        assert_eq!(timeout(PATIENCE, client.read(&mut [0; 16])).await.unwrap().unwrap(), 0);

        let mut client = dial(&relay).await;
        relay.cut(How::Swallowed);
        until(&relay, |log| log.cuts.len() == 3).await;
        client.write_all(b"hello").await.unwrap();
        until(&relay, |log| log.swallowed == 5).await;
        dial(&relay).await;
    }

    #[tokio::test]
    async fn dials_are_refused_until_they_are_answered_again() {
        let (relay, _echo) = stage(PATIENCE).await;
        for _ in 0..20 {
            relay.refuse().await;
            let error = TcpStream::connect(relay.address()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
            relay.answer().await;
            dial(&relay).await;
        }
    }

    #[tokio::test]
    async fn a_doomed_flow_ends_after_its_upgrade() {
        let (relay, _echo) = stage(PATIENCE).await;
        relay.doom(1);
        let mut client = dial(&relay).await;
        assert_eq!(ask(&mut client).await.unwrap(), 0);
        dial(&relay).await;
    }
}
