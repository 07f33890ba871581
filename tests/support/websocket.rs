//! The common parts of the WebSocket tests: polls as futures, and small servers.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use longlink::transport::{Attempt, ConnectError, Frame, Link, Transport};
use longlink::{Failure, LinkEnd, Message, WebSocket, WebSocketLink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Nothing on loopback takes this long; a test that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Fails instead of hanging.
pub async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened for too long")
}

pub async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/feed", listener.local_addr().unwrap());
    (listener, url)
}

pub async fn connect(transport: &WebSocket) -> Result<WebSocketLink, ConnectError> {
    soon(transport.connect(&Attempt::standalone(1, None))).await
}

pub async fn failure(transport: &WebSocket) -> Failure {
    connect(transport).await.unwrap_err().failure().clone()
}

/// A link and its server, both through their handshakes.
pub async fn pair(set: impl FnOnce(WebSocket) -> WebSocket) -> (WebSocketLink, WebSocketStream<TcpStream>) {
    let (listener, url) = listen().await;
    let transport = set(WebSocket::new(url).unwrap());
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(tcp).await.unwrap()
    };
    let (link, server) = tokio::join!(connect(&transport), soon(server));
    (link.unwrap(), server)
}

pub async fn next(link: &mut WebSocketLink) -> Result<Frame<Message>, LinkEnd> {
    soon(poll_fn(|cx| link.poll_next(cx))).await
}

pub async fn message(link: &mut WebSocketLink) -> Message {
    match next(link).await.unwrap() {
        Frame::Message(message) => message,
        other => panic!("{other:?} instead of a message"),
    }
}

pub async fn flush(link: &mut WebSocketLink) {
    soon(poll_fn(|cx| link.poll_flush(cx))).await.unwrap();
}

pub async fn send(link: &mut WebSocketLink, message: impl Into<Message>) {
    soon(poll_fn(|cx| link.poll_ready(cx))).await.unwrap();
    link.start_send(message.into()).unwrap();
    flush(link).await;
}

/// Reads one request's head.
pub async fn read_head(tcp: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tcp.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// The value of a header in a head, by its lower-case name.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        (found.to_lowercase() == name).then_some(value)
    })
}

/// The 101 that belongs to a request, with more headers in it.
pub fn switching(head: &str, more: &str) -> String {
    let accept = derive_accept_key(header(head, "sec-websocket-key").unwrap().as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// A server that answers each upgrade request with what `answer` makes of its
/// head, then holds the connection until the client closes it.
pub fn serve(listener: TcpListener, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) {
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let Ok(head) = read_head(&mut tcp).await else { continue };
            // A client may have gone before the whole answer is out.
            let _ = tcp.write_all(&answer(&head)).await;
            let _ = tcp.read_to_end(&mut Vec::new()).await;
        }
    });
}

/// The client's frames as they come over the wire, unmasked.
pub async fn read_frame(tcp: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let first = tcp.read_u8().await?;
    let second = tcp.read_u8().await?;
    assert_eq!(second & 0x80, 0x80, "a client masks");
    let length = match second & 0x7f {
        126 => u64::from(tcp.read_u16().await?),
        127 => tcp.read_u64().await?,
        short => u64::from(short),
    };
    let mask = tcp.read_u32().await?.to_be_bytes();
    let mut payload = vec![0; length as usize];
    tcp.read_exact(&mut payload).await?;
    payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    Ok((first, payload))
}
