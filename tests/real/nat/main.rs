//! The client behind real address translation; see README.md one level up.
#![cfg(target_os = "linux")]

mod asking;
mod client;
mod following;
mod lab;
mod learning;
mod namespace;
mod pushes;
mod server;
mod stage;
mod upsets;
