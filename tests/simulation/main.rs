//! The keeper in virtual time: what the heartbeat reaches on every kind of
//! middlebox, and what holds whatever comes in.
//!
//! - `world` is a network in virtual time: a server, a middlebox that forgets
//!   idle flows, loss, outages, restarts; it drives the real keeper.
//! - `scores` judges runs of that world.
//! - `schedules` makes random inputs; `invariants` says what must hold after
//!   each of them.
//!
//! `cargo test` runs a sample. The whole:
//!
//! ```text
//! cargo test --release --test simulation -- --ignored --nocapture
//! ```

mod chance;
mod invariants;
mod record;
mod schedules;
mod scores;
mod world;
