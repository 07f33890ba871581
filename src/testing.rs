//! Tools to test code that uses this crate: networks that fail on command, in
//! memory and in exact virtual time.
//!
//! * [`Script`] says what becomes of every attempt to connect, and hands the
//!   test the other end of every link: for tests of one exact situation.
//! * [`FaultyNet`] is a small network with a server at its end: latency,
//!   loss, black holes, cuts and idle timeouts, while both sides talk as
//!   usual: for tests of behaviour under faults.
//! * [`Faults`] loses and holds messages, ends links and refuses attempts over
//!   any transport: around [`Memory`](crate::transport::Memory) for a server
//!   of your own in the same process, or around a transport of your own.
//! * [`Proxy`] stands between a real client and a real server and carries
//!   their bytes, or loses, holds, cuts and spoils them on command: for tests
//!   of what sockets do.
//! * [`ByHand`] drives any link step by step, and
//!   [`Attempt::alone`](crate::transport::Attempt::alone) makes the
//!   attempt that a transport is given: for tests of a transport of your own.
//! * [`conformance`] is what every transport must do, as a suite of tests: put
//!   yours on its bench.
//!
//! All of them take the time from tokio's clock. But sockets do not, so the
//! proxy belongs in tests whose clock runs. With
//! `#[tokio::test(start_paused = true)]` a test of an hour runs in a moment
//! and may assert instants to the millisecond. Make a `Script` or `FaultyNet`
//! inside the test's runtime: its times count from there.
//!
//! ```
//! use std::time::Duration;
//! use futures::StreamExt;
//! use longlink::testing::{Direction, FaultyNet};
//! use longlink::{Event, ResilientConnection, Seen};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let net = FaultyNet::<String>::echo(7);
//! net.latency(Direction::Both, Duration::from_millis(20));
//! let mut connection = ResilientConnection::builder(net.transport()).seed(7).connect().await?;
//! connection.sender().send("hello".to_owned()).await?;
//! assert_eq!(connection.recv().await.transpose()?.as_deref(), Some("hello"));
//!
//! let mut events = connection.events();
//! net.black_hole(Direction::ToClient);
//! connection.probe_now();
//! let asked = net.elapsed();
//! let seen = loop {
//!     if let Some(Event::Disconnected { seen, .. }) = events.next().await {
//!         break seen;
//!     }
//! };
//! assert_eq!(seen, Seen::ProbeUnanswered);
//! assert_eq!(net.elapsed() - asked, Duration::from_secs(3));
//!
//! net.restore(Direction::ToClient);
//! assert_eq!(connection.connected().await?, 2);
//! # Ok(())
//! # }
//! ```

mod alarm;
mod by_hand;
pub mod conformance;
mod faults;
mod faulty;
mod proxy;
mod scripted;

pub use by_hand::ByHand;
pub use faults::{Faults, LinkWithFaults, WithFaults};
pub use faulty::{Dialling, Direction, Expiry, FaultyLink, FaultyNet, FaultyTransport, Received, ServerLink};
pub use proxy::{Cut, Newcomers, Proxy};
pub use scripted::{
    Answers, AttemptRecord, Peer, Script, ScriptedLink, ScriptedTransport, Step, Wrote, WroteWhat,
};
