//! The frames of independent servers.

use longlink::{Detection, Event, Failure, LinkEnd, Message};

use crate::backend::{Backend, KINDS, Kind};
use crate::flow::Flow;
use crate::{ask, software};

#[tokio::test]
async fn compression_that_the_server_offers_and_we_do_not_is_not_used() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        // It is switched on: who offers it gets it.
        let answer = ask(
            backend.port(),
            "/echo",
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate",
        )
        .await
        .to_lowercase();
        assert!(answer.contains("sec-websocket-extensions: permessage-deflate"), "{kind:?}: {answer}");
        backend.until_noted("open permessage-deflate", 1).await;

        let mut flow = Flow::start(backend.transport("/echo"));
        let long = "the same again ".repeat(10_000);
        flow.send_any(Message::from(long.as_str())).await.expect("below the limit");
        assert_eq!(flow.message().await.as_text(), Some(long.as_str()), "{kind:?}");
        assert_eq!(backend.until_noted("open", 2).await[1], "open", "{kind:?}");
    }
}

#[tokio::test]
async fn rsv1_that_nobody_agreed_on_ends_the_link_with_a_protocol_error() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        let mut flow = Flow::start(backend.transport("/rsv1"));
        flow.send_next().await;
        let detection = flow.lost().await;
        assert!(matches!(detection, Detection::Ended(LinkEnd::Protocol(_))), "{kind:?}: {detection:?}");
        // It is told why, and its message went nowhere.
        backend.until_noted("closed 1002", 1).await;
        assert!(flow.account().echoes.is_empty(), "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_with_an_extension_that_was_not_offered_is_refused() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Node);
    let mut flow = Flow::start(backend.transport("/extension"));
    let rule = "the server chose an extension that was not offered";
    assert_eq!(flow.failed().await, Failure::Protocol(rule.to_owned()));
    // Any server of the way may be wrong, for a while.
    flow.event(|event| matches!(event, Event::ReconnectScheduled { .. }).then_some(())).await;
    assert_eq!(flow.account().links, 0);
}

#[tokio::test]
async fn fragments_with_pings_between_them_are_one_message() {
    let Some(software) = software() else { return };
    // Of one to four bytes each: they are cut within characters.
    let text = "a\u{e9}\u{20ac}\u{1f517}".repeat(50);
    let bytes: Vec<u8> = (0..=255).collect();
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        for size in [1, 3, 100, 1_000_000] {
            let mut flow = Flow::start(backend.transport(&format!("/fragments/{size}")));
            for message in [Message::from(text.as_str()), Message::from(bytes.clone())] {
                flow.send_any(message.clone()).await.expect("below the limit");
                assert_eq!(flow.message().await, message, "{kind:?}, {size}");
            }
            assert_eq!(flow.account().lost, [], "{kind:?}, {size}");
        }
    }
}

#[tokio::test]
async fn pings_of_the_server_are_answered_in_order_with_what_they_say() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        let mut flow = Flow::start(backend.transport("/pings"));
        flow.connected().await;
        let expected: Vec<String> = (0..10).map(|number| format!("pong ping {number}")).collect();
        assert_eq!(backend.until_noted("pong", 10).await, expected, "{kind:?}");
        flow.echoed().await;
        flow.finish(&[&backend]).await;
    }
}
