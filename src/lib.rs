#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod keeper;
pub mod outbox;

#[cfg(feature = "websocket")]
mod dial;
#[cfg(feature = "runtime")]
pub mod network;
#[cfg(feature = "runtime")]
pub mod transport;

#[cfg(feature = "websocket")]
pub use transport::websocket::{Message, Text, WebSocket, WebSocketLink};
