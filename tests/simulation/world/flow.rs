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
    up: Lane,
    down: Lane,
}

/// One direction: what arrives early waits for what was sent before it.
#[derive(Default)]
struct Lane {
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
pub enum Way {
    Up,
    Down,
}

/// A packet on its way, by its number in its direction.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    pub link: Link,
    pub way: Way,
    pub number: u64,
    pub packet: Packet,
}

impl Flow {
    pub fn new(link: Link, passed: Duration, server_gone: bool) -> Flow {
        Flow { link, passed, forgotten: false, server_gone, up: Lane::default(), down: Lane::default() }
    }

    pub fn pass(&mut self, at: Duration) {
        self.passed = self.passed.max(at);
    }

    /// Gives a packet its number.
    pub fn number(&mut self, way: Way, packet: Packet) -> Segment {
        let link = self.link;
        let lane = self.lane(way);
        lane.sent += 1;
        Segment { link, way, number: lane.sent, packet }
    }

    /// Takes in what arrived; [`Flow::next`] says what can be read.
    pub fn arrive(&mut self, segment: Segment) {
        self.lane(segment.way).early.push((segment.number, segment.packet));
    }

    /// The next packet in the sender's order, once it is here.
    pub fn next(&mut self, way: Way) -> Option<Packet> {
        let lane = self.lane(way);
        let at = lane.early.iter().position(|&(number, _)| number == lane.arrived + 1)?;
        lane.arrived += 1;
        Some(lane.early.swap_remove(at).1)
    }

    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}
