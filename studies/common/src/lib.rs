//! The studies' common parts: command lines, documents, plots and threads.

#[path = "../../../examples/mqtt/arguments.rs"]
pub mod arguments;
pub mod document;
pub mod parallel;
pub mod plot;
