//! The server's end in memory, and the test kit.

use super::{or_again, polled};
use crate::support::in_time;
use longlink::testing::{ByHand, FaultyNet, Script, WroteWhat};
use longlink::transport::{Attempt, Frame, IN_PROCESS_MESSAGES, InProcess, InProcessFrame, Transport};

#[tokio::test(start_paused = true)]
async fn pitfall_20_the_servers_end_of_a_link_in_memory_loses_nothing() {
    for_every_poll!(|times| {
        let place = InProcess::<String>::new();
        let mut listener = place.listen();
        assert!(polled(listener.accept(), times).await.is_none());
        let mut link = place.connect(&Attempt::standalone(1, None)).await.unwrap();
        let early = polled(listener.accept(), times).await;
        let mut finished = early.is_some();
        let peer = or_again(early, listener.accept()).await.unwrap();

        assert!(polled(peer.recv(), times).await.is_none());
        assert!(polled(peer.next(), times).await.is_none());
        for message in ["a", "b"] {
            link.send(message.into()).await.unwrap();
        }
        let early = polled(peer.recv(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, peer.recv()).await, Ok("a".into()));
        let early = polled(peer.next(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, peer.next()).await, Ok(InProcessFrame::Message("b".into())));

        for _ in 0..IN_PROCESS_MESSAGES {
            peer.send("full".into()).await.unwrap();
        }
        assert!(polled(peer.send("dropped".into()), times).await.is_none());
        for _ in 0..IN_PROCESS_MESSAGES {
            assert_eq!(link.next().await, Ok(Frame::Message("full".into())));
        }
        let sent = polled(peer.send("c".into()), times).await.is_some();
        finished &= sent;
        peer.send("d".into()).await.unwrap();
        let expected: &[&str] = if sent { &["c", "d"] } else { &["d"] };
        for message in expected {
            assert_eq!(in_time(link.next()).await, Ok(Frame::Message((*message).into())));
        }
        finished
    });
}

#[tokio::test(start_paused = true)]
async fn pitfall_20_what_the_test_kit_is_waited_for_is_not_lost() {
    for_every_poll!(|times| {
        let script = Script::<String>::new([]);
        assert!(polled(script.next_link(), times).await.is_none());
        let mut link = script.transport().connect(&Attempt::standalone(1, None)).await.unwrap();
        let early = polled(script.next_link(), times).await;
        let mut finished = early.is_some();
        let peer = or_again(early, script.next_link()).await;
        assert!(polled(peer.next_written(), times).await.is_none());
        assert!(polled(peer.dropped(), times).await.is_none());
        assert!(polled(link.next(), times).await.is_none());
        link.send("out".into()).await.unwrap();
        peer.deliver("in".into());
        let early = polled(peer.next_written(), times).await;
        finished &= early.is_some();
        let wrote = or_again(early, peer.next_written()).await.unwrap();
        assert_eq!(wrote.what, WroteWhat::Message("out".into()));
        let early = polled(link.next(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, link.next()).await, Ok(Frame::Message("in".into())));
        drop(link);
        let early = polled(peer.dropped(), times).await;
        finished &= early.is_some();
        assert!(or_again(early, peer.dropped()).await <= script.elapsed());

        let net = FaultyNet::<String>::new(1);
        assert!(polled(net.accept(), times).await.is_none());
        let mut link = net.transport().connect(&Attempt::standalone(1, None)).await.unwrap();
        let early = polled(net.accept(), times).await;
        finished &= early.is_some();
        let mut server = or_again(early, net.accept()).await;
        assert!(polled(server.recv(), times).await.is_none());
        link.send("out".into()).await.unwrap();
        let early = polled(server.recv(), times).await;
        finished &= early.is_some();
        assert_eq!(or_again(early, server.recv()).await, Ok("out".into()));
        finished
    });
}
