//! The lessons of a connection about a path are there for the next one, and stay
//! with their network.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use crate::support::{Log, builder, in_time, secs, settle};
use longlink::keeper::{Learned, Recalled};
use longlink::store::{IntervalStore, PathKey, StoreError};
use longlink::testing::{FaultyNet, IdleExpiry, Script};
use longlink::transport::Transport;
use longlink::{
    Event, Heartbeat, InMemory, NetworkHandle, NetworkStatus, ResilientConnection, State, StoreFault,
};

type Connection = ResilientConnection<String>;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A network that forgets links after this long, silently.
fn forgetting(timeout: Duration) -> FaultyNet<String> {
    let net = FaultyNet::echo(7);
    net.idle_timeout(timeout, IdleExpiry::Silent);
    net
}

/// A connection over `net`, once it is up.
async fn over(net: &FaultyNet<String>, memory: &InMemory, log: &Log) -> Connection {
    let building = ResilientConnection::builder(net.transport()).seed(1).interval_store(memory.clone());
    building.on_event(log.keep()).connect().await.unwrap()
}

/// Waits until the connection has learned, and returns what is proven.
async fn learned(connection: &Connection, log: &Log) -> Duration {
    let is_learned = |event: &Event| matches!(event, Event::IdleTimeoutLearned { .. });
    let before = log.count(is_learned);
    in_time(async {
        while log.count(is_learned) == before {
            tokio::time::sleep(secs(1)).await;
        }
    })
    .await;
    settle().await;
    connection.stats().keeper.proven
}

fn deaths(log: &Log) -> usize {
    log.count(|event| matches!(event, Event::Disconnected { .. }))
}

fn gaps(log: &Log) -> Vec<Duration> {
    let gap = |event: &Event| match event {
        Event::BeatSent { gap, .. } => Some(*gap),
        _ => None,
    };
    log.events().iter().filter_map(gap).collect()
}

#[tokio::test(start_paused = true)]
async fn the_next_connection_holds_what_the_last_one_learned() {
    let net = forgetting(secs(100));
    let (memory, log) = (InMemory::new(), Log::default());
    let first = over(&net, &memory, &log).await;
    let proven = learned(&first, &log).await;
    assert_eq!(proven.as_secs(), 96);
    assert!(deaths(&log) >= 1, "it learned by losing links");
    drop(first);

    let log = Log::default();
    let second = over(&net, &memory, &log).await;
    tokio::time::sleep(DAY).await;
    assert_eq!(deaths(&log), 0, "{:?}", log.events());
    assert_eq!(second.stats().keeper.interval, proven.mul_f64(0.93));
    let gaps = gaps(&log);
    assert!(gaps.len() > 900);
    for gap in gaps {
        // Drawn up to a tenth shorter; a timer may be a millisecond late.
        assert!(gap >= proven.mul_f64(0.93 * 0.9) && gap <= proven.mul_f64(0.931), "{gap:?}");
    }
    let recalled = |event: &Event| matches!(event, Event::IdleTimeoutRecalled { .. });
    assert_eq!(log.count(recalled), 1);
}

#[tokio::test(start_paused = true)]
async fn who_starts_anew_every_day_looks_upward_as_often_as_who_never_does() {
    let net = forgetting(secs(100));
    let (memory, log) = (InMemory::new(), Log::default());
    let first = over(&net, &memory, &log).await;
    let proven = learned(&first, &log).await;
    drop(first);
    let mut died = Vec::new();
    for day in 1..=23 {
        let log = Log::default();
        let connection = over(&net, &memory, &log).await;
        tokio::time::sleep(DAY - secs(60)).await;
        assert!(connection.stats().keeper.interval.abs_diff(proven.mul_f64(0.93)) < secs(1));
        died.extend((0..deaths(&log)).map(|_| day));
    }
    // A week after it was learned, and two weeks after that; its days are a
    // minute short.
    assert_eq!(died, [8, 22]);
}

#[tokio::test(start_paused = true)]
async fn without_a_memory_the_next_connection_learns_again() {
    let net = forgetting(secs(100));
    for _ in 0..2 {
        let log = Log::default();
        let building = ResilientConnection::builder(net.transport()).seed(1);
        let connection = building.on_event(log.keep()).connect().await.unwrap();
        learned(&connection, &log).await;
        assert!(deaths(&log) >= 1);
    }
}

