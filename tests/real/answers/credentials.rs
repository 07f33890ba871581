//! 401 and 407: fresh credentials, once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::http::{HeaderMap, HeaderName, HeaderValue};
use longlink::{Failure, GiveUp, Reconnect, WebSocket};

use crate::authority::Authority;
use crate::client::{Client, Next, words};
use crate::process::{Tools, free_port, pass_to};
use crate::site::Site;
use crate::{SMALL, small, tools};

const STALE: &str = "Bearer stale-and-secret";
const FRESH: &str = "Bearer fresh-and-secret";

/// The last failure in each call of the hook.
type Calls = Arc<Mutex<Vec<Option<Failure>>>>;

/// A refusal, and the header that it wants.
const REFUSALS: [(u16, &str, &str); 2] =
    [(401, "authorization", "WWW-Authenticate"), (407, "proxy-authorization", "Proxy-Authenticate")];

/// nginx that lets in who has [`FRESH`] credentials, at a location for each
/// refusal, to an echo server.
fn locations(echo: u16) -> String {
    let location = |(status, header, challenge): (u16, &str, &str)| {
        let variable = header.replace('-', "_");
        let pass = pass_to(echo);
        format!(
            "location = /{status} {{
                add_header {challenge} Bearer always;
                if ($http_{variable} != \"{FRESH}\") {{ return {status} \"who?\"; }}
                {pass}
            }}\n"
        )
    };
    REFUSALS.map(location).concat()
}

/// A transport whose first credentials are stale; later ones are, or are not.
fn asking(transport: WebSocket, header: &'static str, later: &'static str) -> (WebSocket, Calls) {
    let calls = Calls::default();
    let noting = Arc::clone(&calls);
    let transport = transport.credentials(move |attempt| {
        let mut calls = noting.lock().expect("nobody panics under it");
        let token = if calls.is_empty() { STALE } else { later };
        calls.push(attempt.last_failure().cloned());
        async move {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(header), HeaderValue::from_static(token));
            Ok(headers)
        }
    });
    (transport, calls)
}

fn calls(calls: &Calls) -> Vec<Option<Failure>> {
    calls.lock().expect("nobody panics under it").clone()
}

fn http(status: u16, verified: bool) -> Failure {
    Failure::Http { status, retry_after: None, verified }
}

/// nginx and the echo server behind it.
fn sites(tools: &Tools, authority: &Authority) -> (crate::process::Process, [(Site, bool); 2]) {
    let port = free_port();
    let echo = tools.python("echo.py", port);
    let locations = locations(port);
    (echo, [(Site::plain(tools, &locations), false), (Site::verified(tools, authority, &locations), true)])
}

#[tokio::test]
async fn pitfall_15_credentials_are_asked_for_again_after_a_refusal() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let (_echo, sites) = sites(&tools, &authority);
    for (site, verified) in sites {
        for (status, header, _) in REFUSALS {
            let path = format!("/{status}");
            let transport = site.transport(&path).tls_config(authority.client());
            let (transport, asked) = asking(transport, header, FRESH);
            let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
            let (failure, next) = client.failed().await;
            assert_eq!(failure, http(status, verified));
            let (low, high) = if verified { (500, 1_000) } else { (30_000, 60_000) };
            next.assert_between(small(Duration::from_millis(low)), small(Duration::from_millis(high)));
            client.connected().await;
            client.send("in").await;
            assert_eq!(client.message().await.as_text(), Some("in"));
            assert_eq!(calls(&asked), [None, Some(http(status, verified))]);
        }
    }
}

#[tokio::test]
async fn pitfall_14_a_second_refusal_stops_and_shows_no_credentials() {
    let Some(tools) = tools() else { return };
    let authority = Authority::new();
    let (_echo, sites) = sites(&tools, &authority);
    for (site, verified) in sites {
        for (status, header, _) in REFUSALS {
            let path = format!("/{status}?token=query-and-secret");
            let transport = site.transport(&path).tls_config(authority.client());
            let (transport, asked) = asking(transport, header, STALE);
            let mut printed = format!("{transport:?}");
            let mut client = Client::start(transport, Reconnect::default().scaled(SMALL), 1);
            if verified {
                let mut finished = None;
                while finished.is_none() {
                    let event = client.event().await;
                    printed.push_str(&format!(" {event:?} {event}"));
                    if let longlink::Event::GaveUp { reason } = event {
                        finished = Some(reason);
                    }
                }
                assert_eq!(finished, Some(GiveUp::Failure(http(status, true))));
                printed.push_str(&words(&client.error().await));
                assert_eq!(calls(&asked), [None, Some(http(status, true))]);
            } else {
                // Nobody has vouched for the refusal: it goes on, and asks for
                // others each time.
                for _ in 0..4 {
                    assert!(matches!(client.failed().await.1, Next::Wait { .. }));
                }
                assert!(calls(&asked).len() >= 4);
            }
            printed.push_str(&format!(" {client:?}"));
            assert!(!printed.contains("secret") && !printed.contains("Bearer"), "{printed}");
        }
    }
}
