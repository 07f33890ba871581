//! A whole connection, mostly over links in memory and in virtual time: each
//! module is a promise.
#![cfg(feature = "runtime")]

mod building;
mod cancel_safety;
mod closing;
mod driver_links;
mod events;
mod forward;
mod framed;
mod framed_goodbyes;
mod from_fn;
mod interval_store;
#[cfg(feature = "json-store")]
mod json_file;
mod last_events;
mod last_words;
mod logins;
mod message_drops;
mod network_handle;
mod network_watch;
mod parting;
mod path;
mod pausing;
mod reading;
mod replaced_twice;
mod replacing;
mod scouts;
mod sending;
mod server_first;
mod shares;
#[path = "../support/mod.rs"]
mod support;
mod suspend;
mod transport_shapes;
mod unflushed;
mod updates;
