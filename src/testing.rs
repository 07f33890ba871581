//! Tools to test code that uses this crate (feature `test-util`).
//!
#![cfg_attr(feature = "runtime", doc = include_str!("testing/connections.md"))]
#![cfg_attr(
    not(feature = "runtime"),
    doc = "[`VirtualKeeper`] is the keeper alone, in virtual time: for simulations, fuzzers and tests of its decisions.\n\nWith the `runtime` feature there are tools to test whole connections too."
)]

#[cfg(feature = "runtime")]
mod alarm;
#[cfg(feature = "runtime")]
mod by_hand;
#[cfg(feature = "runtime")]
pub mod conformance;
#[cfg(feature = "runtime")]
mod direction;
#[cfg(feature = "runtime")]
mod faults;
#[cfg(feature = "runtime")]
mod faulty;
#[cfg(feature = "runtime")]
mod proxy;
#[cfg(feature = "runtime")]
mod scripted;
mod virtual_keeper;

#[cfg(feature = "runtime")]
pub use by_hand::ByHand;
#[cfg(feature = "runtime")]
pub use direction::Direction;
#[cfg(feature = "runtime")]
pub use faults::{Faults, LinkWithFaults, WithFaults};
#[cfg(feature = "runtime")]
pub use faulty::{Dialling, FaultyLink, FaultyNet, FaultyTransport, IdleExpiry, Received, ServerLink};
#[cfg(feature = "runtime")]
pub use proxy::{Cut, Newcomers, Proxy};
#[cfg(feature = "runtime")]
pub use scripted::{
    Answers, AttemptRecord, Script, ScriptedAttempt, ScriptedLink, ScriptedPeer, ScriptedTransport, Wrote,
    WroteWhat,
};
pub use virtual_keeper::{VirtualKeeper, VirtualLink, VirtualRole};
