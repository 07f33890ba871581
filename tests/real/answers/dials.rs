//! Names and addresses that lead nowhere: always retried.

use std::time::Duration;

use longlink::{Failure, Reconnect, RetryReason, WebSocket};

use crate::client::{Client, Next};
use crate::process::free_port;
use crate::{SMALL, small, tools};

/// Attempts against each: the backoff is at its longest by then.
const ATTEMPTS: usize = 10;

fn transport(authority: &str) -> WebSocket {
    WebSocket::new(format!("ws://{authority}/")).expect("a sound URL")
}

/// Each attempt fails so, none is the last, and the delays are the backoff's.
async fn assert_retried(mut client: Client, expected: &Failure, attempts: usize) {
    let mut step = small(Duration::from_secs(1));
    for _ in 0..attempts {
        let (failure, next) = client.failed().await;
        assert_eq!(failure, *expected);
        next.assert_because(RetryReason::AttemptFailed);
        next.assert_between(small(Duration::from_millis(500)), step);
        step = (step * 2).min(small(Duration::from_secs(60)));
    }
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_retried() {
    // A label may have 63 bytes: the resolver asks nobody for this one.
    let name = format!("{}.test", "x".repeat(64));
    let client = Client::start(transport(&name), Reconnect::default().scaled(SMALL), 1);
    assert_retried(client, &Failure::Dns, ATTEMPTS).await;
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_retried() {
    let transport = transport(&format!("127.0.0.1:{}", free_port()));
    let client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
    assert_retried(client, &Failure::Refused, ATTEMPTS).await;
}

#[tokio::test]
async fn a_server_that_is_frozen_is_given_the_attempt_s_deadline_and_retried() {
    let Some(tools) = tools() else { return };
    let port = free_port();
    let server = tools.python("echo.py", port);
    server.signal("STOP");
    let reconnect = Reconnect::default().scaled(SMALL).attempt_deadline(Duration::from_millis(500));
    let mut client = Client::start(transport(&format!("127.0.0.1:{port}")), reconnect, 1);
    for _ in 0..3 {
        let (failure, next) = client.failed().await;
        assert_eq!(failure, Failure::TimedOut);
        assert!(matches!(next, Next::Wait { reason: RetryReason::AttemptFailed, .. }), "{next:?}");
    }
    server.signal("CONT");
    client.until(|event| matches!(event, longlink::Event::Connected { .. }).then_some(())).await;
}

/// Tests that need a network of their own.
#[cfg(target_os = "linux")]
mod alone {
    use super::*;
    use crate::had;
    use crate::namespace::{Namespace, Settlement};

    /// A host of its own: `routes` are its routes beside loopback's.
    fn host(routes: &[&str]) -> Option<(Namespace, Settlement)> {
        had((|| {
            let namespace = Namespace::make("host")?;
            for route in routes {
                namespace.ip(&format!("route add {route}"))?;
            }
            let settlement = namespace.settle();
            Ok((namespace, settlement))
        })()
        .map_err(|missing: String| format!("no network of its own (it takes root, iproute2): {missing}")))
    }

    fn client(place: &Settlement, authority: &str, reconnect: Reconnect) -> Client {
        Client::start_on(place.handle(), transport(authority), reconnect, 1)
    }

    #[tokio::test]
    async fn a_host_without_a_network_retries_names_and_addresses() {
        let Some((_namespace, place)) = host(&[]) else { return };
        // Documentation's own addresses (RFC 5737, RFC 3849).
        for authority in ["192.0.2.1:80", "[2001:db8::1]:80"] {
            let client = client(&place, authority, Reconnect::default().scaled(SMALL));
            assert_retried(client, &Failure::Unreachable, ATTEMPTS).await;
        }
        let client = client(&place, "longlink.test", Reconnect::default().scaled(SMALL));
        assert_retried(client, &Failure::Dns, 3).await;
    }

    #[tokio::test]
    async fn a_route_that_says_no_is_retried() {
        let routes = ["unreachable 192.0.2.0/24", "prohibit 198.51.100.0/24", "blackhole 203.0.113.0/24"];
        let Some((_namespace, place)) = host(&routes) else { return };
        let denied = Failure::Io { kind: std::io::ErrorKind::PermissionDenied };
        let invalid = Failure::Io { kind: std::io::ErrorKind::InvalidInput };
        for (authority, expected) in
            [("192.0.2.1:80", Failure::Unreachable), ("198.51.100.1:80", denied), ("203.0.113.1:80", invalid)]
        {
            let client = client(&place, authority, Reconnect::default().scaled(SMALL));
            assert_retried(client, &expected, ATTEMPTS).await;
        }
    }

    #[tokio::test]
    async fn packets_that_vanish_are_given_the_attempt_s_deadline_or_the_system_s() {
        const DROP: &str = "table ip vanish {
            chain input { type filter hook input priority filter; policy accept; tcp dport 80 drop; }
        }";
        let Some((namespace, place)) = host(&[]) else { return };
        if had(namespace.nft(DROP)).is_none() {
            return;
        }
        let reconnect = Reconnect::default().scaled(SMALL).attempt_deadline(Duration::from_millis(100));
        let short = client(&place, "127.0.0.1:80", reconnect);
        assert_retried(short, &Failure::TimedOut, 4).await;
        // The system gives up after one repetition, 3 s in all.
        namespace.sysctl("ipv4/tcp_syn_retries", "1").expect("it is the namespace's own");
        let long = client(&place, "127.0.0.1:80", Reconnect::default().scaled(SMALL));
        assert_retried(long, &Failure::TimedOut, 2).await;
    }
}
