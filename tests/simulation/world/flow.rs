//! One TCP connection, as the client, the middlebox and the server see it.

use std::time::Duration;

use super::client::Link;

pub struct Flow {
    pub link: Link,
    /// When a byte last passed the middlebox.
    pub passed: Duration,
    pub forgotten: bool,
    /// The server restarted since.
    pub server_gone: bool,
    up: OneWay,
    down: OneWay,
}

/// One direction: what arrives early waits for what was sent before it.
#[derive(Default)]
struct OneWay {
    sent: u64,
    arrived: u64,
    early: Vec<(u64, Packet)>,
}

#[derive(Clone, Copy, Debug)]
pub enum Packet {
    Beat(u64),
    Answer(u64),
    Message,
    Goodbye,
    Fin,
}

impl Packet {
    /// The bytes of a beat on the wire, and of its answer with the acknowledgement:
    /// a WebSocket frame with a token of 8 bytes (the client's masked), a
    /// TLS 1.3 record around it, and TCP over IPv4 with timestamps. Other items
    /// count as nothing.
    pub fn bytes(self) -> u64 {
        const TOKEN: u64 = 8;
        const FRAME: u64 = 2;
        const MASK: u64 = 4;
        const RECORD: u64 = 5 + 1 + 16;
        const HEADERS: u64 = 20 + 32;
        match self {
            Packet::Beat(_) => HEADERS + RECORD + FRAME + MASK + TOKEN,
            Packet::Answer(_) => HEADERS + RECORD + FRAME + TOKEN + HEADERS,
            Packet::Message | Packet::Goodbye | Packet::Fin => 0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowDirection {
    Up,
    Down,
}

/// A packet on its way, by its number in its direction.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub link: Link,
    pub way: FlowDirection,
    pub number: u64,
    pub packet: Packet,
}

impl Flow {
    pub fn new(link: Link, passed: Duration, server_gone: bool) -> Flow {
        Flow { link, passed, forgotten: false, server_gone, up: OneWay::default(), down: OneWay::default() }
    }

    pub fn pass(&mut self, at: Duration) {
        self.passed = self.passed.max(at);
    }

    /// Gives a packet its number.
    pub fn number(&mut self, way: FlowDirection, packet: Packet) -> Segment {
        let link = self.link;
        let one_way = self.one_way(way);
        one_way.sent += 1;
        Segment { link, way, number: one_way.sent, packet }
    }

    /// Takes in what arrived; [`Flow::next`] says what can be read.
    pub fn arrive(&mut self, segment: Segment) {
        self.one_way(segment.way).early.push((segment.number, segment.packet));
    }

    /// The next packet in the sender's order, once it is here.
    pub fn next(&mut self, way: FlowDirection) -> Option<Packet> {
        let one_way = self.one_way(way);
        let at = one_way.early.iter().position(|&(number, _)| number == one_way.arrived + 1)?;
        one_way.arrived += 1;
        Some(one_way.early.swap_remove(at).1)
    }

    fn one_way(&mut self, way: FlowDirection) -> &mut OneWay {
        match way {
            FlowDirection::Up => &mut self.up,
            FlowDirection::Down => &mut self.down,
        }
    }
}
