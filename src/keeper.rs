//! The keeper decides; it never waits.
//!
//! The driver tells the keeper what happened and when ([`Keeper::handle`] takes
//! one [`Input`]), asks it what to do ([`Keeper::poll_output`]) and when to call
//! again ([`Keeper::poll_timeout`]). The keeper has no I/O, clock, lock, await or
//! randomness of its own: time comes in as [`Moment`], chance as a seed.
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
//! * `input`, `output`, `state`: the contract.
//! * `machine`: the only file that sees links, path and schedule.

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
mod timer;

pub use activity::Activity;
pub use config::{CLOSE_DEADLINE, Config, Delays, Growth, Heartbeat, Probing, Reconnect, Retry, Setback};
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
pub use state::{Figures, Finish, State};
pub use timer::Timer;
