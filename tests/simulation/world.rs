//! A network in virtual time, and the driver that joins the keeper to it.
//!
//! ```text
//! client ──edge── middlebox ──────── server
//! ```
//!
//! Packets take half a round trip each way. A packet that is lost, or sent
//! during an outage, is sent again after TCP's retransmission timeout, and
//! what was sent after it waits for it. The middlebox forgets a flow over
//! which no byte passed for its timeout.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use longlink::keeper::{
    Beat, Config, Dialled, Failure, Keeper, LinkEnd, LinkId, Moment, Opened, Output, Token,
};

use crate::chance::Chance;
use crate::record::{Record, Recorder};

/// What the middlebox does to a flow that was idle for too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Forgets it; later packets vanish, both ways.
    Silent,
    /// Forgets it, and says RST to the client at that moment.
    Rst,
    /// Forgets it, and answers the client's next packet with RST.
    RstLate,
    /// Says FIN to the client at that moment.
    Fin,
}

impl Expiry {
    pub const ALL: [Expiry; 4] = [Expiry::Silent, Expiry::Rst, Expiry::RstLate, Expiry::Fin];
}

/// What a world is like. Times count from its beginning.
#[derive(Clone, Debug)]
pub struct Nature {
    /// The idle timeout from each point in time on; the first is at zero.
    pub timeouts: Vec<(Duration, Duration)>,
    pub expiry: Expiry,
    pub rtt: Duration,
    /// From the client to the middlebox, one way.
    pub edge: Duration,
    /// The probability that a packet of the client is lost.
    pub loss: f64,
    /// When the server restarts, in order, and for how long it is down then.
    pub restarts: Vec<(Duration, Duration)>,
    /// When the path is down, and for how long; in order, apart.
    pub outages: Vec<(Duration, Duration)>,
    /// What a link says of its beats.
    pub beat: Beat,
}

impl Nature {
    /// A steady path with one idle timeout.
    pub fn steady(timeout: Duration, expiry: Expiry) -> Nature {
        Nature {
            timeouts: vec![(Duration::ZERO, timeout)],
            expiry,
            rtt: Duration::from_millis(50),
            edge: Duration::from_millis(10),
            loss: 0.0,
            restarts: Vec::new(),
            outages: Vec::new(),
            beat: Beat::Ping,
        }
    }

    pub fn with_loss(self, loss: f64) -> Nature {
        Nature { loss, ..self }
    }

    fn timeout(&self, at: Duration) -> Duration {
        let later = self.timeouts.partition_point(|&(from, _)| from <= at);
        self.timeouts[later - 1].1
    }

    fn path_down(&self, at: Duration) -> bool {
        within(&self.outages, at)
    }

    fn server_down(&self, at: Duration) -> bool {
        within(&self.restarts, at)
    }
}

fn within(spans: &[(Duration, Duration)], at: Duration) -> bool {
    let later = spans.partition_point(|&(from, _)| from <= at);
    later > 0 && at < spans[later - 1].0 + spans[later - 1].1
}

/// Runs a keeper in a world for `length` and says what came of it.
pub fn run(nature: &Nature, config: Config, seed: u64, length: Duration) -> Record {
    let mut world = World {
        nature,
        chance: Chance::new(seed),
        keeper: Keeper::new(config, seed, Moment::ORIGIN),
        now: Duration::ZERO,
        queue: BinaryHeap::new(),
        queued: 0,
        dialling: None,
        flow: None,
        recorder: Recorder::default(),
        finished: false,
    };
    for at in 0..nature.restarts.len() {
        world.queue_at(nature.restarts[at].0, Happening::Restart);
    }
    world.keeper.start(Moment::ORIGIN);
    world.drain();
    world.advance_to(length);
    let figures = world.keeper.figures(world.moment());
    world.recorder.finish(world.now, figures)
}

