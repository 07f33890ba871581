//! Any calls of an outbox and its flights, and the plain list that they are held
//! against.

mod model;
mod step;

use std::collections::BTreeSet;

use arbitrary::Unstructured;
use longlink::outbox::{Bounds, Confirm, Ended, Flights, Outbox, Reserved};
use longlink::transport::Attempt;
use longlink::{LinkId, Outcome, Token};

use model::Model;
use step::{Limits, Step, Which};

/// So many links live at once.
const LINKS: usize = 3;

/// Does to an outbox with three links, and to a plain list of its messages,
/// what `bytes` say, and compares the two after each step.
///
/// # Panics
///
/// Where they differ.
pub fn outbox(bytes: &[u8]) {
    play(bytes);
}

/// How many messages were accepted, and how many were given to links.
fn play(bytes: &[u8]) -> (u64, u64) {
    let mut data = Unstructured::new(bytes);
    let Ok(limits) = data.arbitrary::<Limits>() else { return (0, 0) };
    let mut play = Play::new(limits.bounds());
    while !data.is_empty() {
        let Ok(step) = data.arbitrary::<Step>() else { break };
        play.step(step);
        play.agrees();
    }
    let figures = (play.outbox.accepted(), play.model.given());
    play.finish();
    figures
}

/// The outbox and the flights under test, what their users hold of them, and
/// the model.
struct Play {
    outbox: Outbox<u32, u32>,
    flights: Flights<u32, u32>,
    /// Those that live; the last is one that does not.
    links: [LinkId; LINKS + 1],
    /// How many were ever begun.
    begun: u32,
    /// Places kept, and what each counts.
    places: Vec<(Reserved, usize)>,
    model: Model,
    tokens: u64,
    /// Copies that were made and have not come back.
    copies: BTreeSet<u32>,
}

impl Play {
    fn new(bounds: Bounds) -> Play {
        let mut play = Play {
            outbox: Outbox::new(bounds),
            flights: Flights::new(),
            links: [link(0); LINKS + 1],
            begun: 0,
            places: Vec::new(),
            model: Model::new(bounds),
            tokens: 0,
            copies: BTreeSet::new(),
        };
        (0..LINKS).for_each(|at| play.begin(at));
        play
    }

    /// A new link takes the place of one that ended.
    fn begin(&mut self, at: usize) {
        self.begun += 1;
        self.links[LINKS] = self.links[at];
        self.links[at] = link(self.begun);
        self.flights.begin(self.links[at], self.begun.into());
        self.model.begin(self.links[at]);
    }

