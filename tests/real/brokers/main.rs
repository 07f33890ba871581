//! Brokers of other people's making, spoken to over plain streams: mosquitto
//! in the words of `examples/mqtt`, Redis in words of its own; see README.md
//! one level up.

#[path = "../../support/authority.rs"]
mod authority;
mod client;
#[path = "../../../examples/mqtt/login.rs"]
mod login;
mod mosquitto;
mod mqtt;
#[expect(dead_code, reason = "the tests of servers need more")]
#[path = "../process.rs"]
mod process;
#[path = "../../../examples/mqtt/protocol.rs"]
mod protocol;
mod redis;
mod resp;
mod store;
