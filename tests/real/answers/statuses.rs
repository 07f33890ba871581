//! HTTP statuses at the upgrade: nginx says them, with TLS and without.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use longlink::{Error, Failure, GiveUp, Reconnect, RetryReason};

use crate::authority::Authority;
use crate::client::{Client, Next};
use crate::site::{Site, statuses};
use crate::{SMALL, small, tools};

/// Final, if somebody has vouched for them.
const FINAL: [u16; 9] = [400, 403, 405, 410, 426, 431, 451, 501, 505];
/// Final if the same comes again; 404 if it comes a third time.
const REPEATED: [u16; 3] = [401, 404, 407];
/// They speak of now.
const PASSING: [u16; 12] = [408, 421, 425, 429, 500, 502, 503, 504, 520, 521, 524, 529];
/// Others that a server, a proxy or a portal may send. No word on them: they
/// are retried.
const OTHERS: [u16; 7] = [200, 204, 302, 307, 402, 418, 511];

fn all() -> String {
    statuses(&[&FINAL[..], &REPEATED, &PASSING, &OTHERS].concat())
}

fn http(status: u16, verified: bool) -> Failure {
    Failure::Http { status, retry_after: None, verified }
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The first failed attempt against each status, and what follows, at scale 1.
async fn first(site: &Site, authority: &Authority, statuses: &[u16]) -> BTreeMap<u16, (Failure, Next)> {
    let found = join_all(statuses.iter().map(|&status| async move {
        let transport = site.transport(&format!("/{status}")).tls_config(authority.client());
        let mut client = Client::start(transport, Reconnect::default(), u64::from(status));
        (status, client.failed().await)
    }));
    found.await.into_iter().collect()
}

#[tokio::test]
async fn pitfall_14_a_final_status_of_a_verified_server_is_asked_for_once() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let site = Site::verified(&tools, &authority, &all());
    join_all(FINAL.map(|status| {
        let (site, authority) = (&site, &authority);
        async move {
            let transport = site.transport(&format!("/{status}")).tls_config(authority.client());
            let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
            let reason = GiveUp::Failure(http(status, true));
            assert_eq!(client.failed().await, (http(status, true), Next::GaveUp(reason.clone())));
            match client.error().await {
                Error::GaveUp { reason: told, source: Some(_) } => assert_eq!(told, reason),
                other => panic!("{other:?}"),
            }
        }
    }))
    .await;
    for status in FINAL {
        site.assert_only(&format!("/{status}"), 1).await;
    }
}

#[tokio::test]
async fn pitfall_14_a_verified_404_is_asked_for_three_times_in_a_minute() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let site = Site::verified(&tools, &authority, &all());
    // So that a minute takes 600 ms.
    let scale = 1.0 / 100.0;
    let transport = site.transport("/404").tls_config(authority.client());
    let mut client = Client::start(transport, Reconnect::default().scaled(scale), 1);
    for _ in 0..2 {
        let (failure, next) = client.failed().await;
        assert_eq!(failure, http(404, true));
        next.assert_because(RetryReason::AttemptFailed);
        next.assert_between(millis(150), millis(300));
    }
    let reason = GiveUp::Failure(http(404, true));
    assert_eq!(client.failed().await.1, Next::GaveUp(reason));
    site.assert_only("/404", 3).await;
}

#[tokio::test]
async fn pitfall_14_the_same_401_or_407_of_a_verified_server_twice_stops() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let site = Site::verified(&tools, &authority, &all());
    for status in [401, 407] {
        let transport = site.transport(&format!("/{status}")).tls_config(authority.client());
        let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
        let (failure, next) = client.failed().await;
        assert_eq!(failure, http(status, true));
        next.assert_between(small(millis(500)), small(secs(1)));
        assert_eq!(client.failed().await.1, Next::GaveUp(GiveUp::Failure(http(status, true))));
        site.assert_only(&format!("/{status}"), 2).await;
    }
}

#[tokio::test]
async fn pitfall_43_no_status_of_a_server_that_nobody_vouches_for_is_final() {
    let Some(tools) = tools() else { return };
    let site = Site::plain(&tools, &all());
    let authority = Authority::new();
    let final_ones = [&FINAL[..], &REPEATED].concat();
    for (status, (failure, next)) in first(&site, &authority, &final_ones).await {
        assert_eq!(failure, http(status, false));
        next.assert_because(RetryReason::AttemptFailed);
        // The longest delay there is, from the first attempt on.
        next.assert_between(secs(30), secs(60));
    }
    let clients = final_ones.iter().map(|&status| {
        let transport = site.transport(&format!("/{status}"));
        async move {
            let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), u64::from(status));
            for delay in client.delays(8).await {
                assert!(delay >= millis(30) && delay <= millis(60), "{status}: {delay:?}");
            }
        }
    });
    join_all(clients).await;
}

#[tokio::test]
async fn a_status_that_speaks_of_now_is_retried_by_the_backoff_from_anybody() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let retried = [&PASSING[..], &OTHERS].concat();
    for (site, verified) in
        [(Site::plain(&tools, &all()), false), (Site::verified(&tools, &authority, &all()), true)]
    {
        for (status, (failure, next)) in first(&site, &authority, &retried).await {
            assert_eq!(failure, http(status, verified));
            next.assert_because(RetryReason::AttemptFailed);
            next.assert_between(millis(500), secs(1));
        }
        let clients = retried.iter().map(|&status| {
            let transport = site.transport(&format!("/{status}")).tls_config(authority.client());
            async move {
                let mut client =
                    Client::start(transport, Reconnect::default().scaled(SMALL), u64::from(status));
                for (made, delay) in client.delays(8).await.into_iter().enumerate() {
                    let step = millis(1 << made.min(6)).min(millis(60));
                    assert!(delay >= small(millis(500)) && delay <= step, "{status}: {delay:?}");
                }
            }
        });
        join_all(clients).await;
    }
}
