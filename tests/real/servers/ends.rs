//! Goodbyes, from either side.

use std::time::{Duration, Instant};

use futures::future::join_all;
use longlink::{Detection, LinkEnd, Message, ResilientConnection};
use tokio::time::timeout;

use crate::backend::{Backend, KINDS, Kind};
use crate::flow::{Flow, PATIENCE};
use crate::software;

const CODES: [u16; 8] = [1000, 1001, 1008, 1011, 1012, 1013, 3000, 4000];

#[tokio::test]
async fn a_code_that_the_server_closes_with_is_told_and_given_back() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = &Backend::start(&software, kind);
        join_all(CODES.map(|code| async move {
            let mut flow = Flow::start(backend.transport(&format!("/close/{code}")));
            flow.send_next().await;
            let end = LinkEnd::closed(Some(code), "told so");
            assert_eq!(flow.lost().await, Detection::Ended(end), "{kind:?}");
            backend.until_noted(&format!("closed {code}"), 1).await;
        }))
        .await;
    }
}

#[tokio::test]
async fn our_close_is_a_1000_for_the_server_behind_all_that_was_sent() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        let mut flow = Flow::start(backend.transport("/echo"));
        flow.connected().await;
        for _ in 0..100 {
            flow.send_next().await;
        }
        flow.finish(&[&backend]).await;
        backend.until_noted("closed", 1).await;
        let journal = backend.journal();
        assert_eq!(journal.last().map(|line| line.trim()), Some("closed 1000"), "{kind:?}");
        assert_eq!(backend.received(), (1..=100).collect::<Vec<_>>(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_close_that_is_never_answered_ends_by_its_deadline() {
    let Some(software) = software() else { return };
    const DEADLINE: Duration = Duration::from_millis(500);
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        for (path, frozen) in [("/deaf", false), ("/echo", true)] {
            let builder = ResilientConnection::builder(backend.transport(path));
            let mut connection =
                builder.close_deadline(DEADLINE).connect().await.expect("the server is there");
            if frozen {
                backend.freeze();
            }
            connection.sender().send(Message::from("1")).await.expect("not closed");
            let begun = Instant::now();
            let rest = timeout(PATIENCE, connection.close()).await.expect("it ends");
            assert!(begun.elapsed() >= DEADLINE, "{kind:?}, {path}: {:?}", begun.elapsed());
            assert_eq!((rest.not_sent, rest.maybe_sent), (Vec::new(), 1), "{kind:?}, {path}");
            if frozen {
                backend.thaw();
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_stops_says_1001_and_one_that_is_killed_says_nothing() {
    let Some(software) = software() else { return };
    // Python's answers a Ping before the server has looked at what came
    // before it: killed in between, it has noted less than it has confirmed.
    let mut backend = Backend::start(&software, Kind::Node);
    let mut flow = Flow::start(backend.transport("/echo"));
    flow.steady(true);
    flow.echoed().await;
    backend.stop();
    assert_eq!(flow.lost().await, Detection::Ended(LinkEnd::closed(Some(1001), "")));
    flow.failed().await;
    backend.restart();
    flow.connected().await;
    flow.echoed().await;
    backend.kill();
    let detection = flow.lost().await;
    assert!(matches!(detection, Detection::Ended(LinkEnd::Eof | LinkEnd::Reset)), "{detection:?}");
    flow.failed().await;
    backend.restart();
    flow.connected().await;
    flow.echoed().await;
    assert_eq!(flow.finish(&[&backend]).await.links, 3);
}
