//! The path of one direction: its delays, losses and refusals.

use std::time::Duration;

use super::whole_millis;
use crate::keeper::Dice;
use crate::testing::direction::DirectionFaults;

/// The outcome of an attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialling {
    /// A link opens after one round trip. While the path has a black hole or is
    /// stalled, the attempt asks again after 1 s, then after twice as long each
    /// time. The default.
    Accepted,
    /// The attempt is refused after one round trip.
    Refused,
    /// No answer ever comes.
    Unanswered,
}

/// How a middlebox forgets an idle link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdleExpiry {
    /// Silently: everything that is sent afterwards is lost.
    Silent,
    /// Silently; the next message of either side is answered with a reset.
    ResetOnUse,
    /// With a reset to both ends at the timeout.
    Reset,
    /// With a FIN to both ends at the timeout.
    Fin,
}

/// One direction of the network.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OneWayPath {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
    pub(super) loss: f64,
    pub(super) faults: DirectionFaults,
}

impl OneWayPath {
    /// Draws the time that one packet takes, losses included.
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

/// The most losses in a row of one packet by chance.
const MOST_LOSSES: u32 = 8;
const UNIT: Duration = Duration::from_secs(1);

/// The wait of a sender before it sends again for the `tries`-th time, from 0.
pub(super) fn backed_off(rto: Duration, tries: u32) -> Duration {
    const LONGEST: Duration = Duration::from_secs(60);
    rto.saturating_mul(1 << tries.min(16)).min(LONGEST)
}
