//! Real TLS over loopback, with a certificate authority made for the test.

use std::sync::Arc;

use crate::authority::Authority;
use crate::support::*;
use longlink::rustls::crypto::{CryptoProvider, ring};
use longlink::rustls::{HandshakeKind, ServerConfig};
use longlink::{Failure, LinkEnd, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// Makes the process's default provider one that cannot encrypt: whoever asks
/// for it fails.
fn spoil_default_provider() {
    let nothing =
        CryptoProvider { cipher_suites: Vec::new(), kx_groups: Vec::new(), ..ring::default_provider() };
    // The tests of this file share a process: another may have done it.
    let _ = nothing.install_default();
    assert!(CryptoProvider::get_default().unwrap().cipher_suites.is_empty());
}

/// A server that echoes one message, tells how each handshake went, and
/// closes with 1012. Its port.
async fn serve_tls(server: Arc<ServerConfig>) -> (u16, mpsc::UnboundedReceiver<Option<HandshakeKind>>) {
    use futures::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (kinds, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            // A client that does not trust us hangs up here.
            let Ok(tls) = TlsAcceptor::from(Arc::clone(&server)).accept(tcp).await else { continue };
            let _ = kinds.send(tls.get_ref().1.handshake_kind());
            let Ok(mut socket) = tokio_tungstenite::accept_async(tls).await else { continue };
            let Some(Ok(said)) = socket.next().await else { continue };
            socket.send(said).await.unwrap();
            let restart = CloseFrame { code: CloseCode::Restart, reason: "tls".into() };
            socket.close(Some(restart)).await.unwrap();
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    (port, told)
}

#[tokio::test]
async fn pitfall_29_wss_works_with_the_user_s_authority_and_sessions_resume() {
    spoil_default_provider();
    let authority = Authority::new();
    let (port, mut handshakes) = serve_tls(authority.server("localhost")).await;
    let transport = WebSocket::new(format!("wss://localhost:{port}")).unwrap().tls_config(authority.client());
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut link = connect(&transport).await.unwrap();
        // Larger than one TLS record.
        let bytes: Vec<u8> = (0..100_000).map(|at| at as u8).collect();
        send(&mut link, bytes.clone()).await;
        assert_eq!(message(&mut link).await.as_bytes(), bytes);
        assert_eq!(next(&mut link).await, Err(LinkEnd::closed(Some(1012), "tls")));
        assert_eq!(handshakes.recv().await.unwrap(), Some(expected));
    }
}

#[tokio::test]
async fn pitfall_29_the_default_tls_has_a_provider_and_trusts_no_stranger() {
    // Two providers, or none, make rustls panic where the default is asked
    // for, and this one cannot be used.
    spoil_default_provider();
    let authority = Authority::new();
    let (port, _told) = serve_tls(authority.server("localhost")).await;
    let transport = WebSocket::new(format!("wss://localhost:{port}")).unwrap();
    for _ in 0..2 {
        let refused = connect(&transport).await.unwrap_err();
        assert_eq!(refused.failure(), &Failure::Tls);
        let why = std::error::Error::source(&refused).unwrap().to_string();
        // The platform does not know the authority, or knows none at all.
        assert!(why.to_lowercase().contains("certificate"), "{why}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let (port, _told) = serve_tls(authority.server("localhost")).await;
    let transport = WebSocket::new(format!("wss://127.0.0.1:{port}")).unwrap().tls_config(authority.client());
    assert_eq!(failure(&transport).await, Failure::Tls);
}

#[tokio::test]
async fn a_server_without_tls_is_a_tls_failure_and_one_that_hangs_up_is_not() {
    let client = Authority::new().client();
    for (answer, expected) in
        [(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Failure::Tls), (b"", Failure::Ended(LinkEnd::Eof))]
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            // The whole ClientHello is taken, so that closing is no reset.
            let mut hello = vec![0; 5];
            tcp.read_exact(&mut hello).await.unwrap();
            let length = usize::from(u16::from_be_bytes([hello[3], hello[4]]));
            tcp.read_exact(&mut vec![0; length]).await.unwrap();
            tcp.write_all(answer).await.unwrap();
        });
        let transport =
            WebSocket::new(format!("wss://localhost:{port}")).unwrap().tls_config(Arc::clone(&client));
        assert_eq!(failure(&transport).await, expected);
    }
}

#[tokio::test]
async fn a_refusal_behind_a_verified_certificate_is_verified() {
    let authority = Authority::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = authority.server("localhost");
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let mut tls = TlsAcceptor::from(server).accept(tcp).await.unwrap();
        tls.write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        let _ = tls.read_to_end(&mut Vec::new()).await;
    });
    let transport = WebSocket::new(format!("wss://localhost:{port}")).unwrap().tls_config(authority.client());
    let expected = Failure::Http { status: 403, retry_after: None, verified: true };
    assert_eq!(failure(&transport).await, expected);
}

#[tokio::test]
async fn pitfall_28_an_attempt_dropped_in_the_tls_handshake_closes_its_socket() {
    let client = Authority::new().client();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let transport = WebSocket::new(format!("wss://localhost:{port}")).unwrap().tls_config(client);
    let silent = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.read_exact(&mut [0; 5]).await.unwrap();
        tcp
    };
    let mut tcp = tokio::select! {
        opened = connect(&transport) => panic!("{opened:?}"),
        tcp = soon(silent) => tcp,
    };
    let mut rest = Vec::new();
    soon(tcp.read_to_end(&mut rest)).await.unwrap();
}
