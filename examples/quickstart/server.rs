//! A WebSocket echo server that can also push, and that keeps a log of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::wire::Line;

/// The server. Dropping it ends it and all its connections.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

/// The server's log.
#[derive(Clone, Debug, Default)]
pub struct ServerLog {
    /// Connections whose upgrade succeeded.
    pub connections: u64,
    /// The numbers of the messages that came in, over all connections, in
    /// the order of their arrival.
    pub received: Vec<u64>,
    /// How many messages were pushed.
    pub pushed: u64,
    /// When a connection was closed in the protocol's own words.
    pub closes: Vec<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    log: Mutex<ServerLog>,
    /// Reaches the newest connection. Older ones may still be open here
    /// although the path to their client is gone: nobody told the server.
    newest: Mutex<Option<mpsc::UnboundedSender<Order>>>,
}

#[derive(Debug)]
enum Order {
    Push { count: u64, bytes: usize },
    Close { code: u16, reason: &'static str },
}

impl Server {
    /// Starts on a free port of loopback.
    pub async fn start() -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Ok(Server { address, shared, _tasks: tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Pushes `count` messages of `bytes` each to the newest connection.
    pub fn push(&self, count: u64, bytes: usize) {
        self.shared.order(Order::Push { count, bytes });
    }

    /// Closes the newest connection in the protocol's own words.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.shared.order(Order::Close { code, reason });
    }

    /// The log so far.
    pub fn log(&self) -> ServerLog {
        lock(&self.shared.log).clone()
    }
}

impl Shared {
    fn order(&self, order: Order) {
        if let Some(newest) = &*lock(&self.newest) {
            // A connection that is gone needs no orders.
            let _ = newest.send(order);
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            // However a connection ends, the client's account tells what came of it.
            let _ = serve(stream, &shared).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    let (sender, mut orders) = mpsc::unbounded_channel();
    lock(&shared.log).connections += 1;
    *lock(&shared.newest) = Some(sender);
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Line::Message(number) = Line::parse(&text) {
                        lock(&shared.log).received.push(number);
                    }
                    socket.send(Message::Text(text)).await?;
                }
                // Pings are answered by the library, in their turn.
                Some(message) => drop(message?),
                None => return Ok(()),
            },
            Some(order) = orders.recv() => match order {
                Order::Push { count, bytes } => {
                    for _ in 0..count {
                        let number = {
                            let mut log = lock(&shared.log);
                            log.pushed += 1;
                            log.pushed
                        };
                        socket.feed(Message::text(Line::Push(number).to_text(bytes))).await?;
                    }
                    socket.flush().await?;
                }
                Order::Close { code, reason } => {
                    lock(&shared.log).closes.push(Instant::now());
                    socket.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).await?;
                }
            },
        }
    }
}

/// Nothing here panics while it holds the lock, so a poisoned one is as good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
