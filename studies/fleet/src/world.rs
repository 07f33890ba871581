//! Virtual time: who does what when.
//!
//! Nothing happens between two events, so time jumps from one to the next.
//! Each client waits for at most two things, the time that it asked for and the
//! reply to what it did; an event in the queue that is neither any more is
//! passed over.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::chance::Chance;
use crate::client::{Act, Client, What, Why};
use crate::record::Record;
use crate::scenario::{Ends, Happening, RATE, Scenario};
use crate::service::{Fate, NEVER, Nanos, Place, ROUND_TRIP, Service, nanos};

/// Clients that have to have lived were started evenly over this time …
const LIFE: Duration = Duration::from_secs(900);
/// … but for the last minute before the first loss.
const SETTLED: Duration = Duration::from_secs(60);
/// Who is not back an hour after the first loss never is.
const HOUR: Duration = Duration::from_secs(3600);
/// A network that is there again takes its clients up evenly over this, one
/// after the other.
const JOINING: Duration = Duration::from_secs(1);
/// A dial without a network fails so soon.
const AT_ONCE: Nanos = 1_000_000;

/// A place in the world for each client.
#[derive(Clone, Debug)]
struct Seat {
    /// When it wants to be called.
    due: Nanos,
    /// When the reply to what it did comes, and what it says.
    reply_at: Nanos,
    reply: Reply,
    /// Where its link ends; none without a link.
    place: Option<Place>,
    /// When it lost its link; never, while it has one.
    lost: Nanos,
    has_network: bool,
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Opened(Place),
    Failed(Why),
    Answered,
}

/// In the queue, beside the time and the client.
const START: u8 = 0;
const DUE: u8 = 1;
const REPLY: u8 = 2;
const JOINED: u8 = 3;
const JOINED_AND_TOLD: u8 = 4;

pub struct World<'a, C> {
    scenario: &'a Scenario,
    clients: Vec<C>,
    seats: Vec<Seat>,
    queue: BinaryHeap<Reverse<(Nanos, u32, u8)>>,
    service: Service,
    /// When the first loss comes.
    begin: Nanos,
    now: Nanos,
    /// Clients that lost a link and are not back.
    away: usize,
    chance: Chance,
    record: Record,
}

