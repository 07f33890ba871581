//! Opening a WebSocket against servers that answer well, badly or never.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::*;
use longlink::http::HeaderMap;
use longlink::keeper::Purpose;
use longlink::transport::{Attempt, ConnectError, Transport};
use longlink::{Failure, LinkEnd, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The failure of an attempt whose server answers with `answer`.
async fn failure_of(answer: impl Fn(&str) -> String + Send + 'static) -> Failure {
    let (listener, url) = listen().await;
    serve(listener, move |head| answer(head).into_bytes());
    failure(&WebSocket::new(url).unwrap()).await
}

fn http(status: u16, retry_after: Option<Duration>) -> Failure {
    Failure::Http { status, retry_after, verified: false }
}

#[tokio::test]
async fn a_refusal_keeps_its_status_and_is_not_verified_without_tls() {
    for status in [200_u16, 301, 401, 403, 404, 426, 500] {
        let found = failure_of(move |_| {
            format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 1000000\r\n\r\nthe body is not waited for")
        });
        assert_eq!(found.await, http(status, None));
    }
}

#[tokio::test]
async fn retry_after_is_read_in_seconds_and_as_a_date() {
    let refusal = |value: &str| {
        let answer = format!("HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n");
        failure_of(move |_| answer.clone())
    };
    assert_eq!(refusal("120").await, http(503, Some(Duration::from_secs(120))));
    assert_eq!(refusal("Sun, 06 Nov 1994 08:49:37 GMT").await, http(503, Some(Duration::ZERO)));
    assert_eq!(refusal("when I am back").await, http(503, None));
    match refusal("Fri, 01 Jan 2100 00:00:00 GMT").await {
        // Cut to a year, unless this runs in the year before.
        Failure::Http { status: 503, retry_after: Some(wait), .. } => {
            let until = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
            let left = until.duration_since(SystemTime::now()).unwrap();
            assert!(wait <= Duration::from_secs(366 * 24 * 3600) && wait <= left);
            assert!(wait > Duration::ZERO);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_handshake_is_refused_by_its_rule() {
    fn no_accept(head: &str) -> String {
        switching(head, "").replace("Sec-WebSocket-Accept", "X")
    }
    fn wrong_accept(_: &str) -> String {
        switching("sec-websocket-key: c3VyZWx5IHdyb25nIGtleSE=\r\n", "")
    }
    fn extension(head: &str) -> String {
        switching(head, "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    }
    fn subprotocol(head: &str) -> String {
        switching(head, "Sec-WebSocket-Protocol: chat\r\n")
    }
    fn no_upgrade(head: &str) -> String {
        switching(head, "").replace("Upgrade: websocket", "Upgrade: h2c")
    }
    fn flood(head: &str) -> String {
        switching(head, &format!("X-Long: {}\r\n", "x".repeat(17 * 1024)))
    }
    fn many(head: &str) -> String {
        switching(head, &"X-Many: 1\r\n".repeat(1_000))
    }
    fn other_protocol(_: &str) -> String {
        "SSH-2.0-OpenSSH_9.7\r\n\r\n".to_owned()
    }
    type Answer = fn(&str) -> String;
    let answers: [(Answer, &str); 8] = [
        (no_accept, "Sec-WebSocket-Accept"),
        (wrong_accept, "Sec-WebSocket-Accept"),
        (extension, "extension"),
        (subprotocol, "subprotocol"),
        (no_upgrade, "Upgrade"),
        (flood, "too large"),
        (many, "too large"),
        (other_protocol, "HTTP"),
    ];
    for (answer, rule) in answers {
        match failure_of(answer).await {
            Failure::Protocol(said) => assert!(said.contains(rule), "{said:?} for {rule}"),
            other => panic!("{other:?} for {rule}"),
        }
    }
}

#[tokio::test]
async fn a_header_below_the_limit_is_accepted() {
    let (listener, url) = listen().await;
    serve(listener, |head| switching(head, &format!("X-Long: {}\r\n", "x".repeat(15 * 1024))).into_bytes());
    connect(&WebSocket::new(url).unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_hangs_up_in_its_answer_ended_the_link() {
    for half in ["", "HTTP/1.1 101 Swi"] {
        let (listener, url) = listen().await;
        tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            read_head(&mut tcp).await.unwrap();
            tcp.write_all(half.as_bytes()).await.unwrap();
        });
        assert_eq!(failure(&WebSocket::new(url).unwrap()).await, Failure::Ended(LinkEnd::Eof), "{half:?}");
    }
}

#[tokio::test]
async fn frames_in_one_packet_with_the_answer_are_not_lost() {
    let (listener, url) = listen().await;
    serve(listener, |head| {
        let mut answer = switching(head, "").into_bytes();
        answer.extend(b"\x81\x05first\x82\x7e\x20\x00");
        answer.extend([9; 0x2000]);
        answer.extend(b"\x81\x04last\x88\x02\x03\xe9");
        answer
    });
    let mut link = connect(&WebSocket::new(url).unwrap()).await.unwrap();
    assert_eq!(message(&mut link).await.as_text(), Some("first"));
    assert_eq!(message(&mut link).await.as_bytes(), [9; 0x2000]);
    assert_eq!(message(&mut link).await.as_text(), Some("last"));
    assert_eq!(next(&mut link).await, Err(LinkEnd::closed(Some(1001), "")));
}

#[tokio::test]
async fn the_request_is_what_the_rfc_asks_for() {
    let (listener, url) = listen().await;
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let heads = Arc::clone(&seen);
    serve(listener, move |head| {
        *heads.lock().unwrap() = head.to_owned();
        switching(head, "Sec-WebSocket-Protocol: b\r\n").into_bytes()
    });
    let transport = WebSocket::new(format!("{url}/live?token=1%202"))
        .unwrap()
        .header("X-Client", "test")
        .unwrap()
        .subprotocol("a")
        .unwrap()
        .subprotocol("b")
        .unwrap();
    let attempt = Attempt::standalone(1, None);
    let link = soon(transport.connect(&attempt)).await.unwrap();
    assert_eq!(link.subprotocol(), Some("b"));
    let dialled = attempt.dial_report().expect("TCP connected");
    assert_eq!(dialled.local, Some(address.ip()));

    let head = seen.lock().unwrap().clone();
    assert!(head.starts_with("GET /feed/live?token=1%202 HTTP/1.1\r\n"), "{head}");
    for (name, value) in [
        ("host", address.to_string().as_str()),
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "a, b"),
        ("x-client", "test"),
    ] {
        assert_eq!(header(&head, name), Some(value), "{name}");
    }
    assert_eq!(header(&head, "sec-websocket-extensions"), None);
    assert_eq!(header(&head, "sec-websocket-key").unwrap().len(), 24);
    drop(link);
    let first_key = header(&head, "sec-websocket-key").unwrap().to_owned();
    connect(&transport).await.unwrap();
    assert_ne!(header(&seen.lock().unwrap(), "sec-websocket-key").unwrap(), first_key);
}

#[tokio::test]
async fn a_scout_carries_no_credentials_unless_it_is_asked_to() {
    for asked in [false, true] {
        let (listener, url) = listen().await;
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        serve(listener, move |head| {
            kept.lock().unwrap().push(head.to_owned());
            switching(head, "Sec-WebSocket-Protocol: v2.feed\r\n").into_bytes()
        });
        let mut transport = WebSocket::new(format!("{url}?token=secret"))
            .unwrap()
            .header("X-Key", "secret")
            .unwrap()
            .subprotocol("v2.feed")
            .unwrap()
            .credentials(|_| async {
                let mut headers = HeaderMap::new();
                headers.insert("authorization", "secret".parse().unwrap());
                Ok(headers)
            });
        if asked {
            transport = transport.credentials_for_scouts();
        }
        let scout = Attempt::standalone(1, None).with_purpose(Purpose::Scout);
        soon(transport.connect(&scout)).await.unwrap();
        soon(transport.connect(&Attempt::standalone(2, None))).await.unwrap();
        let heads = heads.lock().unwrap();
        let secrets = |head: &str| head.matches("secret").count();
        assert_eq!(secrets(&heads[0]), if asked { 3 } else { 0 }, "{}", heads[0]);
        assert!(asked || heads[0].starts_with("GET /feed HTTP/1.1"), "{}", heads[0]);
        assert_eq!(secrets(&heads[1]), 3, "{}", heads[1]);
        assert_eq!(
            header(&heads[0], "sec-websocket-protocol"),
            Some("v2.feed"),
            "it asks for the same protocol"
        );
    }
}

#[tokio::test]
async fn pitfall_15_credentials_are_asked_for_anew_with_every_attempt() {
    let (listener, url) = listen().await;
    serve(listener, |head| match header(head, "authorization") {
        Some("token 2") => switching(head, "").into_bytes(),
        _ => b"HTTP/1.1 401 Expired\r\nContent-Length: 0\r\n\r\n".to_vec(),
    });
    let transport =
        WebSocket::new(url).unwrap().header("Authorization", "replaced by the hook's").unwrap().credentials(
            |attempt| async move {
                // The hook sees why it is asked again.
                let refused = matches!(attempt.last_failure(), Some(Failure::Http { status: 401, .. }));
                assert_eq!(refused, attempt.number() > 1);
                let mut headers = HeaderMap::new();
                headers.insert("authorization", format!("token {}", attempt.number()).parse().unwrap());
                Ok(headers)
            },
        );
    let refused = soon(transport.connect(&Attempt::standalone(1, None))).await.unwrap_err();
    assert_eq!(refused.failure(), &http(401, None));
    soon(transport.connect(&Attempt::standalone(2, Some(refused.failure().clone())))).await.unwrap();
}

#[tokio::test]
async fn a_hook_s_error_is_the_attempt_s_and_it_may_not_write_the_handshake() {
    let (listener, url) = listen().await;
    serve(listener, |head| switching(head, "").into_bytes());
    let failing = WebSocket::new(&url)
        .unwrap()
        .credentials(|_| async { Err(ConnectError::new(Failure::Hook { retry: true })) });
    assert_eq!(failure(&failing).await, Failure::Hook { retry: true });
    let meddling = WebSocket::new(&url).unwrap().credentials(|_| async {
        let mut headers = HeaderMap::new();
        headers.insert("sec-websocket-key", "mine".parse().unwrap());
        Ok(headers)
    });
    assert_eq!(failure(&meddling).await, Failure::Hook { retry: false });
}

#[tokio::test]
async fn what_cannot_work_is_refused_by_the_name_of_its_field() {
    let ws = || WebSocket::new("ws://example.com/?token=secret").unwrap();
    let refusals = [
        WebSocket::new("http://example.com/?token=secret"),
        ws().header("X-Token", "secret\r\nX-Other: 1"),
        ws().header("Host", "secret"),
        ws().subprotocol("a b"),
        ws().subprotocol(""),
        ws().subprotocol("a").unwrap().subprotocol("a"),
        ws().max_message(0),
    ];
    let fields = refusals.map(|refused| {
        let refused = refused.unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("secret"));
        refused.field
    });
    assert_eq!(
        fields,
        [
            "websocket.url",
            "websocket.header",
            "websocket.header",
            "websocket.subprotocol",
            "websocket.subprotocol",
            "websocket.subprotocol",
            "websocket.max_message",
        ]
    );
}

#[tokio::test]
async fn nobody_there_is_refused_and_no_name_is_dns() {
    let (listener, url) = listen().await;
    drop(listener);
    assert_eq!(failure(&WebSocket::new(url).unwrap()).await, Failure::Refused);
    // `.invalid` never resolves (RFC 6761).
    let nobody = WebSocket::new("ws://nobody.invalid/").unwrap();
    let failed = connect(&nobody).await.unwrap_err();
    assert_eq!(failed.failure(), &Failure::Dns);
    assert!(std::error::Error::source(&failed).is_some());
}

#[tokio::test]
async fn pitfall_28_an_attempt_dropped_anywhere_leaves_no_task_or_socket() {
    // Each server stops at another point of the handshake and reports when
    // the client's socket is gone.
    for answer in ["", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs"] {
        let (listener, url) = listen().await;
        let (reached, reach) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            read_head(&mut tcp).await.unwrap();
            tcp.write_all(answer.as_bytes()).await.unwrap();
            reached.send(()).unwrap();
            tcp.read_to_end(&mut Vec::new()).await.map(|_| ())
        });
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let transport = WebSocket::new(url).unwrap();
        let attempt = Attempt::standalone(1, None);
        tokio::select! {
            opened = transport.connect(&attempt) => panic!("{opened:?}"),
            stopped = soon(reach) => stopped.unwrap(),
        }
        assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), tasks, "no task");
        // End of stream or a reset: either way the socket is closed.
        let _ = soon(server).await.unwrap();
    }
}

