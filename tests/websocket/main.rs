//! The WebSocket transport against small servers on loopback.
#![cfg(feature = "websocket")]

mod link;
#[cfg(all(feature = "tcp-info", target_os = "linux"))]
mod path;
#[path = "../support/websocket.rs"]
mod support;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
