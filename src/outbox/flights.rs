//! What links took: a flight for each link.

use std::collections::VecDeque;
use std::fmt;

use super::flight::{Flight, Settlement};
use super::outcome::Outcome;
use super::{KEPT, Outbox, shrink};
use crate::{LinkId, Token};

/// What links took and whose outcome is open, and what departs on them.
///
/// Each link that carries messages has a flight, from
/// [`begin`](Flights::begin) to [`end`](Flights::end); several may live at
/// once. Every method names its link, and a word of a link without a flight
/// changes nothing.
///
/// Whatever happened may free room and settle tickets: afterwards
/// [`report`](Flights::report) to the outbox, and drain
/// [`poll_settled`](Flights::poll_settled) and
/// [`poll_spare`](Flights::poll_spare), which need no lock.
pub struct Flights<M, T> {
    flights: Vec<Flight<M, T>>,
    landed: Settlement<M, T>,
}

/// How a link's flight ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "messages in doubt are to be told of"]
pub struct Ended {
    /// The link's epoch.
    pub epoch: u64,
    /// How many messages are maybe sent by its end, with a ticket or without.
    pub doubtful: u64,
}

impl<M, T> Flights<M, T> {
    /// No link yet.
    pub fn new() -> Flights<M, T> {
        Flights {
            flights: Vec::new(),
            landed: Settlement {
                settled: VecDeque::new(),
                spare: Vec::new(),
                freed: 0,
                freed_bytes: 0,
                moved: false,
                uncopied: 0,
            },
        }
    }

    /// A link is taken into use. Once for each link.
    pub fn begin(&mut self, link: LinkId, epoch: u64) {
        // Most connections have one link: an idle one shall not keep four places.
        self.flights.reserve_exact(1);
        self.flights.push(Flight::new(link, epoch));
    }

    /// Lets the first waiting messages depart on `link`, in order: so many that
    /// `most` depart in all.
    pub fn take(&mut self, link: LinkId, most: usize, outbox: &mut Outbox<M, T>) {
        if let Some(flight) = self.of(link) {
            outbox.waiting.merge(&mut flight.departing);
            outbox.waiting.move_first(most, &mut flight.departing);
        }
    }

    /// Puts what departs on `link` and was not given to it back into the
    /// outbox, each message to where its number belongs.
    pub fn put_back(&mut self, link: LinkId, outbox: &mut Outbox<M, T>) {
        if let Some(flight) = self.of(link) {
            outbox.waiting.merge(&mut flight.departing);
        }
    }

