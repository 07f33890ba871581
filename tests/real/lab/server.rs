//! A WebSocket server that echoes texts, and pushes when the test says so.
//! Links log in by their first text; scouts never do. The text `after` with a
//! number of milliseconds asks for the text `word` after so long.

use std::collections::HashMap;
use std::future::pending;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode, header::RETRY_AFTER};

use super::namespace::{Namespace, Settlement};

const PORT: u16 = 9000;
/// How long a handshake may take, so that a dead one does not stay.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// The server of a lab. A client gives its name as the path of the URL.
#[derive(Debug)]
pub struct Server {
    address: String,
    book: Arc<Mutex<Book>>,
    forget: watch::Sender<u64>,
    _settlement: Settlement,
}

/// The server's knowledge.
#[derive(Debug, Default)]
struct Book {
    clients: HashMap<String, Entry>,
    /// TCP connections that it has accepted, whatever became of them.
    accepted: u64,
    /// It answers 503, and names this as the time to come back.
    refusing: Option<Duration>,
}

/// The server's knowledge of one client.
#[derive(Debug, Default)]
struct Entry {
    /// Links that it has opened, scouts among them.
    links: u64,
    /// Links that have logged in.
    logins: u64,
    /// Where the logins came from, in their order.
    sources: Vec<IpAddr>,
    /// Beats that arrived, over all links.
    beats: u64,
    /// Pushes, over all links.
    pushes: u64,
    /// The link that logged in last.
    newest: Option<UnboundedSender<Message>>,
}

impl Server {
    /// Listens in `place`, where clients reach it by `address`.
    pub fn start(place: &Namespace, address: &str) -> Server {
        let settlement = place.settle();
        let book = Arc::new(Mutex::new(Book::default()));
        let any = if address.contains(':') { "::" } else { "0.0.0.0" };
        let listener = settlement.wait_for(TcpListener::bind((any, PORT))).expect("the port is free");
        let (forget, forgotten) = watch::channel(0);
        settlement.handle().spawn(accept(listener, Arc::clone(&book), forgotten));
        Server { address: address.to_owned(), book, forget, _settlement: settlement }
    }

    /// Where a client of this name connects.
    pub fn url(&self, client: &str) -> String {
        match &self.address {
            ipv6 if ipv6.contains(':') => format!("ws://[{ipv6}]:{PORT}/{client}"),
            ipv4 => format!("ws://{ipv4}:{PORT}/{client}"),
        }
    }

    /// How many links a client has opened, scouts among them.
    pub fn links(&self, client: &str) -> u64 {
        lock(&self.book).clients.get(client).map_or(0, |entry| entry.links)
    }

    /// How many of them have logged in.
    pub fn logins(&self, client: &str) -> u64 {
        lock(&self.book).clients.get(client).map_or(0, |entry| entry.logins)
    }

    /// The addresses that its logins came from, in their order.
    pub fn sources(&self, client: &str) -> Vec<String> {
        let book = lock(&self.book);
        let entry = book.clients.get(client);
        entry.map_or(Vec::new(), |entry| entry.sources.iter().map(ToString::to_string).collect())
    }

    /// How many of its beats have arrived.
    pub fn beats(&self, client: &str) -> u64 {
        lock(&self.book).clients.get(client).map_or(0, |entry| entry.beats)
    }

    /// How many TCP connections it has accepted, of all clients.
    pub fn accepted(&self) -> u64 {
        lock(&self.book).accepted
    }

    /// Answers every handshake by 503 from here on, and names a time to come
    /// back; `None`: no longer.
    pub fn refuse(&self, retry_after: Option<Duration>) {
        lock(&self.book).refusing = retry_after;
    }

    /// Ends every link so that only a packet which comes in afterwards is told
    /// of it, as after a restart of the machine: by a reset.
    pub fn forget_links(&self) {
        self.forget.send_modify(|times| *times += 1);
    }

    /// Pushes the next number to a client, on the link that logged in last.
    pub fn push(&self, client: &str) -> u64 {
        let mut book = lock(&self.book);
        let entry = book.clients.get_mut(client).expect("the client was here");
        entry.pushes += 1;
        let newest = entry.newest.as_ref().expect("a client that was here has had a link");
        // A link whose end the server has seen gets nothing: the push is lost.
        let _ = newest.send(Message::from(format!("push {}", entry.pushes)));
        entry.pushes
    }
}

async fn accept(listener: TcpListener, book: Arc<Mutex<Book>>, forgotten: watch::Receiver<u64>) {
    while let Ok((stream, _)) = listener.accept().await {
        lock(&book).accepted += 1;
        tokio::spawn(serve(stream, Arc::clone(&book), forgotten.clone()));
    }
}

async fn serve(stream: TcpStream, book: Arc<Mutex<Book>>, mut forgotten: watch::Receiver<u64>) {
    let Ok(peer) = stream.peer_addr() else { return };
    forgotten.mark_unchanged();
    stream.set_nodelay(true).expect("a socket that was accepted takes options");
    let refusing = lock(&book).refusing;
    let mut name = String::new();
    #[expect(clippy::result_large_err, reason = "the handshake's callback is typed so")]
    let callback = |request: &Request, response: Response| {
        name = request.uri().path().trim_start_matches('/').to_owned();
        match refusing {
            Some(retry_after) => Err(refusal(retry_after)),
            None => Ok(response),
        }
    };
    let handshake = tokio::time::timeout(HANDSHAKE, accept_hdr_async(stream, callback));
    let Ok(Ok(mut link)) = handshake.await else { return };
    lock(&book).clients.entry(name.clone()).or_default().links += 1;
    let (newest, mut orders) = mpsc::unbounded_channel();
    let mut login = Some(newest);
    // Replaced by a newer link, this one is read on, and pushed to no more.
    let mut replaced = false;
    let mut word: Option<Instant> = None;
    loop {
        let due = async {
            match word {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        let sent = tokio::select! {
            order = orders.recv(), if !replaced => match order {
                Some(message) => link.send(message).await,
                None => {
                    replaced = true;
                    Ok(())
                }
            },
            _ = forgotten.changed() => {
                let forgot = link.get_ref().set_zero_linger();
                return forgot.expect("a socket that was accepted takes options");
            }
            () = due => {
                word = None;
                link.send(Message::from("word")).await
            }
            // Pings are answered by the library as it reads.
            message = link.next() => match message {
                Some(Ok(text @ Message::Text(_))) => {
                    if let Some(newest) = login.take() {
                        let mut book = lock(&book);
                        let entry = book.clients.entry(name.clone()).or_default();
                        entry.logins += 1;
                        entry.sources.push(peer.ip());
                        entry.newest = Some(newest);
                    }
                    match asked_for(&text) {
                        Some(silence) => {
                            word = Some(Instant::now() + silence);
                            Ok(())
                        }
                        None => link.send(text).await,
                    }
                }
                Some(Ok(Message::Ping(_))) => {
                    lock(&book).clients.entry(name.clone()).or_default().beats += 1;
                    Ok(())
                }
                Some(Ok(_)) => Ok(()),
                Some(Err(_)) | None => return,
            },
        };
        if sent.is_err() {
            return;
        }
    }
}

fn refusal(retry_after: Duration) -> ErrorResponse {
    let mut answer = ErrorResponse::new(None);
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs()));
    answer
}

fn asked_for(text: &Message) -> Option<Duration> {
    let millis = text.to_text().ok()?.strip_prefix("after ")?.parse().ok()?;
    Some(Duration::from_millis(millis))
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().expect("nobody panics with the book in hand")
}
