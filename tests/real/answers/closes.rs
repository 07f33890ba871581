//! Ends of links that are in use: Python's `websockets` brings them about.

use std::time::Duration;

use futures::future::join_all;
use longlink::keeper::{Because, GiveUp, LinkEnd, Seen};
use longlink::{Reconnect, WebSocket};

use crate::client::{Client, Next};
use crate::process::{Process, Tools, free_port};
use crate::{SMALL, small, tools};

/// At this scale a link proves itself in 300 ms, and the delays after it are
/// told apart in milliseconds.
const SCALE: f64 = 1.0 / 100.0;
/// Clients for each end: the delays are drawn.
const DRAWS: u64 = 12;

/// What a link comes to, by the table: the bounds of the first delay after a
/// link that had proved itself, at scale 1, and the reason.
#[derive(Clone, Copy, Debug)]
enum Row {
    Retried { low_ms: u64, high_ms: u64 },
    Final,
}

/// A second for everybody, as nobody knows whose end it was.
const SOON: Row = Row::Retried { low_ms: 0, high_ms: 1_000 };
const BACKOFF: Row = Row::Retried { low_ms: 500, high_ms: 1_000 };

const CODES: [(u16, Row); 21] = [
    (1000, BACKOFF),
    (1001, SOON),
    (1003, Row::Final),
    (1007, Row::Final),
    (1008, Row::Final),
    (1010, Row::Final),
    (1011, SOON),
    (1012, Row::Retried { low_ms: 5_000, high_ms: 30_000 }),
    (1013, Row::Retried { low_ms: 500, high_ms: 30_000 }),
    (1014, SOON),
    (1015, SOON),
    (3000, SOON),
    (4000, SOON),
    (4001, Row::Final),
    (4002, SOON),
    (4003, Row::Final),
    (4004, Row::Final),
    (4401, Row::Final),
    (4403, Row::Final),
    (4409, Row::Final),
    (4999, SOON),
];

/// Codes that the library does not send by itself.
const RAW: [u16; 1] = [1015];

struct Closing {
    port: u16,
    _process: Process,
}

impl Closing {
    fn start(tools: &Tools) -> Closing {
        let port = free_port();
        Closing { port, _process: tools.python("answers/closing.py", port) }
    }

    fn transport(&self, path: &str) -> WebSocket {
        WebSocket::new(format!("ws://127.0.0.1:{}{path}", self.port)).expect("a sound URL")
    }

    /// The end of a link that had proved itself, and what follows, for
    /// clients with different dice.
    async fn proved(&self, order: &str) -> Vec<(Seen, Next)> {
        join_all((0..DRAWS).map(|seed| async move {
            let mut client = Client::start(self.transport("/"), Reconnect::scaled(SCALE), seed);
            assert_eq!(client.message().await.as_text(), Some("hello"));
            client.connected().await;
            tokio::time::sleep(Duration::from_secs(31).mul_f64(SCALE)).await;
            client.send(order).await;
            client.lost().await
        }))
        .await
    }

    /// How a client fares whose links all end so at once: the delays in
    /// between, and why it gave up in the end.
    async fn at_once(&self, order: &str, seed: u64) -> (Vec<Duration>, GiveUp) {
        let transport = self.transport(&format!("/{order}")).max_message(1_000).expect("not zero");
        let mut client = Client::start(transport, Reconnect::scaled(SMALL), seed);
        let mut delays = Vec::new();
        for _ in 0..10 {
            match client.lost().await.1 {
                Next::Wait { delay, .. } => delays.push(delay),
                Next::GaveUp(reason) => return (delays, reason),
            }
        }
        panic!("{order}: it goes on for ever")
    }
}

fn order(code: u16) -> String {
    if RAW.contains(&code) { format!("raw/{code}") } else { format!("close/{code}") }
}