/// TCP tries a SYN again after these times, counted from the first.
const SYN_TRIES: [u64; 5] = [0, 1, 3, 7, 15];
/// TCP's least retransmission timeout, beside the round trip.
const RTO: Duration = Duration::from_millis(200);
/// TCP's longest.
const LONGEST_RTO: Duration = Duration::from_secs(120);

struct World<'a> {
    nature: &'a Nature,
    chance: Chance,
    keeper: Keeper,
    now: Duration,
    queue: BinaryHeap<Reverse<Queued>>,
    queued: u64,
    dialling: Option<LinkId>,
    flow: Option<Flow>,
    recorder: Recorder,
    finished: bool,
}

/// One TCP connection, as all three places see it.
struct Flow {
    link: LinkId,
    /// When a byte last passed the middlebox.
    passed: Duration,
    forgotten: bool,
    /// The server restarted since.
    server_gone: bool,
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
enum Packet {
    Beat(Token),
    Answer(Token),
    Goodbye,
    Fin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Opened {
        link: LinkId,
        dial: Duration,
    },
    Refused {
        link: LinkId,
        dial: Duration,
    },
    /// A packet leaves its sender, for the first time or again.
    Leave {
        link: LinkId,
        way: Way,
        number: u64,
        packet: Packet,
        tries: u32,
    },
    /// It passes the middlebox.
    Pass {
        link: LinkId,
        way: Way,
        number: u64,
        packet: Packet,
    },
    /// It arrives.
    Arrive {
        link: LinkId,
        way: Way,
        number: u64,
        packet: Packet,
    },
    /// The middlebox's timer for a flow.
    Expire {
        link: LinkId,
    },
    /// The middlebox's own word reaches the client.
    Ended {
        link: LinkId,
        reset: bool,
    },
    Restart,
}

struct Queued {
    at: Duration,
    order: u64,
    what: Happening,
}

impl Ord for Queued {
    fn cmp(&self, other: &Queued) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Queued) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Queued {
    fn eq(&self, other: &Queued) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

impl World<'_> {
    fn moment(&self) -> Moment {
        Moment::new(self.now, Duration::ZERO)
    }

    fn queue_at(&mut self, at: Duration, what: Happening) {
        self.queued += 1;
        self.queue.push(Reverse(Queued { at, order: self.queued, what }));
    }

    fn advance_to(&mut self, end: Duration) {
        let mut at_this_instant = 0;
        while !self.finished {
            let happening = self.queue.peek().map(|Reverse(queued)| queued.at);
            let timer = self.keeper.poll_timeout().map(|(at, _)| at.elapsed().max(self.now));
            // What arrives at the timer's own instant is read first.
            let (next, is_timer) = match (happening, timer) {
                (Some(happening), Some(timer)) if timer < happening => (timer, true),
                (Some(happening), _) => (happening, false),
                (None, Some(timer)) => (timer, true),
                (None, None) => break,
            };
            if next > end {
                break;
            }
            at_this_instant = if next == self.now { at_this_instant + 1 } else { 0 };
            assert!(at_this_instant < 1_000, "the keeper runs hot at {:?}", self.now);
            self.now = next;
            if is_timer {
                self.keeper.handle_timeout(self.moment());
            } else if let Some(Reverse(queued)) = self.queue.pop() {
                self.happen(queued.what);
            }
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.keeper.poll_output() {
            match output {
                Output::Open { link, .. } => self.dial(link),
                Output::Promote { link, .. } => {
                    assert_eq!(self.flow.as_ref().map(|flow| flow.link), Some(link));
                    self.recorder.promoted(self.now);
                }
                Output::Beat { link, token } => {
                    assert_eq!(self.flow.as_ref().map(|flow| flow.link), Some(link));
                    let interval = self.keeper.figures(self.moment()).interval;
                    self.recorder.beat(interval, self.now);
                    self.send(link, Way::Up, Packet::Beat(token));
                }
                Output::Migrate { .. } => {}
                Output::Retire { link } => self.send(link, Way::Up, Packet::Goodbye),
                Output::Abandon { link } => {
                    if self.dialling == Some(link) {
                        self.dialling = None;
                    }
                    if self.flow.as_ref().is_some_and(|flow| flow.link == link) {
                        self.flow = None;
                    }
                }
                Output::Emit(event) => self.recorder.event(&event, self.now),
                Output::Finish(_) => self.finished = true,
                other => panic!("an output that the world does not know: {other:?}"),
            }
        }
    }

    fn dial(&mut self, link: LinkId) {
        assert!(self.dialling.is_none() && self.flow.is_none(), "two links at once");
        self.dialling = Some(link);
        let tries = SYN_TRIES.map(|after| self.now + Duration::from_secs(after));
        // If none gets through the keeper's own deadline ends the attempt.
        let Some(through) = tries.into_iter().find(|&at| !self.nature.path_down(at)) else { return };
        let dialled = through + self.nature.rtt;
        let dial = dialled - self.now;
        if self.nature.server_down(through) {
            self.queue_at(dialled, Happening::Refused { link, dial });
        } else {
            self.queue_at(dialled + 2 * self.nature.rtt, Happening::Opened { link, dial });
        }
    }

    fn send(&mut self, link: LinkId, way: Way, packet: Packet) {
        let Some(flow) = self.flow.as_mut().filter(|flow| flow.link == link) else { return };
        let lane = flow.lane(way);
        lane.sent += 1;
        let number = lane.sent;
        self.leave(link, way, number, packet, 0);
    }

    fn leave(&mut self, link: LinkId, way: Way, number: u64, packet: Packet, tries: u32) {
        let lost = way == Way::Up && self.chance.happens(self.nature.loss);
        if lost || self.nature.path_down(self.now) {
            let wait = (self.nature.rtt + RTO) * 2u32.pow(tries.min(16));
            let again = Happening::Leave { link, way, number, packet, tries: tries + 1 };
            self.queue_at(self.now + wait.min(LONGEST_RTO), again);
            return;
        }
        let to_the_box = match way {
            Way::Up => self.nature.edge,
            Way::Down => self.nature.rtt / 2 - self.nature.edge,
        };
        self.queue_at(self.now + to_the_box, Happening::Pass { link, way, number, packet });
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Opened { link, dial } => self.opened(link, dial),
            Happening::Refused { link, dial } => {
                if self.dialling.take_if(|dialling| *dialling == link).is_some() {
                    let dialled = Some(Dialled { took: dial, local: None });
                    self.keeper.handle_open_failed(link, Failure::Refused, dialled, self.moment());
                }
            }
            Happening::Leave { link, way, number, packet, tries } => {
                if self.flow.as_ref().is_some_and(|flow| flow.link == link) {
                    self.leave(link, way, number, packet, tries);
                }
            }
            Happening::Pass { link, way, number, packet } => self.pass(link, way, number, packet),
            Happening::Arrive { link, way, number, packet } => self.arrive(link, way, number, packet),
            Happening::Expire { link } => self.expire(link),
            Happening::Ended { link, reset } => {
                let end = if reset { LinkEnd::Reset } else { LinkEnd::Eof };
                self.ended(link, end);
            }
            Happening::Restart => {
                if let Some(flow) = self.flow.as_mut().filter(|flow| !flow.server_gone) {
                    flow.server_gone = true;
                    let link = flow.link;
                    self.send(link, Way::Down, Packet::Fin);
                }
            }
        }
    }

    fn opened(&mut self, link: LinkId, dial: Duration) {
        if self.dialling.take_if(|dialling| *dialling == link).is_none() {
            return;
        }
        let flow = Flow {
            link,
            passed: self.now + self.nature.edge,
            forgotten: false,
            server_gone: self.nature.server_down(self.now),
            up: Lane::default(),
            down: Lane::default(),
        };
        self.flow = Some(flow);
        self.queue_at(self.now + self.nature.timeout(self.now), Happening::Expire { link });
        let opened = Opened {
            beat: self.nature.beat,
            dialled: Dialled { took: dial, local: None },
            took: dial + 2 * self.nature.rtt,
        };
        self.recorder.byte(self.now);
        self.keeper.handle_opened(link, opened, self.moment());
    }

    fn pass(&mut self, link: LinkId, way: Way, number: u64, packet: Packet) {
        let timeout = self.nature.timeout(self.now);
        let edge = self.nature.edge;
        let Some(flow) = self.flow.as_mut().filter(|flow| flow.link == link) else { return };
        if !flow.forgotten && self.now >= flow.passed + timeout {
            flow.forgotten = true;
        }
        if flow.forgotten {
            let answers = match self.nature.expiry {
                Expiry::Silent => false,
                Expiry::RstLate | Expiry::Rst | Expiry::Fin => way == Way::Up,
            };
            if answers {
                self.queue_at(self.now + edge, Happening::Ended { link, reset: true });
            }
            return;
        }
        flow.passed = flow.passed.max(self.now);
        let onward = match way {
            Way::Up => self.nature.rtt / 2 - edge,
            Way::Down => edge,
        };
        self.queue_at(self.now + onward, Happening::Arrive { link, way, number, packet });
    }

    fn arrive(&mut self, link: LinkId, way: Way, number: u64, packet: Packet) {
        let Some(flow) = self.flow.as_mut().filter(|flow| flow.link == link) else { return };
        flow.lane(way).early.push((number, packet));
        while let Some(packet) = self.flow.as_mut().and_then(|flow| flow.lane(way).next()) {
            match way {
                Way::Up => self.reach_server(link, packet),
                Way::Down => self.reach_client(link, packet),
            }
        }
    }

    fn reach_server(&mut self, link: LinkId, packet: Packet) {
        let gone = self.flow.as_ref().is_some_and(|flow| flow.server_gone);
        if gone {
            self.queue_at(self.now + self.nature.rtt / 2, Happening::Ended { link, reset: true });
            return;
        }
        match packet {
            Packet::Beat(token) => self.send(link, Way::Down, Packet::Answer(token)),
            Packet::Goodbye => self.send(link, Way::Down, Packet::Fin),
            Packet::Answer(_) | Packet::Fin => {}
        }
    }

    fn reach_client(&mut self, link: LinkId, packet: Packet) {
        match packet {
            Packet::Answer(token) => {
                // The client's TCP acknowledges it, and that passes the
                // middlebox too.
                let acknowledged = self.now + self.nature.edge;
                if !self.nature.path_down(self.now)
                    && let Some(flow) = self.flow.as_mut()
                {
                    flow.passed = flow.passed.max(acknowledged);
                }
                self.recorder.byte(self.now);
                self.keeper.handle_answered(link, Some(token), self.moment());
            }
            Packet::Fin => self.ended(link, LinkEnd::Eof),
            Packet::Beat(_) | Packet::Goodbye => {}
        }
    }

    fn expire(&mut self, link: LinkId) {
        let timeout = self.nature.timeout(self.now);
        let Some(flow) = self.flow.as_mut().filter(|flow| flow.link == link) else { return };
        let due = flow.passed + timeout;
        if self.now < due {
            self.queue_at(due, Happening::Expire { link });
            return;
        }
        flow.forgotten = true;
        let reset = match self.nature.expiry {
            Expiry::Silent | Expiry::RstLate => return,
            Expiry::Rst => true,
            Expiry::Fin => false,
        };
        if !self.nature.path_down(self.now) {
            self.queue_at(self.now + self.nature.edge, Happening::Ended { link, reset });
        }
    }

    fn ended(&mut self, link: LinkId, end: LinkEnd) {
        if self.flow.take_if(|flow| flow.link == link).is_some() {
            self.keeper.handle_ended(link, end, self.moment());
        }
    }
}

impl Flow {
    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }
}

impl Lane {
    /// The next packet in the sender's order, once it is here.
    fn next(&mut self) -> Option<Packet> {
        let at = self.early.iter().position(|&(number, _)| number == self.arrived + 1)?;
        self.arrived += 1;
        Some(self.early.swap_remove(at).1)
    }
}
