//! The plan of one connection.

use crate::chance::Chance;
use crate::faults::Round;

/// Messages that are left for the end of the connection: more than the outbox
/// holds, but not more than a third of all.
const LAST: u64 = 100;

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Closed with nothing left to say.
    Calm,
    /// Closed while it has much to say.
    Busy,
    /// Closed while the server cannot be reached.
    Outage,
    /// Closed while nothing comes through.
    BlackHole,
    /// Closed while it is paused.
    Paused,
    /// Dropped while it has much to say.
    Dropped,
}

impl Ending {
    pub const ALL: [Ending; 6] =
        [Ending::Outage, Ending::Dropped, Ending::Busy, Ending::Paused, Ending::BlackHole, Ending::Calm];
}

/// The plan of one connection.
#[derive(Clone, Debug)]
pub struct Plan {
    pub rounds: Vec<Round>,
    /// Messages each way in all.
    pub from_client: u64,
    pub from_server: u64,
    pub ending: Ending,
    pub chance: Chance,
}

impl Plan {
    /// So many messages each way, in rounds of about `share` messages.
    pub fn draw(
        chance: &mut Chance,
        (from_client, from_server): (u64, u64),
        share: u64,
        ending: Ending,
    ) -> Plan {
        let rounds = (from_client.max(from_server) / share).max(1);
        let rounds = (0..rounds).map(|_| Round::draw(chance, share)).collect();
        Plan { rounds, from_client, from_server, ending, chance: Chance::new(chance.next()) }
    }

    /// The messages that may go out before the end begins.
    pub fn but_the_last(&self) -> (u64, u64) {
        let but_the_last = |messages: u64| messages - LAST.min(messages / 3);
        (but_the_last(self.from_client), but_the_last(self.from_server))
    }
}
