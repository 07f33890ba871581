//! Messages as long as may be, and longer.

use longlink::transport::MAX_MESSAGE;
use longlink::{Detection, LinkEnd, Message, SendError};

use crate::backend::{Backend, KINDS, LONGEST};
use crate::flow::Flow;
use crate::software;

/// A limit below the default one.
const SMALL: usize = 10_000;

#[tokio::test]
async fn a_message_at_the_limit_goes_and_comes_and_one_over_it_is_not_accepted() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        let mut flow = Flow::start(backend.transport("/echo"));
        let bytes: Vec<u8> = (0..MAX_MESSAGE).map(|at| (at * 7) as u8).collect();
        for message in [Message::from(bytes), Message::from("\u{e9}".repeat(MAX_MESSAGE / 2))] {
            flow.send_any(message.clone()).await.expect("at the limit");
            assert!(flow.message().await == message, "{kind:?}");
        }
        let over = Message::from(vec![0; MAX_MESSAGE + 1]);
        match flow.send_any(over).await {
            Err(SendError::TooBig { size, limit, .. }) => {
                assert_eq!((size, limit), (MAX_MESSAGE + 1, MAX_MESSAGE));
            }
            other => panic!("{other:?}"),
        }
        flow.echoed().await;
        assert_eq!(flow.account().lost, [], "{kind:?}");
    }
}

#[tokio::test]
async fn a_message_over_our_limit_ends_the_link_whole_or_in_fragments() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        for way in ["big", "pieces"] {
            let transport = |size: usize| {
                let transport = backend.transport(&format!("/{way}/{size}"));
                transport.max_message(SMALL).expect("not zero")
            };
            let mut flow = Flow::start(transport(SMALL));
            flow.send_next().await;
            assert_eq!(flow.message().await.len(), SMALL, "{kind:?}, {way}");
            assert_eq!(flow.account().lost, [], "{kind:?}, {way}");

            let mut flow = Flow::start(transport(SMALL + 1));
            flow.send_next().await;
            let too_big = LinkEnd::TooBig { size: SMALL + 1, limit: SMALL };
            // The server is told 1009, and may not hear it: the system resets a
            // connection that is closed with something unread in it.
            assert_eq!(flow.lost().await, Detection::Ended(too_big), "{kind:?}, {way}");
        }
    }
}

#[tokio::test]
async fn a_message_over_the_servers_limit_is_maybe_sent_and_ends_the_link() {
    let Some(software) = software() else { return };
    for kind in KINDS {
        let backend = Backend::start(&software, kind);
        let transport = backend.transport("/echo").max_message(LONGEST * 2).expect("not zero");
        let mut flow = Flow::start(transport);
        flow.echoed().await;
        flow.send_any(Message::from(vec![0; LONGEST + 1])).await.expect("below our limit");
        let detection = flow.lost().await;
        let said = matches!(detection, Detection::Ended(LinkEnd::Closed { code: Some(1009), .. }));
        assert!(said, "{kind:?}: {detection:?}");
        flow.connected().await;
        flow.echoed().await;
        assert!(flow.account().maybe.contains(&2), "{kind:?}: {:?}", flow.account());
        assert_eq!(backend.received(), [1, 3], "{kind:?}");
    }
}
