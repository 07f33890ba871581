//! The messages that links took: a flight for each link.

use std::collections::VecDeque;
use std::fmt;

use super::flight::{Flight, Settlement};
use super::outcome::Outcome;
use super::{KEPT, Outbox, shrink};
use crate::{LinkId, Token};

/// The messages that depart on links, and the messages that links took whose
/// outcome is open.
///
/// Each link that carries messages has a flight, from
/// [`begin`](Flights::begin) to [`end`](Flights::end); several may live at
/// once. Every method names its link; a call for a link without a flight
/// changes nothing.
///
/// Each call may free room and settle tickets: afterwards
/// [`report`](Flights::report) to the outbox, and drain
/// [`poll_settled`](Flights::poll_settled) and
/// [`poll_spare`](Flights::poll_spare), which need no lock.
pub struct Flights<M, T> {
    flights: Vec<Flight<M, T>>,
    settlement: Settlement<M, T>,
}

/// How a link's flight ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "messages in doubt are to be told of"]
pub struct Ended {
    /// The link's epoch.
    pub epoch: u64,
    /// How many messages are maybe sent by its end, with a ticket or without.
    pub maybe_sent: u64,
}

impl<M, T> Flights<M, T> {
    /// No link yet.
    pub fn new() -> Flights<M, T> {
        Flights {
            flights: Vec::new(),
            settlement: Settlement {
                settled: VecDeque::new(),
                spare: Vec::new(),
                freed: 0,
                freed_bytes: 0,
                moved: false,
                uncopied: 0,
            },
        }
    }

    /// Begins the flight of a link that is taken into use. Once for each link.
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

    /// Puts the messages that depart on `link` and were not given to it back into the
    /// outbox, each to its place by number.
    pub fn put_back(&mut self, link: LinkId, outbox: &mut Outbox<M, T>) {
        if let Some(flight) = self.of(link) {
            outbox.waiting.merge(&mut flight.departing);
        }
    }

