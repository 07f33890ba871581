//! Tools to test code that uses this crate: networks that fail on command, in
//! memory and in exact virtual time.
//!
//! * [`VirtualKeeper`] is the core alone, without a runtime: for simulations,
//!   fuzzers and tests of what it decides.
#![cfg_attr(feature = "runtime", doc = include_str!("testing/connections.md"))]
#![cfg_attr(
    not(feature = "runtime"),
    doc = "\nBuilt without the `runtime` feature: with it there are tools to test whole connections too."
)]

#[cfg(feature = "runtime")]
mod alarm;
#[cfg(feature = "runtime")]
mod by_hand;
#[cfg(feature = "runtime")]
pub mod conformance;
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
pub use faults::{Faults, LinkWithFaults, WithFaults};
#[cfg(feature = "runtime")]
pub use faulty::{Dialling, Direction, Expiry, FaultyLink, FaultyNet, FaultyTransport, Received, ServerLink};
#[cfg(feature = "runtime")]
pub use proxy::{Cut, Newcomers, Proxy};
#[cfg(feature = "runtime")]
pub use scripted::{
    Answers, AttemptRecord, Peer, Script, ScriptedLink, ScriptedTransport, Step, Wrote, WroteWhat,
};
pub use virtual_keeper::{VirtualKeeper, VirtualLink, VirtualRole};
