//! Real sockets on loopback.

use longlink::testing::ByHand;
use longlink::transport::{Attempt, Link, Transport};
use longlink::{Detection, Event, Failure, ResilientConnection, Tcp, WebSocket};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{lines, message, soon};

#[tokio::test]
async fn a_link_over_tcp_has_its_addresses_and_no_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let transport = Tcp::new(address.to_string(), lines()).unwrap();
    let first = Attempt::standalone(1, None);
    let mut link = soon(transport.connect(&first)).await.unwrap();
    let (mut far, ours) = listener.accept().await.unwrap();
    assert_eq!((link.local_addr(), link.peer_addr()), (Some(ours), Some(address)));
    assert_eq!(first.dial_report().unwrap().local, Some(ours.ip()));
    far.write_all(b"hello\n").await.unwrap();
    assert_eq!(message(&mut link).await, "hello");
    assert_eq!(transport.endpoint(0), Some(format!("tcp://{address}")));
    assert_eq!(link.path_facts().is_some(), cfg!(all(feature = "tcp-info", target_os = "linux")));
}

#[tokio::test]
async fn a_closed_port_is_refused_and_an_own_socket_keeps_its_addresses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let transport = Tcp::new("nowhere.invalid:1", lines()).unwrap().dial_with(move |_| async move {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        Ok(socket)
    });
    let link = soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap();
    assert_eq!(link.peer_addr(), Some(address));
    assert!(!link.is_vouched_for());
    drop(listener);
    let refused = Tcp::new(address.to_string(), lines())
        .unwrap()
        .connect(&Attempt::standalone(1, None))
        .await
        .unwrap_err();
    assert_eq!(refused.failure(), &Failure::Refused);
}

#[cfg(unix)]
#[test]
fn a_path_that_no_socket_can_have_is_refused() {
    for bad in [String::new(), "x".repeat(200), "nul\0".to_owned()] {
        let refused = longlink::Unix::new(&bad, lines()).map(drop).unwrap_err();
        assert_eq!(refused.field, "unix.path", "{bad:?}");
    }
    assert!(longlink::Unix::new("/run/feed.sock", lines()).is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn who_is_at_the_other_end_of_a_unix_socket_is_known() {
    let tcp = || Tcp::new("memory:1", lines()).unwrap();
    let unix = tcp().dial_with(|_| async { Ok(tokio::net::UnixStream::pair()?.0) });
    assert!(soon(unix.connect(&Attempt::standalone(1, None))).await.unwrap().is_vouched_for());
    let whatever = tcp().dial_with(|_| async { Ok(tokio::io::duplex(64).0) });
    assert!(!soon(whatever.connect(&Attempt::standalone(1, None))).await.unwrap().is_vouched_for());
}

/// Answers every line, until told to stop.
async fn echo<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: S) {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|count| count > 0) {
        let answer = line.replace("PING", "PONG");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        line.clear();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_is_reached_once_it_is_there_and_again_later() {
    use longlink::{Reconnect, Unix};
    use tokio::net::UnixListener;

    let folder = std::env::temp_dir().join(format!("longlink-unix-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("socket");
    let _ = std::fs::remove_file(&path);
    let transport = Unix::new(&path, lines()).unwrap();
    assert_eq!(transport.endpoint(0), None);
    let missing = transport.connect(&Attempt::standalone(1, None)).await.unwrap_err();
    assert_eq!(missing.failure(), &Failure::Io { kind: std::io::ErrorKind::NotFound });

    let mut connection = ResilientConnection::builder(transport)
        .reconnect(Reconnect::default().scaled(0.005))
        .build()
        .unwrap();
    let mut events = connection.events();
    for round in 0..2 {
        let listener = UnixListener::bind(&path).unwrap();
        let (far, _) = soon(listener.accept()).await.unwrap();
        let serving = tokio::spawn(echo(far));
        let said = format!("round {round}");
        soon(connection.sender().send(said.clone())).await.unwrap();
        assert_eq!(soon(connection.recv()).await.unwrap().unwrap(), said);
        // Gone with its socket's file; the next one makes the file anew.
        drop(listener);
        std::fs::remove_file(&path).unwrap();
        serving.abort();
        let detection = soon(async {
            loop {
                if let Some(Event::Disconnected { detection, .. }) =
                    futures::StreamExt::next(&mut events).await
                {
                    break detection;
                }
            }
        })
        .await;
        assert!(matches!(detection, Detection::Ended(_)), "{detection}");
    }
    let _ = std::fs::remove_dir(&folder);
}

#[cfg(feature = "websocket")]
#[tokio::test]
async fn a_websocket_goes_over_whatever_stream_the_application_dials() {
    use futures::StreamExt;
    let (far_ends, mut far) = tokio::sync::mpsc::unbounded_channel();
    let transport = WebSocket::new("ws://memory/feed").unwrap().dial_with(move |_| {
        let (ours, theirs) = tokio::io::duplex(4096);
        far_ends.send(theirs).unwrap();
        async move { Ok(ours) }
    });
    let serving = tokio::spawn(async move {
        let stream = far.recv().await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        socket.next().await.unwrap().unwrap().into_text().unwrap().to_string()
    });
    let mut link = soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap();
    assert_eq!((link.local_addr(), link.peer_addr()), (None, None));
    link.send("over a stream in memory".into()).await.unwrap();
    assert_eq!(soon(serving).await.unwrap(), "over a stream in memory");
}
