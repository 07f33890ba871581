//! What holds for all links, and what the server received.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::path::{Dialling, Direction, Expiry, Path};
use crate::Beat;
use crate::keeper::Dice;

/// A message that the server received and answered by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received<Out> {
    /// Which link it came over: 1 for the first that opened.
    pub link: u64,
    /// When, since the network was made.
    pub at: Duration,
    /// The message.
    pub message: Out,
}

pub(super) type Respond<In, Out> = Box<dyn FnMut(&Out) -> Vec<In> + Send>;

/// What holds for all links.
pub(super) struct Rules<In, Out> {
    pub(super) began: Instant,
    dice: Dice,
    pub(super) to_client: Path,
    pub(super) to_server: Path,
    pub(super) idle: Option<(Duration, Expiry)>,
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
            to_client: Path::default(),
            to_server: Path::default(),
            idle: None,
            dialling: Dialling::Accepted,
            answers_beats: true,
            beat: Beat::Ping,
            window: 256,
            respond,
            received: Vec::new(),
        }
    }

    /// What the server answers by itself; `None` where the test plays it.
    pub(super) fn respond(&mut self, message: &Out) -> Option<Vec<In>> {
        self.respond.as_mut().map(|respond| respond(message))
    }

    pub(super) fn draw(&mut self, way: Direction) -> Duration {
        let rto = self.rto();
        let path = *self.path(way);
        path.draw(rto, &mut self.dice)
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.to_client.latency + self.to_server.latency
    }

    /// How long a sender waits before it first sends again.
    pub(super) fn rto(&self) -> Duration {
        const SHORTEST: Duration = Duration::from_millis(200);
        SHORTEST.max(2 * self.round_trip())
    }

    pub(super) fn holed(&self, way: Direction) -> bool {
        self.path(way).faults.holed
    }

    pub(super) fn stalled(&self, way: Direction) -> bool {
        self.path(way).faults.stalled
    }

    fn path(&self, way: Direction) -> &Path {
        match way {
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
