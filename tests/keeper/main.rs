//! The keeper, to the exact instant: each module is a promise.

mod activity;
mod advance;
mod backoff;
mod beats;
mod bursts;
mod classify;
mod control;
mod ends;
mod figures;
mod frozen;
mod late;
mod liveness;
mod memory;
mod network;
mod over;
mod path;
mod pause;
mod promises;
mod replace;
mod rig;
mod scouts;
mod sending;
mod settings;
mod slow;
mod stalls;
mod words;
