//! The common parts of the tests of a whole connection.
#![allow(dead_code)]

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::testing::{Script, ScriptedTransport};
use longlink::{Builder, Closed, Event, ResilientConnection};

pub type Connection = ResilientConnection<String>;
pub type Peer = longlink::testing::ScriptedPeer<String>;

pub fn builder(script: &Script<String>) -> Builder<ScriptedTransport<String>> {
    ResilientConnection::builder(script.transport()).seed(1)
}

/// A connection over a script whose attempts all succeed, and its first peer.
pub async fn connected() -> (Connection, Script<String>, Peer) {
    let script = Script::new([]);
    let connection = builder(&script).connect().await.unwrap();
    let peer = script.next_link().await;
    (connection, script, peer)
}

pub fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Lets every task do what it can without time passing.
pub async fn settle() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// Waits for at most an hour of the test's time, so that what never comes is a
/// failure and not a test that hangs.
pub async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(secs(3_600), future).await.expect("it comes within the hour")
}

/// Closes within an hour.
pub async fn close(connection: &mut Connection) -> Closed<String> {
    in_time(connection.close()).await
}

/// Keeps all events.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Event>>>);

impl Log {
    pub fn keep(&self) -> impl Fn(&Event) + Send + 'static {
        let log = Arc::clone(&self.0);
        move |event| log.lock().unwrap().push(event.clone())
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap().clone()
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().iter().filter(|event| wanted(event)).count()
    }
}
