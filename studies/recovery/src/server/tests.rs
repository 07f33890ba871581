//! That the faults are what they are called.

use std::io::ErrorKind;

use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::*;

async fn lines() -> (Server, TcpStream) {
    let server = Server::start(Language::Lines).await.unwrap();
    let mut link = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(next_line(&mut link).await.unwrap(), "[1,0]\n");
    (server, link)
}

/// One write of the server's, which is one line.
async fn next_line(link: &mut TcpStream) -> io::Result<String> {
    let mut bytes = [0; 64];
    let count = link.read(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes[..count]).into_owned())
}

/// The end of a link, behind the lines that were under way.
async fn end_of(link: &mut TcpStream) -> io::Result<()> {
    while !next_line(link).await?.is_empty() {}
    Ok(())
}

#[tokio::test]
async fn a_reset_is_a_reset_and_the_next_dial_is_served() {
    let (mut server, mut link) = lines().await;
    server.strike(Fault::Reset).await;
    assert_eq!(end_of(&mut link).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut link = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(next_line(&mut link).await.unwrap(), "[2,0]\n");
    assert_eq!((server.accepted(), server.served()), (2, 2));
}

#[tokio::test]
async fn a_fin_is_no_reset_even_for_a_client_that_goes_on_sending() {
    let (mut server, mut link) = lines().await;
    server.strike(Fault::Fin).await;
    end_of(&mut link).await.unwrap();
    for _ in 0..3 {
        link.write_all(b"still here\n").await.unwrap();
        sleep(PUSH).await;
    }
    end_of(&mut link).await.unwrap();
}

#[tokio::test]
async fn a_fin_comes_without_a_close_and_a_close_with_its_code() {
    for (fault, code) in [(Fault::Fin, None), (Fault::Close1012, Some(1012))] {
        let mut server = Server::start(Language::WebSocket).await.unwrap();
        let (mut link, _) = connect_async(format!("ws://{}/", server.address())).await.unwrap();
        server.strike(fault).await;
        let mut seen = None;
        let ended = loop {
            match link.next().await {
                Some(Ok(Message::Close(frame))) => seen = frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                other => break other,
            }
        };
        assert_eq!(seen, code);
        // A FIN without a Close before it is an error to the protocol, not to TCP.
        assert!(matches!((code, ended), (None, Some(Err(Error::Protocol(_)))) | (Some(_), None)));
    }
}

#[tokio::test]
async fn a_silent_link_answers_no_ping_while_new_links_are_served() {
    let mut server = Server::start(Language::WebSocket).await.unwrap();
    let url = format!("ws://{}/", server.address());
    let (mut old, _) = connect_async(&url).await.unwrap();
    server.strike(Fault::HalfOpen).await;
    old.send(Message::Ping(Vec::new().into())).await.unwrap();
    let (mut new, _) = connect_async(&url).await.unwrap();
    assert_eq!(new.next().await.unwrap().unwrap(), Message::text("[2,0]"));
    // Lines from before the blow may still come; then nothing, no end.
    let rest = timeout(PUSH * 3, async { while let Some(Ok(Message::Text(_))) = old.next().await {} });
    assert!(rest.await.is_err());
    old.send(Message::text("still here")).await.unwrap();
}

#[tokio::test]
async fn a_quiet_link_answers_pings_and_says_nothing_else() {
    let mut server = Server::start(Language::WebSocket).await.unwrap();
    let (mut link, _) = connect_async(format!("ws://{}/", server.address())).await.unwrap();
    server.strike(Fault::Quiet).await;
    link.send(Message::Ping(Vec::new().into())).await.unwrap();
    while link.next().await.unwrap().unwrap().is_text() {}
    assert!(timeout(PUSH * 3, link.next()).await.is_err());
}

#[tokio::test]
async fn who_dials_a_server_that_is_down_is_refused_and_the_port_stays_ours() {
    let (mut server, mut link) = lines().await;
    server.strike(Fault::ServerDown).await;
    assert_eq!(end_of(&mut link).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    for _ in 0..20 {
        let refused = TcpStream::connect(server.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // Nor does the system give the port to anybody else.
        let other = Server::start(Language::Lines).await.unwrap();
        assert_ne!(other.address(), server.address());
    }
    assert_eq!(server.accepted(), 1);
    server.open().unwrap();
    let mut link = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(next_line(&mut link).await.unwrap(), "[2,0]\n");
}

#[tokio::test]
async fn client_messages_are_counted_in_both_languages_and_pings_not() {
    let (server, mut link) = lines().await;
    link.write_all(b"1\n2\n").await.unwrap();
    heard(&server, 2).await;
    let server = Server::start(Language::WebSocket).await.unwrap();
    let (mut link, _) = connect_async(format!("ws://{}/", server.address())).await.unwrap();
    link.send(Message::Ping(Vec::new().into())).await.unwrap();
    link.send(Message::text("1")).await.unwrap();
    heard(&server, 1).await;
}

async fn heard(server: &Server, count: u64) {
    while server.heard() < count {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(server.heard(), count);
}