    /// Hands `link` the messages that depart on it, one by one.
    pub fn hand_over(&mut self, link: LinkId) -> Option<Handover<'_, M, T>> {
        let flight = self.flights.iter_mut().find(|flight| flight.link == link)?;
        Some(Handover { flight, settlement: &mut self.settlement })
    }

    /// Whether no message departs on `link`.
    pub fn is_idle(&self, link: LinkId) -> bool {
        self.look(link).is_none_or(|flight| flight.departing.is_empty())
    }

    /// Whether a message with a ticket departs on `link`: then a beat behind it is
    /// worth its bytes. Messages that the link took before have had their beat.
    pub fn wants_confirmation(&self, link: LinkId) -> bool {
        self.look(link).is_some_and(|flight| flight.departing.is_asked_about())
    }

    /// A beat went out on `link` behind every message that the link took: its answer
    /// confirms them.
    pub fn beat_sent(&mut self, link: LinkId, token: Token) {
        if let Some(flight) = self.of(link) {
            flight.beat_sent(token);
        }
    }

    /// A beat of `link` was answered on it. `None` where the answer names no beat:
    /// then it answers the oldest. Tokens may be those of beats on other
    /// links.
    pub fn answered(&mut self, link: LinkId, token: Option<Token>) {
        if let Some(Handover { flight, settlement }) = self.hand_over(link) {
            flight.answered(token, settlement);
        }
    }

    /// The link handed every message that it took to the system.
    pub fn flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, settlement }) = self.hand_over(link) {
            flight.flush(settlement);
        }
    }

    /// On this link a finished flush confirms: all flushed messages are
    /// delivered.
    pub fn deliver_flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, settlement }) = self.hand_over(link) {
            flight.deliver_flushed(settlement);
        }
    }

    /// On this link nothing confirms: all flushed messages are maybe sent.
    pub fn doubt_flushed(&mut self, link: LinkId) {
        if let Some(Handover { flight, settlement }) = self.hand_over(link) {
            flight.doubt_flushed(settlement);
        }
    }

    /// The peer answered our goodbye on `link`, which came behind all messages:
    /// each message that the link took is delivered.
    pub fn goodbye_answered(&mut self, link: LinkId) {
        if let Some(Handover { flight, settlement }) = self.hand_over(link) {
            flight.flush(settlement);
            flight.deliver_flushed(settlement);
        }
    }

    /// The link is gone. Departing messages wait again, in order; messages that the
    /// link took without a confirmation are maybe sent. Reports to the outbox.
    pub fn end(&mut self, link: LinkId, outbox: &mut Outbox<M, T>) -> Option<Ended> {
        let at = self.flights.iter().position(|flight| flight.link == link)?;
        let mut flight = self.flights.swap_remove(at);
        outbox.waiting.merge(&mut flight.departing);
        let maybe_sent = flight.end(&mut self.settlement);
        self.report(outbox);
        Some(Ended { epoch: flight.epoch, maybe_sent })
    }

    /// Whether there is something to [`report`](Flights::report).
    pub fn has_news(&self) -> bool {
        self.settlement.moved || self.settlement.freed > 0
    }

    /// Tells the outbox which messages need no room any more, and how many have
    /// left.
    pub fn report(&mut self, outbox: &mut Outbox<M, T>) {
        if !self.has_news() {
            return;
        }
        let lowest = self.flights.iter().filter_map(Flight::lowest).min();
        outbox.settle(self.settlement.freed, self.settlement.freed_bytes, lowest);
        self.settlement.freed = 0;
        self.settlement.freed_bytes = 0;
        self.settlement.moved = false;
    }

    /// The next ticket whose message's outcome is known.
    pub fn poll_settled(&mut self) -> Option<(T, Outcome<M>)> {
        self.settlement.settled.pop_front()
    }

    /// The next copy of a confirmed message that nobody wants back. The caller drops
    /// it, since a message's `Drop` may run any code.
    pub fn poll_spare(&mut self) -> Option<M> {
        self.settlement.spare.pop()
    }

    /// How many messages no link got since the last call, since they could not
    /// be copied.
    pub fn take_uncopied(&mut self) -> u64 {
        std::mem::take(&mut self.settlement.uncopied).into()
    }

    /// How many messages that links took wait for their outcome.
    pub fn unconfirmed(&self) -> usize {
        self.flights.iter().map(Flight::unconfirmed).sum()
    }

    /// Frees buffers that a burst has left allocated.
    pub fn shrink(&mut self) {
        self.flights.iter_mut().for_each(Flight::shrink);
        shrink(&mut self.settlement.settled);
        if self.settlement.spare.is_empty() && self.settlement.spare.capacity() > KEPT {
            self.settlement.spare = Vec::new();
        }
    }

    #[cfg(test)]
    pub(super) fn capacities(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.flights.iter().flat_map(Flight::capacities).collect();
        all.extend([self.settlement.settled.capacity(), self.settlement.spare.capacity()]);
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

/// Hands a link its messages, each with its size in bytes, in order.
/// From the moment when a message is handed out it may arrive, whatever the
/// link says: give it to the link at once.
pub struct Handover<'a, M, T> {
    flight: &'a mut Flight<M, T>,
    settlement: &'a mut Settlement<M, T>,
}

impl<M, T> Handover<'_, M, T> {
    /// Whether no message departs on the link.
    pub fn is_done(&self) -> bool {
        self.flight.departing.is_empty()
    }
}

impl<M, T> Iterator for Handover<'_, M, T> {
    type Item = (M, usize);

    fn next(&mut self) -> Option<(M, usize)> {
        self.flight.next(self.settlement)
    }
}

impl<M, T> fmt::Debug for Handover<'_, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handover").field("link", &self.flight.link).finish_non_exhaustive()
    }
}
