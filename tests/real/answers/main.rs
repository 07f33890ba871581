//! The real answers of servers, names, networks and certificates, and the
//! client's conclusions; see README.md one level up.

#[path = "../../support/authority.rs"]
mod authority;
mod certificates;
mod client;
mod closes;
mod credentials;
mod dials;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "the address translation's labs need more")]
#[path = "../lab/namespace.rs"]
mod namespace;
mod portal;
#[path = "../process.rs"]
mod process;
mod retry_after;
mod site;
mod statuses;

use std::io::Write;
use std::time::Duration;

use crate::process::Tools;

/// At this scale the longest delay, 60 s, takes 60 ms.
pub const SMALL: f64 = 1.0 / 1000.0;

/// A duration at scale 1, at [`SMALL`].
pub fn small(at_one: Duration) -> Duration {
    at_one.mul_f64(SMALL)
}

/// Whether the tests must run.
pub fn required() -> bool {
    std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1")
}

/// The tools that the test needs from the system; `None` if they are not there and the
/// test is to be skipped.
pub fn tools() -> Option<Tools> {
    had(Tools::find())
}

/// The wanted tool, or why the test is skipped: the reason is printed past
/// the test harness, which keeps back the output of a passing test.
pub fn had<T>(found: Result<T, String>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(missing) if required() => panic!("{missing}"),
        Err(missing) => {
            // In one piece, since other tests tell at the same time.
            let _ = std::io::stderr().write_all(format!("skipped: {missing}\n").as_bytes());
            None
        }
    }
}
