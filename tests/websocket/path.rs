//! The kernel's facts about a real WebSocket: a server that does not answer,
//! though its kernel acknowledges, is stuck, and the path is not blamed.

use std::sync::mpsc;

use crate::support::*;
use longlink::keeper::PathFacts;
use longlink::transport::Link;
use longlink::{Cause, Event, Evidence, Heartbeat, ResilientConnection, WebSocket};

#[tokio::test]
async fn the_kernel_tells_of_an_idle_link() {
    let (link, _server) = pair(|transport| transport).await;
    // The handshake's last acknowledgement may be delayed.
    soon(async {
        while link.path_facts() != Some(PathFacts::default()) {
            assert!(link.path_facts().is_some(), "the kernel tells nothing");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_that_reads_nothing_is_stuck_and_teaches_nothing() {
    let (listener, url) = listen().await;
    let (told, diagnosed) = mpsc::channel();
    let connection = ResilientConnection::builder(WebSocket::new(url).unwrap())
        .heartbeat(Heartbeat::adaptive().scaled(1.0 / 20.0))
        .on_event(move |event| {
            if let Event::Diagnosed { cause, evidence, .. } = event {
                let _ = told.send((*cause, *evidence));
            }
        })
        .build()
        .unwrap();
    // It says yes to the handshake, and nothing after.
    let (tcp, _) = soon(listener.accept()).await.unwrap();
    let _stuck = soon(tokio_tungstenite::accept_async(tcp)).await.unwrap();
    let interval = connection.stats().keeper.interval;
    let diagnosis = soon(async {
        loop {
            match diagnosed.try_recv() {
                Ok(diagnosis) => break diagnosis,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    })
    .await;
    assert_eq!(diagnosis, (Cause::ServerStuck, Evidence::Acknowledged));
    assert_eq!(connection.stats().keeper.interval, interval);
}

/// Runs itself again in a network namespace of its own, where it may drop
/// what it sends.
#[test]
#[ignore = "needs nft, and root or user namespaces"]
fn the_kernel_tells_how_long_a_byte_has_waited_that_does_not_arrive() {
    const WITHIN: &str = "LONGLINK_WITHIN_NAMESPACE";
    let name = "path::the_kernel_tells_how_long_a_byte_has_waited_that_does_not_arrive";
    let run = |program: &str, args: &[&str]| {
        let ran = std::process::Command::new(program).args(args).env(WITHIN, "1").status();
        assert!(ran.is_ok_and(|status| status.success()), "{program} {args:?}");
    };
    if std::env::var_os(WITHIN).is_none() {
        let this = std::env::current_exe().unwrap();
        return run(
            "unshare",
            &[
                "--map-root-user",
                "--net",
                this.to_str().unwrap(),
                "--exact",
                name,
                "--ignored",
                "--nocapture",
            ],
        );
    }
    run("ip", &["link", "set", "lo", "up"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut link, server) = pair(|transport| transport).await;
        let port = server.get_ref().local_addr().unwrap().port();
        run("nft", &["add table ip drops; add chain ip drops input { type filter hook input priority 0; };"]);
        run("nft", &[&format!("add rule ip drops input tcp dport {port} drop")]);
        let sent = std::time::Instant::now();
        link.start_beat(longlink::Token(1)).unwrap();
        flush(&mut link).await;
        let mut told = Vec::new();
        for _ in 0..6 {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let facts = link.path_facts().unwrap();
            told.push((facts.unacknowledged, facts.waiting, sent.elapsed()));
        }
        println!("{told:#?}");
        for (bytes, waiting, elapsed) in told {
            // 8 bytes in a masked frame.
            assert_eq!(bytes, 14);
            assert!(waiting <= elapsed, "{waiting:?} of {elapsed:?}");
            assert!(waiting >= elapsed / 2, "{waiting:?} of {elapsed:?}");
        }
    });
}
