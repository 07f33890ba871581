//! One link through the network, from its opening to its end.
//!
//! Nothing here waits. A caller that looks at the flow brings it up to the
//! present first, event by event in the order of their times. So the times of
//! the looks change nothing.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use super::packets::{Packet, PacketQueue};
use super::path::{IdleExpiry, backed_off};
use super::rules::{Received, Rules};
use crate::LinkEnd;
use crate::keeper::PathFacts;
use crate::testing::Direction;

#[derive(Debug)]
pub(super) struct Flow<In, Out> {
    id: u64,
    pub(super) to_client: PacketQueue<In>,
    pub(super) to_server: PacketQueue<Out>,
    /// The packets of the client that are not acknowledged, oldest first.
    unacknowledged: VecDeque<Sent>,
    acks: VecDeque<Ack>,
    /// When a packet last passed the middlebox.
    passed: Instant,
    forgotten: bool,
    /// Both ends know that the link is over.
    broken: bool,
    pub(super) client_gone: bool,
    pub(super) server_gone: bool,
    pub(super) wakers: Vec<Waker>,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    bytes: u64,
}

#[derive(Debug)]
struct Ack {
    due: Instant,
    tries: u32,
}

#[derive(Clone, Copy)]
enum Happening {
    Expiry,
    AtServer,
    AtClient,
    Ack,
}

impl<In, Out> Flow<In, Out> {
    /// `server_gone` is true where the server answers by itself, and nobody has to
    /// read its end.
    pub(super) fn new(id: u64, server_gone: bool, now: Instant) -> Flow<In, Out> {
        Flow {
            id,
            to_client: PacketQueue::new(),
            to_server: PacketQueue::new(),
            unacknowledged: VecDeque::new(),
            acks: VecDeque::new(),
            passed: now,
            forgotten: false,
            broken: false,
            client_gone: false,
            server_gone,
            wakers: Vec::new(),
        }
    }

    /// Brings the flow up to `now`.
    pub(super) fn advance(&mut self, rules: &mut Rules<In, Out>, now: Instant) {
        while let Some((at, happening)) = self.next(rules).filter(|(at, _)| *at <= now) {
            match happening {
                Happening::Expiry => self.expire(rules),
                Happening::AtServer => self.reach_server(rules, at),
                Happening::AtClient => self.reach_client(rules, at),
                Happening::Ack => self.acknowledge(rules, at),
            }
        }
    }

    /// When the next event happens by itself.
    pub(super) fn next_at(&self, rules: &Rules<In, Out>) -> Option<Instant> {
        self.next(rules).map(|(at, _)| at)
    }

    pub(super) fn client_sends(
        &mut self,
        packet: Packet<Out>,
        bytes: u64,
        rules: &mut Rules<In, Out>,
        now: Instant,
    ) {
        if self.broken || self.pass(rules, now) == Passage::Reset {
            return;
        }
        self.unacknowledged.push_back(Sent { at: now, bytes });
        let takes = rules.draw(Direction::ToServer);
        self.to_server.send(packet, now + takes);
    }

    pub(super) fn server_sends(&mut self, packet: Packet<In>, rules: &mut Rules<In, Out>, now: Instant) {
        if !self.broken {
            let takes = rules.draw(Direction::ToClient);
            self.to_client.send(packet, now + takes);
        }
    }

    /// Ends the stream to the client, behind all packets in flight.
    pub(super) fn end_to_client(&mut self, end: LinkEnd, rules: &mut Rules<In, Out>, now: Instant) {
        self.server_sends(Packet::End(end), rules, now);
    }

    /// Ends the stream to the server, behind all packets in flight.
    pub(super) fn end_to_server(&mut self, end: LinkEnd, rules: &mut Rules<In, Out>, now: Instant) {
        self.client_sends(Packet::End(end), 0, rules, now);
    }

