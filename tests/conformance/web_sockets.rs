//! `WebSocket`, ws and wss, against tokio-tungstenite's server, through a
//! proxy.

use std::io;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use longlink::rustls::ClientConfig;
use longlink::testing::Proxy;
use longlink::testing::conformance::{Bench, Fault, FromClient, Note, Peer};
use longlink::{LinkEnd, Message, WebSocket};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Raw;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode};

use crate::authority::Authority;
use crate::door::{self, Door, Stream};

const LIMIT: usize = 64 * 1024;

pub struct WebSockets {
    /// The client's TLS configuration that trusts the server; `None` for ws.
    trusting: Option<Arc<ClientConfig>>,
    door: Door<Socket>,
    proxy: Proxy,
}

impl WebSockets {
    pub async fn plain() -> WebSockets {
        WebSockets::new(None).await
    }

    pub async fn secure() -> WebSockets {
        WebSockets::new(Some(Authority::new())).await
    }

    async fn new(authority: Option<Authority>) -> WebSockets {
        let tls = authority.as_ref().map(|authority| authority.server("127.0.0.1"));
        let (address, door) = door::tcp(tls, |stream| async {
            // The server must be able to send messages over the client's limit.
            let unlimited = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
            let socket = tokio_tungstenite::accept_async_with_config(stream, Some(unlimited)).await;
            socket.ok().map(|socket| Socket(Some(socket)))
        })
        .await;
        WebSockets {
            trusting: authority.map(|authority| authority.client()),
            door,
            proxy: Proxy::to(address).unwrap(),
        }
    }
}

impl Bench for WebSockets {
    type Transport = WebSocket;
    type Peer = Socket;

    fn transport(&self) -> WebSocket {
        let scheme = if self.trusting.is_some() { "wss" } else { "ws" };
        let transport = WebSocket::new(format!("{scheme}://{}/feed", self.proxy.addr())).unwrap();
        let transport = transport.max_message(LIMIT).unwrap();
        match &self.trusting {
            Some(trusting) => transport.tls_config(Arc::clone(trusting)),
            None => transport,
        }
    }

    async fn accept(&self) -> Socket {
        self.door.accept().await
    }

    fn outgoing(&self, note: Note) -> Message {
        match note.number % 2 {
            0 => note.text().into(),
            _ => note.text().into_bytes().into(),
        }
    }

    fn incoming(&self, message: &Message) -> Note {
        Note::read(message.as_bytes())
    }

    fn make(&self, fault: Fault) -> bool {
        match fault {
            Fault::SpoiltToClient | Fault::SpoiltToServer => {
                self.trusting.is_some() && fault.make_at(&self.proxy)
            }
            fault => fault.make_at(&self.proxy),
        }
    }

    fn restore(&self) {
        Fault::restore_at(&self.proxy);
    }

    fn closing(&self) -> LinkEnd {
        LinkEnd::closed(Some(1001), "gone")
    }

    fn limit(&self) -> Option<usize> {
        Some(LIMIT)
    }

    /// Two bytes of header and four of mask.
    fn framing(&self) -> usize {
        6
    }
}

/// `None` once both have said goodbye: the server closes the stream first.
pub struct Socket(Option<WebSocketStream<Stream>>);

impl Socket {
    async fn say(&mut self, message: Raw) -> io::Result<()> {
        let socket = self.0.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        socket.send(message).await.map_err(io::Error::other)
    }
}

impl Peer for Socket {
    async fn send(&mut self, note: Note) -> io::Result<()> {
        self.say(Raw::text(note.text())).await
    }

    async fn recv(&mut self) -> FromClient {
        loop {
            let Some(socket) = &mut self.0 else { return FromClient::End };
            match socket.next().await {
                Some(Ok(Raw::Text(text))) => return FromClient::Message(Note::read(text.as_bytes())),
                Some(Ok(Raw::Binary(bytes))) => return FromClient::Message(Note::read(bytes)),
                Some(Ok(Raw::Pong(_))) => return FromClient::Pong,
                // The library answers beats when it reads on.
                Some(Ok(Raw::Ping(_) | Raw::Frame(_))) => {}
                Some(Ok(Raw::Close(_)) | Err(_)) | None => return FromClient::End,
            }
        }
    }

    async fn ping(&mut self) -> io::Result<bool> {
        self.say(Raw::Ping("are you there".into())).await.map(|()| true)
    }

    async fn close(&mut self) -> io::Result<()> {
        let Some(socket) = &mut self.0 else { return Ok(()) };
        let gone = CloseFrame { code: CloseCode::Away, reason: "gone".into() };
        if socket.close(Some(gone)).await.is_err() {
            // The client has said goodbye first, and was answered.
            let _ = socket.flush().await;
            self.0 = None;
        }
        Ok(())
    }
}
