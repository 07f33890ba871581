//! The server that the clients talk to, and that the faults are done to.
//!
//! It runs in this process, on loopback, one for each trial, so that nothing
//! is shared between clients. It pushes `[link,number]` as soon as a link is
//! open and every [`PUSH`] from then on, and reads what comes.
//!
//! There is no proxy in between: the server owns the sockets and does to them
//! what a network would do. What loopback cannot do is lose packets, so a link
//! that fell silent is one whose server has stopped reading and writing: the
//! kernel still acknowledges what the client sends, as that of a frozen
//! process does. A client that looks at TCP's acknowledgements learns nothing
//! here.

mod link;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::fault::{Blow, Fault};

/// How often the server says something.
pub const PUSH: Duration = Duration::from_millis(200);

/// The language of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    WebSocket,
    /// Lines over TCP, for a client that knows nothing of WebSocket.
    Lines,
}

/// A server. Dropping it ends all its links.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Bound and never listening: dials are refused while no one else
    /// listens, and the port stays ours.
    _port: TcpSocket,
    door: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    language: Language,
    /// Reaches the links that are open when it is sent.
    blows: watch::Sender<Option<Blow>>,
    /// When the last blow fell.
    struck: watch::Sender<Option<Instant>>,
    accepted: AtomicU64,
    served: AtomicU64,
    heard: AtomicU64,
    links: Mutex<JoinSet<()>>,
}

impl Server {
    /// Starts on a free port of loopback.
    pub async fn start(language: Language) -> io::Result<Server> {
        let port = bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut server = Server {
            address: port.local_addr()?,
            _port: port,
            door: None,
            shared: Arc::new(Shared {
                language,
                blows: watch::Sender::new(None),
                struck: watch::Sender::new(None),
                accepted: AtomicU64::new(0),
                served: AtomicU64::new(0),
                heard: AtomicU64::new(0),
                links: Mutex::default(),
            }),
        };
        server.open()?;
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Links that were opened, handshake included.
    pub fn served(&self) -> u64 {
        self.shared.served.load(Ordering::Relaxed)
    }

    /// Connections that were accepted, whatever became of them.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Messages that came from the client.
    pub fn heard(&self) -> u64 {
        self.shared.heard.load(Ordering::Relaxed)
    }

    /// Does `fault` to the link that is open, there must be one, and says
    /// when. Where dials are to be refused, they are when the blow falls,
    /// until [`open`](Server::open) is called.
    pub async fn strike(&mut self, fault: Fault) -> Instant {
        if fault.away().is_some() {
            self.shut().await;
        }
        let mut struck = self.shared.struck.subscribe();
        struck.mark_unchanged();
        self.shared.blows.send_replace(Some(fault.blow()));
        struck.changed().await.expect("the server holds the sender");
        let at = *struck.borrow();
        at.expect("only links write here, and they write a time")
    }

    /// Refuses dials: nobody listens.
    pub async fn shut(&mut self) {
        if let Some(door) = self.door.take() {
            door.abort();
            // The listener is closed once the task is gone.
            let _ = door.await;
        }
    }

    /// Listens again.
    pub fn open(&mut self) -> io::Result<()> {
        let listener = bind(self.address)?.listen(64)?;
        let shared = Arc::clone(&self.shared);
        self.door = Some(tokio::spawn(accept(listener, shared)));
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(door) = &self.door {
            door.abort();
        }
        self.shared.links.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// A socket that shares its port with one that does not listen.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, or a connection that ended in the queue.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let number = shared.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        // From here on it is reached by blows.
        let blows = shared.blows.subscribe();
        let link = link::serve(stream, number, blows, Arc::clone(&shared));
        shared.links.lock().unwrap_or_else(PoisonError::into_inner).spawn(link);
    }
}

#[cfg(test)]
mod tests;