    /// Ends both directions at once. Packets that have arrived can still be read.
    pub(super) fn reset(&mut self) {
        self.break_off(LinkEnd::Reset);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Wakes `waker` when the flow changes.
    pub(super) fn wait(&mut self, waker: &Waker) {
        if !self.wakers.iter().any(|known| known.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    /// Counts the packets of the client that are not acknowledged.
    pub(super) fn outstanding(&self) -> usize {
        self.unacknowledged.len()
    }

    pub(super) fn path_facts(&self, now: Instant) -> PathFacts {
        let bytes = self.unacknowledged.iter().map(|sent| sent.bytes).sum();
        let waiting = self.unacknowledged.front().map_or(Duration::ZERO, |oldest| now - oldest.at);
        PathFacts::new(bytes, waiting)
    }

    /// Whether both ends are gone and nothing can arrive any more.
    pub(super) fn is_done(&self) -> bool {
        let over = self.broken || self.forgotten || self.to_server.is_empty();
        self.client_gone && self.server_gone && over
    }

    /// The earliest event that happens by itself. At one instant the middlebox
    /// comes first, then the packets to the server.
    fn next(&self, rules: &Rules<In, Out>) -> Option<(Instant, Happening)> {
        if self.broken {
            return None;
        }
        let to_server_flows = !rules.stalled(Direction::ToServer) && !self.to_server.faults.stalled;
        let to_client_flows = !rules.stalled(Direction::ToClient) && !self.to_client.faults.stalled;
        let expiry = match rules.idle {
            Some((timeout, IdleExpiry::Reset | IdleExpiry::Fin)) if !self.forgotten => {
                Some(self.passed + timeout)
            }
            Some((_, IdleExpiry::Reset | IdleExpiry::Fin | IdleExpiry::Silent | IdleExpiry::ResetOnUse))
            | None => None,
        };
        let happenings = [
            (expiry, Happening::Expiry),
            (self.to_server.due().filter(|_| to_server_flows), Happening::AtServer),
            (self.to_client.due().filter(|_| to_client_flows), Happening::AtClient),
            (self.acks.front().map(|ack| ack.due).filter(|_| to_client_flows), Happening::Ack),
        ];
        happenings.into_iter().filter_map(|(at, what)| at.map(|at| (at, what))).min_by_key(|(at, _)| *at)
    }

    fn reach_server(&mut self, rules: &mut Rules<In, Out>, at: Instant) {
        if self.loses(rules, Direction::ToServer) {
            return self.to_server.lose(rules.rto(), at);
        }
        let Some(packet) = self.to_server.land(at) else { return };
        self.acks.push_back(Ack { due: at + rules.draw(Direction::ToClient), tries: 0 });
        match packet {
            Packet::Message(message) => match rules.respond(&message) {
                Some(answers) => {
                    rules.received.push(Received { link: self.id, at: at - rules.began, message });
                    for answer in answers {
                        self.server_sends(Packet::Message(answer), rules, at);
                    }
                }
                None => self.to_server.arrived.push_back(Packet::Message(message)),
            },
            Packet::Ping(token) if rules.answers_beats => {
                self.server_sends(Packet::Pong(token), rules, at);
            }
            Packet::Ping(_) | Packet::Pong(_) => {}
            Packet::End(end) => {
                if matches!(end, LinkEnd::Closed { .. }) {
                    self.end_to_client(end.clone(), rules, at);
                }
                self.to_server.arrived.push_back(Packet::End(end));
            }
        }
    }

    fn reach_client(&mut self, rules: &mut Rules<In, Out>, at: Instant) {
        if self.loses(rules, Direction::ToClient) || self.pass(rules, at) == Passage::Lost {
            return self.to_client.lose(rules.rto(), at);
        }
        if self.broken {
            return;
        }
        if let Some(packet) = self.to_client.land(at) {
            self.to_client.arrived.push_back(packet);
        }
    }

    fn acknowledge(&mut self, rules: &Rules<In, Out>, at: Instant) {
        let lost = self.loses(rules, Direction::ToClient);
        if let Some(ack) = self.acks.front_mut().filter(|_| lost) {
            ack.due = at + backed_off(rules.rto(), ack.tries);
            ack.tries += 1;
            return;
        }
        self.acks.pop_front();
        self.unacknowledged.pop_front();
    }

    fn expire(&mut self, rules: &Rules<In, Out>) {
        self.forgotten = true;
        match rules.idle {
            Some((_, IdleExpiry::Fin)) => self.break_off(LinkEnd::Eof),
            Some((_, IdleExpiry::Reset | IdleExpiry::Silent | IdleExpiry::ResetOnUse)) | None => self.reset(),
        }
    }

    /// A packet passes the middlebox, unless the middlebox has forgotten the link.
    fn pass(&mut self, rules: &Rules<In, Out>, at: Instant) -> Passage {
        if let Some((timeout, expiry)) = rules.idle {
            self.forgotten |= at.saturating_duration_since(self.passed) >= timeout;
            if self.forgotten && expiry == IdleExpiry::ResetOnUse {
                self.reset();
                return Passage::Reset;
            }
        }
        if self.forgotten {
            return Passage::Lost;
        }
        self.passed = at;
        Passage::Free
    }

    fn loses(&self, rules: &Rules<In, Out>, direction: Direction) -> bool {
        let own = match direction {
            Direction::ToClient => self.to_client.faults.holed,
            Direction::ToServer | Direction::Both => self.to_server.faults.holed,
        };
        own || self.forgotten || rules.holed(direction)
    }

    fn break_off(&mut self, end: LinkEnd) {
        if !self.broken {
            self.broken = true;
            self.to_client.break_off(end.clone());
            self.to_server.break_off(end);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Passage {
    Free,
    Lost,
    Reset,
}
