//! The network comes, goes and changes under a client whose monitor listens
//! to the kernel; see README.md one level up.
#![cfg(target_os = "linux")]

mod early;
mod flapping;
#[path = "../../support/hiccups.rs"]
mod hiccups;
mod ipv6;
#[path = "../lab/mod.rs"]
mod lab;
mod links;
mod names;
mod offline;
mod overrun;
mod routes;
mod stage;
mod uplinks;
mod vpn;
mod waits;
