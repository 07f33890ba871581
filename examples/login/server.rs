//! The other end, for the demonstration: it makes messages, keeps them for
//! those who were away, and throws its client out now and then.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::interval;
use tokio_util::codec::{Framed, LinesCodec};

/// A message is made every so often.
const PACE: Duration = Duration::from_millis(15);
/// For how many logins a token is good.
const LOGINS: u32 = 2;
/// After how many messages a client is thrown out, those that it had missed
/// not counted.
const THROWN_OUT_AFTER: u64 = 30;
/// How often that happens.
const TIMES: u64 = 4;
/// The text of the last message.
pub const LAST: &str = "that is all";

/// A server on loopback.
pub struct Server {
    address: String,
    issuer: Issuer,
    denials: Arc<AtomicU64>,
}

impl Server {
    /// Starts on a port that the system chooses.
    pub async fn start() -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let server = Server { address, issuer: Issuer::default(), denials: Arc::default() };
        let (made, latest) = watch::channel(Made::default());
        let welcomes: Arc<AtomicU64> = Arc::default();
        let welcomed = Arc::clone(&welcomes);
        tokio::spawn(async move {
            let mut pace = interval(PACE);
            while !made.borrow().over {
                pace.tick().await;
                let over = welcomed.load(Ordering::Relaxed) > TIMES;
                made.send_modify(|made| *made = Made { number: made.number + 1, over });
            }
            // The messages stay to be asked for.
            made.closed().await;
        });
        let (issuer, denials) = (server.issuer.clone(), Arc::clone(&server.denials));
        let host = Host { issuer, denials, latest, welcomes };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let host = host.clone();
                // An error of one client is not the others' concern.
                tokio::spawn(async move { host.serve(stream).await.ok() });
            }
        });
        Ok(server)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn issuer(&self) -> Issuer {
        self.issuer.clone()
    }

    /// How often a token was denied.
    pub fn denials(&self) -> u64 {
        self.denials.load(Ordering::Relaxed)
    }
}

/// The messages made so far.
#[derive(Clone, Copy, Default)]
struct Made {
    /// The number of the latest message.
    number: u64,
    /// Whether it is the last.
    over: bool,
}

/// The state that all clients share.
#[derive(Clone)]
struct Host {
    issuer: Issuer,
    denials: Arc<AtomicU64>,
    latest: watch::Receiver<Made>,
    /// How many logins were good.
    welcomes: Arc<AtomicU64>,
}

impl Host {
    async fn serve(mut self, stream: TcpStream) -> Result<(), Box<dyn StdError + Send + Sync>> {
        stream.set_nodelay(true)?;
        let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(1024));
        let hello = lines.next().await.ok_or("no login")??;
        let mut words = hello.split(' ').skip(2);
        let (token, last) = (words.next().unwrap_or_default(), words.next().ok_or("no number")?);
        if !self.issuer.accepts(token) {
            self.denials.fetch_add(1, Ordering::Relaxed);
            lines.send("DENIED").await?;
            return Ok(());
        }
        let welcome = self.welcomes.fetch_add(1, Ordering::Relaxed);
        let mut told: u64 = last.parse()?;
        lines.send("WELCOME").await?;
        let latest = *self.latest.borrow_and_update();
        tell(&mut lines, &mut told, latest).await?;
        let until = told + THROWN_OUT_AFTER;
        while told < until || welcome >= TIMES {
            tokio::select! {
                line = lines.next() => match line.transpose()? {
                    Some(line) => {
                        if let Some(token) = line.strip_prefix("PING ") {
                            lines.send(format!("PONG {token}")).await?;
                        }
                    }
                    None => return Ok(()),
                },
                changed = self.latest.changed() => {
                    changed?;
                    let latest = *self.latest.borrow_and_update();
                    tell(&mut lines, &mut told, latest).await?;
                }
            }
        }
        // With a reset, with a word, without one.
        match welcome % 3 {
            0 => lines.get_ref().set_zero_linger()?,
            1 => lines.send("BYE").await?,
            _ => {}
        }
        Ok(())
    }
}

/// Sends what a client lacks.
async fn tell(
    lines: &mut Framed<TcpStream, LinesCodec>,
    told: &mut u64,
    latest: Made,
) -> Result<(), Box<dyn StdError + Send + Sync>> {
    while *told < latest.number {
        *told += 1;
        let words = if latest.over && *told == latest.number { LAST } else { "and so on" };
        lines.send(format!("{told} {words}")).await?;
    }
    Ok(())
}

/// Gives out tokens, each of them good for some logins.
#[derive(Clone, Default)]
pub struct Issuer(Arc<Mutex<HashMap<String, u32>>>);

impl Issuer {
    /// A token. A real one cannot be guessed.
    pub fn issue(&self) -> String {
        let mut tokens = self.0.lock().expect("nobody panics under it");
        let token = format!("secret-{}", tokens.len());
        tokens.insert(token.clone(), LOGINS);
        token
    }

    fn accepts(&self, token: &str) -> bool {
        let mut tokens = self.0.lock().expect("nobody panics under it");
        match tokens.get_mut(token) {
            Some(logins @ 1..) => {
                *logins -= 1;
                true
            }
            Some(0) | None => false,
        }
    }
}
