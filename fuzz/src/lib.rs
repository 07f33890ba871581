//! Hostile input of every kind for longlink.
//!
//! Each target is a function of bytes that panics where a promise is broken. A
//! fuzzer looks for such bytes ([`target!`], `cargo fuzz run`); what it found
//! worth keeping lies in `corpus/`, and `cargo test` plays all of that again,
//! without a fuzzer.
//!
//! | target | what the bytes are | what is held against it |
//! |---|---|---|
//! | [`keeper`] | settings, and all that can happen to a keeper, at any time | the model of `tests/simulation` |
//! | [`outbox`] | what is done to an outbox and its links | a plain list of all messages |
//! | [`upgrade`] | a server's answer to a WebSocket's upgrade, and what is behind it | a plain reader of both |
//! | [`tcp`] | what a server says to a line protocol, or one of frames | a plain reader of each |

mod drive;
mod keeper;
mod memory;
mod outbox;
#[allow(dead_code, reason = "tests/simulation uses more of it")]
#[path = "../../tests/simulation/play/mod.rs"]
mod play;
#[allow(dead_code, reason = "tests/simulation uses more of it")]
#[path = "../../tests/simulation/schedules.rs"]
mod schedules;
mod tcp;
mod upgrade;
mod wire;

pub use keeper::keeper;
pub use outbox::outbox;
pub use tcp::tcp;
pub use upgrade::upgrade;

/// The `main` of a target. Without a fuzzer it does nothing.
#[macro_export]
macro_rules! target {
    ($plays:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| $plays(bytes));

        #[cfg(not(fuzzing))]
        fn main() {}
    };
}
