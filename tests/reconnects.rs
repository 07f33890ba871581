//! Ten thousand forced reconnects leave nothing behind: no socket, no
//! descriptor, no task, no memory. In a file of its own, since a process has
//! one allocator.
//!
//! A debug build makes as many as fit into seconds; with
//! `LONGLINK_REQUIRE_REAL=1` it makes them all.
#![cfg(all(feature = "websocket", target_os = "linux"))]

#[path = "support/heap.rs"]
mod heap;

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use futures::{SinkExt, StreamExt};
use longlink::{Message, Reconnect, ResilientConnection, State, WebSocket};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message as Raw;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

/// All of them, where they are asked for.
const ALL: u64 = 10_000;
/// As many as take seconds in a debug build on a slow machine.
const SOME: u64 = 2_000;
/// Connections that make them, side by side.
const CONNECTIONS: u64 = 8;
/// Memory is measured first after a fifth of them.
const WARM: u64 = 5;
/// The most that may be held more at the end than after a fifth of them: less than one
/// byte for each reconnect.
const SLACK: i64 = 1_024;
/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a reconnect is forced.
#[derive(Clone, Copy, Debug)]
enum Force {
    Rst,
    Fin,
    Close,
    /// By the application itself.
    Now,
}

const FORCES: [Force; 4] = [Force::Rst, Force::Fin, Force::Close, Force::Now];

/// Echoes, and ends the link in the way that a message names. It lives on a
/// runtime of its own, so that its tasks are not counted.
struct Server {
    address: SocketAddr,
    /// Connections that it holds at present.
    live: Arc<AtomicUsize>,
    /// Those that it has accepted so far.
    accepted: Arc<AtomicUsize>,
    _runtime: Runtime,
}

impl Server {
    fn start() -> Server {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (live, accepted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counting, counted) = (Arc::clone(&live), Arc::clone(&accepted));
        runtime.spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                let live = Arc::clone(&counting);
                live.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    serve(tcp).await;
                    live.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Server { address, live, accepted, _runtime: runtime }
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }
}

async fn serve(tcp: TcpStream) {
    tcp.set_nodelay(true).unwrap();
    // A client that reconnects now may be gone in the middle of anything.
    let Ok(mut socket) = tokio_tungstenite::accept_async(tcp).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        let Raw::Text(text) = &message else { continue };
        match text.as_str() {
            "Rst" => {
                socket.get_ref().set_zero_linger().unwrap();
                return;
            }
            "Fin" => return,
            "Close" => {
                let close = CloseFrame { code: CloseCode::Again, reason: "told so".into() };
                let _ = socket.close(Some(close)).await;
                // The client ends it.
                while let Some(Ok(_)) = socket.next().await {}
                return;
            }
            _ => {
                if socket.send(message).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// The holdings of a process, at rest with one link in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Holdings {
    descriptors: usize,
    tasks: usize,
    live: usize,
}

impl Holdings {
    fn now(server: &Server) -> Holdings {
        Holdings {
            descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
            tasks: Handle::current().metrics().num_alive_tasks(),
            live: server.live(),
        }
    }

    /// Waits until it holds no more than `expected`: goodbyes take a while.
    async fn settle(expected: Holdings, server: &Server) -> Holdings {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found = Holdings::now(server);
            if found == expected || Instant::now() > deadline {
                return found;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

struct Client {
    connection: ResilientConnection<Message>,
    epoch: u64,
}

impl Client {
    async fn start(server: &Server, seed: u64) -> Client {
        let transport = WebSocket::new(format!("ws://{}/", server.address)).unwrap();
        // No wait but the least that there is.
        let reconnect = Reconnect::eager().delays(|| std::iter::repeat(Duration::ZERO));
        let connection = ResilientConnection::builder(transport).reconnect(reconnect).seed(seed);
        let connection = connection.connect().await.unwrap();
        Client { connection, epoch: 1 }
    }

    /// Forces so many reconnects, one after the other, with messages on
    /// their way.
    async fn reconnect(&mut self, times: u64) {
        for force in FORCES.into_iter().cycle().take(times as usize) {
            // The first comes back, the last is on its way when the link ends.
            self.echo().await;
            match force {
                Force::Now => self.connection.reconnect_now(),
                Force::Rst | Force::Fin | Force::Close => self.send(&format!("{force:?}")).await,
            }
            self.send("on its way").await;
            let epoch = self.epoch;
            let mut watch = self.connection.watch();
            let later = |state| matches!(state, State::Connected { epoch: found } if found > epoch);
            let state = timeout(PATIENCE, watch.wait_for(later)).await.expect("back in time");
            let Some(State::Connected { epoch }) = state else { panic!("{state:?}") };
            assert_eq!(epoch, self.epoch + 1, "each is one link");
            self.epoch = epoch;
        }
    }

    async fn send(&self, text: &str) {
        self.connection.sender().send(Message::from(text)).await.unwrap();
    }

    /// Sends a "hello" and reads until one comes back.
    async fn echo(&mut self) {
        self.send("hello").await;
        let echo =
            async { while self.connection.recv().await.unwrap().unwrap().as_text() != Some("hello") {} };
        timeout(PATIENCE, echo).await.expect("an echo in time");
    }
}

/// Forces so many reconnects in all, and gives what is held at rest, which
/// should be `expected`.
async fn reconnect(
    clients: &mut [Client],
    times: u64,
    expected: Holdings,
    server: &Server,
) -> (Holdings, i64) {
    join_all(clients.iter_mut().map(|client| async move {
        client.reconnect(times / CONNECTIONS).await;
        client.echo().await;
    }))
    .await;
    let found = Holdings::settle(expected, server).await;
    (found, heap::held_by_all())
}

#[test]
fn ten_thousand_forced_reconnects_leave_nothing_behind() {
    let server = Server::start();
    let client = Builder::new_current_thread().enable_all().build().unwrap();
    client.block_on(leave_nothing_behind(&server));
}

async fn leave_nothing_behind(server: &Server) {
    let required = std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1");
    let times = if required || !cfg!(debug_assertions) { ALL } else { SOME };
    let before = Holdings::now(server);
    let mut clients = join_all((0..CONNECTIONS).map(|seed| Client::start(server, seed))).await;
    let count = clients.len();
    // Both ends of each link.
    let up =
        Holdings { descriptors: before.descriptors + 2 * count, tasks: before.tasks + count, live: count };

    let start = Instant::now();
    let (warm, warm_bytes) = reconnect(&mut clients, times / WARM, up, server).await;
    println!("{} reconnects in {:.1?}: {warm:?}, {warm_bytes} bytes", times / WARM, start.elapsed());
    let (last, last_bytes) = reconnect(&mut clients, times - times / WARM, up, server).await;
    println!("{times} reconnects in {:.1?}: {last:?}, {last_bytes} bytes", start.elapsed());
    assert_eq!((warm, last), (up, up));
    assert!(last_bytes - warm_bytes <= SLACK, "{} bytes more", last_bytes - warm_bytes);
    // None was dialled beside those that were taken into use.
    let epochs = clients.iter().map(|client| client.epoch).sum::<u64>();
    assert_eq!(epochs, times + CONNECTIONS);
    assert_eq!(server.accepted.load(Ordering::Relaxed) as u64, epochs);

    drop(clients);
    let found = Holdings::settle(before, server).await;
    println!("without the connections: {found:?}");
    assert_eq!(found, before);
}
