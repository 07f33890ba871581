//! TLS over TCP, with certificates made for the test.

use std::sync::Arc;
use std::time::Duration;

use longlink::rustls::{HandshakeKind, ServerConfig};
use longlink::testing::ByHand;
use longlink::transport::{Attempt, Link, Transport};
use longlink::{Failure, LinkEnd, ResilientConnection, Tcp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::authority::Authority;
use super::{end, lines, message, soon};

async fn accept(
    listener: &TcpListener,
    config: &Arc<ServerConfig>,
) -> std::io::Result<TlsStream<tokio::net::TcpStream>> {
    let (tcp, _) = listener.accept().await?;
    TlsAcceptor::from(Arc::clone(config)).accept(tcp).await
}

#[tokio::test]
async fn a_client_with_a_certificate_is_let_in_and_its_session_resumes() {
    let authority = Authority::new();
    let (listener, server) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), authority.server_for_the_certified("localhost"));
    let address = listener.local_addr().unwrap();
    let transport = Tcp::new(address.to_string(), lines())
        .unwrap()
        .tls_name("localhost")
        .unwrap()
        .tls()
        .unwrap()
        .tls_config(authority.client_with(&authority.identity("client")))
        .unwrap();
    assert_eq!(transport.endpoint(0), Some(format!("tls://{address}")));
    for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let first = Attempt::standalone(1, None);
        let (link, far) =
            soon(async { tokio::join!(transport.connect(&first), accept(&listener, &server)) }).await;
        let (mut link, mut far) = (link.unwrap(), far.unwrap());
        assert_eq!(far.get_ref().1.handshake_kind(), Some(expected));
        assert!(first.dial_report().is_some());
        assert!(Link::is_vouched_for(&link));
        link.send("hello".to_owned()).await.unwrap();
        let mut said = [0; 6];
        soon(far.read_exact(&mut said)).await.unwrap();
        assert_eq!(&said, b"hello\n");
        far.write_all(b"welcome\nand wel").await.unwrap();
        far.shutdown().await.unwrap();
        assert_eq!(message(&mut link).await, "welcome");
        assert_eq!(end(&mut link).await, LinkEnd::Eof);
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_meets_an_alert() {
    let authority = Authority::new();
    let (listener, server) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), authority.server_for_the_certified("localhost"));
    let to_server =
        || Tcp::new(format!("localhost:{}", listener.local_addr().unwrap().port()), lines()).unwrap();
    // TLS 1.3 tells it only after the client's side of the handshake.
    let unknown = to_server().tls_config(authority.client()).unwrap();
    let first = Attempt::standalone(1, None);
    let (link, far) = soon(async { tokio::join!(unknown.connect(&first), accept(&listener, &server)) }).await;
    assert!(far.is_err());
    let ended = end(&mut link.unwrap()).await;
    assert!(ended.to_string().contains("CertificateRequired"), "{ended}");

    for stranger in [to_server().tls().unwrap(), to_server().tls_config(Authority::new().client()).unwrap()] {
        let (link, _) =
            soon(async { tokio::join!(stranger.connect(&first), accept(&listener, &server)) }).await;
        assert_eq!(link.unwrap_err().failure(), &Failure::Tls);
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_28_a_server_without_a_handshake_meets_the_deadline() {
    let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
    // Not the shared one, which another test's runtime may be loading: this
    // clock would not wait for it.
    let config = Authority::new().client();
    let transport =
        Tcp::new("localhost:1", lines()).unwrap().tls_config(config).unwrap().dial_with(move |_| {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            far_ends.send(theirs).unwrap();
            async move { Ok(ours) }
        });
    let begun = tokio::time::Instant::now();
    let connecting = ResilientConnection::builder(transport).seed(1).build().unwrap();
    let mut silent = soon(far.recv()).await.unwrap();
    let mut said = Vec::new();
    soon(silent.read_to_end(&mut said)).await.unwrap();
    assert!(!said.is_empty(), "it began to shake hands");
    assert_eq!(begun.elapsed(), Duration::from_secs(15));
    drop(connecting);
}

#[test]
fn a_name_that_can_be_none_is_refused_by_field() {
    let tcp = || Tcp::new("under_score-.example:7000", lines()).unwrap();
    assert_eq!(tcp().tls_name("not a name").unwrap_err().field, "tcp.tls_name");
    assert_eq!(Tcp::new("-:7000", lines()).unwrap().tls().unwrap_err().field, "tcp.address");
    assert_eq!(
        tcp().tls_name("example.com").unwrap().endpoint(0).unwrap(),
        "tls://under_score-.example:7000"
    );
}
