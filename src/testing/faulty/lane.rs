//! One way of one link: what is on its way and what has arrived.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::path::{Faults, backed_off};
use crate::{LinkEnd, Token};

/// What one packet carries.
#[derive(Debug)]
pub(super) enum Packet<M> {
    Message(M),
    Ping(Token),
    Pong(Token),
    /// The last of its lane.
    End(LinkEnd),
}

#[derive(Debug)]
pub(super) struct Lane<M> {
    in_flight: VecDeque<InFlight<M>>,
    /// What the receiver has not yet read.
    pub(super) arrived: VecDeque<Packet<M>>,
    /// When the latest packet arrived: none overtakes it.
    latest: Option<Instant>,
    /// What is wrong with this link alone.
    pub(super) faults: Faults,
}

#[derive(Debug)]
struct InFlight<M> {
    packet: Packet<M>,
    due: Instant,
    tries: u32,
}

impl<M> Lane<M> {
    pub(super) fn new() -> Lane<M> {
        Lane { in_flight: VecDeque::new(), arrived: VecDeque::new(), latest: None, faults: Faults::default() }
    }

    pub(super) fn send(&mut self, packet: Packet<M>, due: Instant) {
        self.in_flight.push_back(InFlight { packet, due, tries: 0 });
    }

    /// When the foremost packet is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.in_flight.front().map(|front| front.due.max(self.latest.unwrap_or(front.due)))
    }

    /// Takes the foremost packet off the path, at the instant at which it
    /// arrives.
    pub(super) fn land(&mut self, at: Instant) -> Option<Packet<M>> {
        self.latest = Some(at);
        self.in_flight.pop_front().map(|front| front.packet)
    }

    /// The foremost packet was lost at `at`: it is sent again.
    pub(super) fn lose(&mut self, rto: Duration, at: Instant) {
        if let Some(front) = self.in_flight.front_mut() {
            front.due = at + backed_off(rto, front.tries);
            front.tries += 1;
        }
    }

    /// Lets what was held by a stall arrive, at `at` and not before.
    pub(super) fn release(&mut self, at: Instant) {
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
    }

    /// Loses what is on its way for good, and ends what arrives.
    pub(super) fn break_off(&mut self, end: LinkEnd) {
        self.in_flight.clear();
        self.arrived.push_back(Packet::End(end));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}
