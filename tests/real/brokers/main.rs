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

use std::io::Write;

/// The tools that the test needs from the system; `None` if they are not there and the
/// test is to be skipped.
pub fn had<T>(found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(missing) if std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1") => {
            panic!("{missing}")
        }
        Err(missing) => {
            // Past the test harness, which keeps back what a passing test
            // prints, and in one piece, since others tell at the same time.
            let _ = std::io::stderr().write_all(format!("skipped: {missing}\n").as_bytes());
            None
        }
    }
}
