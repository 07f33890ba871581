//! What every transport must do to be held by this crate, as a suite of
//! tests.
//!
//! Whoever has written a [`Transport`] puts it on a [`Bench`]: beside it a
//! server that the suite plays, and the faults that can be made on the way.
//! [`tests!`] then makes one test of each case, so that what fails has a name.
//! A case that makes no sense for a transport says so and passes.
//!
//! | | cases |
//! |---|---|
//! | order | messages come whole and in order, both ways, one at a time and in bulk |
//! | pressure | whoever does not read stops whoever writes; nothing is lost |
//! | goodbyes | from either side, behind all that was said |
//! | cuts | each by its name, on the bare link and through a connection, which comes back |
//! | beats | small, answered, with their token; the peer's pings are answered |
//! | liveness | a black hole either way is noticed, also by a busy writer |
//! | sizes | at the limit a message passes, one over it is refused |
//! | epochs | no message of an old link follows one of a newer |
//! | dropping | every future, after every number of polls, loses and leaks nothing |
//! | waking | who waits is woken |
//! | leaks | after each case no task, socket or descriptor is left |
//!
//! No case asserts how fast something is: a slow machine only takes longer.
//!
//! ```
//! use longlink::LinkEnd;
//! use longlink::testing::{Dialling, Direction, Faults, WithFaults};
//! use longlink::testing::conformance::{self, Bench, Fault, Heard, Note, Peer};
//! use longlink::transport::{InProcess, InProcessFrame, InProcessListener, InProcessPeer};
//! use tokio::sync::Mutex;
//!
//! /// The transport of this crate that carries messages in memory.
//! struct InMemory {
//!     place: Memory<Note>,
//!     listener: Mutex<InProcessListener<Note>>,
//!     faults: Faults,
//! }
//!
//! struct End(InProcessPeer<Note>);
//!
//! impl InMemory {
//!     fn new() -> InMemory {
//!         let place = InProcess::new();
//!         InMemory { listener: Mutex::new(place.listen()), place, faults: Faults::new() }
//!     }
//! }
//!
//! impl Bench for InMemory {
//!     type Transport = WithFaults<InProcess<Note>>;
//!     type Peer = End;
//!
//!     fn transport(&self) -> WithFaults<InProcess<Note>> {
//!         self.faults.around(self.place.clone())
//!     }
//!     async fn accept(&self) -> End {
//!         End(self.listener.lock().await.accept().await.expect("the place is there"))
//!     }
//!     fn outgoing(&self, note: Note) -> Note {
//!         note
//!     }
//!     fn incoming(&self, message: &Note) -> Note {
//!         *message
//!     }
//!     fn make(&self, fault: Fault) -> bool {
//!         match fault {
//!             Fault::Fin => self.faults.end(LinkEnd::Eof),
//!             Fault::Reset => self.faults.end(LinkEnd::Reset),
//!             Fault::BlackHole(direction) => self.faults.black_hole(direction),
//!             Fault::Refused => self.faults.dialling(Dialling::Refused),
//!             Fault::Unanswered => self.faults.dialling(Dialling::Unanswered),
//!             _ => return false,
//!         }
//!         true
//!     }
//!     fn restore(&self) {
//!         self.faults.restore(Direction::Both);
//!         self.faults.dialling(Dialling::Accepted);
//!     }
//!     fn closing(&self) -> LinkEnd {
//!         LinkEnd::closed(Some(1001), "gone")
//!     }
//! }
//!
//! impl Peer for End {
//!     async fn send(&mut self, note: Note) -> std::io::Result<()> {
//!         self.0.send(note).await.map_err(std::io::Error::other)
//!     }
//!     async fn recv(&mut self) -> Heard {
//!         loop {
//!             match self.0.next().await {
//!                 Ok(InProcessFrame::Message(note)) => return Heard::Message(note),
//!                 Ok(InProcessFrame::Beat(token)) => drop(self.0.pong(Some(token))),
//!                 Ok(InProcessFrame::Pong(_)) => return Heard::Pong,
//!                 Err(_) => return Heard::End,
//!             }
//!         }
//!     }
//!     async fn ping(&mut self) -> std::io::Result<bool> {
//!         self.0.ping(longlink::Token(1)).map_err(std::io::Error::other)?;
//!         Ok(true)
//!     }
//!     async fn close(&mut self) -> std::io::Result<()> {
//!         self.0.close(1001, "gone");
//!         Ok(())
//!     }
//! }
//!
//! mod in_memory {
//!     longlink::testing::conformance::tests!(super::InMemory::new());
//! }
//! // Or one case by hand:
//! conformance::run(async || InMemory::new(), conformance::messages_keep_their_order_to_the_server);
//! ```
//!
//! [`Transport`]: crate::transport::Transport

mod beats;
mod bench;
mod cuts;
mod dialling;
mod dropping;
mod epochs;
mod fault;
mod goodbyes;
mod list;
mod note;
mod order;
mod pressure;
mod run;
mod sizes;
mod stage;
mod waking;

pub use bench::{Bench, Heard, InOf, LinkOf, OutOf, Peer};
pub use fault::Fault;
pub use note::Note;
pub use run::{NotApplicable, Verdict, run, run_within};

pub use crate::__conformance_tests as tests;

crate::__conformance_cases!(__conformance_publish());
