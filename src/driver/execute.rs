//! What the keeper wants done.

use std::sync::Arc;
use std::time::Duration;

use super::board::Finish;
use super::inbox::Change;
use super::link::MainLink;
use super::tasks::Order;
use super::{Driver, scout, tasks};
use crate::contain::{contain, drop_contained};
use crate::keeper::{self, Event, Input, LinkEnd, LinkId, Output, Purpose, RouteFacts, Token};
use crate::transport::{Attempt, Link, Transport};

impl<T: Transport> Driver<T> {
    /// Does all that the keeper wants done. Called after every word to it, so
    /// that no decision is based on one that was not carried out.
    pub(super) fn execute(&mut self) {
        while let Some(output) = self.keeper.poll_output() {
            self.touched = true;
            match output {
                Output::Open { link, purpose, route, attempt } => self.open(link, purpose, route, attempt),
                Output::Promote { link, epoch } => self.promote(link, epoch),
                Output::Beat { link, token } => self.beat(link, token),
                Output::AskAfter { link, silence } => self.ask_after(link, silence),
                Output::Migrate { link } => self.migrate(link),
                Output::AskPath { link } => self.look_at_path(link),
                Output::AskRoute { link } => self.look_at_route(link),
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
        self.tell_doubtful();
    }

    fn open(&mut self, link: LinkId, purpose: Purpose, route: usize, number: u32) {
        let attempt = Attempt::new(link, number, route, purpose, self.last_failure.clone());
        match purpose {
            Purpose::Main => self.open_main(link, attempt),
            Purpose::Scout => {
                let hook = self.hook.clone().filter(|_| self.scouts_log_in);
                let (orders, task) =
                    scout::scout(Arc::clone(&self.transport), hook, attempt, Arc::clone(&self.reports));
                self.tasks.spawn_scout(link, orders, task);
            }
        }
    }

    fn open_main(&mut self, link: LinkId, attempt: Attempt) {
        let bounds = self.inbox.bounds();
        let task = tasks::open(
            Arc::clone(&self.transport),
            self.hook.clone(),
            attempt,
            self.connected_before,
            (bounds.messages, bounds.bytes),
            Arc::clone(&self.reports),
        );
        // What comes of this attempt is no longer that one's doing.
        self.last_error = None;
        self.tasks.spawn(link, task);
    }

    /// Takes an opened link into use. What its login read and did not keep
    /// comes first in the stream.
    fn promote(&mut self, id: LinkId, epoch: u64) {
        let Some(at) = self.opened.iter().position(|(opened, _)| *opened == id) else { return };
        let (_, session) = self.opened.swap_remove(at);
        let beat = session.beat();
        let (link, kept, kept_bytes) = session.into_parts();
        let Ok(main) = contain(|| MainLink::new(id, link, beat)) else {
            self.count_panic();
            let now = self.now();
            return self.keeper.handle(Input::Ended { link: id, end: LinkEnd::Panicked }, now);
        };
        self.last_failure = None;
        self.last_error = None;
        self.connected_before = true;
        self.inbox.mark(Change { disconnected: None, connected: Some(epoch) });
        self.arrived.extend(kept);
        self.arrived_bytes = self.arrived_bytes.saturating_add(kept_bytes);
        self.flights.begin(id, epoch);
        self.main = Some(main);
    }

    fn beat(&mut self, id: LinkId, token: Token) {
        let Some(main) = self.main.as_mut().filter(|main| main.id == id) else {
            self.tasks.order(id, Order::Beat(token));
            return;
        };
        if main.broken.is_some() {
            return;
        }
        match contain(|| main.link.start_beat(token)).unwrap_or(Err(LinkEnd::Panicked)) {
            Ok(()) => {
                main.unflushed = true;
                self.flights.beat_sent(id, token);
            }
            Err(end) => main.broken = Some(end),
        }
    }

    fn ask_after(&mut self, id: LinkId, silence: Duration) {
        let Some(main) = self.main.as_mut().filter(|main| main.id == id && main.broken.is_none()) else {
            return;
        };
        match contain(|| main.link.answer_me_after(silence)).unwrap_or(Err(LinkEnd::Panicked)) {
            Ok(()) => main.unflushed = true,
            Err(end) => main.broken = Some(end),
        }
    }

    fn migrate(&mut self, id: LinkId) {
        if let Some(main) = self.main.as_mut().filter(|main| main.id == id)
            && contain(|| main.link.migrate()).is_err()
        {
            main.broken = Some(LinkEnd::Panicked);
        }
    }

    /// Tells the keeper what the system knows of the path under the link.
    fn look_at_path(&mut self, id: LinkId) {
        let Some(main) = self.main.as_mut().filter(|main| main.id == id) else { return };
        let facts = contain(|| main.link.path_facts()).unwrap_or_else(|_| {
            main.broken = Some(LinkEnd::Panicked);
            None
        });
        let now = self.now();
        self.keeper.handle(Input::Path { link: id, facts }, now);
    }

    /// Tells the keeper what the system says of the way to the link's peer.
    fn look_at_route(&mut self, id: LinkId) {
        let facts = self.route_facts(id);
        let now = self.now();
        self.keeper.handle(Input::Route { link: id, facts }, now);
    }

    fn route_facts(&mut self, id: LinkId) -> Option<RouteFacts> {
        let main = self.main.as_mut().filter(|main| main.id == id)?;
        let watch = self.network.as_mut()?;
        let Ok((local, peer)) = contain(|| (main.link.local_addr(), main.link.peer_addr())) else {
            main.broken = Some(LinkEnd::Panicked);
            return None;
        };
        contain(|| watch.route(local?, peer)).unwrap_or_else(|_| {
            self.lose_network();
            None
        })
    }

    /// Moves the link to a task that says goodbye. Its end is reported.
    fn retire(&mut self, id: LinkId) {
        let Some(main) = self.main.take_if(|main| main.id == id) else {
            self.tasks.order(id, Order::Retire);
            return;
        };
        self.at_desk(|state, flights| flights.put_back(id, &mut state.outbox));
        self.retiring = Some(id);
        let task = tasks::retire(id, main.link, Arc::clone(&self.reports));
        self.tasks.spawn(id, task);
    }

    /// Drops the link, or the attempt to open it, at once.
    fn abandon(&mut self, id: LinkId) {
        self.tasks.abandon(id);
        if self.main.as_ref().is_some_and(|main| main.id == id) {
            self.drop_main();
        }
        if self.retiring.take_if(|link| *link == id).is_some() {
            self.deliver_what_was_read(id);
            self.settle_link(id, false);
        }
        if let Some(at) = self.opened.iter().position(|(opened, _)| *opened == id) {
            drop_contained(self.opened.swap_remove(at));
        }
    }

    fn emit(&mut self, event: &Event) {
        if let Event::AttemptFailed { failure, .. } = event {
            self.last_failure = Some(failure.clone());
        }
        self.tell(event);
    }

    pub(super) fn finish_as(&mut self, finish: keeper::Finish) {
        let finish = match finish {
            keeper::Finish::Closed => Finish::Closed,
            keeper::Finish::GaveUp(reason) => Finish::GaveUp { reason, source: self.last_error.take() },
        };
        self.finish(finish);
    }
}
