//! HAProxy in front of two servers.

use std::time::Duration;

use longlink::{Detection, Event, Failure, Heartbeat, WebSocket};
use tokio::time::{sleep, timeout};

use crate::backend::{Backend, Kind};
use crate::flow::{Flow, PATIENCE};
use crate::haproxy::{Haproxy, Settings};
use crate::software;

/// HAProxy cuts a tunnel that is idle for this long.
const LIMIT: Duration = Duration::from_secs(6);
/// So that it stands for one of 60 s.
const SCALE: f64 = 1.0 / 10.0;
/// How long a process that was replaced keeps its links.
const GRACE: Duration = Duration::from_secs(4);

fn transport(haproxy: &Haproxy) -> WebSocket {
    WebSocket::new(format!("ws://127.0.0.1:{}/echo", haproxy.port())).expect("a sound URL")
}

/// A server of each kind.
fn pair(software: &crate::Software) -> (Backend, Backend) {
    (Backend::start(software, Kind::Python), Backend::start(software, Kind::Node))
}

#[tokio::test]
async fn the_tunnel_s_limit_is_learned_and_held() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Node);
    let settings = Settings { tunnel: LIMIT, ..Settings::new(&[(backend.port(), true)]) };
    let haproxy = Haproxy::start(&software, &settings, |_| String::new());
    let mut flow = Flow::start_with(transport(&haproxy), Heartbeat::adaptive().scaled(SCALE));
    flow.echoed().await;
    let (mut learned, mut connected) = (false, true);
    while !(learned && connected) {
        flow.event(|event| {
            match event {
                Event::IdleTimeoutLearned { .. } => learned = true,
                Event::Disconnected { .. } => connected = false,
                Event::Connected { .. } => connected = true,
                _ => return None,
            }
            Some(())
        })
        .await;
    }
    let lost = flow.account().lost.len();
    assert!((1..=3).contains(&lost), "learning cost {lost} links");

    // Twice the limit without a message.
    let _ = timeout(LIMIT * 2, flow.event(|_| None::<()>)).await;
    assert_eq!(flow.account().lost.len(), lost, "{:?}", flow.account());
    let ratio = flow.connection().stats().keeper.interval.div_duration_f64(LIMIT);
    assert!((0.7..=0.97).contains(&ratio), "{ratio:.2} of the limit");
    flow.echoed().await;
    flow.finish(&[&backend]).await;
}

#[tokio::test]
async fn a_switch_to_another_server_costs_one_reconnect() {
    let Some(software) = software() else { return };
    let (first, second) = pair(&software);
    let settings = Settings::new(&[(first.port(), true), (second.port(), false)]);
    let haproxy = Haproxy::start(&software, &settings, |_| String::new());
    let mut flow = Flow::start(transport(&haproxy));
    flow.steady(true);
    flow.echoed().await;
    haproxy.say("set server back/s1 state ready");
    haproxy.say("set server back/s0 state maint");
    assert!(matches!(flow.lost().await, Detection::Ended(_)));
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&first, &second]).await;
    assert_eq!((account.links, account.failures), (2, Vec::new()));
    assert!(!first.received().is_empty() && !second.received().is_empty());
}

#[tokio::test]
async fn a_reload_costs_one_reconnect_when_the_old_process_ends() {
    let Some(software) = software() else { return };
    let (first, second) = pair(&software);
    let settings = Settings { grace: GRACE, ..Settings::new(&[(first.port(), true)]) };
    let mut haproxy = Haproxy::start(&software, &settings, |_| String::new());
    let mut flow = Flow::start(transport(&haproxy));
    flow.steady(true);
    flow.echoed().await;
    let mut old = haproxy.reload(&Settings { servers: vec![(second.port(), true)], ..settings });
    // Somebody else is served by the other server by now.
    let mut other = Flow::start(transport(&haproxy));
    while second.journal().is_empty() {
        other.connection().reconnect_now();
        other.connected().await;
        sleep(Duration::from_millis(10)).await;
    }
    flow.echoed().await;
    assert_eq!(flow.account().links, 1, "the old process keeps its link");

    assert!(matches!(flow.lost().await, Detection::Ended(_)));
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&first, &second]).await;
    assert_eq!((account.links, account.failures), (2, Vec::new()));
    assert!(!first.received().is_empty() && !second.received().is_empty());
    old.wait();
}

#[tokio::test]
async fn a_503_while_no_server_is_there_is_retried_until_one_is() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Node);
    let haproxy = Haproxy::start(&software, &Settings::new(&[(backend.port(), false)]), |_| String::new());
    let mut flow = Flow::start(transport(&haproxy));
    flow.send_next().await;
    let unavailable = Failure::Http { status: 503, retry_after: None, verified: false };
    for _ in 0..2 {
        assert_eq!(flow.failed().await, unavailable);
    }
    haproxy.say("set server back/s0 state ready");
    timeout(PATIENCE, flow.echoed()).await.expect("back in time");
    assert_eq!(flow.finish(&[&backend]).await.links, 1);
    assert_eq!(backend.received(), [1, 2]);
}
