//! The keeper in virtual time: what the heartbeat reaches on every kind of
//! middlebox, and what holds whatever comes in.
//!
//! - `world` is a network in virtual time: a server, a middlebox that forgets
//!   idle flows, loss, outages, restarts; it drives the real keeper, and so it
//!   does in studies/heartbeat_study, beside models of what others do.
//!   `flows` tests it.
//! - `runs` does many runs of that world; `scores` judges them where the path
//!   is steady, `upsets` where it is not.
//! - `schedules` are all that can happen to a keeper, `draws` makes random ones;
//!   `play` plays them and holds the keeper to its rules after each step, `invariants`
//!   plays tens of thousands, and fuzz/ those that a fuzzer finds.
//!
//! `cargo test` runs a sample. The whole:
//!
//! ```text
//! cargo test --release --test simulation -- --ignored --nocapture
//! ```

mod chance;
mod draws;
mod flows;
mod invariants;
mod play;
#[allow(dead_code, reason = "studies/heartbeat_study uses more of it")]
mod record;
mod runs;
mod schedules;
mod scores;
mod upsets;
#[allow(dead_code, reason = "studies/heartbeat_study uses more of it")]
mod world;
