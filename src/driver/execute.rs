//! The keeper's outputs, carried out.

use std::task::{Context, Waker};
use std::time::Duration;

use super::Driver;
use super::goodbye::Goodbye;
use super::link::Duty;
use super::status::DriverEnd;
use crate::contain::contain;
use crate::keeper::{self, Input, Output, RouteFacts};
use crate::transport::{Link, Transport};
use crate::{Event, LinkId, Token};

impl<T: Transport> Driver<T> {
    /// Carries out every output of the keeper. Called after every input, so
    /// that no decision rests on an output that was not carried out.
    pub(super) fn execute(&mut self) {
        while let Some(output) = self.keeper.poll_output() {
            self.touched = true;
            match output {
                Output::Open { link, purpose, route, attempt } => self.open(link, purpose, route, attempt),
                Output::Promote { link, epoch } => self.promote(link, epoch),
                Output::Beat { link, token } => self.beat(link, token),
                Output::AskAfter { link, silence } => self.ask_after(link, silence),
                Output::Migrate { link } => self.migrate(link),
                Output::AskPath { link } => self.report_path_facts(link),
                Output::AskRoute { link } => self.report_route(link),
                Output::Retire { link } => self.retire(link),
                Output::Abandon { link } => self.abandon(link),
                Output::Recall { network, route } => self.recall(network, route),
                Output::Remember { network, route, learned } => {
                    self.remember(network.as_deref(), route, learned);
                }
                Output::Emit(event) => self.emit(&event),
                Output::Finish(finish) => self.finish_as(finish),
            }
        }
        self.tell_maybe_sent();
    }

    /// Takes an opened link into use. Messages that its login read and did not
    /// keep come first.
    fn promote(&mut self, link: LinkId, epoch: u64) {
        let Some(kept) = self.links.take_into_use(link) else { return };
        self.last_failure = None;
        self.last_error = None;
        self.connected_before = true;
        self.flights.begin(link, epoch);
        self.sequence.join(link, epoch, kept);
        self.advance_stream();
        self.again = true;
    }

    fn beat(&mut self, link: LinkId, token: Token) {
        if self.links.get_mut(link).is_some_and(|live| live.beat(token)) {
            self.flights.beat_sent(link, token);
        }
    }

    fn ask_after(&mut self, link: LinkId, silence: Duration) {
        if let Some(live) = self.links.get_mut(link) {
            live.ask_after(silence);
        }
    }

    fn migrate(&mut self, link: LinkId) {
        if let Some(live) = self.links.get_mut(link) {
            live.ask(|link| link.migrate());
        }
    }

    /// Tells the keeper what the system knows of the path under the link.
    fn report_path_facts(&mut self, link: LinkId) {
        let Some(live) = self.links.get_mut(link) else { return };
        let facts = live.path_facts();
        let now = self.now();
        self.keeper.handle(Input::Path { link, facts }, now);
    }

    /// Tells the keeper which way the system would take to the link's peer.
    fn report_route(&mut self, link: LinkId) {
        let facts = self.route_facts(link);
        let now = self.now();
        self.keeper.handle(Input::Route { link, facts }, now);
    }

    fn route_facts(&mut self, link: LinkId) -> Option<RouteFacts> {
        let live = self.links.get_mut(link)?;
        let watch = self.network.as_mut()?;
        let (local, peer) = live.ask(|link| (link.local_addr(), link.peer_addr()))?;
        contain(|| watch.route(local?, peer)).unwrap_or_else(|_| {
            self.lose_network();
            None
        })
    }

    /// Begins the goodbye of a link, which is said once the received bytes were read.
    fn retire(&mut self, link: LinkId) {
        let Some(live) = self.links.get_mut(link) else { return };
        let was_in_use = matches!(live.duty, Duty::InUse { .. });
        live.duty = Duty::Draining { goodbye: Goodbye::WANTED, all_read: false };
        if was_in_use {
            // Messages that the link has not taken go over the next one.
            self.with_outbox(|state, flights| flights.put_back(link, &mut state.outbox));
        }
        self.again = true;
    }

    /// Drops the link, or the attempt to open it, at once.
    fn abandon(&mut self, link: LinkId) {
        self.openings.abandon(link);
        if self.links.get(link).is_some_and(|live| live.is_draining() && live.carries()) {
            // Bytes that have come in by now are still read. Nobody waits for a waker.
            self.read_last_words(link, &mut Context::from_waker(Waker::noop()));
            self.again = true;
        }
        self.drop_link(link);
    }

    fn emit(&mut self, event: &Event) {
        if let Event::AttemptFailed { failure, .. } = event {
            self.last_failure = Some(failure.clone());
        }
        if matches!(event, Event::Closed | Event::GaveUp { .. }) {
            // The final event comes after these.
            self.tell_maybe_sent();
        }
        self.tell(event);
    }

    pub(super) fn finish_as(&mut self, finish: keeper::Finish) {
        let finish = match finish {
            keeper::Finish::Closed => DriverEnd::Closed,
            keeper::Finish::GaveUp(reason) => DriverEnd::GaveUp { reason, source: self.last_error.take() },
        };
        self.finish(finish);
    }
}
