//! Forty lines of a careful developer over tokio-tungstenite: a
//! deadline for the dial, a delay that doubles from 1 s to 30 s and begins
//! anew with each link, a Ping every 30 s that any byte must follow within
//! 10 s.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Role;

const DIAL: Duration = Duration::from_secs(10);
const FIRST_DELAY: Duration = Duration::from_secs(1);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(30);
const PONG: Duration = Duration::from_secs(10);

pub(super) async fn run(mut role: Role) {
    let url = role.url();
    let mut delay = FIRST_DELAY;
    loop {
        match timeout(DIAL, connect_async(&url)).await {
            Ok(Ok((link, _))) => {
                delay = FIRST_DELAY;
                // However it ended, it is gone.
                let _ = session(link, &mut role).await;
                role.tape.gone();
            }
            Ok(Err(_)) | Err(_) => role.tape.failed(),
        }
        sleep(delay).await;
        delay = LONGEST_DELAY.min(delay * 2);
    }
}

async fn session(mut link: WebSocketStream<MaybeTlsStream<TcpStream>>, role: &mut Role) -> Result<(), Error> {
    let mut ping = interval_at(Instant::now() + PING, PING);
    let mut answer_by = None;
    loop {
        tokio::select! {
            message = link.next() => {
                answer_by = None;
                match message.ok_or(Error::ConnectionClosed)?? {
                    Message::Text(text) => role.tape.message(&text),
                    Message::Close(_) => return Ok(()),
                    _ => {}
                }
            }
            said = role.speech.next() => link.send(Message::text(said.to_string())).await?,
            _ = ping.tick() => {
                link.send(Message::Ping(Vec::new().into())).await?;
                answer_by.get_or_insert(Instant::now() + PONG);
            }
            () = sleep_until(answer_by.unwrap_or_else(Instant::now)), if answer_by.is_some() => return Ok(()),
        }
    }
}
