//! The keeper in virtual time: what the heartbeat reaches on every kind of
//! middlebox, and what holds whatever comes in.
//!
//! - `world` is a network in virtual time: a server, a middlebox that forgets
//!   idle flows, loss, outages, restarts; it drives the real keeper, and so it
//!   does in examples/heartbeat_study, beside models of what others do.
//!   `flows` tests it.
//! - `runs` does many runs of that world; `scores` judges them where the path
//!   is steady, `upsets` where it is not.
//! - `schedules` makes random inputs; `invariants` says what must hold after
//!   each of them.
//!
//! `cargo test` runs a sample. The whole:
//!
//! ```text
//! cargo test --release --test simulation -- --ignored --nocapture
//! ```

mod chance;
mod flows;
mod invariants;
#[allow(dead_code, reason = "examples/heartbeat_study uses more of it")]
mod record;
mod runs;
mod schedules;
mod scores;
mod upsets;
#[allow(dead_code, reason = "examples/heartbeat_study uses more of it")]
mod world;
