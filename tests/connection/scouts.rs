//! Scouts, activity, the limit for silence and updates, through a whole
//! connection and in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::support::*;
use longlink::keeper::Purpose;
use longlink::testing::{FaultyNet, FaultyTransport, IdleExpiry};
use longlink::transport::Transport;
use longlink::{
    Activity, Builder, Cause, Detection, Event, Evidence, Heartbeat, Invalid, Probing, Reconnect,
    ResilientConnection, ScoutResult, Update,
};

const TIMEOUT: u64 = 100;

fn scouting() -> Heartbeat {
    Heartbeat::adaptive().probing(Probing::Scout)
}

/// A network that forgets flows that are idle for [`TIMEOUT`].
fn net() -> FaultyNet<String> {
    let net = FaultyNet::new(1);
    net.idle_timeout(secs(TIMEOUT), IdleExpiry::Silent);
    net
}

fn over(net: &FaultyNet<String>) -> Builder<FaultyTransport<String>> {
    ResilientConnection::builder(net.transport()).seed(1)
}

async fn pass(seconds: u64) {
    for _ in 0..seconds {
        tokio::time::sleep(secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn scouts_learn_the_timeout_and_the_link_in_use_lives() {
    let net = net();
    let log = Log::default();
    let connection = over(&net).heartbeat(scouting()).on_event(log.keep()).connect().await.unwrap();
    for _ in 0..600 {
        pass(1).await;
        assert!(net.open_links() <= 1 + 3 + 3, "the user's link, three scouts, three goodbyes");
    }
    let stats = connection.stats();
    let proven = stats.keeper.proven.as_secs_f64() / TIMEOUT as f64;
    assert!((0.9..1.0).contains(&proven), "{stats:?}");
    assert_eq!(stats.keeper.reconnects, 0);
    assert_eq!(net.open_links(), 1, "every scout is gone");
    assert_eq!(stats.keeper.scouts_sent, log.count(|event| matches!(event, Event::ScoutSent { .. })) as u64);
    assert!(stats.keeper.scout_beats >= 5, "{stats:?}");
    let died = |event: &Event| matches!(event, Event::ScoutReturned { met: ScoutResult::Expired, .. });
    assert!(log.count(died) >= 1);
}

#[tokio::test(start_paused = true)]
async fn pitfall_47_without_overlap_the_users_session_stays_the_only_one() {
    let net = net();
    let log = Log::default();
    let connection =
        over(&net).heartbeat(scouting()).overlap(false).on_event(log.keep()).connect().await.unwrap();
    for _ in 0..600 {
        pass(1).await;
        assert_eq!(net.open_links(), 1);
    }
    assert_eq!(connection.stats().keeper.scouts_sent, 0);
    assert_eq!(log.count(|event| *event == Event::ScoutsRefused), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_on_a_scout_reaches_nobody() {
    let net = net();
    let mut connection = over(&net).heartbeat(scouting()).connect().await.unwrap();
    let main = net.accept().await;
    let scout = in_time(net.accept()).await;
    scout.send("to a scout".to_owned());
    settle().await;
    main.send("to the user".to_owned());
    assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), "to the user");
    assert_eq!(connection.stats().messages_received, 1);
}

#[tokio::test(start_paused = true)]
async fn scouts_go_with_their_connection() {
    let net = net();
    let connection = over(&net).heartbeat(scouting()).connect().await.unwrap();
    while net.open_links() < 4 {
        pass(1).await;
    }
    drop(connection);
    settle().await;
    assert_eq!(net.open_links(), 0);
}

#[tokio::test(start_paused = true)]
async fn scouts_log_in_only_if_they_are_told_to() {
    for told in [false, true] {
        let net = net();
        let (logins, scouts) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let (counted, counted_scouts) = (Arc::clone(&logins), Arc::clone(&scouts));
        let mut builder = over(&net).heartbeat(scouting()).on_connect(move |handshake| {
            counted.fetch_add(1, Ordering::Relaxed);
            if handshake.attempt().purpose() == Purpose::Scout {
                counted_scouts.fetch_add(1, Ordering::Relaxed);
            }
            async move { Ok(handshake) }
        });
        if told {
            builder = builder.scouts_log_in();
        }
        let connection = builder.connect().await.unwrap();
        pass(60).await;
        let sent = connection.stats().keeper.scouts_sent;
        assert!(sent >= 3);
        let expected = if told { sent as u32 } else { 0 };
        assert_eq!(scouts.load(Ordering::Relaxed), expected);
        assert_eq!(logins.load(Ordering::Relaxed), 1 + expected);
    }
}

#[tokio::test(start_paused = true)]
async fn pitfall_03_a_feed_that_answers_beats_and_says_nothing_is_dropped() {
    let net: FaultyNet<String> = FaultyNet::new(1);
    let log = Log::default();
    let connection = over(&net)
        .heartbeat(Heartbeat::fixed(secs(15)))
        .silence_limit(secs(60))
        .on_event(log.keep())
        .connect()
        .await
        .unwrap();
    let first = net.accept().await;
    pass(50).await;
    first.send("news".to_owned());
    pass(59).await;
    assert_eq!(connection.stats().keeper.reconnects, 0, "the limit counts from the last message");
    pass(3).await;
    assert_eq!(connection.stats().keeper.reconnects, 1);
    let lost = |event: &Event| matches!(event, Event::Disconnected { detection: Detection::NoMessage, .. });
    assert_eq!(log.count(lost), 1);
    let diagnosed = |event: &Event| {
        matches!(event, Event::Diagnosed { cause: Cause::ServerStuck, evidence: Evidence::SilenceLimit, .. })
    };
    assert_eq!(log.count(diagnosed), 1);
    assert!(connection.stats().keeper.beats_sent >= 6, "every beat was answered");
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_a_silent_feed_is_kept() {
    let net: FaultyNet<String> = FaultyNet::new(1);
    let connection = over(&net).heartbeat(Heartbeat::fixed(secs(15))).connect().await.unwrap();
    pass(3_600).await;
    assert_eq!(connection.stats().keeper.reconnects, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_is_not_the_servers_silence() {
    let net: FaultyNet<String> = FaultyNet::new(1);
    let mut connection = over(&net)
        .heartbeat(Heartbeat::fixed(secs(15)))
        .silence_limit(secs(60))
        .inbox_messages(4)
        .connect()
        .await
        .unwrap();
    let server = net.accept().await;
    for number in 0..20 {
        server.send(number.to_string());
    }
    pass(300).await;
    assert_eq!(connection.stats().keeper.reconnects, 0);
    for number in 0..20 {
        assert_eq!(in_time(connection.recv()).await.unwrap().unwrap(), number.to_string());
    }
    pass(70).await;
    assert_eq!(connection.stats().keeper.reconnects, 1, "with room again the limit counts anew");
}

#[tokio::test(start_paused = true)]
async fn the_interval_grows_in_the_background_and_not_in_the_foreground() {
    let net = net();
    let connection = over(&net).connect().await.unwrap();
    connection.set_activity(Activity::Foreground);
    pass(600).await;
    let stats = connection.stats();
    assert_eq!(stats.keeper.reconnects, 0);
    assert!(stats.keeper.interval <= secs(27), "{stats:?}");
    connection.set_activity(Activity::Background);
    pass(900).await;
    let stats = connection.stats();
    assert!(stats.keeper.interval >= secs(70), "{stats:?}");
    assert!(stats.keeper.reconnects >= 1, "learning has its price: {stats:?}");
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_changes_while_the_link_stays() {
    let net: FaultyNet<String> = FaultyNet::new(1);
    let connection = over(&net).heartbeat(Heartbeat::fixed(secs(60))).connect().await.unwrap();
    pass(600).await;
    assert_eq!(connection.stats().keeper.beats_sent, 9);
    connection.update(Update::new().heartbeat(Heartbeat::prompt())).unwrap();
    pass(150).await;
    let stats = connection.stats();
    assert!((18..=20).contains(&stats.keeper.beats_sent), "{stats:?}");
    assert_eq!(stats.keeper.reconnects, 0);
    assert_eq!(stats.keeper.interval, secs(15));
}

#[tokio::test(start_paused = true)]
async fn an_update_adds_to_the_one_before_and_nonsense_changes_nothing() {
    let net: FaultyNet<String> = FaultyNet::new(1);
    let connection = over(&net).heartbeat(Heartbeat::fixed(secs(60))).connect().await.unwrap();
    let refused = connection.update(Update::new().heartbeat(Heartbeat::adaptive().min(secs(0))));
    assert!(matches!(refused, Err(Invalid { field: "heartbeat.min", .. })), "{refused:?}");
    connection.update(Update::new().silence_limit(Some(secs(30)))).unwrap();
    connection.update(Update::new().reconnect(Reconnect::eager())).unwrap();
    pass(29).await;
    assert_eq!(connection.stats().keeper.reconnects, 0);
    pass(2).await;
    assert_eq!(connection.stats().keeper.reconnects, 1, "both updates count");
    connection.update(Update::new().silence_limit(None)).unwrap();
    pass(300).await;
    assert_eq!(connection.stats().keeper.reconnects, 1);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_for_a_scout_is_contained_and_counted() {
    let net = net();
    let transport = Arc::new(net.transport());
    let panics_for_scouts = longlink::transport::from_fn(move |attempt| {
        let transport = Arc::clone(&transport);
        async move {
            assert_eq!(attempt.purpose(), Purpose::Main, "no scouts");
            transport.connect(&attempt).await
        }
    });
    let connection = ResilientConnection::builder(panics_for_scouts)
        .seed(1)
        .heartbeat(scouting())
        .connect()
        .await
        .unwrap();
    pass(20).await;
    let stats = connection.stats();
    assert!(stats.panics >= 1, "{stats:?}");
    assert_eq!(stats.keeper.reconnects, 0);
}
