//! Nothing secret reaches a log, whoever writes it. In a file of its own,
//! since a process has one logger.
#![cfg(feature = "websocket")]

#[path = "support/websocket.rs"]
mod websocket;

use std::fmt::{Debug, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use longlink::http::HeaderMap;
use longlink::{Event, Message, Reconnect, ResilientConnection, WebSocket};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use websocket::*;

/// Everything that was logged, by `log` and by `tracing`, at every level.
static LOGGED: Mutex<String> = Mutex::new(String::new());

const SECRETS: [&str; 6] = ["hunter1", "hunter2", "hunter3", "hunter4", "hunter5", "hunter6"];

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        writeln!(LOGGED.lock().unwrap(), "{} {}", record.target(), record.args()).unwrap();
    }

    fn flush(&self) {}
}

/// Writes down every field of spans and events.
struct Fields;

impl tracing::field::Visit for Fields {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
        writeln!(LOGGED.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl tracing::Subscriber for Capture {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        attributes.record(&mut Fields);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut Fields);
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Fields);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

fn leaked() -> Vec<&'static str> {
    let logged = std::mem::take(&mut *LOGGED.lock().unwrap());
    SECRETS.into_iter().filter(|secret| logged.contains(secret)).collect()
}

fn attempt_with(url: &str) -> WebSocket {
    WebSocket::new(format!("{url}/hunter1?token=hunter2"))
        .unwrap()
        .header("Authorization", "Bearer hunter3")
        .unwrap()
        .header("Cookie", "session=hunter4")
        .unwrap()
        // Clients that cannot set headers carry tokens so.
        .subprotocol("bearer.hunter6")
        .unwrap()
        .credentials(|_| async {
            let mut headers = HeaderMap::new();
            headers.insert("x-api-key", "hunter5".parse().unwrap());
            Ok(headers)
        })
}

#[tokio::test]
async fn pitfall_46_and_38_credentials_reach_no_log_no_error_and_no_debug() {
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tracing::subscriber::set_global_default(Capture).unwrap();

    // The capture works: the protocol library's own upgrade gives it all away.
    let (listener, url) = listen().await;
    let address = listener.local_addr().unwrap();
    serve(listener, |head| match header(head, "x-api-key") {
        Some("hunter5") => switching(head, "Sec-WebSocket-Protocol: bearer.hunter6\r\n").into_bytes(),
        _ => b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec(),
    });
    let mut request = format!("{url}/hunter1?token=hunter2").into_client_request().unwrap();
    request.headers_mut().insert("authorization", "Bearer hunter3".parse().unwrap());
    let tcp = TcpStream::connect(address).await.unwrap();
    assert!(tokio_tungstenite::client_async(request, tcp).await.is_err());
    assert_eq!(leaked(), ["hunter1", "hunter2", "hunter3"], "the capture misses what it should see");

    // Ours, accepted: through the upgrade, messages, beats and the close.
    let transport = attempt_with(&url);
    let mut link = connect(&transport).await.unwrap();
    send(&mut link, Message::from("hello")).await;
    let shown = format!("{transport:?} {link:?}");
    drop(link);

    // Ours, refused, and failing in other ways.
    let mut told = shown;
    let (dead, dead_url) = listen().await;
    drop(dead);
    let (odd, odd_url) = listen().await;
    serve(odd, |_| b"what is hunter3\r\n\r\n".to_vec());
    let (refusing, refusing_url) = listen().await;
    serve(refusing, |_| b"HTTP/1.1 403 No\r\nSet-Cookie: hunter4\r\n\r\nhunter5".to_vec());
    for url in [dead_url, odd_url, refusing_url] {
        let failed = connect(&attempt_with(&url)).await.unwrap_err();
        write!(told, "{failed} {failed:?}").unwrap();
        let mut source = std::error::Error::source(&failed);
        while let Some(cause) = source {
            write!(told, "{cause} {cause:?}").unwrap();
            source = cause.source();
        }
    }

    // A whole connection, which logs its events too: it is let in and thrown
    // out, and then refused by a server that tells what it was told.
    let (both, both_url) = listen().await;
    let attempts = AtomicUsize::new(0);
    serve(both, move |head| match attempts.fetch_add(1, Ordering::Relaxed) {
        0 => switching(head, "").into_bytes(),
        _ => b"HTTP/1.1 401 hunter1\r\nSet-Cookie: hunter4\r\nContent-Length: 7\r\n\r\nhunter5".to_vec(),
    });
    let (tell, mut events) = tokio::sync::mpsc::unbounded_channel();
    let connection = ResilientConnection::builder(attempt_with(&both_url))
        .reconnect(Reconnect::default().scaled(0.001))
        .on_event(move |event| drop(tell.send(event.clone())))
        .build()
        .unwrap();
    let mut failed = 0;
    while failed < 2 {
        let event = soon(events.recv()).await.unwrap();
        failed += usize::from(matches!(event, Event::AttemptFailed { .. }));
        if matches!(event, Event::Connected { .. }) {
            connection.reconnect_now();
        }
        write!(told, "{event} {event:?}").unwrap();
    }
    write!(told, "{connection:?} {:?}", connection.stats()).unwrap();
    drop(connection);
    assert!(LOGGED.lock().unwrap().contains("message="), "events are logged");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    assert_eq!(leaked(), [""; 0], "what we do logs no secret");
}