#[tokio::test(start_paused = true)]
async fn after_more_than_seven_days_half_is_trusted_and_the_rest_is_tried() {
    let net = forgetting(secs(100));
    let (memory, log) = (InMemory::new(), Log::default());
    let first = over(&net, &memory, &log).await;
    let proven = learned(&first, &log).await;
    drop(first);
    tokio::time::sleep(7 * DAY + secs(1)).await;

    let log = Log::default();
    let second = over(&net, &memory, &log).await;
    assert_eq!(second.stats().keeper.interval, (proven / 2).mul_f64(0.93));
    tokio::time::sleep(secs(600)).await;
    assert_eq!(second.stats().keeper.interval, proven.mul_f64(0.93));
    assert_eq!(deaths(&log), 0, "{:?}", log.events());
    // The failed gap is rechecked after a day: that costs one link, and the interval holds.
    tokio::time::sleep(DAY).await;
    assert_eq!(deaths(&log), 1);
    assert_eq!(second.stats().keeper.interval, proven.mul_f64(0.93));
}

#[tokio::test(start_paused = true)]
async fn another_network_begins_afresh_and_the_former_is_known_when_it_is_back() {
    let net = forgetting(secs(100));
    let (network, log) = (NetworkHandle::new(), Log::default());
    network.set_on(NetworkStatus::Online, "home");
    let building = ResilientConnection::builder(net.transport()).seed(1).network(network.clone());
    let connection = building.on_event(log.keep()).connect().await.unwrap();
    let at_home = learned(&connection, &log).await;

    let move_to = async |name: &str, timeout| {
        net.idle_timeout(timeout, IdleExpiry::Silent);
        net.cut();
        network.set_on(NetworkStatus::Changed, name);
        tokio::time::sleep(secs(20)).await;
        assert_eq!(log.count(|event| matches!(event, Event::StoreFailed { .. })), 0);
    };
    move_to("cafe", secs(31)).await;
    assert_eq!(connection.stats().keeper.interval, secs(27));
    let at_cafe = learned(&connection, &log).await;
    assert!(at_cafe < secs(31), "{at_cafe:?}");

    move_to("home", secs(100)).await;
    assert_eq!(connection.stats().keeper.interval, at_home.mul_f64(0.93));
    let before = deaths(&log);
    tokio::time::sleep(secs(3600)).await;
    assert_eq!(deaths(&log), before, "nothing is learned twice");

    move_to("cafe", secs(31)).await;
    assert_eq!(connection.stats().keeper.proven, at_cafe);
}

