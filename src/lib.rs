#![cfg_attr(feature = "websocket", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "websocket"),
    doc = "A long connection that stays up. Built without the `websocket` feature: see the README for all of it."
)]
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
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
pub use keeper::{
    Activity, Beat, Cause, Delays, Detection, Event, Evidence, Failure, FirstConnect, GiveUp, Growth,
    Heartbeat, Invalid, KeeperStats, LinkEnd, LinkId, NetworkStatus, Probing, Reconnect, Retry, RetryReason,
    ScoutResult, Setback, State, StoreFault, Token,
};
#[cfg(feature = "runtime")]
pub use network::NetworkHandle;
pub use outbox::Outcome;
#[cfg(feature = "runtime")]
pub use shared::{Error, Handshake, HandshakeError, Stats, Update};
#[cfg(feature = "json-store")]
pub use store::JsonFile;
#[cfg(feature = "runtime")]
pub use store::{InMemory, IntervalStore};
#[cfg(all(feature = "tcp", unix))]
pub use transport::Unix;
#[cfg(feature = "websocket")]
pub use transport::websocket::{Message, Text, WebSocket, WebSocketLink};
#[cfg(feature = "runtime")]
pub use transport::{Link, Transport};
#[cfg(feature = "tcp")]
pub use transport::{Protocol, Tcp};
