//! A source of news about the network that breaks.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::support::{builder, in_time, secs, settle};
use longlink::keeper::RouteFacts;
use longlink::network::{Network, NetworkChange, NetworkWatch};
use longlink::testing::Script;
use longlink::transport::InProcess;
use longlink::{LinkEnd, NetworkHandle, NetworkStatus, ResilientConnection};

/// Panics when the machine is said to have woken.
struct Brittle(NetworkHandle);

struct BrittleWatch(Box<dyn NetworkWatch>);

impl Network for Brittle {
    fn watch(&self) -> Box<dyn NetworkWatch> {
        Box::new(BrittleWatch(self.0.watch()))
    }
}

impl NetworkWatch for BrittleWatch {
    fn poll_change(&mut self, cx: &mut Context<'_>) -> Poll<NetworkChange> {
        let change = self.0.poll_change(cx);
        let woke = matches!(&change, Poll::Ready(change) if change.status == NetworkStatus::Woke);
        assert!(!woke, "on purpose");
        change
    }

    fn route(&mut self, _: SocketAddr, _: Option<SocketAddr>) -> Option<RouteFacts> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_39_a_watch_that_panics_leaves_nobody_offline() {
    let script = Script::new([]);
    let network = NetworkHandle::new();
    let connection = builder(&script).network(Brittle(network.clone())).connect().await.unwrap();
    let first = script.next_link().await;
    network.set(NetworkStatus::Offline);
    settle().await;
    network.set(NetworkStatus::Woke);
    settle().await;
    assert_eq!(connection.stats().panics, 1);
    tokio::time::sleep(secs(1)).await;
    first.end(LinkEnd::Reset);
    let ended = script.elapsed();
    settle().await;
    in_time(script.next_link()).await;
    assert!(script.elapsed() - ended <= secs(1), "{:?} later", script.elapsed() - ended);
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_a_network_is_not_slowed_by_offline() {
    let place = InProcess::<String>::new();
    let mut listener = place.listen();
    let network = NetworkHandle::new();
    let connecting = ResilientConnection::builder(place).seed(1).network(network.clone()).connect();
    let (connection, peer) = tokio::join!(connecting, listener.accept());
    let connection = connection.unwrap();
    network.set(NetworkStatus::Offline);
    settle().await;
    tokio::time::sleep(secs(1)).await;
    // A reset.
    drop(peer);
    let ended = tokio::time::Instant::now();
    in_time(listener.accept()).await.unwrap();
    assert!(ended.elapsed() <= secs(1), "{:?} later", ended.elapsed());
    drop(connection);
}
