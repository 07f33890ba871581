//! Ends of links that are in use: Python's `websockets` brings them about.

use std::time::Duration;

use futures::future::join_all;
use longlink::{Detection, GiveUp, LinkEnd, Reconnect, RetryReason, WebSocket};

use crate::client::{Client, Next};
use crate::process::{Process, Tools, free_port};
use crate::tools;

/// At this scale a link proves itself in 300 ms, and the delays after it are
/// told apart in milliseconds.
const SCALE: f64 = 1.0 / 100.0;
/// Clients for each end: the delays are drawn.
const DRAWS: u64 = 20;

/// The table's answer to an end: the bounds of the first delay after a
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
    async fn proved(&self, order: &str) -> Vec<(Detection, Next)> {
        join_all((0..DRAWS).map(|seed| async move {
            let mut client = Client::start(self.transport("/"), Reconnect::default().scaled(SCALE), seed);
            assert_eq!(client.message().await.as_text(), Some("hello"));
            client.connected().await;
            tokio::time::sleep(Duration::from_secs(31).mul_f64(SCALE)).await;
            client.send(order).await;
            client.lost().await
        }))
        .await
    }

    /// How a client fares whose links all end so at once: so many delays at
    /// most, and why it gave up, if it did.
    async fn at_once(
        &self,
        order: &str,
        reconnect: Reconnect,
        most: usize,
    ) -> (Vec<Duration>, Option<GiveUp>) {
        let transport = self.transport(&format!("/{order}")).max_message(1_000).expect("not zero");
        let mut client = Client::start(transport, reconnect, 1);
        let mut delays = Vec::new();
        while delays.len() < most {
            match client.lost().await.1 {
                Next::Wait { delay, .. } => delays.push(delay),
                Next::GaveUp(reason) => return (delays, Some(reason)),
            }
        }
        (delays, None)
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
        for (detection, next) in server.proved(&order(code)).await {
            assert_eq!(detection, Detection::Ended(LinkEnd::closed(Some(code), reason)));
            match row {
                Row::Final => {
                    assert_eq!(next, Next::GaveUp(GiveUp::Close { code, reason: reason.to_owned() }));
                }
                Row::Retried { low_ms, high_ms } => {
                    next.assert_because(RetryReason::CloseCode(code));
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
        for (detection, next) in server.proved(order).await {
            assert_eq!(detection, Detection::Ended(expected.clone()));
            next.assert_because(RetryReason::LinkEnded);
            next.assert_between(Duration::ZERO, Duration::from_secs(1).mul_f64(SCALE));
        }
    }
}

#[tokio::test]
async fn pitfall_14_a_broken_protocol_is_final_the_third_time_in_a_row() {
    let Some(tools) = tools() else { return };
    let server = &Closing::start(&tools);
    join_all(["close/1002", "close/1009", "nonsense", "big/5000"].map(|order| async move {
        let (delays, reason) = server.at_once(order, Reconnect::default(), 9).await;
        assert_eq!(delays.len(), 2, "{order}");
        for (step, delay) in (1..).zip(&delays) {
            let (low, high) = (Duration::from_millis(500), Duration::from_secs(step));
            assert!(*delay >= low && *delay <= high, "{order}: {delays:?}");
        }
        match (order, reason.expect("it gave up after so few")) {
            ("close/1002", GiveUp::Close { code: 1002, reason }) => assert_eq!(reason, "told so"),
            ("close/1009", GiveUp::Close { code: 1009, reason }) => assert_eq!(reason, "told so"),
            ("nonsense", GiveUp::Link(LinkEnd::Protocol(_))) => {}
            ("big/5000", GiveUp::Link(LinkEnd::TooBig { size: 5_000, limit: 1_000 })) => {}
            (_, other) => panic!("{order}: {other:?}"),
        }
    }))
    .await;
}

#[tokio::test]
async fn pitfall_31_a_server_that_says_1000_at_once_meets_the_backoff() {
    let Some(tools) = tools() else { return };
    let server = &Closing::start(&tools);
    let orders = ["close/1000", "close/1001", "close/1011", "close/1013", "empty", "fin", "rst"];
    join_all(orders.map(|order| async move {
        // A link proves itself in 3 s; the backoff starts with 50 to 100 ms.
        let longest = Duration::from_millis(800);
        let (delays, reason) = server.at_once(order, Reconnect::default().scaled(0.1).cap(longest), 8).await;
        assert_eq!(reason, None, "{order}");
        assert!(delays.iter().all(|delay| *delay <= longest), "{order}: {delays:?}");
        // The backoff has grown, whatever the code asks for.
        let late = delays[3..].iter().max().expect("there are some");
        assert!(*late > Duration::from_millis(200), "{order}: {delays:?}");
    }))
    .await;
}
