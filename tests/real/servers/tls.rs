//! `wss` with an authority of the test's own; whom it does not trust is told
//! in `answers/certificates.rs`.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use longlink::rustls::ClientConfig;
use longlink::{Error, Event, Failure, GiveUp, WebSocket};
use tokio::time::{sleep, timeout};

use crate::authority::{Authority, Identity};
use crate::backend::{Backend, Kind};
use crate::flow::{Flow, PATIENCE};
use crate::haproxy::{Haproxy, Settings};
use crate::process::{Nginx, free_port, pass_to};
use crate::{Software, software};

/// As nginx and HAProxy call them.
const VERSIONS: [&str; 2] = ["TLSv1.2", "TLSv1.3"];

fn write(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, content).expect("the temporary directory can be written");
    path.display().to_string()
}

/// nginx with TLS before a server, and with more directives, which may name
/// files in the directory.
fn site(
    software: &Software,
    backend: &Backend,
    identity: &Identity,
    more: impl FnOnce(&Path) -> String,
) -> Nginx {
    software.tools.nginx(free_port(), true, |directory| {
        format!(
            "ssl_certificate {certificate};
            ssl_certificate_key {key};
            access_log {log} tls;
            {more}
            location / {{ {pass} }}",
            certificate = write(directory, "certificate.pem", &identity.certificate),
            key = write(directory, "key.pem", &identity.key),
            log = directory.join("tls.log").display(),
            more = more(directory),
            pass = pass_to(backend.port()),
        )
    })
}

fn transport(port: u16, config: Arc<ClientConfig>) -> WebSocket {
    WebSocket::new(format!("wss://127.0.0.1:{port}/echo")).expect("a sound URL").tls_config(config)
}

/// Waits until nginx has logged so many requests, which it does at their end.
async fn until_logged(nginx: &Nginx, requests: usize) -> Vec<String> {
    let log = async {
        loop {
            let log = nginx.log("tls.log");
            if log.len() >= requests {
                return log;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, log).await.expect("logged in time")
}

#[tokio::test]
async fn either_version_of_tls_is_spoken_and_a_reconnect_resumes_its_session() {
    let Some(software) = software() else { return };
    let authority = Authority::new();
    for version in VERSIONS {
        let backend = Backend::start(&software, Kind::Node);
        let nginx = site(&software, &backend, &authority.identity("127.0.0.1"), |_| {
            format!("ssl_protocols {version};")
        });
        let mut flow = Flow::start(transport(nginx.port(), authority.client()));
        for _ in 0..2 {
            flow.echoed().await;
            flow.connection().reconnect_now();
            flow.connected().await;
        }
        flow.echoed().await;
        assert_eq!(flow.finish(&[&backend]).await.links, 3);
        let full = format!("101 {version} .");
        let resumed = format!("101 {version} r");
        assert_eq!(until_logged(&nginx, 3).await, [full, resumed.clone(), resumed]);
    }
}

#[tokio::test]
async fn a_server_that_speaks_only_an_outdated_tls_is_a_tls_failure() {
    let Some(software) = software() else { return };
    let authority = Authority::new();
    let backend = Backend::start(&software, Kind::Node);
    let nginx = site(&software, &backend, &authority.identity("127.0.0.1"), |_| {
        "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;".to_owned()
    });
    let mut flow = Flow::start(transport(nginx.port(), authority.client()));
    assert_eq!(flow.failed().await, Failure::Tls);
    flow.event(|event| matches!(event, Event::ReconnectScheduled { .. }).then_some(())).await;
}

#[tokio::test]
async fn a_certificate_of_the_client_s_own_lets_it_in_where_one_is_required() {
    let Some(software) = software() else { return };
    let authority = Authority::new();
    let clients = Authority::new();
    for version in VERSIONS {
        let backend = Backend::start(&software, Kind::Node);
        let nginx = site(&software, &backend, &authority.identity("127.0.0.1"), |directory| {
            let roots = write(directory, "clients.pem", &clients.certificate());
            format!("ssl_protocols {version}; ssl_verify_client on; ssl_client_certificate {roots};")
        });
        let config = authority.client_with(&clients.identity("client.test"));
        let mut flow = Flow::start(transport(nginx.port(), config));
        flow.echoed().await;
        flow.connection().reconnect_now();
        flow.connected().await;
        flow.echoed().await;
        assert_eq!(flow.finish(&[&backend]).await.links, 2, "{version}");

        // nginx says so in HTTP, behind a certificate that was verified.
        let stranger = authority.client_with(&Authority::new().identity("client.test"));
        for config in [authority.client(), stranger] {
            let mut flow = Flow::start(transport(nginx.port(), config));
            let refused = Failure::Http { status: 400, retry_after: None, verified: true };
            assert_eq!(flow.failed().await, refused, "{version}");
            match flow.error().await {
                Error::GaveUp { reason, .. } => assert_eq!(reason, GiveUp::Failure(refused), "{version}"),
                other => panic!("{version}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_client_certificate_refused_by_tls_is_a_tls_failure() {
    let Some(software) = software() else { return };
    let authority = Authority::new();
    let clients = Authority::new();
    for version in VERSIONS {
        let backend = Backend::start(&software, Kind::Python);
        let settings = Settings::new(&[(backend.port(), true)]);
        let haproxy = Haproxy::start(&software, &settings, |directory| {
            let Identity { certificate, key } = authority.identity("127.0.0.1");
            let certificate = write(directory, "site.pem", &format!("{certificate}{key}"));
            let roots = write(directory, "clients.pem", &clients.certificate());
            format!(
                "ssl crt {certificate} ca-file {roots} verify required ssl-min-ver {version} ssl-max-ver {version}"
            )
        });
        let config = authority.client_with(&clients.identity("client.test"));
        let mut flow = Flow::start(transport(haproxy.port(), config));
        flow.echoed().await;
        assert_eq!(flow.finish(&[&backend]).await.links, 1, "{version}");

        let stranger = authority.client_with(&Authority::new().identity("client.test"));
        for config in [authority.client(), stranger] {
            let mut flow = Flow::start(transport(haproxy.port(), config));
            assert_eq!(flow.failed().await, Failure::Tls, "{version}");
            flow.event(|event| matches!(event, Event::ReconnectScheduled { .. }).then_some(())).await;
            assert_eq!(flow.account().links, 0, "{version}");
        }
    }
}
