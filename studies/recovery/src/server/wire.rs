//! The two languages, and what a blow does to a socket.

use std::future::pending;
use std::io;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::Language;
use crate::fault::Blow;

/// How long the client may take to end its side of a link that was ended.
const GOODBYE: Duration = Duration::from_secs(5);

/// An open link.
pub(super) enum Wire {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    Lines(TcpStream),
}

impl Wire {
    pub(super) async fn accept(stream: TcpStream, language: Language) -> io::Result<Wire> {
        // The lines are small, and must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        Ok(match language {
            Language::Lines => Wire::Lines(stream),
            Language::WebSocket => {
                let open = timeout(GOODBYE, accept_async(stream)).await?;
                Wire::WebSocket(Box::new(open.map_err(io::Error::other)?))
            }
        })
    }

    pub(super) async fn say(&mut self, text: String) -> io::Result<()> {
        match self {
            Wire::WebSocket(link) => link.send(Message::text(text)).await.map_err(io::Error::other),
            Wire::Lines(link) => link.write_all(format!("{text}\n").as_bytes()).await,
        }
    }

    /// How many messages came, or that the link has ended.
    pub(super) async fn hear(&mut self) -> Option<u64> {
        match self {
            // Pings are answered by the protocol's implementation, and are no
            // messages.
            Wire::WebSocket(link) => Some(u64::from(link.next().await?.ok()?.is_text())),
            Wire::Lines(link) => {
                let mut bytes = [0; 512];
                let count = link.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
                Some(bytes[..count].iter().filter(|byte| **byte == b'\n').count() as u64)
            }
        }
    }

    /// Does it to the socket.
    pub(super) async fn suffer(mut self, blow: Blow) {
        match blow {
            Blow::Reset => {
                // Closing with a linger of zero sends a reset.
                self.socket().set_zero_linger().expect("the socket is open");
            }
            Blow::Fin => {
                // The other direction is read to its end, since closing a
                // socket with unread bytes in it sends a reset.
                let _ = self.socket().shutdown().await;
                let _ = timeout(GOODBYE, self.drain()).await;
            }
            Blow::Close => {
                if let Wire::WebSocket(link) = &mut self {
                    let frame = CloseFrame { code: CloseCode::Restart, reason: "restarting".into() };
                    let _ = link.send(Message::Close(Some(frame))).await;
                    // Until the client's own Close; then TCP is closed by us.
                    let _ = timeout(GOODBYE, async { while link.next().await.is_some() {} }).await;
                }
            }
            Blow::Silence => pending().await,
            // To read answers pings.
            Blow::Quiet => while self.hear().await.is_some() {},
        }
    }

    async fn drain(&mut self) {
        let mut bytes = [0; 512];
        while self.socket().read(&mut bytes).await.is_ok_and(|count| count > 0) {}
    }

    fn socket(&mut self) -> &mut TcpStream {
        match self {
            Wire::WebSocket(link) => link.get_mut(),
            Wire::Lines(link) => link,
        }
    }
}
