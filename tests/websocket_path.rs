//! What the kernel knows of a real WebSocket: a server that does not answer,
//! though its kernel acknowledges, is stuck, and the path is not blamed.
#![cfg(all(feature = "websocket", feature = "tcp-info", target_os = "linux"))]

mod websocket;

use std::sync::mpsc;

use longlink::keeper::{Cause, Ground, PathFacts};
use longlink::transport::Link;
use longlink::{Event, Heartbeat, ResilientConnection, WebSocket};
use websocket::*;

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
async fn a_server_that_reads_nothing_is_stuck_and_says_nothing_of_the_idle_timeout() {
    let (listener, url) = listen().await;
    let (told, diagnosed) = mpsc::channel();
    let connection = ResilientConnection::builder(WebSocket::new(url).unwrap())
        .heartbeat(Heartbeat::scaled(1.0 / 20.0))
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
    let interval = connection.stats().interval;
    let diagnosis = soon(async {
        loop {
            match diagnosed.try_recv() {
                Ok(diagnosis) => break diagnosis,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            }
        }
    })
    .await;
    assert_eq!(diagnosis, (Cause::ServerStuck, Ground::Acknowledged));
    assert_eq!(connection.stats().interval, interval);
}
