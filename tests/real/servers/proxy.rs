//! nginx in front of a server.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use longlink::http::{HeaderMap, HeaderValue};
use longlink::{Detection, Failure, WebSocket};
use tokio::time::sleep;

use crate::backend::{Backend, Kind};
use crate::flow::Flow;
use crate::process::{Nginx, free_port, pass_to};
use crate::{ask, software};

/// How long an old worker keeps its links.
const GRACE: Duration = Duration::from_secs(4);

fn location(backend: &Backend) -> String {
    format!("location /echo {{ {} }}", pass_to(backend.port()))
}

/// The same, with a page by which generations of workers are told apart.
fn generation(backend: &Backend, number: u32) -> String {
    format!("{} location = /generation {{ return 200 generation-{number}; }}", location(backend))
}

fn transport(nginx: &Nginx) -> WebSocket {
    WebSocket::new(format!("ws://127.0.0.1:{}/echo", nginx.port())).expect("a sound URL")
}

/// Waits until new connections come to this generation of workers.
async fn until_generation(nginx: &Nginx, number: u32) {
    let page = format!("generation-{number}");
    while !ask(nginx.port(), "/generation", "Connection: close").await.contains(&page) {
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_reload_costs_one_reconnect_when_the_old_worker_ends() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Node);
    let mut nginx = software.tools.nginx_with_worker(free_port(), GRACE, |_| generation(&backend, 1));
    let mut flow = Flow::start(transport(&nginx));
    flow.steady(true);
    flow.echoed().await;
    nginx.reload(|_| generation(&backend, 2));
    until_generation(&nginx, 2).await;
    flow.echoed().await;
    assert_eq!(flow.account().links, 1, "the old worker keeps its link");

    assert!(matches!(flow.lost().await, Detection::Ended(_)));
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&backend]).await;
    assert_eq!((account.links, account.failures), (2, Vec::new()));
}

#[tokio::test]
async fn a_proxy_that_is_stopped_and_started_is_found_again() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Python);
    let mut nginx = software.tools.nginx_with_worker(free_port(), GRACE, |_| location(&backend));
    let mut flow = Flow::start(transport(&nginx));
    flow.steady(true);
    flow.echoed().await;
    nginx.stop();
    assert!(matches!(flow.lost().await, Detection::Ended(_)));
    assert_eq!(flow.failed().await, Failure::Refused);
    nginx.start();
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&backend]).await;
    assert_eq!(account.links, 2);
    assert!(account.failures.iter().all(|failure| *failure == Failure::Refused), "{:?}", account.failures);
}

#[tokio::test]
async fn a_502_while_the_server_is_away_is_retried_until_it_is_back() {
    let Some(software) = software() else { return };
    let mut backend = Backend::start(&software, Kind::Node);
    let nginx = software.tools.nginx(free_port(), false, |_| location(&backend));
    let mut flow = Flow::start(transport(&nginx));
    flow.steady(true);
    flow.echoed().await;
    backend.kill();
    flow.lost().await;
    let bad_gateway = Failure::Http { status: 502, retry_after: None, verified: false };
    for _ in 0..2 {
        assert_eq!(flow.failed().await, bad_gateway);
    }
    backend.restart();
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&backend]).await;
    assert_eq!(account.links, 2);
    assert!(account.failures.iter().all(|failure| *failure == bad_gateway), "{:?}", account.failures);
}

#[tokio::test]
async fn a_server_under_maintenance_is_asked_again_at_its_retry_after() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Python);
    let mut maintenance = PathBuf::new();
    let nginx = software.tools.nginx(free_port(), false, |directory| {
        maintenance = directory.join("maintenance");
        fs::write(&maintenance, "").expect("the temporary directory can be written");
        format!(
            "add_header Retry-After 1 always;
            location /echo {{ if (-f {}) {{ return 503; }} {} }}",
            maintenance.display(),
            pass_to(backend.port())
        )
    });
    let mut flow = Flow::start(transport(&nginx));
    for _ in 0..5 {
        flow.send_next().await;
    }
    let busy = Failure::Http { status: 503, retry_after: Some(Duration::from_secs(1)), verified: false };
    assert_eq!(flow.failed().await, busy);
    assert_eq!(flow.failed().await, busy);
    fs::remove_file(maintenance).expect("it is there");
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&backend]).await;
    assert_eq!(backend.received(), [1, 2, 3, 4, 5, 6]);
    let range = Duration::from_secs(1)..=Duration::from_millis(1200);
    assert!(account.delays.iter().all(|delay| range.contains(delay)), "{:?}", account.delays);
}

#[tokio::test]
async fn a_token_that_is_revoked_while_a_link_is_open_is_renewed_after_the_401() {
    let Some(software) = software() else { return };
    let backend = Backend::start(&software, Kind::Node);
    let valid = |token: &str| {
        format!(
            "location /echo {{
                if ($http_authorization != \"Bearer {token}\") {{ return 401; }}
                {}
            }}",
            pass_to(backend.port())
        )
    };
    let mut nginx =
        software.tools.nginx_with_worker(free_port(), Duration::from_millis(200), |_| valid("first"));
    let token = Arc::new(Mutex::new("first"));
    let transport = transport(&nginx).credentials(move |attempt| {
        let mut token = token.lock().expect("nobody panics under it");
        if matches!(attempt.last_failure(), Some(Failure::Http { status: 401, .. })) {
            *token = "second";
        }
        let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("no line breaks");
        async move { Ok(HeaderMap::from_iter([("authorization".parse().expect("a name"), value)])) }
    });
    let mut flow = Flow::start(transport);
    flow.steady(true);
    flow.echoed().await;
    nginx.reload(|_| valid("second"));
    flow.lost().await;
    flow.connected().await;
    flow.echoed().await;
    let account = flow.finish(&[&backend]).await;
    let unauthorized = Failure::Http { status: 401, retry_after: None, verified: false };
    assert_eq!((account.links, account.failures), (2, vec![unauthorized]));
}
