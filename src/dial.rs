//! Reaching a peer: name, address race, TCP, TLS.
//!
//! Everything runs inside the caller's future: there are no tasks, so a dial
//! that is dropped has closed every socket that it had opened. Only a name
//! lookup that has begun runs to its end in the runtime's blocking pool, as
//! the system's resolver cannot be interrupted.

mod attempt;
mod connect_error;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod dialler;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod failure;
#[cfg(all(feature = "tcp-info", target_os = "linux"))]
mod path_facts;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod race;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod socket;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod source;
#[cfg(any(feature = "websocket", feature = "tcp"))]
mod stream;
#[cfg(any(feature = "websocket", feature = "tcp"))]
#[cfg_attr(not(feature = "tls"), path = "dial/no_tls.rs")]
mod tls;

pub use attempt::Attempt;
pub use connect_error::ConnectError;
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub(crate) use dialler::Dialler;
#[cfg(feature = "websocket")]
pub(crate) use failure::failure;
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub(crate) use socket::Socket;
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub(crate) use source::StreamSource;
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub(crate) use stream::Stream;
#[cfg(any(feature = "websocket", feature = "tcp"))]
pub(crate) use tls::Tls;
