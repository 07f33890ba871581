//! Messages whose drop panics: whoever has one left over goes on.

use std::thread;

use crate::support::in_time;
use longlink::transport::{InProcess, InProcessListener, InProcessPeer};
use longlink::{Outcome, ResilientConnection};

/// Its copies panic where they are dropped.
#[derive(Debug, PartialEq, Eq)]
struct Fragile {
    is_copy: bool,
}

impl Fragile {
    fn whole() -> Fragile {
        Fragile { is_copy: false }
    }
}

impl Clone for Fragile {
    fn clone(&self) -> Fragile {
        Fragile { is_copy: true }
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!self.is_copy || thread::panicking(), "on purpose");
    }
}

type Connection = ResilientConnection<Fragile>;

async fn connected() -> (Connection, InProcessPeer<Fragile>, InProcessListener<Fragile>) {
    let place = InProcess::new();
    let mut listener = place.listen();
    let connecting = ResilientConnection::builder(place).seed(1).connect();
    let (connection, peer) = tokio::join!(connecting, listener.accept());
    (connection.unwrap(), peer.unwrap(), listener)
}

#[tokio::test(start_paused = true)]
async fn pitfall_16_a_copy_that_nobody_waits_for_may_panic_where_it_is_dropped() {
    let (connection, peer, mut listener) = connected().await;
    let sender = connection.sender();
    drop(sender.send_confirmed(Fragile::whole()).await.unwrap());
    let second = sender.send_confirmed(Fragile::whole()).await.unwrap();
    peer.recv().await.map(|_| ()).unwrap();
    drop(peer);
    let Outcome::MaybeSent(copy) = in_time(second).await else { panic!("it is in doubt") };
    std::mem::forget(copy);
    in_time(listener.accept()).await.unwrap();
    assert_eq!(in_time(connection.connected()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn pitfall_16_a_message_that_nobody_reads_may_panic_where_it_is_dropped() {
    let (connection, peer, _listener) = connected().await;
    let sender = connection.sender();
    for _ in 0..2 {
        peer.send(Fragile { is_copy: true }).await.unwrap();
    }
    in_time(async {
        while connection.stats().messages_received < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // Of those that wait in the inbox.
    drop(connection);
    // And of those that come later.
    for _ in 0..2 {
        peer.send(Fragile { is_copy: true }).await.unwrap();
    }
    for _ in 0..2 {
        sender.send(Fragile::whole()).await.unwrap();
        in_time(peer.recv()).await.map(|_| ()).unwrap();
    }
    drop(sender);
    in_time(peer.recv()).await.expect_err("the last handle is gone");
}
