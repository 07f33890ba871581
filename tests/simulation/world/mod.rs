//! A network in virtual time, and the driver that joins a client to it.
//!
//! ```text
//! client ──edge── middlebox ──────── server
//! ```
//!
//! A client may have several links, each a TCP connection of its own: the
//! user's, and others beside it. Packets take half a round trip each way. A
//! packet that is lost, or sent during an outage, is sent again after TCP's
//! retransmission timeout, and what was sent after it waits for it. The
//! middlebox forgets a flow over which no byte passed for its timeout.
//!
//! - [`nature`] says what a world is like, [`flow`] what a connection is;
//! - [`client`] says what can be driven; [`longlink`] is the real keeper.

pub mod client;
mod flow;
pub mod longlink;
pub mod nature;
mod packets;
mod queue;
mod speech;

use std::time::Duration;

use ::longlink::keeper::Config;

use self::client::{Act, Client, End, Link};
use self::flow::{Flow, FlowDirection, Packet, Segment};
use self::longlink::Longlink;
pub use self::nature::{Expiry, Nature, Traffic};
use self::queue::Queue;
use self::speech::Speech;
use crate::chance::Chance;
use crate::record::{Record, Recorder};

/// Runs a keeper in a world for `length` and says what came of it.
pub fn run(nature: &Nature, config: Config, seed: u64, length: Duration) -> Record {
    let client = Longlink::new(config, nature.beat, seed);
    let mut world = World::new(nature, client, seed);
    world.run_to(length);
    world.record()
}

/// As [`run`], with each interval and since when it was used.
pub fn run_tracing(nature: &Nature, config: Config, seed: u64, length: Duration) -> Record {
    let client = Longlink::new(config, nature.beat, seed);
    let mut world = World::new(nature, client, seed).tracing();
    world.run_to(length);
    world.record()
}

/// TCP tries a SYN again after these times, counted from the first.
const SYN_TRIES: [u64; 5] = [0, 1, 3, 7, 15];
/// More links than this at once, and the client has lost count of them.
const MOST_LINKS: usize = 12;

/// A client in its world.
pub struct World<'a, C> {
    nature: &'a Nature,
    chance: Chance,
    client: C,
    /// When the client wants to be called again.
    timer: Option<Duration>,
    now: Duration,
    queue: Queue<Happening>,
    dialling: Vec<Link>,
    flows: Vec<Flow>,
    /// The user's link.
    main: Option<Link>,
    /// How many of the restarts are past.
    restarts: usize,
    speech: Speech<'a>,
    recorder: Recorder,
    finished: bool,
    at_this_instant: u32,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Opened {
        link: Link,
        dial: Duration,
    },
    Refused(Link),
    /// A packet leaves its sender, for the first time or again.
    Leave {
        segment: Segment,
        tries: u32,
    },
    /// It passes the middlebox.
    Pass(Segment),
    /// It arrives.
    Arrive(Segment),
    /// The middlebox's or a new server's own word reaches the client.
    Ended {
        link: Link,
        end: End,
    },
}

/// The next event and its time, in the order in which events of one instant come:
/// bytes that arrive at the client's timer's own instant are read first.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The middlebox forgets the flow at this place, and says so.
    Expiry(usize),
    Restart,
    Queued,
    Message,
    Timer,
}

impl<'a, C: Client> World<'a, C> {
    /// The world at its beginning, with the client started.
    pub fn new(nature: &'a Nature, client: C, seed: u64) -> World<'a, C> {
        let mut world = World {
            nature,
            chance: Chance::new(seed),
            client,
            timer: None,
            now: Duration::ZERO,
            queue: Queue::new(),
            dialling: Vec::new(),
            flows: Vec::new(),
            main: None,
            restarts: 0,
            speech: Speech::new(&nature.traffic, seed),
            recorder: Recorder::default(),
            finished: false,
            at_this_instant: 0,
        };
        world.client.start(Duration::ZERO);
        world.drain();
        world
    }

    /// Also notes each interval and since when it was used.
    pub fn tracing(mut self) -> World<'a, C> {
        self.recorder.trace();
        self
    }

    /// Goes on until `end`.
    pub fn run_to(&mut self, end: Duration) {
        while self.step(end) {}
    }

    /// Goes on until the user's link is lost, or until `end`; whether it was.
    pub fn run_until_lost(&mut self, end: Duration) -> bool {
        let before = self.recorder.drops();
        while self.recorder.drops() == before {
            if !self.step(end) {
                return false;
            }
        }
        true
    }

    /// Whether the user has a link, as far as the client knows.
    pub fn has_link(&self) -> bool {
        self.main.is_some()
    }

    pub fn now(&self) -> Duration {
        self.now
    }

    /// The record so far.
    pub fn record(&self) -> Record {
        self.recorder.record(self.now, self.client.stats(self.now))
    }

    /// Lets the next thing happen, if it comes before `end`.
    fn step(&mut self, end: Duration) -> bool {
        let next = if self.finished { None } else { self.next() };
        let Some((at, next)) = next.filter(|(at, _)| *at <= end) else {
            self.now = end;
            return false;
        };
        self.at_this_instant = if at == self.now { self.at_this_instant + 1 } else { 0 };
        assert!(self.at_this_instant < 1_000, "the client runs hot at {:?}", self.now);
        self.now = at;
        match next {
            Next::Expiry(place) => self.expire(place),
            Next::Restart => self.restart(),
            Next::Message => {
                self.speech.spoken();
                if let Some(main) = self.main {
                    self.send(main, FlowDirection::Down, Packet::Message);
                }
            }
            Next::Queued => {
                if let Some(happening) = self.queue.take() {
                    self.happen(happening);
                }
            }
            Next::Timer => self.tell(C::timeout),
        }
        true
    }

