//! The rules for all links, and the messages that the server received.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::path::{Dialling, IdleExpiry, OneWayPath};
use crate::Beat;
use crate::keeper::Dice;
use crate::testing::Direction;

/// A message that the server received and answered by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received<Out> {
    /// The number of the link: 1 for the first that opened.
    pub link: u64,
    /// When the message arrived, since the network was made.
    pub at: Duration,
    /// The message.
    pub message: Out,
}

pub(super) type Respond<In, Out> = Box<dyn FnMut(&Out) -> Vec<In> + Send>;

/// The rules for all links.
pub(super) struct Rules<In, Out> {
    pub(super) began: Instant,
    dice: Dice,
    pub(super) to_client: OneWayPath,
    pub(super) to_server: OneWayPath,
    pub(super) idle: Option<(Duration, IdleExpiry)>,
    pub(super) dialling: Dialling,
    pub(super) answers_beats: bool,
    pub(super) beat: Beat,
    pub(super) window: usize,
    pub(super) respond: Option<Respond<In, Out>>,
    pub(super) received: Vec<Received<Out>>,
}

impl<In, Out> Rules<In, Out> {
    pub(super) fn new(seed: u64, respond: Option<Respond<In, Out>>) -> Rules<In, Out> {
        Rules {
            began: Instant::now(),
            dice: Dice::new(seed),
            to_client: OneWayPath::default(),
            to_server: OneWayPath::default(),
            idle: None,
            dialling: Dialling::Accepted,
            answers_beats: true,
            beat: Beat::Ping,
            window: 256,
            respond,
            received: Vec::new(),
        }
    }

    /// The answers of the server; `None` if the test plays the server.
    pub(super) fn respond(&mut self, message: &Out) -> Option<Vec<In>> {
        self.respond.as_mut().map(|respond| respond(message))
    }

    pub(super) fn draw(&mut self, direction: Direction) -> Duration {
        let rto = self.rto();
        let path = *self.path(direction);
        path.draw(rto, &mut self.dice)
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.to_client.latency + self.to_server.latency
    }

    /// The wait of a sender before it first sends again.
    pub(super) fn rto(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(200);
        SHORTEST.max(2 * self.round_trip())
    }

    pub(super) fn holed(&self, direction: Direction) -> bool {
        self.path(direction).faults.holed
    }

    pub(super) fn stalled(&self, direction: Direction) -> bool {
        self.path(direction).faults.stalled
    }

    fn path(&self, direction: Direction) -> &OneWayPath {
        match direction {
            Direction::ToClient => &self.to_client,
            Direction::ToServer | Direction::Both => &self.to_server,
        }
    }
}

impl<In, Out> fmt::Debug for Rules<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("idle", &self.idle)
            .field("dialling", &self.dialling)
            .finish_non_exhaustive()
    }
}
