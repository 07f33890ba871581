//! Any events on up to three links at once, in any order, agree
//! with plain lists.

use super::super::{Bounds, Confirm, Ended, Flights, Outbox, Reserved};
use super::model::{COPY, Model, can_be_copied};
use crate::{LinkId, Token};

/// So many links may live at once.
const LINKS: usize = 3;

/// Chance from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    /// Below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((drawn ^ (drawn >> 31)) % bound as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// The machines, the values that their users hold, and the model.
struct Play {
    chance: Chance,
    outbox: Outbox<u32, u32>,
    flights: Flights<u32, u32>,
    places: Vec<Reserved>,
    model: Model,
    /// Live links.
    links: Vec<LinkId>,
    begun: u64,
    tokens: u64,
}

/// Plays one run and returns how many steps it had.
fn play(seed: u64) -> u64 {
    let mut chance = Chance(seed);
    let most = if chance.one_in(4) { 200 } else { 12 };
    let messages = 1 + chance.below(most);
    let bytes = 1 + chance.below(messages * 20);
    let bounds = Bounds { messages, bytes };
    let steps = 1 + chance.below(300) as u64;
    let mut play = Play {
        chance,
        outbox: Outbox::new(bounds),
        flights: Flights::new(),
        places: Vec::new(),
        model: Model::new(bounds),
        links: Vec::new(),
        begun: 0,
        tokens: 0,
    };
    for _ in 0..steps {
        play.step();
        play.agrees();
    }
    play.finish();
    steps
}

impl Play {
    fn step(&mut self) {
        let link = self.a_link();
        match self.chance.below(200) {
            0..50 => self.offer(),
            50..58 => self.reserve(),
            58..66 => self.use_place(),
            66..82 => self.begin(),
            82..104 => {
                let most = self.chance.below(6);
                self.flights.take(link, most, &mut self.outbox);
                self.model.take(link, most);
            }
            104..132 => self.hand_over(link),
            132..146 => self.beat(link),
            146..164 => self.answer(link),
            164..171 => {
                self.flights.flushed(link);
                self.model.flush(link);
            }
            171..175 => {
                self.flights.deliver_flushed(link);
                self.model.deliver_flushed(link);
            }
            175..178 => {
                self.flights.doubt_flushed(link);
                self.model.doubt_flushed(link);
            }
            178..180 => {
                self.flights.goodbye_answered(link);
                self.model.goodbye_answered(link);
            }
            180..185 => {
                self.flights.put_back(link, &mut self.outbox);
                self.model.put_back(link);
            }
            185..191 => self.end(link),
            191..195 => {
                let (every, from) = (1 + self.chance.below(4) as u32, self.chance.below(4) as u32);
                let unwanted = |ticket: &u32| ticket % every == from;
                assert_eq!(self.outbox.forget_tickets(unwanted), self.model.forget(unwanted));
            }
            195..199 => {
                self.outbox.shrink();
                self.flights.shrink();
            }
            // Most runs stay open.
            _ if self.chance.one_in(4) => self.close(),
            _ if self.chance.one_in(2) => {
                self.outbox.refuse_more();
                self.model.refuse_more();
            }
            _ => {}
        }
    }

    /// Mostly a live link; else one that is gone or never was.
    fn a_link(&mut self) -> LinkId {
        if self.links.is_empty() || self.chance.one_in(12) {
            return LinkId(self.chance.below(self.begun as usize + 2) as u64);
        }
        self.links[self.chance.below(self.links.len())]
    }

    fn begin(&mut self) {
        if self.links.len() < LINKS {
            self.begun += 1;
            let link = LinkId(self.begun);
            self.links.push(link);
            self.flights.begin(link, 100 + self.begun);
            self.model.begin(link, 100 + self.begun);
        }
    }

    fn reserve(&mut self) {
        self.flights.report(&mut self.outbox);
        let size = (!self.chance.one_in(3)).then(|| self.chance.below(40));
        let place = self.outbox.reserve(size);
        assert_eq!(place.is_some(), self.model.reserve(size), "a place is kept exactly where there is room");
        self.places.extend(place);
    }

    fn use_place(&mut self) {
        if self.places.is_empty() {
            return;
        }
        let at = self.chance.below(self.places.len());
        let place = self.places.swap_remove(at);
        self.model.release(at);
        if self.chance.one_in(3) {
            self.outbox.release(place);
        } else {
            self.push(place);
        }
    }

    fn offer(&mut self) {
        self.reserve();
        if let Some(place) = self.places.pop() {
            self.model.release(self.places.len());
            self.push(place);
        }
    }

    fn push(&mut self, place: Reserved) {
        let (size, message) = (self.chance.below(40), self.model.next_message());
        let ticket = self.chance.one_in(2);
        let copy = |message: &u32| can_be_copied(*message).then_some(message + COPY);
        let number = if ticket {
            let confirm = Confirm { ticket: message, copy };
            let pushed = self.outbox.push_confirmed(place, message, size, confirm);
            pushed
                .map_err(|(refused, confirm)| assert_eq!((refused, confirm.ticket), (message, message)))
                .ok()
        } else {
            self.outbox.push(place, message, size).map_err(|refused| assert_eq!(refused, message)).ok()
        };
        assert_eq!(number, self.model.push(size, ticket), "accepted under its number");
    }