#[tokio::test]
async fn each_close_code_asks_for_its_own_delay_or_is_final() {
    let Some(tools) = tools() else { return };
    let server = Closing::start(&tools);
    let server = &server;
    join_all(CODES.map(|(code, row)| async move {
        let reason = if RAW.contains(&code) { "" } else { "told so" };
        let mut delays = Vec::new();
        for (seen, next) in server.proved(&order(code)).await {
            assert_eq!(seen, Seen::Ended(LinkEnd::closed(Some(code), reason)));
            match row {
                Row::Final => {
                    assert_eq!(next, Next::GaveUp(GiveUp::Close { code, reason: reason.to_owned() }));
                }
                Row::Retried { low_ms, high_ms } => {
                    next.assert_because(Because::CloseCode(code));
                    let at = |ms| Duration::from_millis(ms).mul_f64(SCALE);
                    delays.push(next.assert_between(at(low_ms), at(high_ms)));
                }
            }
        }
        if let Row::Retried { low_ms, high_ms } = row {
            // Spread over the row: the least in its lower half, the most in
            // its upper one.
            let middle = Duration::from_millis((low_ms + high_ms) / 2).mul_f64(SCALE);
            assert!(delays.iter().any(|delay| *delay < middle), "{code}: {delays:?}");
            assert!(delays.iter().any(|delay| *delay > middle), "{code}: {delays:?}");
        }
    }))
    .await;
}

#[tokio::test]
async fn an_end_without_a_code_is_retried_within_a_second() {
    let Some(tools) = tools() else { return };
    let server = Closing::start(&tools);
    for (order, expected) in
        [("empty", LinkEnd::closed(None, "")), ("fin", LinkEnd::Eof), ("rst", LinkEnd::Reset)]
    {
        for (seen, next) in server.proved(order).await {
            assert_eq!(seen, Seen::Ended(expected.clone()));
            next.assert_because(Because::LinkEnded);
            next.assert_between(Duration::ZERO, Duration::from_secs(1).mul_f64(SCALE));
        }
    }
}

#[tokio::test]
async fn pitfall_14_what_breaks_the_protocol_is_retried_until_it_has_come_three_times_in_a_row() {
    let Some(tools) = tools() else { return };
    let server = Closing::start(&tools);
    for order in ["close/1002", "close/1009", "nonsense", "big/5000"] {
        let (delays, reason) = server.at_once(order, 1).await;
        assert_eq!(delays.len(), 2, "{order}");
        for (made, delay) in delays.iter().enumerate() {
            let step = small(Duration::from_secs(1 << made));
            assert!(*delay >= small(Duration::from_millis(500)) && *delay <= step, "{order}: {delay:?}");
        }
        match (order, reason) {
            ("close/1002", GiveUp::Close { code: 1002, reason }) => assert_eq!(reason, "told so"),
            ("close/1009", GiveUp::Close { code: 1009, reason }) => assert_eq!(reason, "told so"),
            ("nonsense", GiveUp::Link(LinkEnd::Protocol(_))) => {}
            ("big/5000", GiveUp::Link(LinkEnd::TooBig { size: 5_000, limit: 1_000 })) => {}
            (_, other) => panic!("{order}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn pitfall_31_a_server_that_says_1000_to_everybody_at_once_is_backed_off_from_for_ever() {
    let Some(tools) = tools() else { return };
    let server = Closing::start(&tools);
    for order in ["close/1000", "close/1001", "close/1011", "close/1012", "close/1013", "empty", "fin", "rst"]
    {
        let transport = server.transport(&format!("/{order}"));
        let mut client = Client::start(transport, Reconnect::scaled(SMALL), 1);
        let mut delays = Vec::new();
        for _ in 0..10 {
            match client.lost().await.1 {
                Next::Wait { delay, .. } => delays.push(delay),
                Next::GaveUp(reason) => panic!("{order}: {reason}"),
            }
        }
        assert!(delays.iter().all(|delay| *delay <= small(Duration::from_secs(60))), "{delays:?}");
        // The backoff has grown, whatever the code asks for.
        let late = delays[6..].iter().max().expect("there are some");
        assert!(*late > small(Duration::from_secs(8)), "{order}: {delays:?}");
    }
}
