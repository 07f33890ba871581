//! The suite that every transport must pass.
//!
//! Write a [`Bench`] for your [`Transport`]: the transport, a server that the
//! suite plays ([`Peer`]), and the faults that you can make between them.
//! [`tests!`] then makes one test of each [`Case`]. [`run`] runs a single case.
//!
//! | group | promises |
//! |---|---|
//! | order | messages arrive whole and in order, both ways, one at a time and in bulk |
//! | pressure | a side that does not read stops the side that writes; nothing is lost |
//! | goodbyes | a goodbye of either side comes behind all earlier messages |
//! | cuts | each way to cut a link is reported by its name, on the bare link and through a connection, which reconnects |
//! | beats | beats are small and answered with their token; the server's pings are answered |
//! | liveness | a black hole in either direction is noticed, also by a busy writer |
//! | sizes | a message at the limit passes, a message over the limit is refused |
//! | epochs | no message of an old link follows a message of a newer link |
//! | dropping | every future can be dropped after any number of polls; nothing is lost or left behind |
//! | waking | a task that waits is woken |
//! | leaks | after each case no task, socket or other descriptor is left |
//!
//! A case that makes no sense for a bench does not apply: the bench cannot make
//! the fault, or the protocol has no such thing. Then [`run`] returns
//! [`Ran::NotApplicable`] with the reason, and the test of [`tests!`] passes.
//! To keep cases from passing by mistake, give `tests!` the list of the cases
//! that do not apply.
//!
//! No case checks how fast something is. A slow machine only takes longer.
//!
//! ```
//! use longlink::LinkEnd;
//! use longlink::testing::{Dialling, Direction, Faults, WithFaults};
//! use longlink::testing::conformance::{self, Bench, Case, Fault, FromClient, Note, Peer, Ran};
//! use longlink::transport::{InProcess, InProcessFrame, InProcessListener, InProcessPeer};
//! use tokio::sync::Mutex;
//!
//! /// The transport of this crate that carries messages in memory.
//! struct InMemory {
//!     place: InProcess<Note>,
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
//!     async fn recv(&mut self) -> FromClient {
//!         loop {
//!             match self.0.next().await {
//!                 Ok(InProcessFrame::Message(note)) => return FromClient::Message(note),
//!                 Ok(InProcessFrame::Beat(token)) => drop(self.0.pong(Some(token))),
//!                 Ok(InProcessFrame::Pong(_)) => return FromClient::Pong,
//!                 Err(_) => return FromClient::End,
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
//!     // Messages have no middle and no limit here, and nothing is encrypted.
//!     longlink::testing::conformance::tests!(
//!         super::InMemory::new(),
//!         not_applicable: [
//!             a_half_close_ends_the_link,
//!             a_message_cut_by_a_fin_is_dropped,
//!             a_message_cut_by_a_reset_is_dropped,
//!             an_alert_of_ours_ends_the_link,
//!             an_alert_of_the_server_s_ends_the_link,
//!             the_longest_message_passes,
//!             a_longer_message_is_refused,
//!             a_longer_message_of_the_server_ends_the_link,
//!         ]
//!     );
//! }
//!
//! // Or single cases, by name.
//! let case = Case::named("a_reset_ends_the_link").expect("the suite has this case");
//! assert_eq!(conformance::run(async || InMemory::new(), case), Ran::Passed);
//! let case = Case::named("a_longer_message_is_refused").expect("the suite has this case");
//! assert!(matches!(conformance::run(async || InMemory::new(), case), Ran::NotApplicable(_)));
//! ```
//!
//! [`Transport`]: crate::transport::Transport

mod beats;
mod bench;
mod case;
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
mod tools;
mod verdict;
mod waking;

pub use bench::{Bench, FromClient, InOf, OutOf, Peer};
pub use case::Case;
pub use fault::Fault;
pub use note::Note;
#[doc(hidden)]
pub use run::__run_test;
pub use run::{Ran, run, run_within};

#[doc(inline)]
pub use crate::__conformance_tests as tests;
