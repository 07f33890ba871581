//! A line protocol that wants a name and a token first, and then sends what was
//! missed:
//!
//! ```text
//! > HELLO sensor-7 <token> 41        our name, our token, the last message we have
//! < DENIED                           the token is too old, and that is the end of it
//! < WELCOME                          or it is good,
//! < 42 ...                           and here is what we have missed,
//! < 43 ...                           and what is made from here on
//! > PING 5
//! < PONG 5
//! < BYE                              the server is about to go
//! ```
//!
//! `cargo run --example login --features tcp` runs it against a server of its
//! own (`server.rs`), which throws the client out in several ways. At the end
//! every message must have come once, in order: the exit code says so.

mod server;

use std::error::Error as StdError;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use longlink::transport::ControlMessages;
use longlink::{
    Failure, Handshake, HandshakeError, LinkEnd, Protocol, Reconnect, ResilientConnection, StreamLink, Tcp,
    Token,
};
use tokio_util::codec::LinesCodec;

use crate::server::{Issuer, Server};

/// A link that carries lines.
type Lines = StreamLink<LinesCodec, String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn StdError>> {
    let server = Server::start().await?;
    let login = Arc::new(Login::new("sensor-7", server.issuer()));
    let hook = Arc::clone(&login);
    let mut connection = ResilientConnection::builder(Tcp::new(server.address(), lines()?)?)
        // A tenth of the usual delays: this is a demonstration.
        .reconnect(Reconnect::default().scaled(0.1))
        .on_connect(move |handshake| Arc::clone(&hook).log_in(handshake))
        .on_event(|event| eprintln!("{event}"))
        .connect()
        .await?;

    let (mut skipped, mut missed) = (0, 0);
    while let Some(line) = connection.recv().await.transpose()? {
        let (number, words) = line.split_once(' ').ok_or("a line without a number")?;
        let number: u64 = number.parse()?;
        // A message that had come in on the old link, unread when the new one
        // logged in, comes again.
        if number <= login.last() {
            skipped += 1;
            continue;
        }
        missed += number - login.last() - 1;
        login.seen(number);
        if words == server::LAST {
            break;
        }
    }
    let _ = connection.close().await;

    let (links, denials) = (connection.stats().keeper.reconnects + 1, server.denials());
    println!(
        "{} messages over {links} links: {missed} missed, {skipped} came again; {denials} tokens denied",
        login.last(),
    );
    let good = missed == 0 && links > 1 && denials > 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The parts of the protocol that longlink has to know.
fn lines() -> Result<Protocol<LinesCodec, String>, longlink::Invalid> {
    let control = ControlMessages::<String, String>::new()
        .ping(|Token(token)| format!("PING {token}"))
        .pong(|line| line.strip_prefix("PONG ").and_then(|token| token.parse().ok()).map(Token))
        .closes(|line| (line == "BYE").then(|| LinkEnd::closed(None, "")));
    Protocol::new(LinesCodec::new, control).size_out(String::len).max_message(1024)
}

/// Who we are, and how far we have come.
struct Login {
    name: &'static str,
    /// Who gives out tokens.
    issuer: Issuer,
    token: Mutex<String>,
    /// The number of the last message that was dealt with.
    last: AtomicU64,
}

impl Login {
    fn new(name: &'static str, issuer: Issuer) -> Login {
        let token = Mutex::new(issuer.issue());
        Login { name, issuer, token, last: AtomicU64::new(0) }
    }

    fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    fn seen(&self, number: u64) {
        self.last.store(number, Ordering::Relaxed);
    }

    /// The `on_connect` hook: what is done on every new link before it is
    /// taken into use.
    async fn log_in(
        self: Arc<Login>,
        mut handshake: Handshake<Lines>,
    ) -> Result<Handshake<Lines>, HandshakeError> {
        // The token was refused: there is one more attempt, with another.
        if matches!(handshake.attempt().last_failure(), Some(Failure::Unauthorized)) {
            self.renew();
        }
        let hello = format!("HELLO {} {} {}", self.name, self.token(), self.last());
        handshake.send(hello).await?;
        match &*handshake.recv().await? {
            "WELCOME" => {}
            "DENIED" => return Err(HandshakeError::unauthorized("the server denies the token")),
            _ => return Err(HandshakeError::retry("the server does not answer the login")),
        }
        // The missed messages follow, and are left to the stream. The hook could
        // read on, and `put_back` the rest; but then all missed
        // messages must find room and come within the attempt's deadline, or the
        // same happens to the next attempt, with more to come.
        Ok(handshake)
    }

    fn token(&self) -> String {
        self.token.lock().expect("nobody panics under it").clone()
    }

    /// Elsewhere this is a request to the issuer, and is awaited.
    fn renew(&self) {
        *self.token.lock().expect("nobody panics under it") = self.issuer.issue();
    }
}
