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

use std::time::Duration;

use crate::process::{Tools, had};

/// At this scale the longest delay, 60 s, takes 60 ms.
pub const SMALL: f64 = 1.0 / 1000.0;

/// A duration at scale 1, at [`SMALL`].
pub fn small(at_one: Duration) -> Duration {
    at_one.mul_f64(SMALL)
}

/// The tools that the test needs from the system; `None` if they are not there and the
/// test is to be skipped.
pub fn tools() -> Option<Tools> {
    had(Tools::find())
}
