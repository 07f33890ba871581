//! Bad settings are refused when a connection is built, by name; nothing that
//! is secret shows.

use std::time::Duration;

use crate::support::{builder, settle};
use longlink::testing::Script;
use longlink::transport::{BoxTransport, Transport};
use longlink::{Builder, Heartbeat, Reconnect, ResilientConnection};

type B = Builder<longlink::testing::ScriptedTransport<String>>;
/// Sets one thing that cannot work.
type Set = fn(B) -> B;

#[tokio::test]
async fn pitfall_30_a_setting_that_cannot_work_is_refused_by_name() {
    let cases: [(&str, Set); 13] = [
        ("outbox_messages", |b| b.outbox_messages(0)),
        ("outbox_bytes", |b| b.outbox_bytes(0)),
        ("inbox_messages", |b| b.inbox_messages(0)),
        ("inbox_bytes", |b| b.inbox_bytes(0)),
        ("close_deadline", |b| b.close_deadline(Duration::ZERO)),
        ("heartbeat.misses", |b| b.heartbeat(Heartbeat::adaptive().misses(0))),
        ("heartbeat.min", |b| b.heartbeat(Heartbeat::adaptive().min(Duration::from_secs(999)))),
        ("heartbeat.start", |b| b.heartbeat(Heartbeat::fixed(Duration::ZERO))),
        ("heartbeat.scaled", |b| b.heartbeat(Heartbeat::adaptive().scaled(0.0))),
        ("reconnect.base", |b| b.reconnect(Reconnect::default().base(Duration::ZERO))),
        ("reconnect.cap", |b| b.reconnect(Reconnect::default().cap(Duration::ZERO))),
        ("reconnect.attempts", |b| b.reconnect(Reconnect::default().attempts(0))),
        ("reconnect.scaled", |b| b.reconnect(Reconnect::default().scaled(f64::NAN))),
    ];
    for (field, set) in cases {
        let script = Script::new([]);
        let refused = set(builder(&script)).build().expect_err(field);
        assert_eq!(refused.field, field);
        assert!(refused.to_string().starts_with(field));
        settle().await;
        assert!(script.attempts().is_empty(), "nothing was tried with a bad {field}");
    }
}

#[test]
fn pitfall_30_building_outside_a_runtime_is_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let script = runtime.block_on(async { Script::new([]) });
    let refused = builder(&script).build().unwrap_err();
    assert_eq!(refused.field, "runtime");
    let connection = builder(&script).runtime(runtime.handle().clone()).build().unwrap();
    runtime.block_on(async { assert_eq!(connection.connected().await.unwrap(), 1) });
}

/// A transport whose `Debug` would show a secret.
struct Secretive(BoxTransport<String, String>);

impl std::fmt::Debug for Secretive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hunter2")
    }
}

#[async_trait::async_trait]
impl Transport for Secretive {
    type Link = longlink::transport::BoxLink<String, String>;

    async fn connect(
        &self,
        attempt: &longlink::transport::Attempt,
    ) -> Result<Self::Link, longlink::transport::ConnectError> {
        self.0.connect(attempt).await
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_38_debug_shows_neither_credentials_nor_messages() {
    let script = Script::<String>::new([]);
    let (tell, mut told) = tokio::sync::mpsc::channel(2);
    let builder = ResilientConnection::builder(Secretive(script.transport().boxed()))
        .on_connect(move |mut handshake| {
            let tell = tell.clone();
            async move {
                handshake.put_back("hunter2".into());
                tell.send(format!("{handshake:?} {:?}", handshake.attempt())).await?;
                Ok(handshake)
            }
        })
        .on_event(|_| {});
    let shown = format!("{builder:?}");
    assert!(shown.starts_with("Builder"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");

    let mut connection = builder.connect().await.unwrap();
    let handshake = told.recv().await.unwrap();
    assert!(handshake.starts_with("Handshake") && !handshake.contains("hunter2"), "{handshake}");

    let sender = connection.sender();
    let confirmation = sender.send_confirmed("hunter2".into()).await.unwrap();
    let permit = sender.reserve().await.unwrap();
    let events = connection.events();
    let all = format!(
        "{connection:?} {sender:?} {confirmation:?} {permit:?} {events:?} {:?} {:?}",
        connection.watch(),
        connection.stats()
    );
    assert!(!all.contains("hunter2"), "{all}");
    drop(permit);
    let closed = connection.close().await;
    let refused = sender.send("hunter2".into()).await.unwrap_err();
    let tried = sender.try_send("hunter2".into()).unwrap_err();
    let outcome = longlink::Outcome::NotSent("hunter2");
    let all = format!("{closed:?} {refused:?} {refused} {tried:?} {tried} {outcome:?} {outcome}");
    assert!(!all.contains("hunter2"), "{all}");
}
