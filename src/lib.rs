#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs, missing_debug_implementations, unreachable_pub)]
#![warn(clippy::wildcard_enum_match_arm, clippy::todo, clippy::dbg_macro, clippy::print_stdout)]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod keeper;
pub mod outbox;

#[cfg(feature = "runtime")]
pub mod network;
#[cfg(feature = "runtime")]
pub mod transport;

#[cfg(feature = "test-util")]
pub mod testing;