    fn next(&self) -> Option<(Duration, Next)> {
        let mut next: Option<(Duration, Next)> = None;
        let mut offer = |at: Option<Duration>, what: Next| {
            if let Some(at) = at
                && next.is_none_or(|(earliest, _)| at < earliest)
            {
                next = Some((at, what));
            }
        };
        if self.nature.expiry.speaks() {
            for (place, flow) in self.flows.iter().enumerate().filter(|(_, flow)| !flow.forgotten) {
                offer(Some(self.nature.forgets(flow.passed)), Next::Expiry(place));
            }
        }
        offer(self.nature.restarts.get(self.restarts).map(|(at, _)| *at), Next::Restart);
        offer(self.queue.due(), Next::Queued);
        offer(self.speech.due(), Next::Message);
        offer(self.timer.map(|at| at.max(self.now)), Next::Timer);
        next
    }

    // The client.

    fn tell(&mut self, what: impl FnOnce(&mut C, Duration)) {
        self.recorder.woken();
        what(&mut self.client, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(act) = self.client.poll_act() {
            match act {
                Act::Open(link) => self.dial(link),
                Act::Use(link) => {
                    assert!(self.flow(link).is_some(), "no link {link} is there to use");
                    self.main = Some(link);
                    self.recorder.promoted(self.now);
                }
                Act::Beat(link, token) => {
                    assert!(self.flow(link).is_some(), "no link {link} is there to beat on");
                    if self.main == Some(link) {
                        self.recorder.beat(self.client.interval(self.now), self.now);
                    } else {
                        self.recorder.scout_beat();
                    }
                    self.send(link, FlowDirection::Up, Packet::Beat(token));
                }
                Act::Retire(link) => self.send(link, FlowDirection::Up, Packet::Goodbye),
                Act::Abandon(link) => {
                    self.dialling.retain(|dialling| *dialling != link);
                    self.flows.retain(|flow| flow.link != link);
                }
                Act::Lost(how) => {
                    self.main = None;
                    self.recorder.lost(how, self.now);
                }
                Act::Shrank => self.recorder.shrank(),
                Act::Finish => self.finished = true,
            }
        }
        self.timer = self.client.poll_timeout();
    }

    fn dial(&mut self, link: Link) {
        assert!(self.dialling.len() + self.flows.len() < MOST_LINKS, "too many links at once");
        self.dialling.push(link);
        let tries = SYN_TRIES.map(|after| self.now + Duration::from_secs(after));
        // If none gets through the client's own deadline ends the attempt.
        let Some(through) = tries.into_iter().find(|&at| !self.nature.path_down(at)) else { return };
        let dialled = through + self.nature.dial + self.nature.rtt;
        let dial = dialled - self.now;
        if self.nature.server_down(through) {
            self.queue.put(dialled, Happening::Refused(link));
        } else {
            self.queue.put(dialled + 2 * self.nature.rtt, Happening::Opened { link, dial });
        }
    }

    fn dialled(&mut self, link: Link) -> bool {
        let place = self.dialling.iter().position(|dialling| *dialling == link);
        place.map(|place| self.dialling.swap_remove(place)).is_some()
    }

    fn opened(&mut self, link: Link, dial: Duration) {
        if !self.dialled(link) {
            return;
        }
        let gone = self.nature.server_down(self.now);
        self.flows.push(Flow::new(link, self.now + self.nature.edge, gone));
        let took = dial + 2 * self.nature.rtt;
        self.tell(|client, now| client.opened(link, dial, took, now));
        if self.main != Some(link) {
            self.recorder.scout_opened();
        }
    }

    fn ended(&mut self, link: Link, end: End) {
        if let Some(place) = self.place(link) {
            self.flows.swap_remove(place);
            self.tell(|client, now| client.ended(link, end, now));
        }
    }

    fn happen(&mut self, what: Happening) {
        match what {
            Happening::Opened { link, dial } => self.opened(link, dial),
            Happening::Refused(link) => {
                if self.dialled(link) {
                    self.tell(|client, now| client.open_failed(link, now));
                }
            }
            Happening::Leave { segment, tries } => {
                if self.flow(segment.link).is_some() {
                    self.leave(segment, tries);
                }
            }
            Happening::Pass(segment) => self.pass(segment),
            Happening::Arrive(segment) => self.arrive(segment),
            Happening::Ended { link, end } => self.ended(link, end),
        }
    }

    // The others.

    fn expire(&mut self, place: usize) {
        let flow = &mut self.flows[place];
        flow.forgotten = true;
        let link = flow.link;
        let end = match self.nature.expiry {
            Expiry::Silent | Expiry::RstLate => return,
            Expiry::Rst => End::Rst,
            Expiry::Fin => End::Fin,
        };
        if !self.nature.path_down(self.now) {
            self.queue.put(self.now + self.nature.edge, Happening::Ended { link, end });
        }
    }

    fn restart(&mut self) {
        self.restarts += 1;
        for place in 0..self.flows.len() {
            let flow = &mut self.flows[place];
            if !flow.server_gone {
                flow.server_gone = true;
                let link = flow.link;
                self.send(link, FlowDirection::Down, Packet::Fin);
            }
        }
    }

    fn flow(&mut self, link: Link) -> Option<&mut Flow> {
        self.flows.iter_mut().find(|flow| flow.link == link)
    }

    fn place(&self, link: Link) -> Option<usize> {
        self.flows.iter().position(|flow| flow.link == link)
    }
}