    fn hand_over(&mut self, link: LinkId) {
        let most = self.chance.below(5);
        let Some(mut handover) = self.flights.hand_over(link) else {
            return assert!(!self.model.is_known(link));
        };
        for _ in 0..most {
            assert_eq!(handover.next(), self.model.next(link), "each in its order");
            assert_eq!(handover.is_done(), self.model.is_idle(link));
        }
    }

    /// A beat, or rarely more beats than are remembered. Their tokens are not
    /// unique, neither among links nor on one.
    fn beat(&mut self, link: LinkId) {
        let count = if self.chance.one_in(40) { 20 + self.chance.below(20) } else { 1 };
        for _ in 0..count {
            self.tokens += 1;
            let token = if self.chance.one_in(2) { self.chance.below(5) as u64 } else { 5 + self.tokens };
            self.flights.beat_sent(link, Token(token));
            self.model.beat(link, Token(token));
        }
    }

    fn answer(&mut self, link: LinkId) {
        let token = match self.chance.below(4) {
            0 => None,
            1 => Some(Token(self.chance.below(6) as u64)),
            // One of the last tokens, of whatever link.
            _ => Some(Token((5 + self.tokens).saturating_sub(self.chance.below(6) as u64))),
        };
        self.flights.answered(link, token);
        self.model.answer(link, token);
    }

    fn end(&mut self, link: LinkId) {
        let ended = self.flights.end(link, &mut self.outbox);
        assert_eq!(ended, self.model.end(link).map(|(epoch, maybe_sent)| Ended { epoch, maybe_sent }));
        assert!(ended.is_none() || !self.flights.has_news(), "the end reports");
        self.links.retain(|live| *live != link);
    }

    fn close(&mut self) {
        for link in self.links.clone() {
            self.flights.put_back(link, &mut self.outbox);
            self.model.put_back(link);
        }
        assert_eq!(self.outbox.close(), self.model.close(), "what waits is handed back in order");
    }

    fn agrees(&mut self) {
        while let Some((ticket, outcome)) = self.flights.poll_settled().or_else(|| self.outbox.poll_settled())
        {
            self.model.tell(ticket, outcome);
        }
        while let Some(copy) = self.flights.poll_spare() {
            self.model.hand_out(copy);
        }
        self.model.all_told();
        assert_eq!(self.flights.take_uncopied(), self.model.uncopied(), "uncopied");
        assert_eq!(self.flights.unconfirmed(), self.model.unconfirmed(), "unconfirmed");
        for link in &self.links {
            assert_eq!(self.flights.is_idle(*link), self.model.is_idle(*link), "idle");
            let wanted = self.flights.wants_confirmation(*link);
            assert_eq!(wanted, self.model.wants_confirmation(*link), "wanted");
        }
        let (outbox, model) = (&mut self.outbox, &self.model);
        assert_eq!(outbox.is_closed(), model.is_closed(), "closed");
        assert_eq!(outbox.is_empty(), model.is_empty(), "empty");
        assert_eq!(outbox.accepted(), model.accepted(), "accepted");
        // The outbox may be told later, and knows all while there is no news.
        if self.flights.has_news() && self.chance.one_in(4) {
            return;
        }
        self.flights.report(outbox);
        assert_eq!(outbox.has_room(), model.has_room(), "room");
        assert_eq!(outbox.drained(), model.drained(), "drained");
        assert_eq!(outbox.is_settled(), model.is_settled(), "settled");
    }

    /// At the end every message has an outcome, and no room is lost.
    fn finish(mut self) {
        self.close();
        for link in self.links.clone() {
            self.end(link);
        }
        for place in std::mem::take(&mut self.places) {
            self.model.release(0);
            self.outbox.release(place);
        }
        self.agrees();
        assert!(self.model.is_over());
        let told = format!("{:?}", self.outbox);
        assert!(told.contains("held: 0, held_bytes: 0, reserved: 0, reserved_bytes: 0"), "{told}");
    }
}

/// Plays runs until they had so many steps.
fn steps(most: u64) {
    let mut played = 0;
    for seed in 0.. {
        if played >= most {
            return;
        }
        let run = std::panic::catch_unwind(|| play(seed));
        played += run.unwrap_or_else(|_| panic!("the run of seed {seed} went wrong"));
    }
}

#[test]
fn links_that_live_at_once_agree_with_plain_lists() {
    steps(200_000);
}

/// `cargo test --release --no-default-features --lib outbox -- --ignored`
#[test]
#[ignore = "ten million steps, for a release build"]
fn links_that_live_at_once_agree_with_plain_lists_for_ten_million_steps() {
    steps(10_000_000);
}
