//! What is done to an outbox, and the list that it is held against.

mod model;
mod step;

use std::collections::{BTreeSet, VecDeque};

use arbitrary::Unstructured;
use longlink::keeper::Token;
use longlink::outbox::{Bounds, Confirm, Outbox, Outcome, Parcel, Reserved};

use model::Model;
use step::{Limits, Step};

/// Does to an outbox and to a plain list of its messages what `bytes` say, and
/// compares the two after each step.
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
    let figures = (play.outbox.accepted(), play.outbox.given());
    play.finish();
    figures
}

/// The outbox under test, what its driver and its users hold of it, and the
/// model.
struct Play {
    outbox: Outbox<u32, u32>,
    /// Taken and not yet given to a link.
    batch: VecDeque<Parcel<u32>>,
    /// Places kept, and what each counts.
    places: Vec<(Reserved, usize)>,
    model: Model,
    tokens: u64,
    /// Copies that came with a ticket and have not come back.
    copies: BTreeSet<u32>,
}

impl Play {
    fn new(bounds: Bounds) -> Play {
        Play {
            outbox: Outbox::new(bounds),
            batch: VecDeque::new(),
            places: Vec::new(),
            model: Model::new(bounds),
            tokens: 0,
            copies: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Reserve(weight) => self.reserve(weight.map(|weight| weight.bytes())),
            Step::Release(which) => {
                if let Some((place, weight)) = self.pick(which) {
                    self.outbox.release(place);
                    self.model.release(weight);
                }
            }
            Step::Push { place, weight, ticket } => {
                if let Some(place) = self.pick(place) {
                    self.push(place, weight.bytes(), ticket);
                }
            }
            Step::Offer { weight, ticket } => {
                self.reserve(Some(weight.bytes()));
                if let Some(place) = self.places.pop() {
                    self.push(place, weight.bytes(), ticket);
                }
            }
            Step::Take(most) => {
                let count = self.outbox.take(most.into(), &mut self.batch);
                assert_eq!(count, self.model.take(most.into()), "as many as there are");
            }
            Step::Write(most) => self.write(most.into()),
            Step::PutBack => self.put_back(),
            Step::Beat => {
                self.tokens += 1;
                self.outbox.beat_sent(Token(self.tokens), self.outbox.given());
                self.model.beat(self.tokens);
            }
            Step::Answer(back) => {
                let token = self.tokens.saturating_sub(back.into());
                self.outbox.answered(Some(Token(token)));
                self.model.answer(token);
            }
            Step::AnswerUnnamed => {
                self.outbox.answered(None);
                self.model.answer_unnamed();
            }
            Step::Flush => {
                self.outbox.flushed();
                self.model.flush();
            }
            Step::DeliverFlushed => {
                self.outbox.deliver_flushed();
                self.model.deliver_flushed();
            }
            Step::DoubtFlushed => {
                self.outbox.doubt_flushed();
                self.model.doubt_flushed();
            }
            Step::GoodbyeAnswered => {
                self.outbox.goodbye_answered();
                self.model.goodbye_answered();
            }
            Step::LinkEnded => {
                self.put_back();
                self.link_ended();
            }
            Step::ForgetTickets { every, from } => {
                let unwanted = |ticket: &u32| ticket % u32::from(every.max(1)) == u32::from(from);
                self.outbox.forget_tickets(unwanted);
                self.model.forget_tickets(unwanted);
            }
            Step::RefuseMore => {
                self.outbox.refuse_more();
                self.model.refuse_more();
            }
            Step::Close => {
                self.put_back();
                assert_eq!(self.outbox.close(), self.model.close(), "what waits is handed back in order");
            }
            Step::Shrink => self.outbox.shrink(),
        }
        self.settle();
    }

    fn reserve(&mut self, weight: Option<usize>) {
        let place = self.outbox.reserve(weight);
        let counts = self.model.reserve(weight);
        assert_eq!(place.is_some(), counts.is_some(), "a place is kept exactly where there is room");
        self.places.extend(place.zip(counts));
    }

