//! The keeper decides; it never waits.
//!
//! It is told what happened and when ([`Keeper::handle`] takes one [`Input`]),
//! it is asked what to do ([`Keeper::poll_output`]) and when to call again
//! ([`Keeper::poll_timeout`]). It has no I/O, clock, lock, await or randomness
//! of its own: time comes in as [`Moment`], chance as a seed.
//!
//! # Layout
//!
//! Each file knows only what stands above it in this list.
//!
//! * `moment`, `dice`, `names`, `end`, `facts`, `activity`, `timer`: values.
//! * `config`, `event`, `good_news`: the settings, what the application is told,
//!   what hurries an attempt.
//! * `link`: one link in its role, with the watch over its silence.
//! * `path`: what is known of one path: its idle timeout, its scouts, the
//!   diagnosis of its last death.
//! * `schedule`: when to dial.
//! * `input`, `output`, `state`, `stats`: the contract.
//! * `machine`: the only one that sees links, path and schedule.

mod activity;
mod config;
mod dice;
mod end;
mod event;
mod facts;
mod good_news;
mod input;
mod invalid;
mod link;
mod machine;
mod moment;
mod names;
mod output;
mod path;
mod schedule;
mod state;
mod stats;
mod timer;

pub use activity::Activity;
pub use config::{
    CLOSE_DEADLINE, Config, Delays, FirstConnect, Growth, Heartbeat, Probing, Reconnect, Retry, Setback,
};
pub use dice::Dice;
pub use end::{Failure, LinkEnd};
pub use event::{Cause, Detection, Event, Evidence, GiveUp, RetryReason, ScoutResult, StoreFault};
pub use facts::{PathFacts, RouteFacts};
pub use input::{Input, Messages, NetworkStatus};
pub use invalid::Invalid;
pub use link::{Beat, Dialled, Opened};
pub use machine::Keeper;
pub use moment::Moment;
pub use names::{LinkId, Token};
pub use output::{Output, Purpose};
pub use path::{Expiry, Learned, Recalled};
pub use state::{Finish, State};
pub use stats::KeeperStats;
pub use timer::Timer;
