//! The messages that one link took.

use std::collections::VecDeque;

use super::outcome::{Confirm, Outcome};
use super::queue::{Queue, QueuedMessage};
use super::shrink;
use crate::{LinkId, Token};

/// The most unanswered beats of one link that are remembered. A forgotten beat
/// confirms nothing; the next answered one confirms its messages too.
const MARKS: usize = 32;

/// How many messages a link had taken at some moment. A place counts within its
/// flight: on another link it means nothing.
type Place = u64;

/// The results of all flights together that are still to be told.
pub(super) struct Settlement<M, T> {
    pub(super) settled: VecDeque<(T, Outcome<M>)>,
    /// Copies that nobody wants back.
    pub(super) spare: Vec<M>,
    /// Messages that need no room in the outbox any more.
    pub(super) freed: usize,
    /// Their sizes together.
    pub(super) freed_bytes: u64,
    /// The number of drained messages may have changed.
    pub(super) moved: bool,
    /// Messages of which no copy could be made.
    pub(super) uncopied: u32,
}

impl<M, T> Settlement<M, T> {
    fn free(&mut self, size: u32) {
        self.freed += 1;
        self.freed_bytes += u64::from(size);
    }
}

/// A message that the link took and whose outcome somebody waits for.
struct Awaited<M, T> {
    /// How many messages the link had taken before it.
    place: Place,
    size: u32,
    ticket: T,
    copy: M,
}

/// One link's messages, from the moment when they depart.
pub(super) struct Flight<M, T> {
    pub(super) link: LinkId,
    pub(super) epoch: u64,
    /// Taken from the outbox, not yet by the link.
    pub(super) departing: Queue<M, T>,
    /// How many messages the link took.
    taken: Place,
    /// How many of those it has flushed.
    flushed: Place,
    /// The lowest number of a message that the link took and did not flush.
    unflushed: Option<u64>,
    /// How many messages are known to have arrived, or were reported as maybe sent.
    known: Place,
    /// Beats under way, and the place that each was sent at.
    marks: VecDeque<(Token, Place)>,
    /// How many earlier beats were forgotten: an answer that names no beat
    /// answers one of them.
    forgotten: usize,
    /// In the order in which the link took them.
    kept: VecDeque<Awaited<M, T>>,
}

impl<M, T> Flight<M, T> {
    pub(super) fn new(link: LinkId, epoch: u64) -> Flight<M, T> {
        Flight {
            link,
            epoch,
            departing: Queue::default(),
            taken: 0,
            flushed: 0,
            unflushed: None,
            known: 0,
            marks: VecDeque::new(),
            forgotten: 0,
            kept: VecDeque::new(),
        }
    }

    /// The next message for the link, and its size.
    #[inline]
    pub(super) fn next(&mut self, settlement: &mut Settlement<M, T>) -> Option<(M, usize)> {
        loop {
            let QueuedMessage { mut message, number, size } = self.departing.pop()?;
            if let Some(confirm) = self.departing.pop_asked(number) {
                match self.keep(message, size, confirm, settlement) {
                    Some(original) => message = original,
                    None => continue,
                }
            } else {
                settlement.free(size);
            }
            self.taken += 1;
            // A message that another link put back may come after higher numbers.
            self.unflushed = Some(self.unflushed.map_or(number, |lowest| lowest.min(number)));
            return Some((message, size as usize));
        }
    }

    /// Keeps a copy of a message whose outcome somebody waits for, and returns
    /// the message. A message that cannot be copied settles as not sent instead.
    ///
    /// Cold: most messages have no ticket.
    #[cold]
    fn keep(
        &mut self,
        message: M,
        size: u32,
        confirm: Confirm<M, T>,
        settlement: &mut Settlement<M, T>,
    ) -> Option<M> {
        let Confirm { ticket, copy } = confirm;
        let Some(copy) = copy(&message) else {
            settlement.free(size);
            settlement.uncopied += 1;
            settlement.settled.push_back((ticket, Outcome::NotSent(message)));
            return None;
        };
        self.kept.push_back(Awaited { place: self.taken, size, ticket, copy });
        Some(message)
    }

    pub(super) fn beat_sent(&mut self, token: Token) {
        if self.marks.len() == MARKS {
            self.marks.pop_front();
            self.forgotten += 1;
        }
        self.marks.push_back((token, self.taken));
    }

    pub(super) fn answered(&mut self, token: Option<Token>, settlement: &mut Settlement<M, T>) {
        let at = match token {
            Some(token) => self.marks.iter().position(|(sent, _)| *sent == token),
            None if self.forgotten > 0 => {
                self.forgotten -= 1;
                return;
            }
            None => Some(0),
        };
        let Some((at, (_, place))) = at.and_then(|at| Some((at, *self.marks.get(at)?))) else { return };
        self.forgotten = 0;
        self.marks.drain(..=at);
        self.deliver_below(place, settlement);
    }

    pub(super) fn flush(&mut self, settlement: &mut Settlement<M, T>) {
        self.flushed = self.taken;
        settlement.moved |= self.unflushed.take().is_some();
    }

    pub(super) fn deliver_flushed(&mut self, settlement: &mut Settlement<M, T>) {
        self.deliver_below(self.flushed, settlement);
    }

    pub(super) fn doubt_flushed(&mut self, settlement: &mut Settlement<M, T>) {
        self.doubt_below(self.flushed, settlement);
    }

    /// Ends the flight. Returns how many messages are maybe sent by that, with and
    /// without a ticket.
    pub(super) fn end(&mut self, settlement: &mut Settlement<M, T>) -> u64 {
        let maybe_sent = self.taken - self.known;
        self.flush(settlement);
        self.doubt_below(self.taken, settlement);
        maybe_sent
    }

    /// The lowest number of a message that has not left the outbox: it departs,
    /// or is not flushed.
    pub(super) fn lowest(&self) -> Option<u64> {
        self.departing.first().into_iter().chain(self.unflushed).min()
    }

    pub(super) fn unconfirmed(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn shrink(&mut self) {
        self.departing.shrink();
        shrink(&mut self.marks);
        shrink(&mut self.kept);
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> Vec<usize> {
        let mut all = self.departing.capacities();
        all.extend([self.marks.capacity(), self.kept.capacity()]);
        all
    }

    fn deliver_below(&mut self, place: Place, settlement: &mut Settlement<M, T>) {
        self.settle_below(place, settlement, |copy, spare| {
            spare.push(copy);
            Outcome::Delivered
        });
    }

    fn doubt_below(&mut self, place: Place, settlement: &mut Settlement<M, T>) {
        self.settle_below(place, settlement, |copy, _| Outcome::MaybeSent(copy));
    }

    fn settle_below(
        &mut self,
        place: Place,
        settlement: &mut Settlement<M, T>,
        outcome: impl Fn(M, &mut Vec<M>) -> Outcome<M>,
    ) {
        self.known = self.known.max(place);
        while self.kept.front().is_some_and(|kept| kept.place < place) {
            let Some(kept) = self.kept.pop_front() else { return };
            settlement.free(kept.size);
            settlement.settled.push_back((kept.ticket, outcome(kept.copy, &mut settlement.spare)));
        }
    }
}
