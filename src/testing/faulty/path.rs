//! What a path does to what is sent over it.

use std::time::Duration;

use super::whole_millis;
use crate::keeper::Dice;

/// One way over the network, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the server to the client.
    ToClient,
    /// From the client to the server.
    ToServer,
    /// Both.
    Both,
}

impl Direction {
    pub(in crate::testing) fn includes(self, way: Direction) -> bool {
        self == Direction::Both || self == way
    }
}

/// What becomes of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialling {
    /// A link opens after one round trip. Where the path has a black hole or
    /// is stalled, the attempt asks again after 1 s, then after twice as long
    /// each time. The default.
    Accepted,
    /// It is refused after one round trip.
    Refused,
    /// Nothing ever answers.
    Unanswered,
}

/// How an idle link is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// Without a word: whatever is sent after it is lost.
    Silent,
    /// Without a word; whoever sends next is answered with a reset.
    ResetOnUse,
    /// With a reset to both ends when the time is over.
    Reset,
    /// With a FIN to both ends when the time is over.
    Fin,
}

/// One way of the network.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    pub(super) loss: f64,
    pub(super) faults: Faults,
}

/// What can be wrong on one way of the network, or of one link.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) holed: bool,
    pub(super) stalled: bool,
}

impl Faults {
    pub(super) fn clear(&mut self) {
        *self = Faults::default();
    }
}

impl Path {
    /// How long one packet takes, losses included.
    pub(super) fn draw(&self, rto: Duration, dice: &mut Dice) -> Duration {
        let mut takes = self.latency + dice.between(Duration::ZERO, self.jitter);
        for tries in 0..MOST_LOSSES {
            if dice.between(Duration::ZERO, UNIT) >= UNIT.mul_f64(self.loss.clamp(0.0, 1.0)) {
                break;
            }
            takes += backed_off(rto, tries);
        }
        whole_millis(takes)
    }
}

/// How often in a row one packet can be lost by chance.
const MOST_LOSSES: u32 = 8;
const UNIT: Duration = Duration::from_secs(1);

/// How long a sender waits before it sends again for the `tries`-th time,
/// from 0.
pub(super) fn backed_off(rto: Duration, tries: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(60);
    rto.saturating_mul(1 << tries.min(16)).min(LONGEST)
}
