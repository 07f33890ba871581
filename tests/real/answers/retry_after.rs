//! `Retry-After`, as nginx says it.

use std::process::Command;
use std::time::Duration;

use longlink::{Event, NetworkStatus, Reconnect, RetryReason};

use crate::authority::Authority;
use crate::client::Client;
use crate::site::{Site, says_with};
use crate::tools;

/// Statuses that speak of now, and so may name a time.
const BUSY: [u16; 5] = [429, 500, 502, 503, 504];

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// A date as HTTP writes it, or used to write it, from the system's own
/// `date`.
fn date(when: &str, form: &str) -> String {
    let output = Command::new("date").env("LC_ALL", "C").args(["-u", "-d", when, form]).output();
    let date = output.expect("date runs").stdout;
    String::from_utf8(date).expect("a date is ASCII").trim().to_owned()
}

/// A location for each way to say it.
fn locations(ways: &[(&str, String)]) -> String {
    let retry_after = |value: &str| format!("add_header Retry-After \"{value}\" always;");
    let mut locations: String =
        ways.iter().map(|(path, value)| says_with(path, 503, &retry_after(value))).collect();
    for status in BUSY {
        locations.push_str(&says_with(&format!("/{status}"), status, &retry_after("100")));
    }
    locations.push_str(&says_with("/final", 403, &retry_after("100")));
    locations
}

const DATE: &str = "+%a, %d %b %Y %H:%M:%S GMT";

#[tokio::test]
async fn a_busy_server_names_its_time_in_seconds_or_as_a_date() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let ways = [
        ("/seconds", "100".to_owned()),
        ("/day", "86400".to_owned()),
        ("/date", date("+600 seconds", DATE)),
        ("/old-date", date("+600 seconds", "+%A, %d-%b-%y %H:%M:%S GMT")),
        ("/older-date", date("+600 seconds", "+%a %b %e %H:%M:%S %Y")),
        ("/far-date", date("+3 days", DATE)),
    ];
    // A date loses what it takes until the answer is read.
    let expected = [(100, 120), (3600, 4320), (540, 720), (540, 720), (540, 720), (3600, 4320)];
    let locations = locations(&ways);
    for site in [Site::plain(&tools, &locations), Site::verified(&tools, &authority, &locations)] {
        let paths = ways.iter().map(|(path, _)| (*path).to_owned()).zip(expected);
        let busy = BUSY.map(|status| (format!("/{status}"), (100, 120)));
        for (path, (low, high)) in paths.chain(busy) {
            let mut draws = Vec::new();
            for seed in 0..4 {
                let transport = site.transport(&path).tls_config(authority.client());
                let mut client = Client::start(transport, Reconnect::default(), seed);
                let (_, next) = client.failed().await;
                next.assert_because(RetryReason::RetryAfter);
                draws.push(next.assert_between(secs(low), secs(high)));
            }
            draws.dedup();
            assert_eq!(draws.len(), 4, "others were told the same: {draws:?}");
        }
    }
}

/// It would be the one way to a delay of nothing, in a loop.
#[tokio::test]
async fn pitfall_12_a_time_that_is_now_or_past_is_no_time() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let ways = [
        ("/now", "0".to_owned()),
        ("/past", date("-600 seconds", DATE)),
        ("/nonsense", "when I am back".to_owned()),
        ("/negative", "-5".to_owned()),
    ];
    let locations = locations(&ways);
    for site in [Site::plain(&tools, &locations), Site::verified(&tools, &authority, &locations)] {
        for (path, _) in &ways {
            let transport = site.transport(path).tls_config(authority.client());
            let mut client = Client::start(transport, Reconnect::default().scaled(crate::SMALL), 1);
            let delays = client.delays(8).await;
            let floor = crate::small(Duration::from_millis(500));
            assert!(delays.iter().all(|delay| *delay >= floor), "{path}: {delays:?}");
            assert!(delays.iter().any(|delay| *delay > floor * 4), "{path}, no backoff: {delays:?}");
        }
    }
}

#[tokio::test]
async fn a_time_beside_a_final_status_of_a_verified_server_changes_nothing() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let locations = locations(&[]);
    let site = Site::verified(&tools, &authority, &locations);
    let transport = site.transport("/final").tls_config(authority.client());
    let mut client = Client::start(transport, Reconnect::default(), 1);
    assert!(matches!(client.failed().await.1, crate::client::Next::GaveUp(_)));

    let site = Site::plain(&tools, &locations);
    let mut client = Client::start(site.transport("/final"), Reconnect::default(), 1);
    let (_, next) = client.failed().await;
    next.assert_because(RetryReason::AttemptFailed);
    next.assert_between(secs(30), secs(60));
}

#[tokio::test]
async fn a_verified_servers_time_outranks_online_and_another_does_not() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let locations = locations(&[]);
    for status in [429, 503] {
        for (site, outranks) in
            [(Site::verified(&tools, &authority, &locations), true), (Site::plain(&tools, &locations), false)]
        {
            let transport = site.transport(&format!("/{status}")).tls_config(authority.client());
            let mut client = Client::start(transport, Reconnect::default(), 1);
            client.failed().await.1.assert_between(secs(100), secs(120));
            // The advance for "online" is told before the next piece of news.
            client.network.set(NetworkStatus::Online);
            client.network.set(NetworkStatus::Woke);
            let mut advanced = None;
            client
                .until(|event| match event {
                    Event::ReconnectAdvanced { delay, reason } => {
                        advanced = Some((*delay, *reason));
                        None
                    }
                    Event::Slept { .. } => Some(()),
                    _ => None,
                })
                .await;
            match advanced {
                None => assert!(outranks, "{status}: not advanced"),
                Some((delay, reason)) => {
                    assert!(!outranks, "{status}: advanced");
                    assert_eq!(reason, RetryReason::Network);
                    assert!(delay <= secs(1), "{delay:?}");
                    // And it is made.
                    client.failed().await;
                }
            }
        }
    }
}
