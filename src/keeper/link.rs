//! One link: its role, and the watch over its silence.
//!
//! These files know no other link, none of the lessons about the path, and nothing
//! about when to dial.

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
pub(super) use main::{Main, PathKnowledge, Stall};
pub use opened::{Dialled, Opened};
pub(super) use pace::Pace;
pub(super) use replies::ReplyMeaning;
pub(super) use role::{Draining, FormerRole, Next, Role};
pub(super) use route_check::{RouteAction, RouteCheck};
pub(super) use scout::{Scout, ScoutState};
pub(super) use watch::{BeatRow, InboundKind, Proof, Silence, Watch, WatchAction};
