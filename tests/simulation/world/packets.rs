//! How packets travel.

use std::time::Duration;

use super::client::{Client, End, Link};
use super::flow::{FlowDirection, Packet, Segment};
use super::{Happening, World};

/// TCP's least retransmission timeout, beside the round trip.
const RTO: Duration = Duration::from_millis(200);
/// TCP's longest.
const LONGEST_RTO: Duration = Duration::from_secs(120);

impl<C: Client> World<'_, C> {
    pub(super) fn send(&mut self, link: Link, way: FlowDirection, packet: Packet) {
        if let Some(flow) = self.flow(link) {
            let segment = flow.number(way, packet);
            self.leave(segment, 0);
        }
    }

    pub(super) fn leave(&mut self, segment: Segment, tries: u32) {
        self.recorder.bytes(segment.packet.bytes());
        let lost = segment.way == FlowDirection::Up && self.chance.happens(self.nature.loss);
        if lost || self.nature.path_down(self.now) {
            let wait = (self.nature.rtt + RTO) * 2u32.pow(tries.min(16));
            let again = Happening::Leave { segment, tries: tries + 1 };
            self.queue.put(self.now + wait.min(LONGEST_RTO), again);
            return;
        }
        let to_the_box = match segment.way {
            FlowDirection::Up => self.nature.edge,
            FlowDirection::Down => self.nature.rtt / 2 - self.nature.edge,
        };
        self.queue.put(self.now + to_the_box, Happening::Pass(segment));
    }

    pub(super) fn pass(&mut self, segment: Segment) {
        let (nature, now) = (self.nature, self.now);
        let Some(flow) = self.flow(segment.link) else { return };
        flow.forgotten |= now >= nature.forgets(flow.passed);
        if flow.forgotten {
            if nature.expiry.answers() && segment.way == FlowDirection::Up {
                let reset = Happening::Ended { link: segment.link, end: End::Rst };
                self.queue.put(now + nature.edge, reset);
            }
            return;
        }
        flow.pass(now);
        let onward = match segment.way {
            FlowDirection::Up => nature.rtt / 2 - nature.edge,
            FlowDirection::Down => nature.edge,
        };
        self.queue.put(now + onward, Happening::Arrive(segment));
    }

    pub(super) fn arrive(&mut self, segment: Segment) {
        let Segment { link, way, .. } = segment;
        if let Some(flow) = self.flow(link) {
            flow.arrive(segment);
        }
        while let Some(packet) = self.flow(link).and_then(|flow| flow.next(way)) {
            match way {
                FlowDirection::Up => self.reach_server(link, packet),
                FlowDirection::Down => self.reach_client(link, packet),
            }
        }
    }

    fn reach_server(&mut self, link: Link, packet: Packet) {
        if self.flow(link).is_some_and(|flow| flow.server_gone) {
            let reset = Happening::Ended { link, end: End::Rst };
            self.queue.put(self.now + self.nature.rtt / 2, reset);
            return;
        }
        match packet {
            Packet::Beat(token) => self.send(link, FlowDirection::Down, Packet::Answer(token)),
            Packet::Goodbye => self.send(link, FlowDirection::Down, Packet::Fin),
            Packet::Answer(_) | Packet::Message | Packet::Fin => {}
        }
    }

    fn reach_client(&mut self, link: Link, packet: Packet) {
        match packet {
            Packet::Answer(token) => {
                self.byte_in(link);
                self.tell(|client, now| client.answered(link, token, now));
            }
            Packet::Message => {
                self.byte_in(link);
                self.recorder.message();
                self.tell(|client, now| client.heard(link, now));
            }
            Packet::Fin => self.ended(link, End::Fin),
            Packet::Beat(_) | Packet::Goodbye => {}
        }
    }

    /// The client's TCP acknowledges what came, and that passes the middlebox
    /// too.
    fn byte_in(&mut self, link: Link) {
        let acknowledged = self.now + self.nature.edge;
        if !self.nature.path_down(self.now)
            && let Some(flow) = self.flow(link)
        {
            flow.pass(acknowledged);
        }
        if self.main == Some(link) {
            self.recorder.byte(self.now);
        }
    }
}
