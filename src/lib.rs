#![cfg_attr(feature = "websocket", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "websocket"),
    doc = "A long connection that stays up. Built without the `websocket` feature: see the README for all of it."
)]
//! # One path for each name
//!
//! The crate's root has the names that an application writes, and all that a
//! setting, an event or an error shows to it. A module has the names of those
//! who go further: `transport` and `store` for one of their own, `network` for
//! a source of news, [`keeper`] and [`outbox`] to drive the core, `testing`
//! (feature `test-util`) for tests.
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unnameable_types, unreachable_pub)]
#![warn(clippy::wildcard_enum_match_arm, clippy::todo, clippy::dbg_macro, clippy::print_stdout)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "runtime")]
mod clock;
mod contain;
pub mod keeper;
pub mod outbox;

#[cfg(feature = "runtime")]
mod connection;
#[cfg(feature = "runtime")]
mod dial;
#[cfg(feature = "runtime")]
mod driver;
#[cfg(feature = "runtime")]
pub mod network;
#[cfg(feature = "runtime")]
mod shared;
#[cfg(feature = "runtime")]
pub mod store;
#[cfg(feature = "test-util")]
pub mod testing;
#[cfg(feature = "runtime")]
pub mod transport;

#[cfg(all(feature = "test-util", feature = "runtime"))]
pub use clock::Suspend;
#[cfg(feature = "runtime")]
pub use connection::{
    Builder, Closed, Confirmation, Events, Permit, ResilientConnection, SendError, Sender, StateWatch,
    Transition, TrySendError, WithTransitions,
};
#[cfg(feature = "websocket")]
pub use http;
pub use keeper::activity::Activity;
pub use keeper::config::{Delays, FirstConnect, Growth, Heartbeat, Probing, Reconnect, Retry, Setback};
pub use keeper::end::{Failure, LinkEnd};
pub use keeper::event::{Cause, Detection, Event, Evidence, GiveUp, RetryReason, ScoutResult, StoreFault};
pub use keeper::input::NetworkStatus;
pub use keeper::invalid::Invalid;
pub use keeper::link::Beat;
pub use keeper::names::{LinkId, Token};
pub use keeper::state::State;
pub use keeper::stats::KeeperStats;
#[cfg(feature = "runtime")]
pub use network::handle::NetworkHandle;
pub use outbox::outcome::Outcome;
#[cfg(feature = "runtime")]
pub use shared::{Error, Handshake, HandshakeError, Stats, Update};
#[cfg(feature = "runtime")]
pub use store::in_memory::InMemory;
#[cfg(feature = "json-store")]
pub use store::json_file::JsonFile;
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
#[cfg(feature = "tcp")]
pub use transport::protocol::{Protocol, StreamLink};
#[cfg(feature = "tcp")]
pub use transport::tcp::Tcp;
#[cfg(feature = "tls")]
pub use transport::tls::TlsConfig;
#[cfg(all(feature = "tcp", unix))]
pub use transport::unix::Unix;
#[cfg(feature = "websocket")]
pub use transport::websocket::{Message, Text, WebSocket, WebSocketLink};
