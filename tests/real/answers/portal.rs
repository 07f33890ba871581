//! A captive portal: it answers in the server's place until somebody has
//! clicked.

use std::time::Duration;

use longlink::{Event, Failure, NetworkStatus, Reconnect, RetryReason, WebSocket};

use crate::authority::Authority;
use crate::client::Client;
use crate::process::{free_port, pass_to};
use crate::site::{Site, says};
use crate::{SMALL, tools};

/// Says that the network changed, and waits for the link that must follow:
/// the very next attempt, no later than good news allows.
async fn online_again(client: &mut Client) {
    client.network.set(NetworkStatus::Changed);
    let delay = client
        .until(|event| match event {
            Event::ReconnectAdvanced { delay, reason: RetryReason::Network } => Some(*delay),
            Event::Connected { .. } => panic!("connected through the portal"),
            _ => None,
        })
        .await;
    assert!(delay >= Duration::from_millis(200) && delay <= Duration::from_secs(1), "{delay:?}");
    client.connected().await;
    client.send("back").await;
    assert_eq!(client.message().await.as_text(), Some("back"));
}

/// A client that waits for at least half a minute behind the portal. Not every
/// page means the longest delay, so its backoff begins with that, and it is one
/// whose draw was long.
async fn waiting_long(portal: &Site) -> Client {
    for seed in 0..100 {
        let reconnect = Reconnect::default().base(Duration::from_secs(60));
        let mut client = Client::start(portal.transport("/"), reconnect, seed);
        let (failure, next) = client.failed().await;
        assert!(matches!(failure, Failure::Http { verified: false, .. }), "{failure:?}");
        if next.assert_between(Duration::ZERO, Duration::from_secs(60)) >= Duration::from_secs(30) {
            return client;
        }
    }
    panic!("no draw in a hundred is long")
}

#[tokio::test]
async fn pitfall_43_a_portals_page_over_ws_stops_nobody() {
    let Some(tools) = tools() else { return };
    let echo = free_port();
    let _echo = tools.python("echo.py", echo);
    for page in [
        says("/", 200),
        says("/", 403),
        says("/", 511),
        "location = / { return 302 http://portal.test/login; }".to_owned(),
    ] {
        let port = free_port();
        let portal = Site::plain_on(&tools, port, &page);
        // Behind it for an hour, at scale.
        let behind =
            Client::start(portal.transport("/"), Reconnect::default().scaled(SMALL), 1).delays(20).await;
        assert!(behind.iter().max() <= Some(&Duration::from_millis(60)), "{behind:?}");

        let mut client = waiting_long(&portal).await;
        drop(portal);
        let _server = Site::plain_on(&tools, port, &format!("location / {{ {} }}", pass_to(echo)));
        online_again(&mut client).await;
    }
}

#[tokio::test]
async fn pitfall_43_a_portals_certificate_on_wss_stops_nobody() {
    let Some(tools) = tools() else { return };
    let echo = free_port();
    let _echo = tools.python("echo.py", echo);
    let authority = Authority::new();
    let certificates = [
        Authority::new().identity("127.0.0.1"),
        authority.identity("portal.test"),
        authority.expired_identity("127.0.0.1"),
    ];
    for certificate in certificates {
        let port = free_port();
        let portal = Site::secure_on(&tools, port, &certificate, &says("/", 403));
        let transport = || -> WebSocket { portal.transport("/").tls_config(authority.client()) };
        let behind = Client::start(transport(), Reconnect::default().scaled(SMALL), 1).delays(6).await;
        assert!(behind.iter().max() <= Some(&Duration::from_millis(300)), "{behind:?}");

        let mut client = Client::start(transport(), Reconnect::default(), 1);
        assert_eq!(client.failed().await.0, Failure::Tls);
        assert_eq!(portal.requests("/"), 0, "nothing was said to it");
        drop(portal);
        let good = authority.identity("127.0.0.1");
        let _server = Site::secure_on(&tools, port, &good, &format!("location / {{ {} }}", pass_to(echo)));
        online_again(&mut client).await;
    }
}
