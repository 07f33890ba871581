//! One direction of one link: packets in flight, and packets that have arrived.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::path::backed_off;
use crate::testing::direction::DirectionFaults;
use crate::{LinkEnd, Token};

/// The content of one packet.
#[derive(Debug)]
pub(super) enum Packet<M> {
    Message(M),
    Ping(Token),
    Pong(Token),
    /// The last packet of its queue.
    End(LinkEnd),
}

#[derive(Debug)]
pub(super) struct PacketQueue<M> {
    in_flight: VecDeque<InFlight<M>>,
    /// Packets that the receiver has not read yet.
    pub(super) arrived: VecDeque<Packet<M>>,
    /// When the latest packet arrived. No packet overtakes it.
    latest: Option<Instant>,
    /// The faults of this link alone.
    pub(super) faults: DirectionFaults,
}

#[derive(Debug)]
struct InFlight<M> {
    packet: Packet<M>,
    due: Instant,
    tries: u32,
}

impl<M> PacketQueue<M> {
    pub(super) fn new() -> PacketQueue<M> {
        PacketQueue {
            in_flight: VecDeque::new(),
            arrived: VecDeque::new(),
            latest: None,
            faults: DirectionFaults::default(),
        }
    }

    pub(super) fn send(&mut self, packet: Packet<M>, due: Instant) {
        self.in_flight.push_back(InFlight { packet, due, tries: 0 });
    }

    /// When the first packet in flight is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.in_flight.front().map(|front| front.due.max(self.latest.unwrap_or(front.due)))
    }

    /// Takes the first packet in flight off the path, at the instant of its
    /// arrival.
    pub(super) fn land(&mut self, at: Instant) -> Option<Packet<M>> {
        self.latest = Some(at);
        self.in_flight.pop_front().map(|front| front.packet)
    }

    /// The first packet in flight was lost at `at`, and is sent again.
    pub(super) fn lose(&mut self, rto: Duration, at: Instant) {
        if let Some(front) = self.in_flight.front_mut() {
            front.due = at + backed_off(rto, front.tries);
            front.tries += 1;
        }
    }

    /// Lets the packets that a stall held arrive, not before `at`.
    pub(super) fn release(&mut self, at: Instant) {
        self.latest = Some(self.latest.map_or(at, |latest| latest.max(at)));
    }

    /// Loses all packets in flight for good, and ends the stream.
    pub(super) fn break_off(&mut self, end: LinkEnd) {
        self.in_flight.clear();
        self.arrived.push_back(Packet::End(end));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}
