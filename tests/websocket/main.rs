//! The WebSocket transport against small servers on loopback.
#![cfg(feature = "websocket")]

#[cfg(feature = "tls")]
#[path = "../support/authority.rs"]
mod authority;
mod closing;
mod link;
#[cfg(all(feature = "tcp-info", target_os = "linux"))]
mod path;
#[path = "../support/websocket.rs"]
mod support;
#[cfg(feature = "tls")]
mod tls;
mod upgrade;
