//! Accepting messages, their outcomes on one link and on several, and the
//! reports of them.

mod leaving;
mod links;
mod model;
mod random;
mod settling;
mod waiting;

use super::{Bounds, Confirm, Flights, Outbox, Outcome};
use crate::{LinkId, Token};

/// An old link and a new one.
const OLD: LinkId = LinkId(1);
const NEW: LinkId = LinkId(2);

/// An outbox of numbers, and a link that takes them.
struct Bench {
    outbox: Outbox<u32, &'static str>,
    flights: Flights<u32, &'static str>,
}

impl Bench {
    /// With [`OLD`] in use, and [`NEW`] beside it.
    fn new(messages: usize, bytes: usize) -> Bench {
        let mut flights = Flights::new();
        flights.begin(OLD, 1);
        flights.begin(NEW, 2);
        Bench { outbox: Outbox::new(Bounds { messages, bytes }), flights }
    }

    /// Accepts a message of this size, with a ticket or without.
    fn push(&mut self, message: u32, size: usize, ticket: Option<&'static str>) -> u64 {
        let place = self.outbox.reserve(Some(size)).expect("there is room");
        match ticket {
            Some(ticket) => {
                self.outbox.push_confirmed(place, message, size, asks(ticket)).expect("it is open")
            }
            None => self.outbox.push(place, message, size).expect("it is open"),
        }
    }

    /// Lets `link` take the next `count` messages.
    fn give(&mut self, link: LinkId, count: usize) -> Vec<u32> {
        self.flights.take(link, count, &mut self.outbox);
        let given: Vec<u32> = self.hand_over(link, count);
        assert_eq!(given.len(), count, "so many wait");
        given
    }

    /// Gives `link` departing messages, at most `most`.
    fn hand_over(&mut self, link: LinkId, most: usize) -> Vec<u32> {
        let handover = self.flights.hand_over(link).expect("it has a flight");
        let given = handover.take(most).map(|(message, _)| message).collect();
        self.flights.report(&mut self.outbox);
        given
    }

    fn beat(&mut self, link: LinkId, token: u64) {
        self.flights.beat_sent(link, Token(token));
    }

    fn answer(&mut self, link: LinkId, token: u64) {
        self.flights.answered(link, Some(Token(token)));
        self.flights.report(&mut self.outbox);
    }

    fn answer_unnamed(&mut self, link: LinkId) {
        self.flights.answered(link, None);
        self.flights.report(&mut self.outbox);
    }

    fn flush(&mut self, link: LinkId) {
        self.flights.flushed(link);
        self.flights.report(&mut self.outbox);
    }

    fn deliver_flushed(&mut self, link: LinkId) {
        self.flights.deliver_flushed(link);
        self.flights.report(&mut self.outbox);
    }

    fn goodbye_answered(&mut self, link: LinkId) {
        self.flights.goodbye_answered(link);
        self.flights.report(&mut self.outbox);
    }

    /// How many messages are maybe sent by the link's end.
    fn end(&mut self, link: LinkId) -> u64 {
        self.flights.end(link, &mut self.outbox).expect("it has a flight").maybe_sent
    }

    fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    fn settled(&mut self) -> Vec<(&'static str, Outcome<u32>)> {
        let of_flights = std::iter::from_fn(|| self.flights.poll_settled());
        of_flights.chain(std::iter::from_fn(|| self.outbox.poll_settled())).collect()
    }

    fn spare(&mut self) -> Vec<u32> {
        let mut spare: Vec<u32> = std::iter::from_fn(|| self.flights.poll_spare()).collect();
        spare.sort_unstable();
        spare
    }
}

fn asks(ticket: &'static str) -> Confirm<u32, &'static str> {
    Confirm { ticket, copy: |message| Some(*message) }
}