#[tokio::test(start_paused = true)]
async fn news_without_another_name_changes_nothing_that_was_learned() {
    let net = forgetting(secs(100));
    let (network, log) = (NetworkHandle::new(), Log::default());
    network.set_on(NetworkStatus::Online, "home");
    let building = ResilientConnection::builder(net.transport()).seed(1).network(network.clone());
    let connection = building.on_event(log.keep()).connect().await.unwrap();
    let proven = learned(&connection, &log).await;
    network.set(NetworkStatus::Changed);
    settle().await;
    network.set_on(NetworkStatus::Changed, "home");
    settle().await;
    network.set_on(NetworkStatus::Offline, "elsewhere");
    settle().await;
    network.set(NetworkStatus::Online);
    tokio::time::sleep(secs(20)).await;
    assert_eq!(connection.stats().keeper.proven, proven);
    assert_eq!(connection.stats().keeper.interval, proven.mul_f64(0.93));
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_is_kept_by_network_and_endpoint() {
    let net = forgetting(secs(100));
    let (memory, network, log) = (InMemory::new(), NetworkHandle::new(), Log::default());
    network.set_on(NetworkStatus::Online, "home");
    let building = ResilientConnection::builder(net.transport()).seed(1).interval_store(memory.clone());
    let connection = building.network(network.clone()).on_event(log.keep()).connect().await.unwrap();
    let proven = learned(&connection, &log).await;
    let at = |network, endpoint: &str| {
        let recalled = memory.recall(&PathKey::new(network, endpoint)).unwrap();
        recalled.map(|recalled| recalled.learned.proven)
    };
    assert_eq!(at(Some("home"), "faulty:"), Some(proven));
    assert_eq!(at(None, "faulty:"), None);
    assert_eq!(at(Some("home"), "script:"), None);

    // Known to the memory, new to this connection.
    memory.remember(&PathKey::new(Some("cafe"), "faulty:"), &Learned::new(secs(58))).unwrap();
    network.set_on(NetworkStatus::Changed, "cafe");
    tokio::time::sleep(secs(5)).await;
    assert_eq!(connection.stats().keeper.proven, secs(58));
}

/// A memory that is asked and told by way of closures.
struct Tricky<R, W> {
    recall: R,
    remember: W,
    blocks: bool,
}

impl<R, W> IntervalStore for Tricky<R, W>
where
    R: Fn() -> Result<Option<Recalled>, StoreError> + Send + Sync + 'static,
    W: Fn(&Learned) -> Result<(), StoreError> + Send + Sync + 'static,
{
    fn recall(&self, _: &PathKey) -> Result<Option<Recalled>, StoreError> {
        (self.recall)()
    }

    fn remember(&self, _: &PathKey, learned: &Learned) -> Result<(), StoreError> {
        (self.remember)(learned)
    }

    fn blocks(&self) -> bool {
        self.blocks
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_is_told_what_is_new_and_once_a_day_that_it_still_holds() {
    let net = forgetting(secs(100));
    let told = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&told);
    let memory = Tricky {
        recall: || Ok(None),
        remember: move |_: &Learned| {
            counting.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
        blocks: false,
    };
    let log = Log::default();
    let building = ResilientConnection::builder(net.transport()).seed(1).interval_store(memory);
    let connection = building.on_event(log.keep()).connect().await.unwrap();
    learned(&connection, &log).await;
    let learning = told.swap(0, Ordering::Relaxed);
    assert!((2..=10).contains(&learning), "{learning}");
    tokio::time::sleep(6 * DAY).await;
    assert_eq!(told.load(Ordering::Relaxed), 5, "one beat after each whole day");
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_is_stuck_delays_neither_a_link_nor_the_end() {
    let script = Script::<String>::new([]);
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let (written, words) = mpsc::channel();
    let (asked, question) = mpsc::channel();
    let memory = Tricky {
        recall: move || {
            asked.send(()).unwrap();
            let _ = wait.lock().unwrap().recv();
            Ok(Some(Recalled::new(Learned::new(secs(68)).failed(secs(77)), Duration::ZERO)))
        },
        remember: move |learned: &Learned| {
            written.send(learned.proven).unwrap();
            Ok(())
        },
        blocks: true,
    };
    // Virtual time stands still while the pool works, unless it is pushed.
    let connection = builder(&script).interval_store(memory).connect().await.unwrap();
    let peer = script.next_link().await;
    assert_eq!(connection.stats().keeper.interval, secs(27));
    // Words that come before somebody works on the question go before it.
    tokio::task::spawn_blocking(move || question.recv_timeout(secs(60))).await.unwrap().unwrap();
    for _ in 0..30 {
        tokio::time::advance(secs(1)).await;
        settle().await;
    }
    assert_eq!(connection.stats().keeper.proven, secs(27));
    assert_eq!(words.try_recv().ok(), None);
    drop(connection);
    settle().await;
    assert!(peer.dropped_at().is_some(), "the connection is over");
    // The last word is written all the same, once the memory can.
    go_on.send(()).unwrap();
    let word = tokio::task::spawn_blocking(move || words.recv_timeout(secs(60))).await.unwrap();
    assert_eq!(word, Ok(secs(27)));
}

#[tokio::test(start_paused = true)]
async fn what_is_recalled_late_is_taken_by_the_link_in_use() {
    let script = Script::<String>::new([]);
    let (go_on, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let memory = Tricky {
        recall: move || {
            let _ = wait.lock().unwrap().recv();
            Ok(Some(Recalled::new(Learned::new(secs(68)).failed(secs(77)), Duration::ZERO)))
        },
        remember: |_: &Learned| Ok(()),
        blocks: true,
    };
    let log = Log::default();
    let connection = builder(&script).interval_store(memory).on_event(log.keep()).connect().await.unwrap();
    tokio::time::advance(secs(10)).await;
    settle().await;
    go_on.send(()).unwrap();
    tokio::time::sleep(secs(90)).await;
    assert_eq!(connection.stats().keeper.interval, secs(68).mul_f64(0.93));
    let gaps = gaps(&log);
    assert!(gaps.first().is_some_and(|gap| *gap >= secs(68).mul_f64(0.93 * 0.9)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_fails_is_told_once_and_the_connection_goes_on() {
    for blocks in [true, false] {
        let net = forgetting(secs(100));
        let memory = Tricky {
            recall: || Err(StoreError::new(StoreFault::Broken { set_aside: true })),
            remember: |_: &Learned| Err(StoreError::not_written(std::io::ErrorKind::StorageFull.into())),
            blocks,
        };
        let log = Log::default();
        let building = ResilientConnection::builder(net.transport()).seed(1).interval_store(memory);
        let connection = building.on_event(log.keep()).connect().await.unwrap();
        learned(&connection, &log).await;
        let fault = |event: &Event| match event {
            Event::StoreFailed { fault } => Some(*fault),
            _ => None,
        };
        let faults: Vec<_> = log.events().iter().filter_map(fault).collect();
        let storage_full = StoreFault::NotWritten(std::io::ErrorKind::StorageFull);
        assert_eq!(faults, [StoreFault::Broken { set_aside: true }, storage_full]);
        assert!(matches!(connection.watch().state(), State::Connected { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_panics_is_contained() {
    for blocks in [true, false] {
        let script = Script::<String>::new([]);
        let log = Log::default();
        let memory = Tricky { recall: || panic!("recalling"), remember: |_: &Learned| Ok(()), blocks };
        let connection =
            builder(&script).interval_store(memory).on_event(log.keep()).connect().await.unwrap();
        tokio::time::sleep(secs(60)).await;
        let panicked = |event: &Event| matches!(event, Event::StoreFailed { fault: StoreFault::Panicked });
        assert_eq!(log.count(panicked), 1);
        assert_eq!(connection.stats().panics, 1);
        assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_an_endpoint_is_not_remembered() {
    let script = Script::<String>::new([]);
    let transport = script.transport();
    let nameless = longlink::transport::from_fn(move |attempt| {
        let transport = script.transport();
        async move { transport.connect(&attempt).await }
    });
    assert_eq!(
        (transport.endpoint(0).as_deref(), Transport::endpoint(&nameless, 0)),
        (Some("script:"), None)
    );
    let memory = Tricky {
        recall: || panic!("it has no name to ask by"),
        remember: |_: &Learned| panic!("it has no name to keep it by"),
        blocks: false,
    };
    let connection =
        ResilientConnection::builder(nameless).seed(1).interval_store(memory).connect().await.unwrap();
    tokio::time::sleep(secs(600)).await;
    assert!(connection.stats().keeper.proven >= secs(100));
    assert_eq!(connection.stats().panics, 0);
}

#[tokio::test(start_paused = true)]
async fn a_fixed_interval_asks_and_tells_nothing() {
    let script = Script::<String>::new([]);
    for heartbeat in [Heartbeat::fixed(secs(30)), Heartbeat::off()] {
        let memory =
            Tricky { recall: || panic!("asked"), remember: |_: &Learned| panic!("told"), blocks: false };
        let connection =
            builder(&script).heartbeat(heartbeat).interval_store(memory).connect().await.unwrap();
        tokio::time::sleep(secs(600)).await;
        assert_eq!(connection.stats().panics, 0);
    }
}

#[cfg(feature = "websocket")]
#[test]
fn an_endpoint_is_scheme_host_and_port_and_no_secret() {
    let endpoint = |url: &str| longlink::WebSocket::new(url).unwrap().endpoint(0);
    assert_eq!(endpoint("ws://example.com/secret?token=secret").as_deref(), Some("ws://example.com:80"));
    assert_eq!(endpoint("ws://[::1]:99/secret").as_deref(), Some("ws://[::1]:99"));
}

/// An error that cannot be shown.
#[derive(Debug)]
struct Unspeakable;

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("it cannot be shown")
    }
}

impl std::error::Error for Unspeakable {}

/// A log that shows whatever is logged.
struct Shows;

impl tracing::field::Visit for Shows {
    fn record_debug(&mut self, _: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        let _ = format!("{value:?}");
    }
}

impl tracing::Subscriber for Shows {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Shows);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_when_it_is_logged_is_contained() {
    let _shown = tracing::subscriber::set_default(Shows);
    let script = Script::<String>::new([]);
    let memory = Tricky {
        recall: || Err(StoreError::new(StoreFault::Refused).with_source(Unspeakable)),
        remember: |_: &Learned| Ok(()),
        blocks: false,
    };
    let connection = builder(&script).interval_store(memory).connect().await.unwrap();
    tokio::time::sleep(secs(60)).await;
    assert_eq!(connection.stats().panics, 1);
    assert_eq!(connection.watch().state(), State::Connected { epoch: 1 });
}