#[tokio::test]
async fn pitfall_28_a_hook_that_hangs_is_dropped_with_its_attempt() {
    struct Dropped(Arc<Mutex<bool>>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = true;
        }
    }
    let (listener, url) = listen().await;
    let dropped = Arc::new(Mutex::new(false));
    let held = Arc::clone(&dropped);
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
    let transport = WebSocket::new(url).unwrap().credentials(move |_| {
        let held = Dropped(Arc::clone(&held));
        asked.send(()).unwrap();
        async move {
            let _held = held;
            std::future::pending().await
        }
    });
    let stuck = async {
        let (tcp, _) = listener.accept().await.unwrap();
        asks.recv().await.unwrap();
        tcp
    };
    let attempt = Attempt::standalone(1, None);
    let mut tcp = tokio::select! {
        opened = transport.connect(&attempt) => panic!("{opened:?}"),
        tcp = soon(stuck) => tcp,
    };
    assert!(attempt.dial_report().is_some());
    assert!(*dropped.lock().unwrap());
    assert_eq!(soon(tcp.read(&mut [0])).await.unwrap_or(0), 0, "the socket is closed");
}

#[tokio::test]
async fn pitfall_27_a_new_link_knows_nothing_of_the_old_one_s_half_frame() {
    let (listener, url) = listen().await;
    serve(listener, |head| {
        let mut answer = switching(head, "").into_bytes();
        // A whole message, then half of one.
        answer.extend(b"\x81\x05whole\x81\x05ha");
        answer
    });
    let transport = WebSocket::new(url).unwrap();
    for _ in 0..3 {
        let mut link = connect(&transport).await.unwrap();
        assert_eq!(message(&mut link).await.as_text(), Some("whole"));
    }
}
