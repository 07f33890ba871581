//! TLS that fails: never final, never trusted.

use std::time::Duration;

use futures::future::join_all;
use longlink::{Event, Failure, NetworkStatus, Reconnect, RetryReason, WebSocket};

use crate::authority::Authority;
use crate::client::{Client, Next};
use crate::process::{Process, Tools, free_port};
use crate::site::{Site, says};
use crate::{SMALL, small, tools};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Servers that a client of `authority` must not trust.
struct Strangers {
    sites: Vec<(&'static str, Site)>,
    /// Speaks WebSocket, but no TLS.
    plain: (u16, Process),
    authority: Authority,
}

impl Strangers {
    fn start(tools: &Tools) -> Strangers {
        let authority = Authority::new();
        let location = says("/", 200);
        let secure = |identity| Site::secure_on(tools, free_port(), &identity, &location);
        let sites = vec![
            ("an authority that nobody knows", secure(Authority::new().identity("127.0.0.1"))),
            ("expired", secure(authority.expired_identity("127.0.0.1"))),
            ("another name", secure(authority.identity("elsewhere.test"))),
            ("another address", secure(authority.identity("127.0.0.2"))),
        ];
        let port = free_port();
        let plain = (port, tools.python("echo.py", port));
        Strangers { sites, plain, authority }
    }

    /// A transport to each of them that trusts the authority.
    fn transports(&self) -> Vec<(&'static str, WebSocket)> {
        let ports = self.sites.iter().map(|(what, site)| (*what, site.port()));
        let all = ports.chain([("no TLS, but WebSocket", self.plain.0)]);
        let transport = |port| WebSocket::new(format!("wss://127.0.0.1:{port}/")).expect("a sound URL");
        all.map(|(what, port)| (what, transport(port).tls_config(self.authority.client()))).collect()
    }

    /// No request came through.
    fn assert_untouched(&self) {
        for (what, site) in &self.sites {
            assert_eq!(site.requests("/"), 0, "{what}");
        }
    }
}

#[tokio::test]
async fn an_unverified_peer_is_retried_from_30_s_on_and_told_nothing() {
    let Some(tools) = tools() else { return };
    let strangers = Strangers::start(&tools);
    for (what, transport) in strangers.transports() {
        let transport = transport.header("Authorization", "Bearer secret").expect("a sound header");
        let mut client = Client::start(transport, Reconnect::default(), 1);
        let (failure, next) = client.failed().await;
        assert_eq!(failure, Failure::Tls, "{what}");
        next.assert_because(RetryReason::AttemptFailed);
        next.assert_between(secs(30), secs(60));
    }
    strangers.assert_untouched();
}

#[tokio::test]
async fn an_unverified_peer_is_never_final_and_asked_every_5_minutes() {
    let Some(tools) = tools() else { return };
    let strangers = Strangers::start(&tools);
    let clients = strangers.transports().into_iter().map(|(what, transport)| async move {
        let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
        let delays = client.delays(8).await;
        for (failures, delay) in (1..).zip(&delays) {
            let high = small((secs(30) * (1 << failures)).min(secs(300)));
            assert!(*delay >= small(secs(30)) && *delay <= high, "{what}: {delays:?}");
        }
        assert!(delays.iter().any(|delay| *delay > small(secs(120))), "{what}: {delays:?}");
    });
    join_all(clients).await;
    strangers.assert_untouched();
}

#[tokio::test]
async fn on_another_network_tls_begins_afresh() {
    let Some(tools) = tools() else { return };
    let strangers = Strangers::start(&tools);
    let clients = strangers.transports().into_iter().map(|(what, transport)| async move {
        let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
        for _ in 0..4 {
            // Until the next delay may be of any length up to five minutes.
            client.delays(4).await;
            client.network.set(NetworkStatus::Changed);
            client.until(|event| matches!(event, Event::NetworkChanged).then_some(())).await;
            match client.failed().await {
                (Failure::Tls, next @ Next::Wait { .. }) => {
                    next.assert_between(small(secs(30)), small(secs(60)));
                }
                other => panic!("{what}: {other:?}"),
            }
        }
    });
    join_all(clients).await;
}
