//! The parts of labs of network namespaces: the namespaces, a server and
//! a client to live in them, and when a test is skipped for want of them.
#![allow(dead_code, reason = "each test target uses its part of it")]

pub mod client;
pub mod namespace;
pub mod server;

use std::io::Write;
use std::sync::Once;

/// Whether the tests must run, and run in full.
pub fn required() -> bool {
    std::env::var_os("LONGLINK_REQUIRE_REAL").is_some_and(|value| value == "1")
}

/// Says that a test is skipped, and why: past the test harness, which keeps
/// back what a passing test prints.
pub fn skip(why: &str) {
    // In one piece, since other tests tell at the same time.
    let _ = std::io::stderr().write_all(format!("skipped: {why}\n").as_bytes());
}

/// Whether what `trial` tries works here. If not, this says why and the test
/// is to be skipped, or panics where the tests are [`required`].
pub fn possible(trial: impl FnOnce() -> Result<(), String>) -> bool {
    match trial() {
        Ok(()) => true,
        Err(missing) if required() => panic!("no lab here: {missing}"),
        Err(missing) => {
            skip(&format!("no lab here (it takes root, iproute2, nftables): {missing}"));
            false
        }
    }
}

/// Whether a test of more than seconds is to be run: where it is asked for.
pub fn in_full(what: &str) -> bool {
    static TOLD: Once = Once::new();
    if !required() {
        TOLD.call_once(|| skip(&format!("{what}; LONGLINK_REQUIRE_REAL=1 runs it")));
    }
    required()
}
