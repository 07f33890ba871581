//! One link: what it is for, and the watch over its silence.
//!
//! Nothing here knows of another link, of what the path was learned to do, or
//! of when to dial.

mod beat;
mod links;
mod main;
mod opened;
mod pace;
mod replies;
mod role;
mod route_check;
mod scout;
mod watch;

pub use beat::Beat;
pub(super) use links::Links;
pub(super) use main::{Known, Main, Stall};
pub use opened::{Dialled, Opened};
pub(super) use pace::Pace;
pub(super) use replies::Shown;
pub(super) use role::{Draining, Next, Role, Was};
pub(super) use route_check::{RouteCheck, Then};
pub(super) use scout::{Scout, Stage};
pub(super) use watch::{Asked, Proof, Silence, Sound, Step, Watch};
