//! The keeper decides; it never waits.
//!
//! The driver tells the keeper what happened and when ([`Keeper::handle`] takes
//! one [`Input`]), asks it what to do ([`Keeper::poll_output`]) and when to call
//! again ([`Keeper::poll_timeout`]). The keeper has no I/O, clock, lock, await or
//! randomness of its own: time comes in as [`Moment`], chance as a seed.
//!
//! The values that an application meets too (events, settings, states, ids) are in
//! the crate's root.
//!
//! # Layout
//!
//! Each file knows only the files above it in this list.
//!
//! * `moment`, `dice`, `names`, `end`, `facts`, `activity`, `timer`: values.
//! * `config`, `event`, `good_news`: the settings, the events for the application,
//!   the news that brings an attempt forward.
//! * `link`: one link in its role, with the watch over its silence.
//! * `path`: the knowledge of one path: its idle timeout, its scouts, the
//!   diagnosis of its last death.
//! * `schedule`: when to dial.
//! * `input`, `output`, `state`, `stats`: the contract.
//! * `machine`: the only file that sees links, path and schedule.

pub(crate) mod activity;
pub(crate) mod config;
mod dice;
pub(crate) mod end;
pub(crate) mod event;
mod facts;
mod good_news;
pub(crate) mod input;
pub(crate) mod invalid;
pub(crate) mod link;
mod machine;
mod moment;
pub(crate) mod names;
mod output;
mod path;
mod schedule;
pub(crate) mod state;
pub(crate) mod stats;
mod timer;

pub use config::{CLOSE_DEADLINE, Config};
pub use dice::Dice;
pub use facts::{PathFacts, RouteFacts};
pub use input::{Input, Messages};
pub use link::{Dialled, Opened};
pub use machine::Keeper;
pub use moment::Moment;
pub use output::{Output, Purpose};
pub use path::{Expiry, Learned, Recalled};
pub use state::Finish;
pub use timer::Timer;
