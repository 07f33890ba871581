//! The client behind real address translation; see README.md one level up.
#![cfg(target_os = "linux")]

mod asking;
mod following;
#[path = "../../support/hiccups.rs"]
mod hiccups;
#[path = "../lab/mod.rs"]
mod lab;
mod learning;
mod pushes;
mod routers;
mod stage;
mod upsets;