    /// Gives `link` what departs on it, message by message.
    pub fn board(&mut self, link: LinkId) -> Option<Handover<'_, M, T>> {
        let flight = self.flights.iter_mut().find(|flight| flight.link == link)?;
        Some(Handover { flight, landed: &mut self.landed })
    }

    /// Whether nothing departs on `link`.
    pub fn is_idle(&self, link: LinkId) -> bool {
        self.look(link).is_none_or(|flight| flight.departing.is_empty())
    }

    /// Whether somebody asks what becomes of a message that departs on `link`:
    /// then a beat behind it is worth its bytes. Those that the link took have
    /// theirs.
    pub fn wants_confirmation(&self, link: LinkId) -> bool {
        self.look(link).is_some_and(|flight| flight.departing.is_asked_about())
    }

    /// A beat went out on `link` after all that it took: its answer confirms
    /// those.
    pub fn beat_sent(&mut self, link: LinkId, token: Token) {
        if let Some(flight) = self.of(link) {
            flight.beat_sent(token);
        }
    }

    /// A beat of `link` was answered on it; `None` where the answer does not
    /// say which, and then it answers the oldest. Tokens need not differ from
    /// those of other links.
    pub fn answered(&mut self, link: LinkId, token: Option<Token>) {
        if let Some(Handover { flight, landed }) = self.board(link) {
            flight.answered(token, landed);
        }
    }

    /// The link handed all that it took to the system.
    pub fn flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, landed }) = self.board(link) {
            flight.flush(landed);
        }
    }

    /// On this link a finished flush confirms: all that was flushed is
    /// delivered.
    pub fn deliver_flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, landed }) = self.board(link) {
            flight.deliver_flushed(landed);
        }
    }

    /// On this link nothing confirms: all that was flushed is maybe sent.
    pub fn doubt_flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, landed }) = self.board(link) {
            flight.doubt_flushed(landed);
        }
    }

    /// The peer answered our goodbye on `link`, which came after all else:
    /// everything that the link took is delivered.
    pub fn goodbye_answered(&mut self, link: LinkId) {
        if let Some(Handover { flight, landed }) = self.board(link) {
            flight.flush(landed);
            flight.deliver_flushed(landed);
        }
    }

    /// The link is gone. What departs on it waits again, in its order; what it
    /// took and nothing has confirmed is maybe sent. Reports to the outbox.
    pub fn end(&mut self, link: LinkId, outbox: &mut Outbox<M, T>) -> Option<Ended> {
        let at = self.flights.iter().position(|flight| flight.link == link)?;
        let mut flight = self.flights.swap_remove(at);
        outbox.waiting.merge(&mut flight.departing);
        let doubtful = flight.end(&mut self.landed);
        self.report(outbox);
        Some(Ended { epoch: flight.epoch, doubtful })
    }

    /// Whether there is something to [`report`](Flights::report).
    pub fn has_news(&self) -> bool {
        self.landed.moved || self.landed.freed > 0
    }

    /// Tells the outbox what needs no room any more, and how far all has left
    /// it.
    pub fn report(&mut self, outbox: &mut Outbox<M, T>) {
        if !self.has_news() {
            return;
        }
        let lowest = self.flights.iter().filter_map(Flight::lowest).min();
        outbox.landed(self.landed.freed, self.landed.freed_bytes, lowest);
        self.landed.freed = 0;
        self.landed.freed_bytes = 0;
        self.landed.moved = false;
    }

    /// The next ticket whose message's outcome is known.
    pub fn poll_settled(&mut self) -> Option<(T, Outcome<M>)> {
        self.landed.settled.pop_front()
    }

    /// The next copy of a confirmed message that nobody wants back. To be
    /// dropped where a message's own `Drop` may do what it likes.
    pub fn poll_spare(&mut self) -> Option<M> {
        self.landed.spare.pop()
    }

    /// How many messages no link got since the last call, since they could not
    /// be copied.
    pub fn take_uncopied(&mut self) -> u64 {
        std::mem::take(&mut self.landed.uncopied).into()
    }

    /// How many messages that links took wait for their outcome.
    pub fn unconfirmed(&self) -> usize {
        self.flights.iter().map(Flight::unconfirmed).sum()
    }

    /// Frees what a burst has left allocated.
    pub fn shrink(&mut self) {
        self.flights.iter_mut().for_each(Flight::shrink);
        shrink(&mut self.landed.settled);
        if self.landed.spare.is_empty() && self.landed.spare.capacity() > KEPT {
            self.landed.spare = Vec::new();
        }
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.flights.iter().flat_map(Flight::capacities).collect();
        all.extend([self.landed.settled.capacity(), self.landed.spare.capacity()]);
        all
    }

    fn of(&mut self, link: LinkId) -> Option<&mut Flight<M, T>> {
        self.flights.iter_mut().find(|flight| flight.link == link)
    }

    fn look(&self, link: LinkId) -> Option<&Flight<M, T>> {
        self.flights.iter().find(|flight| flight.link == link)
    }
}

impl<M, T> Default for Flights<M, T> {
    fn default() -> Flights<M, T> {
        Flights::new()
    }
}

/// `Debug` shows no message.
impl<M, T> fmt::Debug for Flights<M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("links", &self.flights.len())
            .field("unconfirmed", &self.unconfirmed())
            .finish_non_exhaustive()
    }
}

/// A link that is given its messages: each with its size in bytes, in order.
/// From the moment when this hands a message out it may arrive, whatever the
/// link says: give it to the link at once.
pub struct Handover<'a, M, T> {
    flight: &'a mut Flight<M, T>,
    landed: &'a mut Settlement<M, T>,
}

impl<M, T> Handover<'_, M, T> {
    /// Whether nothing departs on the link.
    pub fn is_done(&self) -> bool {
        self.flight.departing.is_empty()
    }
}

impl<M, T> Iterator for Handover<'_, M, T> {
    type Item = (M, usize);

    fn next(&mut self) -> Option<(M, usize)> {
        self.flight.next(self.landed)
    }
}

impl<M, T> fmt::Debug for Handover<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("link", &self.flight.link).finish_non_exhaustive()
    }
}