    fn link(&self, which: Which) -> LinkId {
        self.links[usize::from(which.0) % self.links.len()]
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Reserve(size) => self.reserve(size.map(|size| size.bytes())),
            Step::Release(which) => {
                if let Some((place, size)) = self.pick(which) {
                    self.outbox.release(place);
                    self.model.release(size);
                }
            }
            Step::Push { place, size, ticket } => {
                if let Some(place) = self.pick(place) {
                    self.push(place, size.bytes(), ticket);
                }
            }
            Step::Offer { size, ticket } => {
                self.reserve(Some(size.bytes()));
                if let Some(place) = self.places.pop() {
                    self.push(place, size.bytes(), ticket);
                }
            }
            Step::Take { link, most } => {
                let link = self.link(link);
                self.flights.take(link, most.into(), &mut self.outbox);
                self.model.take(link, most.into());
            }
            Step::Write { link, most } => self.write(self.link(link), most.into()),
            Step::PutBack(link) => self.put_back(self.link(link)),
            Step::Beat(link) => {
                let link = self.link(link);
                self.tokens += 1;
                self.flights.beat_sent(link, Token(self.tokens));
                self.model.beat(link, self.tokens);
            }
            Step::Answer { link, back } => {
                let link = self.link(link);
                let token = self.tokens.saturating_sub(back.into());
                self.flights.answered(link, Some(Token(token)));
                self.model.answer(link, token);
            }
            Step::AnswerUnnamed(link) => {
                let link = self.link(link);
                self.flights.answered(link, None);
                self.model.answer_unnamed(link);
            }
            Step::Flush(link) => {
                let link = self.link(link);
                self.flights.flushed(link);
                self.model.flush(link);
            }
            Step::DeliverFlushed(link) => {
                let link = self.link(link);
                self.flights.deliver_flushed(link);
                self.model.deliver_flushed(link);
            }
            Step::DoubtFlushed(link) => {
                let link = self.link(link);
                self.flights.doubt_flushed(link);
                self.model.doubt_flushed(link);
            }
            Step::GoodbyeAnswered(link) => {
                let link = self.link(link);
                self.flights.goodbye_answered(link);
                self.model.goodbye_answered(link);
            }
            Step::LinkEnded(link) => {
                let at = usize::from(link.0) % self.links.len();
                self.link_ended(self.links[at]);
                if at < LINKS {
                    self.begin(at);
                }
            }
            Step::ForgetTickets { every, from } => {
                let unwanted = |ticket: &u32| ticket % u32::from(every.max(1)) == u32::from(from);
                let forgotten = self.outbox.forget_tickets(unwanted);
                assert_eq!(forgotten, self.model.forget_tickets(unwanted), "the tickets come back");
            }
            Step::RefuseMore => {
                self.outbox.refuse_more();
                self.model.refuse_more();
            }
            Step::Close => {
                self.links.into_iter().for_each(|link| self.put_back(link));
                assert_eq!(self.outbox.close(), self.model.close(), "what waits is handed back in order");
            }
            Step::Shrink => {
                self.outbox.shrink();
                self.flights.shrink();
            }
        }
        self.flights.report(&mut self.outbox);
        self.settle();
    }

    fn reserve(&mut self, size: Option<usize>) {
        let place = self.outbox.reserve(size);
        let counts = self.model.reserve(size);
        assert_eq!(place.is_some(), counts.is_some(), "a place is kept exactly where there is room");
        self.places.extend(place.zip(counts));
    }

    fn pick(&mut self, which: u8) -> Option<(Reserved, usize)> {
        let at = usize::from(which).checked_rem(self.places.len())?;
        Some(self.places.swap_remove(at))
    }

    fn push(&mut self, (place, counts): (Reserved, usize), size: usize, ticket: bool) {
        let message = self.model.next_message();
        let accepted = if ticket {
            let confirm = Confirm { ticket: message, copy: |message| Some(*message) };
            self.outbox.push_confirmed(place, message, size, confirm).ok()
        } else {
            self.outbox.push(place, message, size).ok()
        };
        self.model.release(counts);
        assert_eq!(accepted, self.model.push(size, ticket), "accepted under its number");
    }

    /// Gives the link the first of what departs on it.
    fn write(&mut self, link: LinkId, most: usize) {
        let Some(handover) = self.flights.hand_over(link) else { return };
        for (message, size) in handover.take(most) {
            if self.model.write(link, message, size) {
                assert!(self.copies.insert(message), "a message is given away once");
            }
        }
    }

    fn put_back(&mut self, link: LinkId) {
        self.flights.put_back(link, &mut self.outbox);
        assert!(self.flights.is_idle(link));
        self.model.put_back(link);
    }

    fn link_ended(&mut self, link: LinkId) {
        let ended = self.flights.end(link, &mut self.outbox);
        assert_eq!(
            ended.map(|Ended { maybe_sent, .. }| maybe_sent),
            self.model.link_ended(link),
            "maybe sent"
        );
    }

    fn settle(&mut self) {
        while let Some((ticket, outcome)) = self.flights.poll_settled().or_else(|| self.outbox.poll_settled())
        {
            if let Outcome::MaybeSent(copy) = outcome {
                assert!(self.copies.remove(&copy), "a copy comes back once");
            }
            self.model.settle(ticket, outcome);
        }
        while let Some(copy) = self.flights.poll_spare() {
            assert!(self.copies.remove(&copy), "a copy is spare once, and not one that came back");
        }
        assert_eq!(self.copies.len(), self.flights.unconfirmed(), "copies are kept of what is unconfirmed");
        self.model.all_settled();
    }

    /// Every figure that the outbox shows is the list's.
    fn agrees(&self) {
        let (outbox, model) = (&self.outbox, &self.model);
        assert_eq!(outbox.has_room(), model.has_room(), "room");
        assert_eq!(outbox.is_closed(), model.is_closed(), "closed");
        assert_eq!(outbox.is_empty(), model.waiting() == 0, "empty");
        assert_eq!(outbox.accepted(), model.accepted(), "accepted");
        assert_eq!(outbox.drained(), model.drained(), "drained");
        assert_eq!(outbox.is_settled(), model.is_settled(), "settled");
        assert_eq!(self.flights.unconfirmed(), model.unconfirmed(), "unconfirmed");
        for link in self.links {
            assert_eq!(self.flights.is_idle(link), model.is_idle(link), "idle");
            assert_eq!(self.flights.wants_confirmation(link), model.wants_confirmation(link), "wanted");
        }
    }

    /// In the end nothing is left without an outcome, and no room is lost.
    fn finish(mut self) {
        self.step(Step::Close);
        (0..LINKS as u8).for_each(|at| self.step(Step::LinkEnded(Which(at))));
        for (place, size) in std::mem::take(&mut self.places) {
            self.outbox.release(place);
            self.model.release(size);
        }
        self.agrees();
        assert_eq!(self.flights.unconfirmed(), 0);
        self.model.is_over();
        assert!(self.copies.is_empty(), "every copy comes back");
    }
}

fn link(number: u32) -> LinkId {
    Attempt::standalone(number, None).link_id()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_what_their_names_say() {
        let seeds = [
            (&include_bytes!("../seeds/outbox/beats_confirm")[..], (4, 4)),
            (include_bytes!("../seeds/outbox/forty_beats_under_way"), (40, 40)),
            (include_bytes!("../seeds/outbox/put_back_and_written_on_the_next_link"), (6, 6)),
            (include_bytes!("../seeds/outbox/absurd_sizes"), (3, 3)),
            (include_bytes!("../seeds/outbox/refuses_more_and_drains"), (3, 3)),
            (include_bytes!("../seeds/outbox/two_links_that_answer"), (4, 4)),
            (include_bytes!("../seeds/outbox/two_links_put_back"), (6, 6)),
        ];
        for (at, (seed, figures)) in seeds.into_iter().enumerate() {
            assert_eq!(play(seed), figures, "the seed {at}");
        }
    }
}