impl<'a, C: Client> World<'a, C> {
    /// `fleet` clients, of which `clients` are concerned.
    pub fn new(
        scenario: &'a Scenario,
        fleet: usize,
        clients: Vec<C>,
        longest_wait: Nanos,
        seed: u64,
    ) -> World<'a, C> {
        let seat = Seat {
            due: NEVER,
            reply_at: NEVER,
            reply: Reply::Answered,
            place: None,
            lost: NEVER,
            has_network: true,
        };
        World {
            scenario,
            seats: vec![seat; clients.len()],
            queue: BinaryHeap::with_capacity(2 * clients.len()),
            service: Service::new(scenario.servers, RATE * fleet as f64, longest_wait),
            begin: nanos(LIFE),
            now: 0,
            away: 0,
            chance: Chance::new(seed),
            record: Record::new(clients.len()),
            clients,
        }
    }

    /// Lives through the scenario.
    pub fn live(mut self) -> Record {
        self.settle();
        for (at, happening) in &self.scenario.story {
            self.pass_until(self.begin + nanos(*at));
            self.happen(*happening);
        }
        let end = self.begin + nanos(HOUR);
        while self.away > 0 && self.queue.peek().is_some_and(|Reverse((at, ..))| *at < end) {
            self.step();
        }
        self.record
    }

    /// Connects everybody.
    fn settle(&mut self) {
        for client in 0..self.clients.len() {
            if C::LIVES {
                let started = self.chance.below(nanos(LIFE - SETTLED));
                self.queue.push(Reverse((started, client as u32, START)));
            } else {
                self.seats[client].place = self.service.choose();
            }
        }
    }

    fn pass_until(&mut self, until: Nanos) {
        while self.queue.peek().is_some_and(|Reverse((at, ..))| *at < until) {
            self.step();
        }
        self.now = until;
    }

    /// The next event.
    fn step(&mut self) {
        let Some(Reverse((at, client, kind))) = self.queue.pop() else { return };
        let client = client as usize;
        let seat = &mut self.seats[client];
        // A client may have asked for a time that has passed.
        self.now = self.now.max(at);
        if kind == START {
            self.tell(client, What::Started);
        } else if kind == JOINED || kind == JOINED_AND_TOLD {
            seat.has_network = true;
            if kind == JOINED_AND_TOLD {
                self.tell(client, What::Online);
            }
        } else if kind == DUE && seat.due == at {
            seat.due = NEVER;
            self.tell(client, What::Due);
        } else if kind == REPLY && seat.reply_at == at {
            seat.reply_at = NEVER;
            let reply = seat.reply;
            self.reply(client, reply);
        }
    }

    fn reply(&mut self, client: usize, reply: Reply) {
        match reply {
            Reply::Opened(place) if self.service.is_alive(place) => {
                let seat = &mut self.seats[client];
                seat.place = Some(place);
                if seat.lost != NEVER {
                    let from = seat.lost.max(self.begin + nanos(self.scenario.back));
                    seat.lost = NEVER;
                    self.away -= 1;
                    self.record.back(self.now.saturating_sub(from), self.now - self.begin);
                }
                self.tell(client, What::Opened);
            }
            Reply::Opened(_) => self.tell(client, What::Failed(Why::Reset)),
            Reply::Failed(why) => self.tell(client, What::Failed(why)),
            Reply::Answered => self.tell(client, What::Answered),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Down(server, ends) => {
                self.service.stop(server);
                self.cut(ends, |place| place.server == server);
            }
            Happening::Up(server) => self.service.start(server, self.now),
            Happening::Cut(ends) => self.cut(ends, |_| true),
            Happening::NetworkGone { told, end } => {
                for client in 0..self.clients.len() {
                    self.seats[client].has_network = false;
                    if told {
                        self.tell(client, What::Offline);
                    }
                }
                self.cut(Ends::Alike(end), |_| true);
            }
            Happening::NetworkBack { told } => {
                let kind = if told { JOINED_AND_TOLD } else { JOINED };
                for client in 0..self.clients.len() {
                    let at = self.now + self.chance.below(nanos(JOINING));
                    self.queue.push(Reverse((at, client as u32, kind)));
                }
            }
        }
    }

    /// Ends the links that end at such places.
    fn cut(&mut self, ends: Ends, is_hit: impl Fn(Place) -> bool) {
        for client in 0..self.clients.len() {
            let seat = &mut self.seats[client];
            if seat.place.is_some_and(&is_hit) {
                seat.place = None;
                seat.lost = self.now;
                seat.reply_at = NEVER;
                self.away += 1;
                self.record.lost(self.now - self.begin);
                self.tell(client, What::Lost(ends.of(client)));
            }
        }
    }

    /// Tells a client and does what it wants.
    fn tell(&mut self, client: usize, what: What) {
        let wish = self.clients[client].handle(what, &mut self.chance, self.now);
        let seat = &mut self.seats[client];
        if wish.due != seat.due {
            seat.due = wish.due;
            if wish.due != NEVER {
                self.queue.push(Reverse((wish.due, client as u32, DUE)));
            }
        }
        match wish.act {
            Act::Nothing => {}
            Act::Dial => self.dial(client),
            Act::Drop => seat.reply_at = NEVER,
            Act::Beat => self.promise(client, self.now + ROUND_TRIP, Reply::Answered),
        }
    }

    fn dial(&mut self, client: usize) {
        if self.now < self.begin {
            // Nobody is in anybody's way while the fleet grows.
            let place = self.service.choose().expect("all servers are up at first");
            return self.promise(client, self.now + 3 * ROUND_TRIP, Reply::Opened(place));
        }
        let has_network = self.seats[client].has_network;
        self.record.attempt(self.now - self.begin, has_network);
        if !has_network {
            return self.promise(client, self.now + AT_ONCE, Reply::Failed(Why::Unreachable));
        }
        match self.service.attempt(self.clients[client].patience(), self.now) {
            Fate::Refused { at } => self.promise(client, at, Reply::Failed(Why::Refused)),
            Fate::GivenUp { at } => self.promise(client, at, Reply::Failed(Why::TimedOut)),
            Fate::Opened { at, place } => self.promise(client, at, Reply::Opened(place)),
        }
    }

    fn promise(&mut self, client: usize, at: Nanos, reply: Reply) {
        let seat = &mut self.seats[client];
        (seat.reply_at, seat.reply) = (at, reply);
        self.queue.push(Reverse((at, client as u32, REPLY)));
    }
}

#[cfg(test)]
mod tests {
    use longlink::keeper::Config;

    use super::*;
    use crate::longlink::Longlink;
    use crate::scenario;
    use crate::service::LONGEST_WAIT;

    const CLIENTS: usize = 2000;

    fn live(name: &str) -> Record {
        let scenarios = scenario::all();
        let scenario = scenarios.iter().find(|scenario| scenario.name == name).expect("it is there");
        let clients = (0..CLIENTS).map(|seed| Longlink::new(Config::default(), seed as u64)).collect();
        World::new(scenario, CLIENTS, clients, LONGEST_WAIT, 1).live()
    }

    #[test]
    fn pitfall_42_a_fleet_cut_while_idle_is_not_back_within_50_ms() {
        // Each has lived for some minutes, and tries a gap of its own just
        // then; a FIN or a RST says nothing of that.
        let mut record = live("balancer_cut");
        assert_eq!(record.figures(Duration::ZERO).first_second, CLIENTS as u64);
        let within_50_ms = record.most_within(5, 0);
        assert!(within_50_ms <= CLIENTS as u64 / 10, "{within_50_ms} of {CLIENTS}");
    }

    #[test]
    fn a_fleet_that_is_told_of_a_restart_takes_its_time() {
        let record = live("rolling_restart");
        // A tenth of the fleet comes back over 25 s, and two restarts overlap.
        let within_a_second = record.most_within(crate::record::STEPS, 0);
        assert!(within_a_second <= CLIENTS as u64 / 10 / 25 * 4, "{within_a_second} of {CLIENTS}");
    }
}