    fn pick(&mut self, which: u8) -> Option<(Reserved, usize)> {
        let at = usize::from(which).checked_rem(self.places.len())?;
        Some(self.places.swap_remove(at))
    }

    fn push(&mut self, (place, counts): (Reserved, usize), weight: usize, ticket: bool) {
        let message = self.model.next_message();
        let confirm = ticket.then_some(Confirm { ticket: message, copy: message });
        let accepted = self.outbox.push(place, message, weight, confirm).ok();
        self.model.release(counts);
        assert_eq!(accepted, self.model.push(weight, ticket), "accepted under its number");
        if ticket {
            self.copies.insert(message);
        }
    }

    /// Gives the first of the taken messages to a link.
    fn write(&mut self, most: usize) {
        let mut weight = 0;
        let mut given = Vec::new();
        for parcel in self.batch.drain(..most.min(self.batch.len())) {
            weight += parcel.weight();
            given.push(parcel.into_message());
        }
        self.outbox.written(given.len(), weight);
        self.model.write(&given, weight);
    }

    fn put_back(&mut self) {
        self.outbox.put_back(&mut self.batch);
        assert!(self.batch.is_empty());
        self.model.put_back();
    }

    fn link_ended(&mut self) {
        assert_eq!(self.outbox.link_ended(), self.model.link_ended(), "so many are maybe sent");
    }

    fn settle(&mut self) {
        while let Some((ticket, outcome)) = self.outbox.poll_settled() {
            if let Outcome::MaybeSent(copy) = outcome {
                assert!(self.copies.remove(&copy), "a copy comes back once");
            }
            self.model.settle(ticket, outcome);
        }
        while let Some(copy) = self.outbox.poll_spare() {
            assert!(self.copies.remove(&copy), "a copy is spare once, and not one that came back");
        }
        assert!(self.copies.len() >= self.outbox.unconfirmed(), "no copy of what is unconfirmed is spare");
        self.model.all_settled();
    }

    /// Every figure that the outbox shows is the list's.
    fn agrees(&self) {
        let (outbox, model) = (&self.outbox, &self.model);
        assert_eq!(outbox.has_room(), model.has_room(), "room");
        assert_eq!(outbox.is_closed(), model.is_closed(), "closed");
        assert_eq!(outbox.is_empty(), model.waiting() == 0, "empty");
        assert_eq!(outbox.accepted(), model.accepted(), "accepted");
        assert_eq!(outbox.given(), model.given(), "given");
        assert_eq!(outbox.drained(), model.drained(), "drained");
        assert_eq!(outbox.unconfirmed(), model.unconfirmed(), "unconfirmed");
        for below in [0, model.drained(), model.given(), model.accepted()] {
            assert_eq!(
                outbox.wants_confirmation(below),
                model.wants_confirmation(below),
                "wanted below {below}"
            );
        }
        model.adds_up();
    }

    /// In the end nothing is left without an outcome, and no room is lost.
    fn finish(mut self) {
        self.step(Step::Close);
        self.step(Step::LinkEnded);
        for (place, weight) in std::mem::take(&mut self.places) {
            self.outbox.release(place);
            self.model.release(weight);
        }
        self.agrees();
        assert_eq!(self.outbox.drained(), self.outbox.given());
        assert_eq!(self.outbox.unconfirmed(), 0);
        assert!(!self.outbox.wants_confirmation(u64::MAX));
        self.model.is_over();
        assert!(self.copies.is_empty(), "every copy comes back");
    }
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
            (include_bytes!("../seeds/outbox/absurd_weights"), (3, 3)),
            (include_bytes!("../seeds/outbox/refuses_more_and_drains"), (3, 3)),
        ];
        for (at, (seed, figures)) in seeds.into_iter().enumerate() {
            assert_eq!(play(seed), figures, "the seed {at}");
        }
    }
}
